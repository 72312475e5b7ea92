"""Endpoint, region, credentials and certificates are found where boto3 finds them."""

import ipaddress
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions
from botocore.session import Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from chalicelib.aws.json_protocol.connection import (
    connections,
    regional_endpoint,
    settings_of,
)
from chalicelib.aws.json_protocol.dynamodb import DynamoDb
from tests.adapters.aws.json_protocol.conftest import Server

CONFIG = """
[default]
region = sa-east-1
endpoint_url = http://of-the-profile:1

[profile other]
region = ap-south-1
services = mine
ca_bundle = /other/ca.pem

[services mine]
dynamodb =
    endpoint_url = http://of-the-service:2
"""
CREDENTIALS = """
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = secret

[other]
aws_access_key_id = AKIAOTHER
aws_secret_access_key = secret
"""


@pytest.mark.filterwarnings("ignore:Fetching the endpoint_resolver:DeprecationWarning")
@pytest.mark.parametrize("service", ["dynamodb", "sqs"])
def test_every_region_has_the_endpoint_that_botocore_knows(service: str) -> None:
    session = Session()
    resolver = session.get_component("endpoint_resolver")
    regions = {
        region: resolver.construct_endpoint(service, region, partition)["hostname"]
        for partition in session.get_available_partitions()
        for region in session.get_available_regions(service, partition)
    }
    assert len(regions) > 30
    assert {region: regional_endpoint(service, region) for region in regions} == {
        region: f"https://{host}" for region, host in regions.items()
    }


EVERYWHERE: list[dict[str, str]] = [
    {},
    {"AWS_DEFAULT_REGION": "us-gov-west-1"},
    {"AWS_DEFAULT_REGION": "cn-north-1", "AWS_CA_BUNDLE": "/my/ca.pem"},
    {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
    {"AWS_ENDPOINT_URL": "http://a:1", "AWS_ENDPOINT_URL_DYNAMODB": "http://b:2/path"},
    {"AWS_ENDPOINT_URL_SQS": "http://a:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
    {"AWS_SESSION_TOKEN": "token", "REQUESTS_CA_BUNDLE": "/my/ca.pem"},
]
WITH_FILES = [
    *EVERYWHERE,
    {"AWS_DEFAULT_REGION": ""},
    {"AWS_ACCESS_KEY_ID": ""},
    {"AWS_PROFILE": "other"},
    {"AWS_PROFILE": "other", "AWS_DEFAULT_REGION": "", "AWS_ACCESS_KEY_ID": ""},
]
"""Variables of the environment; an empty one is not set."""


@pytest.mark.parametrize("service", ["dynamodb", "sqs"])
@pytest.mark.parametrize(
    ("files", "variables"),
    [*((False, some) for some in EVERYWHERE), *((True, some) for some in WITH_FILES)],
)
def test_all_is_found_where_boto3_finds_it(
    environment: pytest.MonkeyPatch,
    tmp_path: Path,
    service: str,
    files: bool,
    variables: dict[str, str],
) -> None:
    if files:
        (tmp_path / "config").write_text(CONFIG)
        (tmp_path / "credentials").write_text(CREDENTIALS)
        environment.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        environment.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for name, value in variables.items():
        if value:
            environment.setenv(name, value)
        else:
            environment.delenv(name)
    session = Session()
    theirs, ours = session.create_client(service), settings_of(service)
    found: Any = session.get_credentials()
    assert ours.endpoint.rstrip("/") == theirs.meta.endpoint_url.rstrip("/")
    assert ours.region == theirs.meta.region_name
    assert ours.credentials is not None
    assert ours.credentials.get_frozen_credentials() == found.get_frozen_credentials()
    verify = theirs._endpoint.http_session._verify
    assert (verify is True) == ours.certificates.endswith("cacert.pem")
    assert verify in (True, ours.certificates)


def test_without_a_region_there_is_no_client(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(exceptions.NoRegionError):
        settings_of("sqs")


def test_a_proxy_is_used_unless_the_endpoint_is_exempt(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert str(connections(settings_of("dynamodb")).proxy) == "http://proxy.example:3128"
    environment.setenv("NO_PROXY", "amazonaws.com")
    assert connections(settings_of("dynamodb")).proxy is None


def certificate(folder: Path) -> Path:
    """A file with a key, and a certificate for 127.0.0.1 that it signed itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + made.public_bytes(Encoding.PEM)
    )
    return file


def test_only_a_server_with_a_trusted_certificate_is_called(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file, server = certificate(tmp_path), Server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    environment.setattr("chalicelib.aws.json_protocol.client.time.sleep", lambda _: None)
    endpoint = f"https://127.0.0.1:{server.server_port}"
    with pytest.raises(exceptions.SSLError):
        DynamoDb(endpoint).scan(TableName="t")
    assert server.requests == []
    environment.setenv("AWS_CA_BUNDLE", str(file))
    assert DynamoDb(endpoint).scan(TableName="t") == {}
    server.shutdown()
    server.server_close()
    thread.join()
