"""What can go wrong, named after what it is for the caller. How each is answered over HTTP stands
in `entry/presenting.py`.
"""


class BillhookError(Exception):
    """A code for programs, a sentence for people that says how to mend it, and the field that is to
    blame, if one is.
    """

    code = "error"

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidInput(BillhookError):
    """Something that the caller sent is not what the contract says."""

    code = "invalid"


class SignatureRefused(BillhookError):
    """A webhook that does not prove that it comes from Stripe, now."""

    code = "signature_refused"


class TooLarge(BillhookError):
    """A body larger than what Billhook takes."""

    code = "too_large"


class Unauthorized(BillhookError):
    """No key, or none that is alive."""

    code = "unauthorized"


class Forbidden(BillhookError):
    """A key that is alive, but not for this call."""

    code = "forbidden"


class AccountNotFound(BillhookError):
    """There is no account of that id."""

    code = "account_not_found"


class AccountTaken(BillhookError):
    """A pointer that only one account can own (a Stripe customer, an external id) belongs to
    another.
    """

    code = "account_taken"


class Unreadable(BillhookError):
    """News that no repetition will make readable: it goes to the dead letters, with this reason."""

    code = "unreadable"


class Unavailable(BillhookError):
    """Another system cannot answer now: the same again later will do."""

    code = "unavailable"


class NewerSchemaVersion(Unavailable):
    """An item that a younger release has written: only that release, or a later one, can read it.
    Until it is deployed again all waits.
    """

    code = "newer_shape"


class Refused(BillhookError):
    """Another system will not answer this question, however often it is asked, until somebody
    changes a setting.
    """

    code = "refused"


class OutcomeUnknown(Unavailable):
    """Another system failed in a way that leaves open whether it did what it was asked, and will
    say the same under the same key.
    """

    code = "doubtful"


class CardDeclined(Refused):
    """Stripe tried to take money and the card was declined."""

    code = "card_declined"


class TooManyRequests(BillhookError):
    """More of this, from one address, than the policy allows."""

    code = "too_many_requests"


class AlreadySubscribed(BillhookError):
    """There is nothing to buy: a subscription runs and its card is on file."""

    code = "already_subscribed"


class NoSubscription(BillhookError):
    """The account has no subscription that this could be done to."""

    code = "no_subscription"


class SubscriptionEnded(NoSubscription):
    """The subscription has ended, for good: only a new one can be bought."""

    code = "subscription_ended"


class NotPossible(BillhookError):
    """It cannot be done to the subscription as it is now."""

    code = "not_possible"


class NoCard(NotPossible):
    """Nothing can be charged: no card is on file."""

    code = "no_card"


class IdempotencyConflict(BillhookError):
    """The same Idempotency-Key came with another call or another body before."""

    code = "idempotency_conflict"


class ConcurrentUpdate(BillhookError):
    """Another writer was faster: read again, decide again."""

    code = "lost_race"


class MailRefused(BillhookError):
    """SES will not send this message, however often it is asked."""

    code = "mail_refused"


class MailOutcomeUnknown(BillhookError):
    """SES may have taken the message: its reply did not come."""

    code = "mail_unclear"


class PolicyMistakes(BillhookError):
    """billing.toml cannot be used. `mistakes` names each one by key, with what is wrong and an
    example.
    """

    code = "policy_mistakes"

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__(
            "billing.toml has mistakes:\n" + "\n".join(f"  {mistake}" for mistake in mistakes),
            "billing.toml",
        )
        self.mistakes = mistakes
