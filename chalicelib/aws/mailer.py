"""SES: one message a call, one attempt, at the pace and within the quota that SES gives.

No error of ours repeats SES's own text: it names addresses.
"""

import re
import time
from collections.abc import Callable
from email.utils import formataddr, parseaddr
from typing import Any

from chalicelib.domain.errors import MailOutcomeUnknown, MailRefused, Unavailable
from chalicelib.domain.messaging.email_message import EmailMessage

SENDERS_AT_ONCE = 2
"""How many send at the same time: the maximum_concurrency of `send_mails`. Each takes its share of
SES's rate.
"""

QUOTA_KEPT = 300.0
"""Seconds for which SES's rate and daily quota are believed; what was sent since is counted."""

SHORT_REST, LONG_REST = 1.0, 600.0
"""Seconds for which nothing is sent after SES said that it was too fast, or that it takes no more
today.
"""

ANSWERS_WITHIN = 10.0
"""Seconds for which SES's answer is waited for."""

_ONE_ADDRESS = re.compile(r"[^\s@,;:<>()\[\]\\\"\x00-\x1f]+@[^\s@,;:<>()\[\]\\\"\x00-\x1f]+")
"""What is no list of addresses, has no name and begins no other header: SES reads all of these out
of one text, and a customer's address at Stripe is whatever somebody typed there."""

_REFUSED = frozenset({"BadRequestException", "MessageRejected"})
_TOO_MANY = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling"})
_STOPPED = frozenset(
    {
        "AccountSuspendedException",
        "LimitExceededException",
        "SendingPausedException",
        # What somebody forgot to set up is no fault of the message: it waits.
        "MailFromDomainNotVerifiedException",
        "NotFoundException",
    }
)


def client() -> Any:
    """A client that tries once: SES has no idempotency token, and what botocore repeats after a
    time-out arrives again.

    A connection is not used twice: one that died while the function was frozen would make it
    unclear whether a message was taken.
    """
    import boto3
    from botocore.config import Config

    ses = boto3.client(
        "sesv2",
        config=Config(
            retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=ANSWERS_WITHIN
        ),
    )
    ses.meta.events.register("before-send.sesv2.*", _close_after)
    return ses


def _close_after(request: Any, **_: object) -> None:
    request.headers["Connection"] = "close"


class Mailer:
    """Sends letters. `pause` waits for that many seconds, `seconds` tells the time that passes."""

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
        self._room: float | None = None
        self._interval = 0.0
        self._asked_at = self._next_at = self._closed_until = float("-inf")

    def send(self, letter: EmailMessage) -> str:
        """SES's id of the message. One attempt.

        Raises MailRefused; MailOutcomeUnknown if SES may have it; Unavailable if it has not, but
        may take the same later.
        """
        if not _ONE_ADDRESS.fullmatch(letter.recipient):
            raise MailRefused(
                "The account's address is not one plain address: mend it where it comes from, at"
                " Stripe or in the product."
            )
        from botocore import exceptions as unsent
        from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

        try:
            answer = self._ses.send_email(**self._request(letter))
        except ClientError as error:
            raise self._in_our_words(error.response) from None
        except ParamValidationError:
            raise MailRefused("The message cannot be put into a request to SES.") from None
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
                f"SES may have taken the message: {type(error).__name__}."
            ) from None
        if self._room is not None:
            self._room -= 1
        return str(answer["MessageId"])

    def wait_for_room(self) -> None:
        """Return when the pace allows one more. Raises Unavailable over the daily quota, while
        sending is paused, or if SES does not say.
        """
        now = self._seconds()
        if now < self._closed_until - SHORT_REST:
            raise Unavailable("SES takes no more for now.")
        if now >= self._asked_at + QUOTA_KEPT:
            self._ask(now)
        if self._room is not None and self._room < 1:
            self._asked_at, self._closed_until = float("-inf"), now + LONG_REST
            raise Unavailable("The daily quota of SES is used up.")
        begin = max(now, self._next_at, self._closed_until)
        self._next_at = begin + self._interval
        if begin > now:
            self._pause(begin - now)

    def _ask(self, now: float) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            told = self._ses.get_account()
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(
                f"SES does not say how much it takes: {type(error).__name__}."
            ) from None
        if told.get("SendingEnabled") is False or told.get("EnforcementStatus") == "SHUTDOWN":
            self._closed_until = now + LONG_REST
            raise Unavailable("Sending is paused at SES.")
        quota = told.get("SendQuota", {})
        rate, a_day = quota.get("MaxSendRate", 1.0), quota.get("Max24HourSend", -1.0)
        self._interval = SENDERS_AT_ONCE / rate if rate > 0 else 0.0
        self._room = None if a_day < 0 else a_day - quota.get("SentLast24Hours", 0.0)
        self._asked_at = now

    def _in_our_words(self, response: Any) -> Exception:
        error, status = (
            response.get("Error", {}),
            response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0),
        )
        code, said = str(error.get("Code", "")), str(error.get("Message") or "")
        if (
            code in _REFUSED and "not verified" not in said
        ):  # of an identity that is not, SES says MessageRejected too
            return MailRefused(f"SES does not send this message: {code}.")
        if status >= 500 and (not code or code.isdigit()):
            return MailOutcomeUnknown(
                f"SES may have taken the message: an answer {status} that is not its own."
            )
        if code in _STOPPED or "quota" in said.lower() or "not verified" in said:
            self._closed_until = self._seconds() + LONG_REST
        elif code in _TOO_MANY:
            self._closed_until = self._seconds() + SHORT_REST
        return Unavailable(f"SES does not take the message now: {code or status}.")

    def _request(self, letter: EmailMessage) -> dict[str, Any]:
        def text(data: str) -> dict[str, str]:
            return {"Data": data, "Charset": "UTF-8"}

        request: dict[str, Any] = {
            "FromEmailAddress": _address(letter.sender),
            "Destination": {"ToAddresses": [letter.recipient]},
            "ReplyToAddresses": [_address(letter.reply_to)],
            "Content": {
                "Simple": {
                    "Subject": text(letter.subject),
                    "Body": {"Text": text(letter.text), "Html": text(letter.html)},
                    "Headers": [
                        {"Name": name, "Value": value} for name, value in letter.headers.items()
                    ],
                }
            },
            "EmailTags": [{"Name": name, "Value": value} for name, value in letter.tags.items()],
        }
        return request | (
            {"ConfigurationSetName": self._configuration_set} if self._configuration_set else {}
        )


def _address(written: str) -> str:
    """An address with its name as SES wants it: a name that is not plain ASCII encoded."""
    return written if written.isascii() else formataddr(parseaddr(written))
