"""The environment of the functions, in the process of the local system."""

import os

from local.aws.resources import Resources
from local.aws.template import REGION


def set_environment(endpoint: str, resources: Resources, stripe_base: str, base: str) -> None:
    """Turn this process into the functions' environment: every AWS client of it goes to the
    emulator, whatever the machine's own settings say.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    own_hosts = "127.0.0.1,localhost"
    os.environ |= resources.environment() | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "STAGE": "local",
        "LIVEMODE": "false",
        "WEBHOOKS": "true",
        "EXPORT_BUCKET": _export_bucket(resources),
        "STRIPE_API_BASE": stripe_base,
        "BASE_URL": base,
        "POWERTOOLS_SERVICE_NAME": "billhook",
        "POWERTOOLS_METRICS_NAMESPACE": "Billhook",
        "POWERTOOLS_METRICS_DISABLED": "true",
        "POWERTOOLS_TRACE_DISABLED": "1",
        "LOG_LEVEL": "WARNING",
        "NO_PROXY": own_hosts,
        "no_proxy": own_hosts,
    }


def _export_bucket(resources: Resources) -> str:
    """Where nightly exports go; empty unless they are asked for, since each moved day makes one."""
    wanted = os.environ.get("NIGHTLY_EXPORT") == "true"
    return resources.made["ExportBucket"].ref if wanted else ""
