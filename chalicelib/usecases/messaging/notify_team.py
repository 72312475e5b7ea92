"""Tell the team: of single domain events (`publishing` queues the notices), and of each day on the
next.
"""

from contextlib import suppress
from zoneinfo import ZoneInfo

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.changes.channels import PEOPLE, SLACK
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import ConcurrentUpdate, MailOutcomeUnknown, MailRefused, Unavailable
from chalicelib.domain.messaging.email_message import EmailMessage, SendClaim
from chalicelib.domain.messaging.team import (
    GROUPS,
    NOBODY,
    DigestState,
    by_group,
    days_due,
    notice_of,
)
from chalicelib.domain.people.deliveries import OTHER_MODE
from chalicelib.domain.people.state import PeopleState
from chalicelib.domain.webhooks.endpoint import DISABLED_REASONS
from chalicelib.outreach.plain import plain
from chalicelib.outreach.rendering import RenderedEmail
from chalicelib.outreach.team_notices import TYPED, facts_of, title_of, typed_by_visitor
from chalicelib.usecases.messages import SendDigest, SendEndpointNotice
from chalicelib.usecases.ports.accounts import TimelineReader
from chalicelib.usecases.services import MailServices, Services

NAMED = 10
"""How many accounts of a group the digest names; the rest it counts."""


def enqueue_digests(services: Services) -> int:
    """How many digests were put into the mail queue: that of yesterday once its hour has come, and
    those that were missed. Raises Unavailable.

    What a run puts there and does not write down is put there again, and is claimed where it is
    sent.
    """
    operators, mail = services.policy.team, services.policy.mail
    if operators is None or mail is None or not operators.digest:
        return 0
    last = services.stores.job_states.load(DigestState)
    days = days_due(last, services.clock.now(), ZoneInfo(mail.timezone), operators.digest_hour)
    for day in days:
        services.queues.mail.send(SendDigest(day).dump())
    if days:
        before = last or DigestState("")
        with suppress(ConcurrentUpdate):  # another hands them out already
            services.stores.job_states.save(before, DigestState(days[-1], before.version + 1))
    return len(days)


def send_notice(
    account_id: str, event: DomainEvent, dashboard: str, services: Services, post: MailServices
) -> str:
    """What became of a notice: `sent`, or `nothing` (it was sent, is not wanted any more, or the
    account is gone). `dashboard` is Stripe's.

    Raises Unavailable if it is to be tried again later.
    """
    account, operators, kind = (
        services.stores.accounts.load(account_id),
        services.policy.team,
        notice_of(event),
    )
    if account is None or operators is None or kind is None or kind not in operators.notices:
        return "nothing"
    facts = [f"{name}: {value}" for name, value in facts_of(kind, account, event, services.policy)]
    links = [f"{dashboard}/customers/{id}" for id in account.customers]
    more = [["At Stripe:", *links]] if links else []
    more.append([f"All that is known: python -m ops accounts show {account.id}"])
    return _post(
        account.id,
        event.id,
        kind,
        _mail(title_of(kind, account, event), [facts, *more], services),
        services,
        post,
    )


def send_endpoint_notice(
    message: SendEndpointNotice, services: Services, post: MailServices
) -> str:
    """What became of the notice of a disabled endpoint: `sent`, or `nothing` (it was sent, or the
    endpoint is enabled again or deleted). Raises Unavailable if it is to be tried again later.
    """
    if message.endpoint_id == SLACK:
        return _send_slack_notice(message.disabled_at, services, post)
    if message.endpoint_id == PEOPLE:
        return _send_people_notice(message.disabled_at, services, post)
    if message.endpoint_id == OTHER_MODE:
        return _send_mode_notice(services, post)
    endpoint = services.stores.endpoints.load().find(message.endpoint_id)
    if (
        endpoint is None
        or endpoint.disabled_at is None
        or endpoint.disabled_at.isoformat() != message.disabled_at
        or services.policy.team is None
        or services.policy.mail is None
    ):
        return "nothing"
    facts = [
        f"Endpoint: {endpoint.url}",
        f"Id: {endpoint.id}",
        f"Since: {endpoint.disabled_at:%Y-%m-%d %H:%M} UTC",
        f"Why: {DISABLED_REASONS[endpoint.disabled_reason or 'failing']}",
    ]
    remedy = [
        "No events are delivered to it any more. Once it works again:",
        f"python -m ops webhooks enable {endpoint.id}",
        f"python -m ops webhooks replay {endpoint.id} --since …",
    ]
    return _post(
        NOBODY,
        f"{endpoint.id}-{message.disabled_at}",
        "endpoint_disabled",
        _mail("A webhook endpoint was disabled", [facts, remedy], services),
        services,
        post,
    )


def _send_slack_notice(at: str, services: Services, post: MailServices) -> str:
    if services.policy.team is None or services.policy.mail is None:
        return "nothing"
    facts = ["Slack refuses Billhook's messages: the webhook or its channel is gone."]
    remedy = [
        "Until one is taken again, you get no other mail about it. Make a new incoming webhook at",
        "Slack, and give its URL:",
        "python -m ops secrets set slack-webhook-url",
    ]
    mail = _mail("Slack refuses messages", [facts, remedy], services)
    return _post(NOBODY, f"{SLACK}-{at}", "slack_refused", mail, services, post)


def _send_people_notice(at: str, services: Services, post: MailServices) -> str:
    if services.policy.team is None or services.policy.mail is None:
        return "nothing"
    state = services.stores.job_states.load(PeopleState)
    if state and state.why:
        facts = [state.why]
        remedy = ["Nothing is lost for three days. Once that is mended, within an hour it goes on."]
    else:
        facts = ["The people system of billing.toml refuses the token."]
        remedy = [
            "Nothing is lost for three days. Give it a token of this stage:",
            "python -m ops secrets set people-token",
        ]
    mail = _mail("The people system refuses Billhook", [facts, remedy], services)
    return _post(NOBODY, f"{PEOPLE}-{at}", "people_refused", mail, services, post)


def _send_mode_notice(services: Services, post: MailServices) -> str:
    if services.policy.team is None or services.policy.mail is None:
        return "nothing"
    facts = [
        "At least one contact at Intercom is of Stripe's other mode: another stage has written it.",
        "Billhook leaves such contacts alone, and tells them of no event.",
    ]
    remedy = [
        "Give each stage the token of a workspace of its own, or delete the contacts that are not",
        "its own. You get no other mail about it. These are the contacts:",
        "python -m ops people list",
    ]
    mail = _mail("A contact is of the other mode", [facts, remedy], services)
    return _post(NOBODY, OTHER_MODE, "people_mode", mail, services, post)


def send_digest(day: str, timelines: TimelineReader, services: Services, post: MailServices) -> str:
    """What became of a day's digest: `sent`, or `nothing` (it was sent, is not wanted any more, or
    nothing happened).

    It reads what happened that day, and the accounts that it names. Raises Unavailable if it is to
    be tried again later.
    """
    operators = services.policy.team
    groups = by_group(_all_of(f"#{day}", timelines, services))
    if operators is None or not operators.digest or not groups:
        return "nothing"
    counts = [f"{title}: {len(groups.get(group, []))}" for group, title in GROUPS.items()]
    named = [[f"{GROUPS[group]}:", *_named(ids, services)] for group, ids in groups.items()]
    return _post(
        NOBODY,
        day,
        "digest",
        _mail(f"{day}: {_short(groups)}", [counts, *named], services),
        services,
        post,
    )


def _short(groups: dict[str, list[str]]) -> str:
    words = {"new": "new", "converted": "converted", "lost": "lost", "at_risk": "at risk"}
    return ", ".join(
        f"{len(groups[group])} {word}" for group, word in words.items() if group in groups
    )


def _named(ids: list[str], services: Services) -> list[str]:
    found = [(id, services.stores.accounts.load(id)) for id in ids[:NAMED]]
    names = [
        f"{id}. {TYPED}: {typed}" if account and (typed := typed_by_visitor(account)) else id
        for id, account in found
    ]
    return names + ([f"and {len(ids) - NAMED} more"] if len(ids) > NAMED else [])


def _all_of(id: str, timelines: TimelineReader, services: Services) -> list[Entry]:
    entries, cursor = timelines.page(id, None, services.clock.now())
    while cursor:
        more, cursor = timelines.page(id, cursor, services.clock.now())
        entries += more
    return entries


def _mail(title: str, paragraphs: list[list[str]], services: Services) -> RenderedEmail:
    assert services.policy.mail is not None
    return plain(services.policy.mail.product, title, paragraphs)


def _post(
    account_id: str,
    about: str,
    kind: str,
    mail: RenderedEmail,
    services: Services,
    post: MailServices,
) -> str:
    """One message to each operator, under a claim of its own. What is unclear is not sent again,
    since the digest and the timeline have it too.
    """
    policy, operators = services.policy.mail, services.policy.team
    assert policy is not None
    assert operators is not None
    outcome = "nothing"
    for number, address in enumerate(operators.mail):
        key, now = f"operators-{number}@{about}", services.clock.now()
        claim = SendClaim(account_id, key, "sending", now, recipient=post.mark(address))
        if post.claims.load(account_id, claim.key) or post.suppressed(address, "billing"):
            continue
        post.wait_for_capacity()
        # Without the account among its tags: what becomes of it is no news of the customer.
        email_message = EmailMessage(
            policy.senders["billing"],
            address,
            policy.support_email,
            mail.subject,
            mail.html,
            mail.text,
            {},
            {"notice": kind},
        )
        try:
            post.claims.take(claim, None)
            message_id = post.mailer.send(email_message)
        except ConcurrentUpdate:  # another sends it
            continue
        except (MailOutcomeUnknown, MailRefused) as failure:
            services.metrics.count(
                "MailsUnclear" if isinstance(failure, MailOutcomeUnknown) else "MailsRefused", 1
            )
            continue
        except Unavailable:
            post.claims.drop(claim)
            raise
        post.claims.confirm(claim, message_id)
        outcome = "sent"
    return outcome
