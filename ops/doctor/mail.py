"""Will SES send the mail, and report what happens to it?"""

import re
from collections.abc import Iterable, Iterator, Mapping
from email.utils import parseaddr
from typing import Any

from chalicelib.aws.accounts import Accounts
from chalicelib.aws.mail.suppressions import Suppressions
from chalicelib.domain.account.queries import notice_complaint_of
from chalicelib.domain.messaging.suppression import Suppression
from chalicelib.usecases.messaging.delivery_feedback import KINDS
from ops.doctor.findings import Finding, ok, wrong
from ops.doctor.site import Site
from ops.package.senders import identities_of

Told = Mapping[str, Any]

DEFAULT_BUS = ":event-bus/default"
BUS_ARN = f"arn:aws:events:REGION:ACCOUNT{DEFAULT_BUS}"
"""The bus in a command: its region and account are for the operator to fill in."""

EVENT_TYPES = frozenset(re.sub(r"(?<=[a-z])(?=[A-Z])|\s", "_", kind).upper() for kind in KINDS)
"""The kinds of feedback that Billhook uses, as SES's API spells them."""


def check_account(site: Site) -> Iterable[Finding]:
    """What SES allows the AWS account."""
    website = site.policy.mail.app_url if site.policy.mail else site.policy.base_url
    return judge_account(site.ses.get_account(), site.is_live, website)


def judge_account(account: Told, is_live: bool, website: str) -> Iterator[Finding]:
    """Checks the SES account. In its sandbox it sends to verified addresses only: enough for a
    stage without real customers.
    """
    if account.get("ProductionAccessEnabled"):
        yield ok("SES access", "production")
    else:
        asks = "aws sesv2 put-account-details --production-access-enabled --mail-type TRANSACTIONAL"
        cure = (
            f"{asks} --website-url {website} --use-case-description '…', and wait for AWS's answer"
        )
        says = "SES is in its sandbox: mail goes to verified addresses only, 200 a day"
        yield (
            wrong("SES access", says, cure)
            if is_live
            else ok("SES access", f"{says}. Enough for testing", cure)
        )
    if not account.get("SendingEnabled"):
        yield wrong(
            "SES sending",
            "sending is paused for the account",
            "aws sesv2 put-account-sending-attributes --sending-enabled",
        )
    elif (standing := account.get("EnforcementStatus", "HEALTHY")) != "HEALTHY":
        yield wrong(
            "SES sending",
            f"AWS has the account under {standing}",
            "SES console, Reputation metrics; answer the case in AWS's Support Center",
        )
    else:
        yield ok(
            "SES sending",
            f"at most {account.get('SendQuota', {}).get('Max24HourSend', 0):.0f} in 24 hours",
        )


def check_senders(site: Site) -> Iterable[Finding]:
    """Each From address of billing.toml."""
    if site.policy.mail is None:
        return [ok("senders", "billing.toml has no [mail]: nothing is sent")]
    senders = sorted({parseaddr(sender)[1] for sender in site.policy.mail.senders.values()})
    return [
        finding
        for sender in senders
        for finding in judge_sender(sender, _identities(site.ses, sender))
    ]


def judge_sender(sender: str, identities: Mapping[str, Told]) -> Iterator[Finding]:
    """Checks one From address, by its identities at SES: the most specific one counts. Only the
    identity of a domain can sign.
    """
    subject, domain = f"From {sender}", sender.rpartition("@")[2]
    make = (
        f"aws sesv2 create-email-identity --email-identity {domain}, and put the three CNAME"
        f" records that it answers with into {domain}'s DNS"
    )
    known = [name for name in identities_of(sender) if name in identities]
    if not known:
        yield wrong(
            subject, "SES has no identity for it, nor for its domain: it refuses every mail", make
        )
        return
    first = known[0]
    if identities[first].get("VerifiedForSendingStatus"):
        yield ok(subject, f"verified by {first}")
    elif first == sender:
        yield wrong(
            subject,
            "the address is not verified",
            f"open the mail that AWS has sent to {sender}; or better: {make}",
        )
    else:
        yield wrong(
            subject, f"the domain {first} is not verified", _records(first, identities[first])
        )
    yield _judge_dkim(
        f"DKIM of {sender}", [name for name in known if name != sender], identities, make
    )


def _judge_dkim(
    subject: str, domains: list[str], identities: Mapping[str, Told], make: str
) -> Finding:
    if not domains:
        return wrong(
            subject, "an address by itself is not signed by its domain, so DMARC fails", make
        )
    dkim = identities[domains[0]].get("DkimAttributes", {})
    if dkim.get("Status") != "SUCCESS":
        return wrong(
            subject,
            f"{domains[0]}'s records are {dkim.get('Status', 'unknown')}",
            _records(domains[0], identities[domains[0]]),
        )
    if not dkim.get("SigningEnabled"):
        return wrong(
            subject,
            "signing is off",
            f"aws sesv2 put-email-identity-dkim-attributes --email-identity {domains[0]}"
            " --signing-enabled",
        )
    return ok(subject, f"signed by {domains[0]}")


def _records(domain: str, identity: Told) -> str:
    tokens = identity.get("DkimAttributes", {}).get("Tokens") or ["<token>"]
    return f"put into {domain}'s DNS: " + "; ".join(
        f"{token}._domainkey.{domain} CNAME {token}.dkim.amazonses.com" for token in tokens
    )


def _identities(ses: Any, sender: str) -> dict[str, Told]:
    found: dict[str, Told] = {}
    for name in identities_of(sender):
        try:
            found[name] = ses.get_email_identity(EmailIdentity=name)
        except ses.exceptions.NotFoundException:
            continue
    return found


def check_configuration_set(site: Site) -> Iterable[Finding]:
    """The stack's configuration set at SES."""
    outputs = site.stage.outputs
    name = outputs["ConfigurationSetName"]
    try:
        held = site.ses.get_configuration_set(ConfigurationSetName=name)
        destinations = site.ses.get_configuration_set_event_destinations(ConfigurationSetName=name)[
            "EventDestinations"
        ]
    except site.ses.exceptions.NotFoundException:
        cure = f"aws sesv2 create-configuration-set --configuration-set-name {name}, and look again"
        return [
            wrong(
                "configuration set",
                f"{name} was deleted, and SES refuses every mail that names it",
                cure,
            )
        ]
    return judge_configuration_set(name, held, destinations)


def judge_configuration_set(
    name: str, held: Told, destinations: Iterable[Told]
) -> Iterator[Finding]:
    """Checks the configuration set of all mail, and whether its feedback reaches EventBridge's
    default bus.
    """
    if held.get("SendingOptions", {}).get("SendingEnabled", True):
        yield ok("configuration set", name)
    else:
        cure = (
            f"aws sesv2 put-configuration-set-sending-options --configuration-set-name {name}"
            " --sending-enabled"
        )
        yield wrong("configuration set", f"sending is off in {name}", cure)
    ours = next(
        (
            one
            for one in destinations
            if one.get("EventBridgeDestination", {}).get("EventBusArn", "").endswith(DEFAULT_BUS)
        ),
        None,
    )
    yield _judge_destination(name, ours)


def check_complaints(site: Site) -> Iterable[Finding]:
    """The customers who reported a billing notice as spam, and have the same address still."""
    table = site.stage.outputs.get("TableName")
    if table is None:  # a stack of which only parts are deployed
        return []
    dynamodb = site.session.client("dynamodb")
    accounts = Accounts(table, lambda: "", dynamodb)
    complained = {
        account.id: suppression
        for _, suppression, ids in Suppressions(table, lambda: "", dynamodb).all()
        for id in ids
        if (account := accounts.load(id)) and notice_complaint_of(account)
    }
    return judge_complaints(complained, site.name)


def judge_complaints(complained: Mapping[str, Suppression], stage: str) -> Iterator[Finding]:
    """Checks that nobody reported a billing notice as spam: `complained` has the suppression of the
    account's address, by account.
    """
    for id, suppression in sorted(complained.items()):
        follows = (
            "no mail goes there any more, bills neither"
            if suppression.stops("billing")
            else "notices go on, until a second complaint about one"
        )
        yield wrong(
            f"complaint of {id}",
            f"the customer reported a billing notice as spam: {follows}",
            f"ask the customer by another way, and then: python -m ops suppressions lift EMAIL"
            f" --stage {stage}; or give the account another address",
        )
    if not complained:
        yield ok("complaints", "nobody reported a billing notice as spam")


def _judge_destination(name: str, ours: Told | None) -> Finding:
    types = ",".join(sorted(EVENT_TYPES))
    what = (
        "--event-destination"
        f" 'Enabled=true,MatchingEventTypes={types},"
        f"EventBridgeDestination={{EventBusArn={BUS_ARN}}}'"
    )
    verb, called = ("create", "feedback") if ours is None else ("update", ours["Name"])
    cure = (
        f"aws sesv2 {verb}-configuration-set-event-destination --configuration-set-name {name}"
        f" --event-destination-name {called} {what}"
    )
    if ours is None:
        return wrong(
            "feedback of mail",
            "nothing tells of bounces and complaints: suppressed addresses are written to again",
            cure,
        )
    if not ours.get("Enabled"):
        return wrong("feedback of mail", f"the event destination {called} is off", cure)
    if lacking := sorted(EVENT_TYPES - set(ours.get("MatchingEventTypes", []))):
        return wrong("feedback of mail", f"it does not tell of {', '.join(lacking)}", cure)
    return ok("feedback of mail", f"{called} tells EventBridge")
