"""The billing.toml of this checkout, read and checked together with its messages."""

from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.domain.errors import InvalidInput

if TYPE_CHECKING:
    from chalicelib.domain.policy.policy import Policy


POLICY = Path(__file__).parents[2] / "chalicelib" / "billing.toml"


def read_checked(file: Path) -> "Policy":
    """The policy in a file, with its messages checked for every kind of reader.

    Raises PolicyMistakes, BrokenMessage, UnknownMessage; InvalidInput for a file that cannot be
    read.
    """
    from chalicelib.domain.policy.read import read_policy
    from chalicelib.outreach.check import check_messages
    from chalicelib.outreach.rendering import messages

    try:
        policy = read_policy(file.read_text(), messages())
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.", "file") from error
    check_messages(policy)
    return policy
