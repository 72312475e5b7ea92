"""Stripe's search: a query language over some fields of some kinds of objects
(docs.stripe.com/search).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object

TEXT, TOKEN, NUMBER = "text", "token", "number"
"""Kinds of fields: texts may be searched for a part of them, numbers be compared."""

FIELDS = {
    "customer": {"created": NUMBER, "email": TEXT, "name": TEXT, "phone": TEXT},
    "invoice": {
        "created": NUMBER,
        "currency": TOKEN,
        "customer": TOKEN,
        "number": TEXT,
        "status": TEXT,
        "subscription": TEXT,
        "total": NUMBER,
    },
    "subscription": {"canceled_at": NUMBER, "created": NUMBER, "status": TOKEN},
}
"""What each kind of object can be searched by, beside its metadata."""

_CLAUSE = re.compile(
    r"""\s*(?P<not>-)?
    (?:metadata\[(?P<quote>["'])(?P<key>[^"']+)(?P=quote)\]|(?P<field>\w+))
    \s*(?P<how>:|~|>=|<=|>|<)\s*
    (?:"(?P<double>(?:\\.|[^"\\])*)"|'(?P<single>(?:\\.|[^'\\])*)'|(?P<bare>null|-?\d+))\s*""",
    re.VERBOSE,
)
_JOIN = re.compile(r"\s+(AND|OR)\s+")


@dataclass(frozen=True)
class _Clause:
    negated: bool
    key: str | None
    field: str | None
    how: str
    value: str | None
    kind: str


def matcher(kind: str, query: str) -> Callable[[Object], bool]:
    """What a query asks of an object of a kind. Raises StripeRefusal."""
    clauses, joins = _parsed(kind, query)
    if len({*joins}) > 1:
        raise _unreadable("You cannot combine AND and OR in one query.")
    join = any if joins[:1] == ["OR"] else all
    return lambda thing: join(_fits(one, thing) for one in clauses)


def _parsed(kind: str, query: str) -> tuple[list[_Clause], list[str]]:
    clauses: list[_Clause] = []
    joins: list[str] = []
    place = 0
    while True:
        match = _CLAUSE.match(query, place)
        if match is None:
            raise _unreadable()
        clauses.append(_clause(kind, match))
        place = match.end()
        if place >= len(query):
            return clauses, joins
        # The blank before AND or OR may belong to the clause already.
        join = _JOIN.match(query, place) or _JOIN.match(query, place - 1)
        joins.append(join[1] if join else "AND")
        place = join.end() if join else place


def _clause(kind: str, match: re.Match[str]) -> _Clause:
    key, field, how = match["key"], match["field"], match["how"]
    of = TOKEN if key else FIELDS[kind].get(field)
    if of is None:
        raise StripeRefusal(f"Field `{field}` is an unsupported search field.", "query")
    texts = [one for one in (match["double"], match["single"]) if one is not None]
    value = re.sub(r"\\(.)", r"\1", texts[0]) if texts else match["bare"]
    if (how == "~" and of != TEXT) or (how in "<>=" and of != NUMBER):
        raise StripeRefusal(
            f"Field `{key or field}` does not support the operator `{how}`.", "query"
        )
    if how == "~" and len(value) < 3:
        raise StripeRefusal("A substring must have at least 3 characters.", "query")
    if of == NUMBER and not re.fullmatch(r"-?\d+", value):
        raise StripeRefusal(f"Field `{field}` must be compared with a number.", "query")
    is_null = not texts and value == "null"
    return _Clause(bool(match["not"]), key, field, how, None if is_null else value, of)


def _fits(clause: _Clause, thing: Object) -> bool:
    held = _held(clause, thing)
    return _holds(clause, held) is not clause.negated


def _held(clause: _Clause, thing: Object) -> Any:
    if clause.key:
        return thing["metadata"].get(clause.key)
    if clause.field == "subscription":
        details = (thing["parent"] or {}).get("subscription_details") or {}
        return details.get("subscription")
    return thing.get(clause.field or "")


def _holds(clause: _Clause, held: Any) -> bool:
    if clause.value is None or held is None:
        return held is clause.value
    if clause.kind == NUMBER:
        bound = int(clause.value)
        tests = {":": "__eq__", ">": "__gt__", "<": "__lt__", ">=": "__ge__", "<=": "__le__"}
        return bool(getattr(int(held), tests[clause.how])(bound))
    wanted, text = clause.value.lower(), str(held).lower()
    return wanted in text if clause.how == "~" else wanted == text


def _unreadable(why: str = "") -> StripeRefusal:
    return StripeRefusal(
        f"We were unable to parse your search query. {why}".strip()
        + ' Try using the format `metadata["key"]:"value"` to query for metadata or'
        ' `key:"value"` to query for other fields.',
        "query",
    )
