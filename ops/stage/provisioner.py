"""What the provisioner of a stage says of its own instances."""

import secrets
import urllib.error
import urllib.request
from datetime import datetime

from chalicelib.domain.errors import InvalidInput, Unavailable
from chalicelib.domain.outgoing.signature import key_of, signed_headers

TIMEOUT_SECONDS = 60


def list_of(target: str, instance_secret: str, now: datetime) -> str:
    """The provisioner's list: its answer to a GET of the target, signed as every call is, over an
    empty body. Raises InvalidInput if the target is no endpoint, or answers with anything but 200;
    Unavailable if it does not answer.
    """
    if not target.startswith(("https://", "http://")):
        raise InvalidInput("Only an endpoint has a list to ask for: give a file of it.", "list")
    keys = [key_of(secret) for secret in instance_secret.split()]
    headers = signed_headers(f"list_{secrets.token_hex(8)}", b"", keys, now)
    # The scheme was looked at: it reads no file.
    asked = urllib.request.Request(  # noqa: S310
        target, headers={**headers, "Accept": "application/json"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            found: bytes = answer.read()
            return found.decode()
    except urllib.error.HTTPError as error:
        raise InvalidInput(
            f"The provisioner answered {error.code} to a GET: it has no list. Give a file of it.",
            "list",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"The provisioner gives no list: {error}.") from error
