"""A small HTTP server for the stand-ins of this bench, which run as processes of their own."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import responses
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[2]

Answer = tuple[int, dict[str, str], bytes]
Answering = Callable[[str, str, dict[str, str], bytes], Answer]
"""Gets method, path with its query, headers in lower case, and body."""


def serve(answering: Answering) -> None:
    """Answer on a free port of loopback until killed; the port is printed first."""
    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(server.getsockname()[1], flush=True)
    lock = threading.Lock()
    while True:
        connection, _ = server.accept()
        threading.Thread(target=_converse, args=(connection, answering, lock), daemon=True).start()


def _converse(connection: socket.socket, answering: Answering, lock: threading.Lock) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as incoming:
        while request := incoming.readline().decode():
            method, path, _ = request.split(" ", 2)
            headers: dict[str, str] = {}
            while line := incoming.readline().decode().strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            body = incoming.read(int(headers.get("content-length", 0)))
            with lock:
                status, told, content = answering(method, path, headers, body)
            told = {"Content-Length": str(len(content)), "Connection": "keep-alive"} | told
            head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
            connection.sendall(
                f"HTTP/1.1 {status} {responses[status]}\r\n{head}\r\n".encode() + content
            )


@contextmanager
def running(module: str) -> Iterator[str]:
    """The address of `python -m module`, which serves until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", module], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()


def ask(url: str, body: Any = None) -> Any:
    """The JSON that a stand-in answers: to a POST of `body` where there is one, else to a GET."""
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data), timeout=60) as response:
        return json.load(response)
