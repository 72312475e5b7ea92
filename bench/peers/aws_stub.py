"""Stands in for DynamoDB and SQS, over loopback. `GET /_calls` gives the number of calls by
operation since `POST /_count`, and `POST /_reset` empties the table.
"""

import json
from collections import Counter
from zlib import crc32

from bench.peers.server import Answer, serve
from bench.stubs import MemoryDynamo, sent_message


class Aws:
    """Both services in memory; called as a server's answering."""

    def __init__(self) -> None:
        self.table, self.sent = MemoryDynamo(), 0

    def __call__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        match method, path:
            case "POST", "/_reset":
                self.__init__()  # type: ignore[misc]
                return _answer({})
            case "POST", "/_count":
                self.table.calls.clear()
                self.sent = 0
                return _answer({})
            case "GET", "/_calls":
                calls = self.table.calls + Counter({"SendMessage": self.sent})
                return _answer(dict(calls))
        operation = headers["x-amz-target"].rpartition(".")[2]
        if operation == "SendMessage":
            self.sent += 1
            return _answer(sent_message(operation, json.loads(body)))
        return _answer(self.table(operation, json.loads(body)))


def _answer(content: object) -> Answer:
    body = json.dumps(content, separators=(",", ":")).encode()
    told = {
        "Content-Type": "application/x-amz-json-1.0",
        "x-amzn-RequestId": "6D2Q3V5J2M1B0SQ7V3PN1A8K4JVV4KQNSO5AEMVJF66Q9ASUAAJG",
        "x-amz-crc32": str(crc32(body)),
    }
    return 400 if b'"__type"' in body else 200, told, body


if __name__ == "__main__":
    serve(Aws())
