"""Plays sixty days of many customers, then checks whether everything is right."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bench.soak.acts import Actor
from bench.soak.checks import compared, findings, standings
from bench.soak.lifecycles import ARRIVE_WITHIN, DAY, LIFE, Customer, population
from bench.soak.system import SystemUnderTest
from local.clock_control import stride_end
from local.stripe_sim.webhooks.delivery_faults import Shares

SPOILT = Shares(lost=0.05, doubled=0.10, late=0.20)
"""What happens to Stripe's events."""

KILLED = 0.05
"""The share of all workers' invocations that are killed."""

REST_DAYS = 3
"""How many days the run continues after the last action, with no more losses: late events are
late by two days at most, and a comparison runs each day.
"""


@dataclass
class Soak:
    """The result of a run. `wrong` lists what is wrong, a line each; `figures` are counts by
    name.
    """

    system: SystemUnderTest
    customers: list[Customer]
    seed: int
    figures: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def soak(system: SystemUnderTest, customers: int, seed: int, days: float = LIFE) -> Soak:
    """Let a number of customers live a number of days each in an open system, and check the
    result. A shorter life is cut off, not compressed.
    """
    played = Soak(system, population(customers, seed), seed)
    began, actor = system.now, Actor(system)
    ends = timedelta(days=days + ARRIVE_WITHIN)
    acts = sorted(
        (act.at, one.number, act) for one in played.customers for act in one.acts if act.at < ends
    )
    at_stops: dict[datetime, list[Any]] = {}
    for at, number, act in acts:
        at_stops.setdefault(stride_end(began + at, system.stride), []).append(
            (played.customers[number], act)
        )
    for moment, some in at_stops.items():
        system.move_to(moment)
        for customer, act in some:
            actor.act(customer, act.does, act.with_)
        system.settle()
    system.move_to(began + ends)
    differing = len(compared(system, played.customers))
    system.spoil(Shares(), seed)
    system.kills.is_on = False
    for day in range(1, REST_DAYS + 1):
        system.move_to(began + ends + day * DAY)
    played.wrong = findings(system, played.customers)
    played.figures = figures(system, played.customers, differing)
    return played


def figures(system: SystemUnderTest, customers: list[Customer], differing: int) -> dict[str, Any]:
    """Counts of what happened."""
    drawn = system.faults.drawn
    return {
        "customers": len(customers),
        "kinds": dict(Counter(one.kind for one in customers)),
        "acts with nothing to do": sum(len(one.refused) for one in customers),
        "events": drawn["events"],
        "lost": drawn["lost"],
        "doubled": drawn["doubled"],
        "late": drawn["late"],
        "invocations": system.kills.invoked.total(),
        "killed": system.kills.killed.total(),
        "killed by function": dict(system.kills.killed),
        "mails": len(system.mailer.all()),
        "mails by step": dict(Counter(one.key.partition("@")[0] for one in system.mailer.all())),
        "Stripe calls": len(system.api.calls),
        "standings other than Stripe's at the end of the last day": differing,
        "standings by reason": dict(standings(system, customers)),
    }
