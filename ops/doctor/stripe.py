"""Does Stripe have what this stage needs, and may the stage use it?"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from chalicelib.domain.errors import Refused
from ops.doctor.findings import Finding, ok, unknown, wrong
from ops.doctor.permissions import Permission, lacking
from ops.doctor.site import Site
from ops.stage.parameters import Parameter
from ops.stage.secrets import setting
from ops.stripe.account import WEBHOOK_SECRETS, marks_in
from ops.stripe.changes import (
    Change,
    DeleteEndpoint,
    MoveDefault,
    RetireEndpoint,
    RetirePrice,
    Stuck,
)
from ops.stripe.current_state import CurrentState, read_catalogue, read_endpoints, read_portals
from ops.stripe.diff import compare_catalogue, compare_endpoints, compare_portal
from ops.stripe.mode import is_live
from ops.stripe.opening import API_KEY, transport_for

CONSEQUENCES = (MoveDefault, RetirePrice, RetireEndpoint, DeleteEndpoint)
"""Changes that only follow from another one. By itself one is a finding; beside its cause it is
not.
"""

MAILS = (
    "https://dashboard.stripe.com/settings/billing/automatic (Settings, Billing, Subscriptions and"
    " emails)"
)


def check_key(site: Site) -> Iterable[Finding]:
    """Checks the stage's own key: its form, its mode, whether Stripe accepts it, and its
    permissions.
    """
    held = site.parameters.get(API_KEY)
    finding = judge_key(held, site.name, site.is_live)
    if finding or held is None:
        return [finding] if finding else []
    try:
        missing = lacking(transport_for(held.value.strip()))
    except Refused:
        cure = (
            "make another in Stripe's dashboard (Developers, API keys), and put it:"
            f" {setting(API_KEY, site.name)}"
        )
        return [
            wrong("Stripe key", "Stripe does not know it: it was revoked, or is mistyped", cure)
        ]
    if missing:
        return [judge_permission(one) for one in missing]
    return [
        ok(
            "Stripe key",
            f"Stripe takes it, in {'live' if site.is_live else 'test'} mode, and it may do all that"
            " the stage does",
        )
    ]


def judge_permission(lacks: Permission) -> Finding:
    """The permissions that the stage's key lacks, and how to add them to the same key."""
    says = f"it may not {lacks.level.lower()} {lacks.resource}: {lacks.without}"
    return wrong(
        "Stripe key",
        says,
        f"Stripe's dashboard, Developers, API keys: edit the stage's key, and set {lacks.resource}"
        f" to {lacks.level}",
    )


def judge_key(held: Parameter | None, stage: str, stage_is_live: bool) -> Finding | None:
    """What is wrong with the stage's key without asking Stripe; None if nothing is."""
    if held is None:
        return wrong("Stripe key", "there is none", setting(API_KEY, stage))
    live = is_live(held.value.strip())
    if live is None:
        return wrong(
            "Stripe key",
            "it is no secret or restricted key: those begin with sk_ or rk_",
            setting(API_KEY, stage),
        )
    if live != stage_is_live:
        mode, other = ("live", "test") if stage_is_live else ("test", "live")
        says = (
            f"it is a {other} key, and stage {stage} takes {mode} events only (LIVEMODE in"
            " .chalice/config.json)"
        )
        return wrong("Stripe key", says, f"put the {mode} key: {setting(API_KEY, stage)}")
    return None


def check_prices(site: Site) -> Iterable[Finding]:
    """Products and prices."""
    changes = compare_catalogue(site.wanted, read_catalogue(site.transport, site.wanted))
    return _findings(site, changes) or [
        ok(
            "prices",
            f"{', '.join(sorted(site.wanted.lookup_keys)) or 'none'}: as billing.toml says",
        )
    ]


def check_portal(site: Site) -> Iterable[Finding]:
    """The customers' portal."""
    held = replace(
        read_catalogue(site.transport, site.wanted), portals=read_portals(site.transport)
    )
    return _findings(site, compare_portal(site.wanted, held)) or [
        ok("portal", "as billing.toml says")
    ]


def check_webhook(site: Site) -> Iterable[Finding]:
    """The endpoint at the address of the stage."""
    marks = marks_in(site.parameters.get(WEBHOOK_SECRETS))
    held = CurrentState(
        endpoints=read_endpoints(site.transport, site.wanted.webhook_url), marks=marks
    )
    well = ok(
        "webhook",
        f"{site.wanted.webhook_url} is told of {len(site.wanted.events)} types of events, as of"
        f" {site.wanted.api_version}",
    )
    return _findings(site, compare_endpoints(site.wanted, held)) or [well]


def check_stripes_own_mails(site: Site) -> Iterable[Finding]:
    """What only a person can check."""
    says = (
        "no API tells whether Stripe mails customers of trial ends, renewals and failed payments by"
        " itself: they would get those beside Billhook's"
    )
    return [
        unknown(
            "Stripe's own mails", says, f"look by hand, and switch off what Billhook sends: {MAILS}"
        )
    ]


def _findings(site: Site, changes: Sequence[Change]) -> list[Finding]:
    causes = [one for one in changes if not isinstance(one, CONSEQUENCES)] or changes
    return [
        wrong(one.name, one.why, "see there" if isinstance(one, Stuck) else site.stripe_command)
        for one in causes
    ]
