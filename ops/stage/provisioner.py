"""What the provisioner of a stage says of its own instances."""

import secrets
from datetime import datetime

from chalicelib.domain.errors import InvalidInput, Unavailable
from chalicelib.domain.outgoing.signature import key_of, signed_headers
from ops.stage.requests import call


def list_of(target: str, instance_secret: str, now: datetime) -> str:
    """The provisioner's list: its answer to a GET of the target, signed as every call is, over an
    empty body. Raises InvalidInput if the target is no endpoint, or answers with anything but 200;
    Unavailable if it does not answer.
    """
    if not target.startswith(("https://", "http://")):
        raise InvalidInput("Only an endpoint has a list to ask for: give a file of it.", "list")
    keys = [key_of(secret) for secret in instance_secret.split()]
    headers = signed_headers(f"list_{secrets.token_hex(8)}", b"", keys, now)
    status, found = call("GET", target, headers={**headers, "Accept": "application/json"})
    if status != 200:
        raise InvalidInput(
            f"The provisioner answered {status} to a GET: it has no list. Give a file of it.",
            "list",
        )
    try:
        return found.decode()
    except UnicodeDecodeError as error:
        raise Unavailable("The provisioner gives no list: its answer is no text.") from error
