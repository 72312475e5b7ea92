"""Reads and checks billing.toml. All mistakes are reported together, each with its key, what is
wrong and an example.
"""

import hashlib
import tomllib
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from chalicelib.domain.errors import PolicyMistakes
from chalicelib.domain.policy.bus import read_bus, read_slack
from chalicelib.domain.policy.figures import read_figures
from chalicelib.domain.policy.instance import read_instance
from chalicelib.domain.policy.keys import (
    Key,
    https_origin,
    one_of,
    read_keys,
    table,
    text,
    whole_number,
)
from chalicelib.domain.policy.mail import read_mail
from chalicelib.domain.policy.milestones import read_milestones
from chalicelib.domain.policy.people import check_reported_milestones, read_people
from chalicelib.domain.policy.plans import currency_code, read_plans
from chalicelib.domain.policy.policy import AccessPolicy, PeoplePolicy, Policy, TrialPolicy
from chalicelib.domain.policy.selling import read_cancel, read_checkout
from chalicelib.domain.policy.sequences import Step
from chalicelib.domain.policy.signup import read_pages, read_signup
from chalicelib.domain.policy.steps import read_steps
from chalicelib.domain.policy.team import read_team

SCHEMA = 1


def _schema(value: Any) -> str | None:
    return None if value == SCHEMA else f"must be {SCHEMA}, the schema of this release"


_TOP = {
    "schema": Key(_schema, f"schema = {SCHEMA}"),
    "base_url": Key(https_origin, 'base_url = "https://billing.example.com"'),
    "currency": Key(currency_code, 'currency = "usd"', "usd", required=False),
}
_TRIAL = {
    "days": Key(whole_number(1, 730), "days = 14"),
    "late_news_hours": Key(whole_number(0, 72), "late_news_hours = 6", 6, required=False),
    "first_payment_hours": Key(
        whole_number(1, 168), "first_payment_hours = 24", 24, required=False
    ),
    "after_trial": Key(text, 'after_trial = "free"', required=False),
    "without_card": Key(
        one_of("pause", "cancel", "create_invoice"),
        'without_card = "pause"',
        "pause",
        required=False,
    ),
}
_ACCESS = {
    "past_due_grace_days": Key(whole_number(0, 60), "past_due_grace_days = 7", 7, required=False),
    "renewal_grace_days": Key(whole_number(0, 60), "renewal_grace_days = 7", 7, required=False),
    "stale": Key(one_of("full", "limited", "none"), 'stale = "limited"', "limited", required=False),
    "collection_paused": Key(
        one_of("keep", "limited", "none"), 'collection_paused = "keep"', "keep", required=False
    ),
    "payment_tries": Key(whole_number(1, 20), "payment_tries = 8", 8, required=False),
    "debit_days": Key(whole_number(1, 60), "debit_days = 14", 14, required=False),
    "debit_changes": Key(
        one_of("at_once", "when_paid"), 'debit_changes = "at_once"', "at_once", required=False
    ),
    "debts": Key(one_of("limited", "none"), 'debts = "limited"', "limited", required=False),
    "disputed": Key(
        one_of("full", "limited", "none"), 'disputed = "limited"', "limited", required=False
    ),
}
_TABLES = (
    "trial",
    "access",
    "plans",
    "mail",
    "sequences",
    "milestones",
    "signup",
    "pages",
    "checkout",
    "cancel",
    "operators",
    "bus",
    "slack",
    "instance",
    "figures",
    "people",
)


def read_policy(toml: str, messages: Collection[str] | None = None) -> Policy:
    """The policy in a text of TOML. `messages` are the existing ones; None if they are not known.
    Raises PolicyMistakes.
    """
    try:
        raw = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise PolicyMistakes(
            [f"the file is not valid TOML: {error}. Example: days = 14"]
        ) from error
    mistakes: list[str] = []
    top = read_keys(raw, _TOP, "", mistakes, others=_TABLES)
    trial = read_keys(table(raw, "trial", mistakes), _TRIAL, "trial.", mistakes)
    access = read_keys(table(raw, "access", mistakes), _ACCESS, "access.", mistakes)
    plans = read_plans(table(raw, "plans", mistakes), str(top["currency"]), mistakes)
    milestones = read_milestones(raw, mistakes)
    signup, pages = read_signup(raw, plans, mistakes), read_pages(raw, mistakes)
    checkout, cancel = read_checkout(raw, mistakes), read_cancel(raw, plans, mistakes)
    mail, team = read_mail(raw, mistakes), read_team(raw, mistakes)
    bus, slack = read_bus(raw, mistakes), read_slack(raw, mistakes)
    figures = read_figures(raw, mistakes)
    instance, people = read_instance(raw, mistakes), read_people(raw, mistakes)
    steps = read_steps(raw, frozenset(plans), milestones, messages, mail is not None, mistakes)
    _check_after_trial(trial, plans, mistakes)
    _check_handed_over(steps, people, mistakes)
    check_reported_milestones(people, milestones, mistakes)
    if mistakes:
        raise PolicyMistakes(mistakes)
    return Policy(
        hash=hashlib.sha256(toml.encode()).hexdigest()[:12],
        base_url=top["base_url"].rstrip("/"),
        plans=plans,
        trial=_trial(trial),
        access=_access(access),
        signup=signup,
        pages=pages,
        currency=top["currency"],
        checkout=checkout,
        cancel=cancel,
        mail=mail,
        steps=steps,
        milestones=milestones,
        team=team,
        bus=bus,
        slack=slack,
        instance=instance,
        figures=figures,
        people=people,
    )


def _check_after_trial(
    trial: Mapping[str, Any], plans: Collection[str], mistakes: list[str]
) -> None:
    plan = trial["after_trial"]
    if isinstance(plan, str) and plan not in plans:
        mistakes.append(
            f'trial.after_trial: there is no plan "{plan}". Example: after_trial ='
            f' "{next(iter(plans), "free")}"'
        )


def _check_handed_over(
    steps: Sequence[Step], people: PeoplePolicy | None, mistakes: list[str]
) -> None:
    mistakes += [
        f"sequences.{step.sequence}: {step.id} goes via {step.via}, which [people] does not name."
        f' Example: [people] to = "{step.via}"'
        for step in steps
        if step.via and (people is None or people.to != step.via)
    ]


def _trial(values: Mapping[str, Any]) -> TrialPolicy:
    return TrialPolicy(
        days=values["days"],
        late_news=timedelta(hours=values["late_news_hours"]),
        first_payment=timedelta(hours=values["first_payment_hours"]),
        after_trial=values["after_trial"],
        without_card=values["without_card"],
    )


def _access(values: Mapping[str, Any]) -> AccessPolicy:
    paused = values["collection_paused"]
    return AccessPolicy(
        past_due_grace=timedelta(days=values["past_due_grace_days"]),
        renewal_grace=timedelta(days=values["renewal_grace_days"]),
        stale=values["stale"],
        collection_paused=None if paused == "keep" else paused,
        payment_tries=values["payment_tries"],
        debit=timedelta(days=values["debit_days"]),
        debts=values["debts"],
        disputed=values["disputed"],
        debit_changes=values["debit_changes"],
    )
