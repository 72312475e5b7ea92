"""The settings of a function, from its environment variables (set by .chalice/ or by `local`)."""

import os
from functools import cache

from chalicelib.values import frozen


@frozen
class Settings:
    """The settings of one deployed stage.

    `livemode` is the Stripe mode that the stage accepts, `sends_webhooks` whether it delivers
    events to endpoints. If set, `stripe_api_base` replaces the address of Stripe's API, `base_url`
    the one in billing.toml, and `captcha_base` the address of the CAPTCHA service, and
    `delivery_seconds` the 20 seconds that a delivery to an endpoint may take. `export_bucket` is
    where nightly exports go; None if there are none. `stack` is the dimension of the metrics,
    `functions` has `logical id=name` of each function but the one that watches them, separated by
    commas.
    """

    stage: str
    livemode: bool
    table_name: str
    events_queue_url: str
    dead_letters_queue_url: str
    act_queue_url: str
    mail_queue_url: str
    deliveries_queue_url: str
    sends_webhooks: bool
    configuration_set: str | None
    parameters_path: str
    stripe_api_base: str | None
    base_url: str | None
    captcha_base: str | None
    stack: str
    functions: str
    delivery_seconds: str | None
    stripe_event_source: str
    export_bucket: str | None


@cache
def settings() -> Settings:
    """The settings, read once. Raises KeyError with the name of a missing variable."""
    return Settings(
        stage=os.environ["STAGE"],
        livemode=os.environ["LIVEMODE"] == "true",
        table_name=os.environ["TABLE_NAME"],
        events_queue_url=os.environ["EVENTS_QUEUE_URL"],
        dead_letters_queue_url=os.environ["DEAD_LETTERS_QUEUE_URL"],
        act_queue_url=os.environ["ACT_QUEUE_URL"],
        mail_queue_url=os.environ["MAIL_QUEUE_URL"],
        deliveries_queue_url=os.environ["DELIVERIES_QUEUE_URL"],
        sends_webhooks=os.environ["WEBHOOKS"] == "true",
        configuration_set=os.environ.get("CONFIGURATION_SET") or None,
        parameters_path=os.environ["PARAMETERS_PATH"],
        stripe_api_base=os.environ.get("STRIPE_API_BASE") or None,
        base_url=os.environ.get("BASE_URL") or None,
        captcha_base=os.environ.get("CAPTCHA_BASE") or None,
        stack=os.environ.get("POWERTOOLS_SERVICE_NAME") or "billhook",
        functions=os.environ.get("FUNCTIONS", ""),
        delivery_seconds=os.environ.get("DELIVERY_SECONDS") or None,
        stripe_event_source=os.environ.get("STRIPE_EVENT_SOURCE", ""),
        export_bucket=os.environ.get("EXPORT_BUCKET") or None,
    )
