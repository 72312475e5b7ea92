"""How full the queues of a stage are."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.aws.queues import client
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.schedule.watch.queue_state import QueueState

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

Ages = Callable[[str, datetime], timedelta | None]
"""For how long the oldest message of the queue with this URL waits; None if nothing says so. It
raises Unavailable.
"""

WAITING: "tuple[QueueAttributeNameType, ...]" = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
)
IN_FLIGHT: "QueueAttributeNameType" = "ApproximateNumberOfMessagesNotVisible"


class QueueStates:
    """Reads the queues of `urls`, by name. `ages` is asked for a queue that is not empty only,
    because an answer of CloudWatch costs money.
    """

    def __init__(
        self, urls: Mapping[str, str], ages: Ages | None = None, sqs: "SQSClient | None" = None
    ) -> None:
        self._urls, self._ages, self._sqs = urls, ages, sqs or client()

    def read(self, now: datetime) -> list[QueueState]:
        """Each queue, in the order of the URLs. Raises Unavailable."""
        return [self._state(name, url, now) for name, url in self._urls.items()]

    def _state(self, name: str, url: str, now: datetime) -> QueueState:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._sqs.get_queue_attributes(
                QueueUrl=url, AttributeNames=[*WAITING, IN_FLIGHT]
            )["Attributes"]
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("The length of the queue cannot be read.") from error
        waiting = sum(int(answer.get(name, 0)) for name in WAITING)
        oldest = self._oldest(url, now) if waiting else None
        return QueueState(name, waiting, int(answer.get(IN_FLIGHT, 0)), oldest)

    def _oldest(self, url: str, now: datetime) -> timedelta | None:
        try:
            return self._ages(url, now) if self._ages else None
        except Unavailable:
            return None  # the page says that it is not known
