"""What the dashboard shows of messages: those of billing.toml, and what became of them."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from chalicelib.domain.figures.counts import StepEffect
from chalicelib.domain.messaging.mail_counts import MailCount
from chalicelib.domain.policy.sequences import TRANSACTIONAL_STEPS, Step

ASKED_FOR = "Asked for by the reader"
"""The heading of the messages that are in no sequence."""

OTHERS = "Broadcasts, and messages that billing.toml has no more"
"""The heading of what was counted under another name than those of its steps."""


MOMENTS = {
    "trial_started": "the start of the trial",
    "trial_ends": "the end of the trial",
    "access_ended": "the end of access",
    "payment_failed": "a failed payment",
    "next_try": "the next try of a payment",
    "invoice_due": "the due date of an invoice",
    "payment_succeeded": "a payment",
    "converted": "the first payment",
    "plan_changed": "a change of the plan",
    "canceling": "the cancellation",
    "canceled": "the end of the subscription",
    "card_expires": "the end of the card",
    "milestone_waits": "the time for a milestone",
    "instance_ready": "the moment at which a late instance is ready",
    "instance_deletes": "the deletion of the instance",
}
"""Each anchor of billing.toml as a moment."""


def sequences_view(
    steps: Iterable[Step],
    counts: Mapping[str, MailCount],
    effects: Mapping[str, StepEffect],
) -> list[tuple[str, list[dict[str, Any]]]]:
    """Each sequence with its messages, in the order of billing.toml; then those that readers ask
    for, and what is in none of both but was counted.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    known = set()
    for step in (*steps, *TRANSACTIONAL_STEPS):
        name = ASKED_FOR if step in TRANSACTIONAL_STEPS else step.sequence
        known.add(step.id)
        found.setdefault(name, []).append(
            _row(step.id, counts, effects)
            | {
                "when": when_of(step),
                "stream": step.stream,
                "only_if": ", ".join(step.only_if),
                "unless": ", ".join(step.unless),
                "held_out": f"{step.hold_out:.0%}" if step.hold_out else "",
                "via": step.via,
            }
        )
    others = sorted((counts.keys() | effects.keys()) - known)
    rest = {"when": "", "stream": "", "only_if": "", "unless": "", "held_out": "", "via": ""}
    if others:
        found[OTHERS] = [_row(id, counts, effects) | rest for id in others]
    return list(found.items())


def when_of(step: Step) -> str:
    """When a message goes out: "3 days after the start of the trial". Nothing is said of one that
    the reader asks for.
    """
    moment = MOMENTS.get(step.anchor, "")
    if not moment:
        return ""
    if not step.offset:
        return f"At {moment}"
    side = "after" if step.offset > timedelta(0) else "before"
    return f"{_spoken(abs(step.offset))} {side} {moment}"


def effect_in_words(effect: StepEffect) -> str:
    """What the numbers say: whether more or fewer readers began to pay than without the message, if
    they are enough to say it.
    """
    found = effect.difference
    if found is None:
        return "Too few to compare yet"
    is_, low, high = found
    points = f"{100 * is_:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"
    if low > 0:
        return f"More pay with it: {points}"
    return f"Fewer pay with it: {points}" if high < 0 else f"No effect is shown: {points}"


def _row(
    id: str, counts: Mapping[str, MailCount], effects: Mapping[str, StepEffect]
) -> dict[str, Any]:
    count, effect = counts.get(id, MailCount(id)), effects.get(id)
    return {
        "id": id,
        "count": count,
        "delivered": _share(count.delivered, count.sent),
        "bounced": _share(count.bounced, count.sent),
        "complained": _share(count.complained, count.sent),
        "effect": effect,
        "effect_words": effect_in_words(effect) if effect else "",
        "converted": _share(effect.converted, effect.sent) if effect else "",
        "held_out_converted": _share(effect.held_out_converted, effect.held_out) if effect else "",
    }


def _share(hits: int, of: int) -> str:
    return f"{hits} ({hits / of:.1%})" if of else f"{hits}"


def _spoken(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    for size, name in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes % size == 0:
            number = minutes // size
            return f"{number} {name}{'' if number == 1 else 's'}"
    raise AssertionError("every number of minutes is one of minutes")
