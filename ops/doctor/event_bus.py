"""Do Stripe's events come over EventBridge, if the stage is set up for that?"""

from collections.abc import Iterable

from chalicelib.domain.errors import Refused
from chalicelib.domain.policy.bus import source_for
from ops.doctor.findings import Finding, ok, unknown, wrong
from ops.doctor.site import Site
from ops.stage.policy import EVENT_SOURCE
from ops.stripe.desired_state import Wanted, WantedBus
from ops.stripe.event_bus import Destination, compare_bus, destination_of, read_destinations

SUBJECT = "EventBridge"
UNUSED = "not used: Stripe's events come by the webhook alone"


def check_event_bus(site: Site) -> Iterable[Finding]:
    """The event destination of the stage and its partner event source."""
    source = site.stage.parameters.get(EVENT_SOURCE, "")
    named = source_for(site.policy.bus, site.is_live)
    if named is not None and named != source:
        yield wrong(
            SUBJECT,
            f"billing.toml names {named or 'no source'}, and the stage takes events of"
            f" {source or 'none'}",
            f"make deploy STAGE={site.name}",
        )
    if site.wanted.bus is None:
        yield judge_unused(site.stage.stack, site.name, _made_so_far(site))
    else:
        held = read_destinations(site.transport)
        yield from judge_bus(site.wanted, site.wanted.bus, held, site.name, site.stripe_command)


def judge_unused(stack: str, stage: str, held: Iterable[Destination]) -> Finding:
    """Of a stage that takes no events by EventBridge: whether a destination waits for it."""
    for one in held:
        if one.stack == stack and one.status == "pending":
            return wrong(
                SUBJECT,
                f"Stripe has made the source {one.source}, and the stage does not take its events:"
                f" AWS deletes it on {one.deleted_at:%d %B %Y}",
                _deploying(stage, one.source),
            )
    return ok(SUBJECT, UNUSED)


def judge_bus(
    wanted: Wanted, bus: WantedBus, held: Iterable[Destination], stage: str, command: str
) -> Iterable[Finding]:
    """Of a stage that takes events by EventBridge. `command` is what sets up Stripe."""
    there = tuple(held)
    changes = compare_bus(bus, wanted.events, there)
    found = destination_of(bus, there)
    if found is None:
        yield from (wrong(SUBJECT, change.why, f"{command} --eventbridge") for change in changes)
        return
    yield from (wrong(SUBJECT, f"{change.name}: {change.why}", command) for change in changes)
    if found.source != bus.source:
        yield wrong(
            SUBJECT,
            f"the stage takes events of {bus.source}, and its destination sends to {found.source}",
            _deploying(stage, found.source),
        )
    elif found.status == "pending":
        yield wrong(
            SUBJECT,
            f"no bus is associated with {found.source}, so no event comes: AWS deletes it on"
            f" {found.deleted_at:%d %B %Y}",
            _deploying(stage, found.source),
        )
    elif found.status != "active":
        yield unknown(SUBJECT, f"AWS does not tell Stripe the status of {found.source}")
    elif not changes:
        yield ok(
            SUBJECT,
            f"{found.source} is active, and tells of {len(found.events)} types of events, as of"
            f" {found.api_version}",
        )


def _made_so_far(site: Site) -> tuple[Destination, ...]:
    try:
        return read_destinations(site.transport)
    except Refused:
        return ()  # a key that may not look at destinations: they are not used


def _deploying(stage: str, source: str) -> str:
    return f"python -m ops deploy --stage {stage} --set {EVENT_SOURCE}={source}"
