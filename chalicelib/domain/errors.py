"""Errors, named after what they mean to the caller. The HTTP status of each is in
`entry/http/responses.py`.
"""


class BillhookError(Exception):
    """An error with a `code` for programs, a `message` for people that says how to correct it, and
    the `field` that caused it, if one did. `kind` tells apart errors of one code and field, for
    pages, which say it in the reader's language (pages/problems.py).
    """

    code = "error"

    def __init__(self, message: str, field: str | None = None, kind: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.kind = kind


class InvalidInput(BillhookError):
    """The caller sent something that the contract does not allow."""

    code = "invalid"


class SignatureRefused(BillhookError):
    """A webhook without a valid and recent signature of Stripe's."""

    code = "signature_refused"


class TooLarge(BillhookError):
    """A body larger than Billhook accepts."""

    code = "too_large"


class Unauthorized(BillhookError):
    """No API key, or none that is valid."""

    code = "unauthorized"


class Forbidden(BillhookError):
    """A valid API key whose scope does not allow the call."""

    code = "forbidden"


class AccountNotFound(BillhookError):
    """There is no account with this id."""

    code = "account_not_found"


class EndpointNotFound(BillhookError):
    """There is no webhook endpoint with this id."""

    code = "endpoint_not_found"


class NotSetUp(BillhookError):
    """What this address is for is not set up in this stage."""

    code = "not_set_up"


class AccountTaken(BillhookError):
    """A pointer that only one account can have (a Stripe customer, an external id) belongs to
    another.
    """

    code = "account_taken"


class Unreadable(BillhookError):
    """A message that no retry will make readable. It goes to the dead letters, with the reason."""

    code = "unreadable"


class Unavailable(BillhookError):
    """Another system cannot respond now. A later retry will do."""

    code = "unavailable"


class NewerSchemaVersion(Unavailable):
    """An item that a newer release has written. Only that release or a later one can read it, so
    everything about it waits until such a release is deployed.
    """

    code = "newer_shape"


class Refused(BillhookError):
    """Another system rejected the request, and will reject a retry until somebody changes a
    setting. `stripe_code` is Stripe's own code for it, if there is one.
    """

    code = "refused"

    def __init__(
        self,
        message: str,
        field: str | None = None,
        kind: str | None = None,
        stripe_code: str | None = None,
    ) -> None:
        super().__init__(message, field, kind)
        self.stripe_code = stripe_code


class StripeRefused(Refused):
    """Stripe does not accept the call as it is. Nothing was changed, and nothing is retried."""

    code = "stripe_refused"


class OutcomeUnknown(Unavailable):
    """Another system failed and may have done what was requested nevertheless. A retry under the
    same key returns the same failure.
    """

    code = "doubtful"


class CardDeclined(Refused):
    """Stripe tried to collect a payment and the card was declined."""

    code = "card_declined"


class PaymentFailed(CardDeclined):
    """A payment that was under way for days, such as a bank debit, has failed."""

    code = "payment_failed"


class ConfirmationRequired(Refused):
    """The bank wants the customer to confirm a payment first. The card was not declined."""

    code = "confirmation_required"


class CursorExpired(BillhookError):
    """The cursor is older than what is kept. `oldest` is the cursor before the oldest there is."""

    code = "cursor_expired"

    def __init__(self, message: str, oldest: str = "") -> None:
        super().__init__(message, "cursor")
        self.oldest = oldest


class TooManyRequests(BillhookError):
    """More requests from one address than the policy allows."""

    code = "too_many_requests"


class TooMany(BillhookError):
    """The account holds as much of this as it may."""

    code = "too_many"


class AlreadySubscribed(BillhookError):
    """There is nothing to buy: a subscription runs and has a card on file."""

    code = "already_subscribed"


class NoSubscription(BillhookError):
    """The account has no subscription that this could be done to."""

    code = "no_subscription"


class SubscriptionEnded(NoSubscription):
    """The subscription has ended for good. Only a new one can be bought."""

    code = "subscription_ended"


class NotPossible(BillhookError):
    """The subscription's present state does not allow this."""

    code = "not_possible"


class NoCard(NotPossible):
    """Nothing can be charged: there is no card on file."""

    code = "no_card"


class IdempotencyConflict(BillhookError):
    """The same Idempotency-Key was used before for another call or another body."""

    code = "idempotency_conflict"


class ConcurrentUpdate(BillhookError):
    """Another writer saved the item first. Read it again and decide again."""

    code = "lost_race"


class MailRefused(BillhookError):
    """SES will not send this message, however often it is tried."""

    code = "mail_refused"


class MailOutcomeUnknown(BillhookError):
    """SES may have accepted the message: its response did not arrive."""

    code = "mail_unclear"


class PolicyMistakes(BillhookError):
    """billing.toml cannot be used. `mistakes` has one line for each: the key, what is wrong, and an
    example.
    """

    code = "policy_mistakes"

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__(
            "billing.toml has mistakes:\n" + "\n".join(f"  {mistake}" for mistake in mistakes),
            "billing.toml",
        )
        self.mistakes = mistakes
