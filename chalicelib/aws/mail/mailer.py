"""Sends mail through SES: one message a call, one attempt, within the rate and daily quota of SES.

Errors never repeat SES's text, because it contains addresses.
"""

import re
import time
from collections.abc import Callable
from email.utils import formataddr, parseaddr
from typing import Any

from chalicelib.domain.errors import MailOutcomeUnknown, MailRefused, Unavailable
from chalicelib.domain.messaging.email_message import EmailMessage

SENDERS_AT_ONCE = 2
"""The number of functions that send at the same time: the maximum_concurrency of `send_mails`. Each
takes an equal share of SES's rate.
"""

QUOTA_CACHED = 300.0
"""Seconds for which SES's rate and daily quota are cached. Messages sent since then are counted."""

SHORT_PAUSE, LONG_PAUSE = 1.0, 600.0
"""Seconds without sending after SES throttles a message (short), or reports a used-up quota, a
pause or a missing setup (long).
"""

READ_TIMEOUT = 10.0
"""Seconds to wait for SES's answer."""

_ONE_ADDRESS = re.compile(r"[^\s@,;:<>()\[\]\\\"\x00-\x1f]+@[^\s@,;:<>()\[\]\\\"\x00-\x1f]+")
"""One plain address: no list, no display name, no start of another header. SES would accept all of
these in the same text, and a customer's address at Stripe can be any text that somebody typed."""

_REFUSED = frozenset({"BadRequestException", "MessageRejected"})
_TOO_MANY = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling"})
_STOPPED = frozenset(
    {
        "AccountSuspendedException",
        "LimitExceededException",
        "SendingPausedException",
        # A setup mistake of the owner, not a fault of the message: it waits.
        "MailFromDomainNotVerifiedException",
        "NotFoundException",
    }
)


def client() -> Any:
    """A client without retries: SES has no idempotency token, so a retry after a time-out can send
    the message twice.

    Each request opens its own connection. If a reused one had died while the function was frozen,
    nobody could tell whether SES accepted the message.
    """
    import boto3
    from botocore.config import Config

    ses = boto3.client(
        "sesv2",
        config=Config(
            retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=READ_TIMEOUT
        ),
    )
    ses.meta.events.register("before-send.sesv2.*", _close_after)
    return ses


def _close_after(request: Any, **_: object) -> None:
    request.headers["Connection"] = "close"


class Mailer:
    """Sends messages. `pause` waits for a number of seconds. `seconds` is a monotonic clock."""

    def __init__(
        self,
        configuration_set: str | None,
        pause: Callable[[float], None] = time.sleep,
        seconds: Callable[[], float] = time.monotonic,
        ses: Any = None,
    ) -> None:
        self._configuration_set = configuration_set
        self._pause, self._seconds = pause, seconds
        self._ses = ses or client()
        self._quota_left: float | None = None
        self._interval = 0.0
        self._quota_read_at = self._next_at = self._paused_until = float("-inf")

    def send(self, message: EmailMessage) -> str:
        """SES's id of the message, after one attempt.

        Raises MailRefused if SES will never send it, MailOutcomeUnknown if SES may have accepted
        it, Unavailable if SES did not accept it but may later.
        """
        if not _ONE_ADDRESS.fullmatch(message.recipient):
            raise MailRefused(
                "The account's address is not one plain address. Correct it at its source: at"
                " Stripe or in the product."
            )
        from botocore import exceptions as unsent
        from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

        try:
            answer = self._ses.send_email(**self._request(message))
        except ClientError as error:
            raise self._translated(error.response) from None
        except ParamValidationError:
            raise MailRefused("The message is not valid in a request to SES.") from None
        except (
            unsent.ConnectTimeoutError,
            unsent.EndpointConnectionError,
            unsent.ProxyConnectionError,
            unsent.NoCredentialsError,
            unsent.CredentialRetrievalError,
        ) as error:
            raise Unavailable(f"SES cannot be reached: {type(error).__name__}.") from None
        except BotoCoreError as error:
            raise MailOutcomeUnknown(
                f"SES may have accepted the message: {type(error).__name__}."
            ) from None
        if self._quota_left is not None:
            self._quota_left -= 1
        return str(answer["MessageId"])

    def wait_for_capacity(self) -> None:
        """Wait until the rate allows one more message. Raises Unavailable if the daily quota is
        used up, sending is paused, or the quota cannot be read.
        """
        now = self._seconds()
        if now < self._paused_until - SHORT_PAUSE:
            raise Unavailable("SES accepts no messages for now.")
        if now >= self._quota_read_at + QUOTA_CACHED:
            self._read_quota(now)
        if self._quota_left is not None and self._quota_left < 1:
            self._quota_read_at, self._paused_until = float("-inf"), now + LONG_PAUSE
            raise Unavailable("The daily quota of SES is used up.")
        begin = max(now, self._next_at, self._paused_until)
        self._next_at = begin + self._interval
        if begin > now:
            self._pause(begin - now)

    def _read_quota(self, now: float) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._ses.get_account()
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(
                f"SES's sending quota cannot be read: {type(error).__name__}."
            ) from None
        if answer.get("SendingEnabled") is False or answer.get("EnforcementStatus") == "SHUTDOWN":
            self._paused_until = now + LONG_PAUSE
            raise Unavailable("Sending is paused at SES.")
        quota = answer.get("SendQuota", {})
        rate, daily = quota.get("MaxSendRate", 1.0), quota.get("Max24HourSend", -1.0)
        self._interval = SENDERS_AT_ONCE / rate if rate > 0 else 0.0
        self._quota_left = None if daily < 0 else daily - quota.get("SentLast24Hours", 0.0)
        self._quota_read_at = now

    def _translated(self, response: Any) -> Exception:
        """The domain's error for an error of SES. Also sets how long sending pauses."""
        error, status = (
            response.get("Error", {}),
            response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0),
        )
        code, text = str(error.get("Code", "")), str(error.get("Message") or "")
        # SES answers MessageRejected for an unverified identity too: that is a setup mistake.
        if code in _REFUSED and "not verified" not in text:
            return MailRefused(f"SES does not send this message: {code}.")
        if status >= 500 and (not code or code.isdigit()):
            return MailOutcomeUnknown(
                f"SES may have accepted the message: a response {status} that SES did not write."
            )
        if code in _STOPPED or "quota" in text.lower() or "not verified" in text:
            self._paused_until = self._seconds() + LONG_PAUSE
        elif code in _TOO_MANY:
            self._paused_until = self._seconds() + SHORT_PAUSE
        return Unavailable(f"SES does not accept the message now: {code or status}.")

    def _request(self, message: EmailMessage) -> dict[str, Any]:
        def text(data: str) -> dict[str, str]:
            return {"Data": data, "Charset": "UTF-8"}

        request: dict[str, Any] = {
            "FromEmailAddress": _address(message.sender),
            "Destination": {"ToAddresses": [message.recipient]},
            "ReplyToAddresses": [_address(message.reply_to)],
            "Content": {
                "Simple": {
                    "Subject": text(message.subject),
                    "Body": {"Text": text(message.text), "Html": text(message.html)},
                    "Headers": [
                        {"Name": name, "Value": value} for name, value in message.headers.items()
                    ],
                }
            },
            "EmailTags": [{"Name": name, "Value": value} for name, value in message.tags.items()],
        }
        return request | (
            {"ConfigurationSetName": self._configuration_set} if self._configuration_set else {}
        )


def _address(written: str) -> str:
    """An address with its display name as SES accepts it: a name beyond ASCII is encoded."""
    return written if written.isascii() else formataddr(parseaddr(written))
