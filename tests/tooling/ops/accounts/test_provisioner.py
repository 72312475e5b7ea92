"""The provisioner's own list, which a signed GET asks for."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks import Webhook

from chalicelib.domain.errors import InvalidInput, Unavailable
from chalicelib.domain.outgoing.signature import as_secret
from ops.stage.provisioner import list_of

SECRET = as_secret(b"s" * 32)
LIST = '{"instances": []}'


@pytest.fixture
def provisioner() -> Iterator[ThreadingHTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            expected = Webhook(SECRET).sign(
                self.headers["webhook-id"],
                datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC),
                "",
            )
            is_ours = expected in self.headers["webhook-signature"].split()
            self.send_response(403 if not is_ours else 200 if self.path == "/instances" else 405)
            self.end_headers()
            self.wfile.write(LIST.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_the_list_is_asked_for_with_a_signature(provisioner: ThreadingHTTPServer) -> None:
    base = f"http://127.0.0.1:{provisioner.server_port}"
    assert list_of(f"{base}/instances", SECRET, datetime.now(UTC)) == LIST


def test_a_provisioner_without_a_list_is_told(provisioner: ThreadingHTTPServer) -> None:
    base = f"http://127.0.0.1:{provisioner.server_port}"
    with pytest.raises(InvalidInput, match="405"):
        list_of(f"{base}/other", SECRET, datetime.now(UTC))


def test_only_an_endpoint_has_a_list() -> None:
    with pytest.raises(InvalidInput, match="endpoint"):
        list_of("eventbridge", SECRET, datetime.now(UTC))


def test_who_does_not_answer_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        list_of("http://127.0.0.1:1/instances", SECRET, datetime.now(UTC))
