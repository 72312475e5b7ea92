"""Receivers of outgoing calls on this machine, well and badly behaved."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Respond = Callable[[socket.socket], None]
"""Answers one request that was read, by its connection."""


@dataclass
class Receiver:
    """A server that reads requests and answers them as `respond` does; `requests` are those it got,
    headers and body as they came.
    """

    respond: Respond
    context: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.ending = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, host: str = "127.0.0.1", path: str = "/hooks") -> str:
        scheme = "https" if self.context else "http"
        return f"{scheme}://{host}:{self.port}{path}"

    def close(self) -> None:
        self.ending.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self.ending.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            with connection:
                self.requests.append(_read_request(connection))
                self.respond(connection)


@contextmanager
def receiving(respond: Respond, context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver, as long as it is needed."""
    receiver = Receiver(respond, context)
    try:
        yield receiver
    finally:
        receiver.close()


def answer(status: int, body: bytes = b"", *headers: str) -> Respond:
    """Answers with a status, a body and headers."""
    lines = [f"HTTP/1.1 {status} Status", *headers, f"Content-Length: {len(body)}", "", ""]

    def respond(connection: socket.socket) -> None:
        connection.sendall("\r\n".join(lines).encode() + body)

    return respond


def drip(first: bytes, seconds: float = 0.05) -> Respond:
    """Sends a beginning, then a byte at a time without an end."""

    def respond(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(b"a")
            time.sleep(seconds)

    return respond


def hang(connection: socket.socket) -> None:
    """Never answers."""
    while connection.recv(1024):
        continue


def hang_up(connection: socket.socket) -> None:
    """Closes the connection without an answer."""


def certificate(
    folder: Path, *hosts: str, ends: timedelta = timedelta(days=1)
) -> tuple[ssl.SSLContext, Path]:
    """What a server with a certificate of its own for these hosts needs, and the file that a client
    must trust. It was made a month ago, and expires `ends` from now.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()  # in the name too: each is an issuer of its own
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"receiver of tests {serial:x}"[:60])]
    )
    now = datetime.now(UTC)
    names = [
        x509.IPAddress(ip_address(host)) if host[-1].isdigit() else x509.DNSName(host)
        for host in hosts
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + ends)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    private, public = folder / "key.pem", folder / "certificate.pem"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public


def _read_request(connection: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        more = connection.recv(65536)
        if not more:
            return request
        request += more
    head, _, body = request.partition(b"\r\n\r\n")
    lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    length = int(lengths[0].partition(b":")[2]) if lengths else 0
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
