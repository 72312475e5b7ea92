"""Each fault that the run injects, and how an adapter tells of it: what the real one raises, once
its own repetitions are used up.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib.domain.errors import ConcurrentUpdate, MailOutcomeUnknown, Unavailable
from local.stripe_sim.api.api import Fault as StripeFault
from tests.fakes.faults import Crash, OutsideCalls
from tests.fakes.services import Moment

FAULTS = {
    "not made": (
        "The call has no effect, and the caller knows it: the other side cannot be reached,"
        " or says that it failed before it did anything."
    ),
    "reply lost": (
        "The call takes effect, and its reply is lost. If the SDK repeats the call, it meets"
        " its own effect."
    ),
    "timed out": "The call has no effect, and no reply comes in time.",
    "throttled once": (
        "The other side refuses once because of the rate. DynamoDB: or because of another"
        " transaction."
    ),
    "throttled for good": (
        "It refuses from this call on, in the next run too; then comes one more run."
    ),
    "ends before": "The process ends before the call.",
    "ends after": "The process ends after the call.",
}
"""The faults, in the order of the page's columns."""

WAITED = {"stripe": 16, "mailer": 10}
"""Seconds until a call is given up, with its repetitions, by adapter; 15 for the others
(aws/dynamo.py, aws/queues.py).
"""

CONDITIONAL = frozenset(
    {
        "accounts.save",
        "accounts.rewrite",
        "accounts.erase",
        "replan_states.save",
        "job_states.save",
        "mailboxes.save",
    }
)
"""Writes under a condition: what the SDK repeats after a lost reply meets the writer's own change,
and looks like a lost race.
"""

QUEUES = frozenset({"act_queue", "mail_queue", "events_queue", "dead_letters", "queue"})

READING = frozenset(
    {
        "stripe.customers.with_email",
        "stripe.checkout.session",
        "stripe.checkout.open_sessions",
        "stripe.subscriptions.coupon",
        "stripe.subscriptions.discounts_of",
        "stripe.invoices.items_of",
        "stripe.invoices.payment_intents_of",
        "stripe.invoices.charges_of",
    }
)
FOR_GOOD = 1_000_000
LASTING = "throttled for good"

Call = Callable[[], Any]


@dataclass
class FaultyCalls(OutsideCalls):
    """Outside calls of which the `nth` of that name (from 1) meets a fault, in this `way` of it;
    `fired` says whether it did.

    `stripe_faults` are those of a simulated Stripe, which then does to the call what Stripe does;
    else the adapter raises. `clock` goes on while a reply is waited for.
    """

    name: str = ""
    nth: int = 1
    way: "Way | None" = None
    clock: Moment | None = None
    stripe_faults: list[StripeFault] | None = None
    fired: bool = False
    lifted: bool = False

    def call(self, name: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        self.made.append(name)
        occurrence = self.made.count(name) if name == self.name else 0
        if (
            self.way is None
            or self.lifted
            or not (
                occurrence == self.nth or (self.way.lasts and self.fired and self._throttled(name))
            )
        ):
            return function(*args, **kwargs)
        return self.way.do(lambda: function(*args, **kwargs), self)

    def _throttled(self, name: str) -> bool:
        return name == self.name

    def lift(self) -> None:
        """What lasted is over."""
        self.lifted = True
        if self.stripe_faults is not None:
            self.stripe_faults.clear()


@dataclass(frozen=True)
class Way:
    """One way in which a fault comes about."""

    do: Callable[[Call, FaultyCalls], Any]
    lasts: bool = False


def ways(fault: str, name: str, simulated: bool) -> list[Way]:
    """How the fault can come about at the call of that name. `simulated`: there is a simulated
    Stripe to do it.
    """
    adapter = name.partition(".")[0]
    if fault.startswith("ends"):
        return [Way(_ends_before if fault == "ends before" else _ends_after)]
    if simulated and adapter == "stripe":
        return list(_at_stripe(fault, name))
    if name == "mailer.send":
        return _OF_MAIL[fault]
    match fault:
        case "not made":
            return [Way(_before(Unavailable))]
        case "timed out":
            return [Way(_waits(_before(Unavailable), WAITED.get(adapter, 15)))]
        case "reply lost":
            more = (
                [Way(_after(ConcurrentUpdate))]
                if name in CONDITIONAL
                else [Way(_twice)]
                if adapter in QUEUES
                else []
            )
            return [Way(_after(Unavailable)), *more]
        case "throttled once":
            return [
                Way(_before(Unavailable)),
                *([Way(_before(ConcurrentUpdate))] if name in CONDITIONAL else []),
            ]
    return [Way(_before(Unavailable), lasts=True)]


def _before(error: Callable[[str], Exception]) -> Callable[[Call, FaultyCalls], Any]:
    def fail(call: Call, calls: FaultyCalls) -> None:
        calls.fired = True
        raise error("a fault")

    return fail


def _after(error: Callable[[str], Exception]) -> Callable[[Call, FaultyCalls], Any]:
    def do_and_fail(call: Call, calls: FaultyCalls) -> None:
        calls.fired = True
        call()
        raise error("a fault")

    return do_and_fail


def _twice(call: Call, calls: FaultyCalls) -> Any:
    """The SDK repeats what no condition and no key protects."""
    calls.fired = True
    call()
    return call()


def _waits(
    fail: Callable[[Call, FaultyCalls], Any], seconds: int
) -> Callable[[Call, FaultyCalls], Any]:
    def wait(call: Call, calls: FaultyCalls) -> Any:
        if calls.clock:
            calls.clock.at += timedelta(seconds=seconds)
        return fail(call, calls)

    return wait


def _ends_before(call: Call, calls: FaultyCalls) -> None:
    calls.fired = True
    raise Crash("before a call")


def _ends_after(call: Call, calls: FaultyCalls) -> None:
    calls.fired = True
    call()
    raise Crash("after a call")


_OF_MAIL = {
    "not made": [Way(_before(Unavailable))],
    "reply lost": [Way(_after(MailOutcomeUnknown))],
    "timed out": [Way(_waits(_before(MailOutcomeUnknown), WAITED["mailer"]))],
    "throttled once": [Way(_before(Unavailable))],
    "throttled for good": [Way(_before(Unavailable), lasts=True)],
}
"""SES alone is not repeated, since it has no idempotency key: without a reply nobody knows
(aws/mail/mailer.py).
"""

_OF_STRIPE = {
    "not made": (("503", 2), ("500", 1)),
    "reply lost": (("timeout_after", 2), ("500_after", 1)),
    "timed out": (("timeout_before", 2),),
    "throttled once": (("429", 1), ("429", 2), ("409", 2)),
    "throttled for good": (("429", FOR_GOOD),),
}
"""What the simulated Stripe does, and to how many of the SDK's tries: two, or one where it is not
repeated or the second is to go well.
"""


def _at_stripe(fault: str, name: str) -> Iterator[Way]:
    reads = name.startswith(("stripe.reader.", "stripe.listing.")) or name in READING
    for how, times in _OF_STRIPE[fault]:
        for methods in [("GET",)] if reads else [("GET",), ("POST", "DELETE")]:
            yield Way(_arms(how, times, methods, WAITED["stripe"] if fault == "timed out" else 0))


def _arms(
    how: str, times: int, methods: tuple[str, ...], seconds: int
) -> Callable[[Call, FaultyCalls], Any]:
    def arm(call: Call, calls: FaultyCalls) -> Any:
        assert calls.stripe_faults is not None
        armed = [StripeFault(how, times, "", method) for method in methods]
        calls.stripe_faults[:0] = armed
        try:
            return call()
        finally:
            calls.fired = any(one.times < times for one in armed)
            if calls.fired and seconds and calls.clock:
                calls.clock.at += timedelta(seconds=seconds)
            if not (calls.fired and times == FOR_GOOD):
                for one in armed:
                    calls.stripe_faults.remove(one)

    return arm
