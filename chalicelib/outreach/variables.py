"""The variables of message templates for one account, in the customer's language and time zone."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from chalicelib.domain.account.payments import is_unusable
from chalicelib.domain.account.profile import masked
from chalicelib.domain.account.queries import (
    card_of,
    current_subscription,
    other_subscriptions,
    plan_of,
    zone_of,
)
from chalicelib.domain.account.state import Account
from chalicelib.domain.instances.shown import instance_url
from chalicelib.domain.messaging.conditions import holds
from chalicelib.domain.messaging.due_messages import DueMessage
from chalicelib.domain.messaging.occasions import subscription_of
from chalicelib.domain.policy.languages import DEFAULT, text_in
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Invoice, Subscription
from chalicelib.localization.amounts import money
from chalicelib.localization.dates import spoken_day, spoken_moment, spoken_month
from chalicelib.localization.plurals import plural
from chalicelib.localization.prices import price_of, spoken_method, spoken_price
from chalicelib.localization.wording import WORDING
from chalicelib.outreach.typed_words import spoken_name


def variables(
    account: Account,
    mail: DueMessage,
    policy: Policy,
    now: datetime,
    links: Mapping[str, str],
    language: str = DEFAULT,
    last_until: datetime | None = None,
) -> dict[str, object]:
    """The variables of the message `mail` for this account, with `links` by name. `last_until` says
    until when no other message of its kind may be sent. Unknown values are empty. Values are never
    interpreted as templates.
    """
    mail_policy = policy.mail
    assert mail_policy is not None
    zone, words = zone_of(account, mail_policy), WORDING[language]
    standing = account.standing
    name = _name_to_greet(account, mail)
    return {
        "product": mail_policy.product,
        "sender": mail_policy.sender,
        "name": name,
        "greeting": (
            words.greeting.format(first=name.split(" ")[0], name=name)
            if name
            else words.greeting_nobody
        ),
        **_plan_and_price(account, mail, policy, language),
        "billed_for": _billed_for(account, policy, language),
        "has_card": holds("card", account, mail.occasion, policy),
        "was_debit": holds("debit", account, mail.occasion, policy),
        "trial_days": account.signup.days if account.signup else policy.trial.days,
        "asked_at": spoken_moment(mail.occasion.moment, zone, language),
        "reminds": account.proved,
        "own_page": not mail_policy.billing_url,
        "copy_for": "",
        "copy_until": "",
        "next_mail_at": spoken_moment(last_until, zone, language) if last_until else "",
        "refunded": _refunded(account, language),
        "app_url": _app_url(account, policy, now, links),
        "deletes_on": _deletes_on(account, zone, language),
        "booking_url": mail_policy.booking_url,
        "postal_address": mail_policy.postal_address,
        "support_email": mail_policy.support_email,
        "news": text_in(language, mail_policy.news, mail_policy.language),
        "news_url": mail_policy.news_url,
        "reason": standing.reason if standing else "",
        **_of_trial(account, mail, now, zone, language),
        **_of_address(account, mail),
        **_of_subscription(account, mail, policy, now, zone, language),
        **_of_invoice(account, mail, zone, language),
        **_of_milestone(mail, policy, language),
        **links,
    }


def _plan_and_price(
    account: Account, mail: DueMessage, policy: Policy, language: str
) -> dict[str, object]:
    """The plan that the account has and what it pays, of the subscription that the message concerns
    if that runs: beside a newer one they are not the account's.
    """
    plan = account.standing.plan if account.standing else None
    about = subscription_of(account, mail.occasion)
    if about is None or about.final:
        price = spoken_price(account, policy, language)
    else:
        price = price_of(account, about, policy, language)
        if about.status == "trialing":
            plan, _ = plan_of(account, about, policy)
    return {"plan": policy.plan_name(plan), "price": price}


def _name_to_greet(account: Account, mail: DueMessage) -> str:
    """The customer's name; empty where a stranger may have chosen both the name and the mailbox
    that it is mailed to.
    """
    from_stripe = account.signup is None and not account.moved_at_stripe
    if mail.step.id == "confirm_email" or not (account.email_proved or from_stripe):
        return ""
    return spoken_name(account.name)


def _of_trial(
    account: Account, mail: DueMessage, now: datetime, zone: ZoneInfo, language: str
) -> dict[str, object]:
    """When the trial that the message is about ends, and in how many days of the calendar."""
    end = mail.occasion.moment if mail.occasion.anchor == "trial_ends" else _trial_end(account)
    days = (end.astimezone(zone).date() - now.astimezone(zone).date()).days if end else 0
    left, words = max(0, days), WORDING[language]
    return {
        "trial_ends_on": spoken_day(end, zone, language) if end else "",
        "trial_ends_at": spoken_moment(end, zone, language) if end else "",
        "days_left": left,
        "days_left_words": (
            plural(words.days, left, language).format(n=left) if left else words.today
        ),
    }


def _app_url(account: Account, policy: Policy, now: datetime, links: Mapping[str, str]) -> str:
    """Where the customer uses the product: the instance. While that is being made it is the link
    into Billhook's own page, which leads to the page that waits for it.
    """
    mail_policy = policy.mail
    assert mail_policy is not None
    awaited = account.instance is not None and account.instance.is_awaited
    own_page = links.get("billing_url") if awaited and not mail_policy.billing_url else None
    return instance_url(account, policy, now) or own_page or mail_policy.app_url


def of_a_copy(
    account: Account, policy: Policy, until: datetime, form: str, language: str
) -> dict[str, object]:
    """What is other in a copy for the address of before: it says that it is one until when, greets
    nobody by a name that is another's now, and leads to the form for a sign-in link alone.
    """
    assert policy.mail is not None
    links = dict.fromkeys(("link_url", "billing_url", "feedback_url"), form)
    if policy.mail.billing_url:  # the product's own page, which opens by its own sign-in
        links["billing_url"] = policy.mail.billing_url
    return {
        "name": "",
        "greeting": WORDING[language].greeting_nobody,
        "copy_for": masked(account.email or ""),
        "copy_until": spoken_day(until, zone_of(account, policy.mail), language),
        "invoice_url": "",
        **links,
    }


def _billed_for(account: Account, policy: Policy, language: str) -> list[str]:
    """Each live subscription by its plan and price, the current one first, where there are several;
    empty otherwise.
    """
    current, others = current_subscription(account), other_subscriptions(account)
    if current is None or not others:
        return []
    named = [
        (
            policy.plan_name(plan_of(account, one, policy)[0]),
            price_of(account, one, policy, language),
        )
        for one in (current, *others)
    ]
    return [", ".join(part for part in pair if part) or "–" for pair in named]


def _of_address(account: Account, mail: DueMessage) -> dict[str, object]:
    """The addresses before and after a change, each readable in part only: a message about it goes
    to the other one.
    """
    change = account.address_change(mail.occasion.about)
    return {
        "email_before": masked(change.before) if change else "",
        "email_after": masked(change.email) if change else "",
    }


def _of_subscription(
    account: Account, mail: DueMessage, policy: Policy, now: datetime, zone: ZoneInfo, language: str
) -> dict[str, object]:
    """The variables of the subscription that the message concerns, else of the newest one."""
    one = subscription_of(account, mail.occasion) or max(
        (known.value for known in account.subscriptions.values()),
        key=lambda value: (value.created, value.id),
        default=None,
    )
    change = (
        account.plan_change
        if one and account.plan_change and account.plan_change.subscription == one.id
        else None
    )
    plan, seats = plan_of(account, one, policy) if one else (None, None)
    card = card_of(account, one) if one else None
    ends = (one.ended_at or one.cancels_at) if one else None
    return {
        "plan_now": policy.plan_name(plan),
        "plan_before": policy.plan_name(change.plan) if change and change.plan != plan else "",
        "seats": (seats or 0) if change and change.quantity != seats else 0,
        "card": spoken_method(card, language) if card else "",
        "pays_by_debit": card is not None and card.debit is not None,
        "send_invoice": one is not None and one.send_invoice,
        "card_ends": (
            spoken_month(card.exp_year, card.exp_month, language) if card and not card.debit else ""
        ),
        "renews_on": (
            spoken_day(one.period_end, zone, language)
            if one and one.period_end and not one.final
            else ""
        ),
        "ends_on": spoken_day(ends, zone, language) if ends else "",
        "has_ended": bool(ends and ends <= now),
        "limited_on": _limited_on(account, one, now, zone, language),
    }


def _limited_on(
    account: Account, one: Subscription | None, now: datetime, zone: ZoneInfo, language: str
) -> str:
    """The day on which a failed payment ends access; empty if none does, or if it has already."""
    standing = account.standing
    if (
        one is None
        or standing is None
        or standing.reason not in {"past_due_grace", "first_payment"}
        or not standing.until
        or standing.until <= now
    ):
        return ""
    return spoken_day(standing.until, zone, language)


def _of_invoice(
    account: Account, mail: DueMessage, zone: ZoneInfo, language: str
) -> dict[str, object]:
    billed = account.invoices.get(mail.occasion.about)
    invoice = billed.value if billed else Invoice("", "", "open", mail.occasion.moment)
    is_void = invoice.status == "void"
    url = "" if is_void else invoice.hosted_invoice_url or ""
    again = invoice.next_payment_attempt if invoice.status == "open" else None
    left = invoice.amount_due if is_void else invoice.left_to_pay
    owed_or_paid = invoice.amount_paid if invoice.status == "paid" else left
    return {
        "amount": money(owed_or_paid, invoice.currency, language) if invoice.currency else "",
        "invoice_url": url if url.startswith("https://") else "",
        "paid_on": spoken_day(invoice.paid_at, zone, language) if invoice.paid_at else "",
        "next_try_on": spoken_day(again, zone, language) if again else "",
        "bank_asks": billed is not None and billed.bank_asks,
        "new_method_needed": is_unusable(account.payment_of(invoice.id)),
        "invoice_is_void": is_void,
        "due_on": spoken_day(invoice.due_date, zone, language) if invoice.due_date else "",
    }


def _of_milestone(mail: DueMessage, policy: Policy, language: str) -> dict[str, object]:
    milestone = policy.milestones.get(mail.occasion.about)
    default = policy.mail.language if policy.mail else DEFAULT
    return {
        "milestone": text_in(language, milestone.title, default) if milestone else "",
        "article_url": milestone.article_url if milestone else "",
    }


def _trial_end(account: Account) -> datetime | None:
    ends = [
        known.value.trial_end for known in account.subscriptions.values() if known.value.trial_end
    ]
    return max(ends, default=account.signup.trial_ends_at if account.signup else None)


def _deletes_on(account: Account, zone: ZoneInfo, language: str) -> str:
    """The day on which the instance will be deleted; empty if none is planned."""
    at = account.instance.deletes_at if account.instance else None
    return spoken_day(at, zone, language) if at else ""


def _refunded(account: Account, language: str) -> str:
    """What was paid back for the last withdrawal; empty if nothing was."""
    refund = account.withdrawn_refund
    return money(refund.amount, refund.currency, language) if refund and refund.amount else ""
