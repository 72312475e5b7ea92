"""Stripe's test bank accounts for SEPA, ACH and Bacs debits (docs.stripe.com/testing,
"Non-card payments"): which debits succeed, and why the others fail.
"""

from dataclasses import dataclass

CURRENCIES = {"sepa_debit": "eur", "us_bank_account": "usd", "bacs_debit": "gbp"}
"""The kinds of bank debits, and the one currency of each."""


@dataclass(frozen=True)
class BankAccount:
    """How debits of an account go. `failure` is why one fails; `hangs` marks one that stays under
    way, `disputed` one that is disputed once it succeeded.
    """

    number: str
    token: str
    type: str
    failure: str | None = None
    hangs: bool = False
    disputed: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All that it is known by."""
        return (self.number, self.token)


def _sepa(country: str, *ibans: str) -> list[BankAccount]:
    kinds = (
        ("success", None),
        ("successDelayed", None),
        ("failed", "generic_could_not_process"),
        ("failedDelayed", "generic_could_not_process"),
        ("disputed", None),
        ("exceedsWeeklyVolumeLimit", "charge_exceeds_source_limit"),
        ("exceedsWeeklyTransactionLimit", "charge_exceeds_weekly_limit"),
        ("insufficientFunds", "insufficient_funds"),
    )
    return [
        BankAccount(iban, f"pm_{name}_{country}", "sepa_debit", why, disputed=name == "disputed")
        for iban, (name, why) in zip(ibans, kinds, strict=True)
    ]


def _ach(number: str, name: str, failure: str | None = None, **more: bool) -> BankAccount:
    return BankAccount(number, f"pm_usBankAccount_{name}", "us_bank_account", failure, **more)


def _bacs(number: str, name: str, failure: str | None = None, **more: bool) -> BankAccount:
    return BankAccount(number, f"pm_bacsDebit_{name}", "bacs_debit", failure, **more)


ACCOUNTS = (
    *_sepa(
        "at",
        "AT611904300234573201",
        "AT321904300235473204",
        "AT861904300235473202",
        "AT051904300235473205",
        "AT591904300235473203",
        "AT981904300000343434",
        "AT601904300000121212",
        "AT981904300002222227",
    ),
    *_sepa(
        "de",
        "DE89370400440532013000",
        "DE08370400440532013003",
        "DE62370400440532013001",
        "DE78370400440532013004",
        "DE35370400440532013002",
        "DE65370400440000343434",
        "DE27370400440000121212",
        "DE65370400440002222227",
    ),
    *_sepa(
        "fr",
        "FR1420041010050500013M02606",
        "FR3020041010050500013M02609",
        "FR8420041010050500013M02607",
        "FR7920041010050500013M02600",
        "FR5720041010050500013M02608",
        "FR9720041010050000000343434",
        "FR5920041010050000000121212",
        "FR9720041010050000002222227",
    ),
    _ach("000123456789", "success"),
    _ach("000111111113", "accountClosed", "account_closed"),
    _ach("000111111116", "noAccount", "no_account"),
    _ach("000222222227", "insufficientFunds", "insufficient_funds"),
    _ach("000333333335", "debitNotAuthorized", "debit_not_authorized"),
    _ach("000444444440", "invalidCurrency", "invalid_currency"),
    _ach("000555555559", "dispute", disputed=True),
    _ach("000777777771", "weeklyLimitExceeded", "charge_exceeds_source_limit"),
    _ach("000000000009", "processing", hangs=True),
    _bacs("00012345", "success"),
    _bacs("90012345", "successDelayed"),
    _bacs("33333335", "debitNotAuthorized", "debit_not_authorized"),
    _bacs("93333335", "debitNotAuthorizedDelayed", "debit_not_authorized"),
    _bacs("22222227", "insufficientFunds", "insufficient_funds"),
    _bacs("92222227", "insufficientFundsDelayed", "insufficient_funds"),
    _bacs("55555559", "dispute", disputed=True),
)

FAILURES = {
    "account_closed": "The customer's bank account has been closed.",
    "charge_exceeds_source_limit": (
        "This charge would cause you to exceed your rolling-window processing limit for this"
        " source type."
    ),
    "charge_exceeds_weekly_limit": (
        "This charge would cause you to exceed your weekly transaction limit for this source type."
    ),
    "debit_not_authorized": (
        "The customer has notified their bank that this payment was unauthorized."
    ),
    "generic_could_not_process": "This payment could not be processed.",
    "insufficient_funds": "The customer's account has insufficient funds to cover this payment.",
    "invalid_currency": "The customer's bank account cannot be debited in this currency.",
    "no_account": "The customer's bank account could not be located.",
    "payment_intent_mandate_invalid": "The mandate of this payment method is not active.",
}
"""What Stripe says of a debit that failed."""

_BY_NAME = {name: account for account in ACCOUNTS for name in account.names}


def bank_account(name: str) -> BankAccount | None:
    """The account of an IBAN, a number or a token; None if there is no such test account."""
    return _BY_NAME.get(name.replace(" ", ""))
