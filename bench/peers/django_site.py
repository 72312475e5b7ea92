"""A Django site with dj-stripe and nothing else: settings, routes, and the WSGI
application.

It runs in dj-stripe's own environment, so it imports nothing of Billhook. `python -m
bench.peers.django_site` makes the tables, and the endpoint that the webhooks are sent to.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

SECRET_KEY = "bench"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "bench.peers.django_site"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "djstripe"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ.get("PGHOST", ""),
        "NAME": "djstripe",
        "USER": "postgres",
        "CONN_MAX_AGE": None,
    }
}
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING_CONFIG = None
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
STRIPE_LIVE_MODE = False
STRIPE_TEST_SECRET_KEY = "sk_test_" + "0" * 24  # no key, but of its form
STRIPE_API_HOST = os.environ.get("STRIPE_API_BASE")
ENDPOINT = "5c0c6d1e-0000-4000-8000-000000000001"

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.peers.django_site")


def __getattr__(name: str) -> object:
    """The routes and the application are made on demand: Django reads the settings first."""
    if name == "urlpatterns":
        from django.urls import include, path

        return [path("stripe/", include("djstripe.urls", namespace="djstripe"))]
    if name == "application":
        from django.core.wsgi import get_wsgi_application

        return get_wsgi_application()
    raise AttributeError(name)


def main() -> None:
    """Make the tables and the endpoint."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from djstripe.models import WebhookEndpoint

    WebhookEndpoint.objects.create(
        id="we_bench",
        livemode=False,
        secret=os.environ["STRIPE_WEBHOOK_SECRET"],
        url="https://bench.example/stripe",
        status="enabled",
        enabled_events=["*"],
        djstripe_uuid=ENDPOINT,
    )


if __name__ == "__main__":
    main()
