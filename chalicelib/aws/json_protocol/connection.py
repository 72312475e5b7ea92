"""Where a service is, as whom to call it, and the connections to it: found as boto3 finds them."""

import os
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import urllib3
from botocore import exceptions
from botocore.credentials import EnvProvider
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies
from urllib3 import exceptions as urllib3_exceptions
from urllib3.util.ssl_ import create_urllib3_context

from chalicelib.values import frozen

if TYPE_CHECKING:
    from ssl import SSLContext

    from botocore.credentials import Credentials
    from botocore.session import Session

DNS_SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "eu-isoe-": "cloud.adc-e.uk",
    "us-isof-": "csp.hci.ic.gov",
}
"""The domain of AWS's partitions, by the beginning of their regions' names; all other regions are
in amazonaws.com."""

CONNECT_SECONDS, READ_SECONDS = 2, 5
CONNECTIONS_KEPT = 10
"""As many as boto3 keeps. More threads than that open connections of their own for a call."""

FAILURES: tuple[tuple[type[Exception], type[exceptions.BotoCoreError]], ...] = (
    (urllib3_exceptions.SSLError, exceptions.SSLError),
    (urllib3_exceptions.NewConnectionError, exceptions.EndpointConnectionError),
    (urllib3_exceptions.ConnectTimeoutError, exceptions.ConnectTimeoutError),
    (urllib3_exceptions.ReadTimeoutError, exceptions.ReadTimeoutError),
    (urllib3_exceptions.ProtocolError, exceptions.ConnectionClosedError),
    (urllib3_exceptions.HTTPError, exceptions.HTTPClientError),
)
"""What boto3 raises for each failure of a connection. The first row that fits counts."""


@frozen
class ServiceSettings:
    """How to call a service: `endpoint` is the regional one or what AWS_ENDPOINT_URL puts in its
    place, `certificates` the file of those that are trusted, `read_seconds` how long an answer may
    take.
    """

    endpoint: str
    region: str
    credentials: "Credentials | None"
    certificates: str
    read_seconds: float = READ_SECONDS


def settings_of(service: str, endpoint: str | None = None) -> ServiceSettings:
    """What boto3 would use for a service, by its name in addresses and signatures. Raises
    NoRegionError. Not for FIPS, dual-stack and account-based endpoints.

    A function on Lambda has all of it in its environment, and so has the local system. Elsewhere
    botocore's session reads the files of the user, which takes much longer to import.
    """
    environment = _FromEnvironment() if _is_enough(os.environ) else _FromSession()
    region = environment.region
    if not region:
        raise exceptions.NoRegionError()
    trusted: Any = environment.certificates or os.environ.get("REQUESTS_CA_BUNDLE") or True
    return ServiceSettings(
        endpoint or environment.endpoint(service) or regional_endpoint(service, region),
        region,
        environment.credentials,
        str(get_cert_path(trusted)),
        READ_SECONDS,
    )


def regional_endpoint(service: str, region: str) -> str:
    """The address of a service in a region."""
    suffixes = (suffix for prefix, suffix in DNS_SUFFIXES.items() if region.startswith(prefix))
    return f"https://{service}.{region}.{next(suffixes, 'amazonaws.com')}"


def connections(settings: ServiceSettings) -> urllib3.HTTPConnectionPool:
    """A pool of connections that all threads share. It honours HTTPS_PROXY and NO_PROXY; plain
    HTTP, as emulators speak it, goes without a proxy.
    """
    options: dict[str, Any] = {
        "maxsize": CONNECTIONS_KEPT,
        "timeout": urllib3.Timeout(connect=CONNECT_SECONDS, read=settings.read_seconds),
    }
    if not settings.endpoint.startswith("https:"):
        return urllib3.PoolManager(**options).connection_from_url(settings.endpoint)
    options["ssl_context"] = _trusting(settings.certificates)
    proxy = get_environ_proxies(settings.endpoint).get("https")
    pools = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
    return pools.connection_from_url(settings.endpoint)


@cache
def _trusting(certificates: str) -> "SSLContext":
    """What all clients connect with. The file is read once in a process: urllib3 would read it
    for each connection, and each client took 20 ms of a function's start for it.
    """
    context = create_urllib3_context()
    context.load_verify_locations(certificates)
    return context


def translated(error: Exception, endpoint: str) -> exceptions.BotoCoreError:
    """The error that boto3 raises for one of urllib3's."""
    kind = next(ours for theirs, ours in FAILURES if isinstance(error, theirs))
    return kind(endpoint_url=endpoint, error=error)


def path_of(endpoint: str) -> str:
    """The path that calls are posted to."""
    return urlsplit(endpoint).path or "/"


def _is_enough(variables: "os._Environ[str]") -> bool:
    """Whether the environment has everything, and the user has no file that could add to it."""
    config = variables.get("AWS_CONFIG_FILE") or os.path.expanduser("~/.aws/config")
    return (
        {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"} <= variables.keys()
        and "AWS_PROFILE" not in variables
        and not os.path.isfile(config)
    )


class _FromEnvironment:
    region = property(lambda _: os.environ["AWS_DEFAULT_REGION"])
    certificates = property(lambda _: os.environ.get("AWS_CA_BUNDLE"))
    credentials = property(lambda _: EnvProvider().load())

    def endpoint(self, service: str) -> str | None:
        return _endpoint_in_environment(service)


class _FromSession:
    @cached_property
    def _session(self) -> "Session":
        from botocore.session import Session

        return Session()

    @property
    def region(self) -> Any:
        return self._session.get_config_variable("region")

    @property
    def certificates(self) -> Any:
        return self._session.get_config_variable("ca_bundle")

    @property
    def credentials(self) -> Any:
        return self._session.get_credentials()

    def endpoint(self, service: str) -> str | None:
        if self._session.get_config_variable("ignore_configured_endpoint_urls"):
            return None
        profile = self._session.get_scoped_config()
        services = self._session.full_config.get("services", {})
        own = services.get(profile.get("services"), {}).get(service, {})
        return (
            _endpoint_in_environment(service)
            or own.get("endpoint_url")
            or profile.get("endpoint_url")
        )


def _endpoint_in_environment(service: str) -> str | None:
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    return os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ.get(
        "AWS_ENDPOINT_URL"
    )
