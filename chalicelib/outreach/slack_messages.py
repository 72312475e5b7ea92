"""The texts of messages to the team's channel in Slack, in Slack's own markup."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.event_catalogue import CATALOGUE
from chalicelib.domain.changes.event_document import amount_of
from chalicelib.domain.policy.policy import Policy
from chalicelib.localization.amounts import money
from chalicelib.outreach.typed_words import broken_up


def one_happening(document: str, account: Account | None, policy: Policy, base_url: str) -> str:
    """The message about one domain event, from its document: what happened, to whom, the plan, the
    amount if money is concerned, the milestone if it is one, and a link to the customer. `account`
    is None if it is gone.
    """
    told = json.loads(document)
    data, type = told["data"], str(told["type"])
    parts = [
        _who(account),
        escaped(policy.plan_name(data["access"]["plan"])),
        _amount(data),
        escaped(str(data.get("milestone") or "")),
        f"<{base_url}/admin/customers/{data['account_id']}|{data['account_id']}>",
    ]
    meaning = CATALOGUE[type].meaning if type in CATALOGUE else ""
    return f"*{type}* {escaped(meaning)}\n" + " · ".join(part for part in parts if part)


def many_happenings(types: Iterable[str], base_url: str) -> str:
    """The message about a burst: how many there were of each type, the most frequent first."""
    counted = Counter(types)
    each = ", ".join(f"{number} × {type}" for type, number in counted.most_common())
    total, link = sum(counted.values()), f"<{base_url}/admin/customers|Customers>"
    return f"*{total} happenings* within a short time: {each}\n{link}"


def escaped(text: str) -> str:
    """Text in which Slack sees no markup (docs.slack.dev, "Escaping text"): unescaped, `<!channel>`
    as a name would call everybody.
    """
    line = " ".join(text.split())
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _who(account: Account | None) -> str:
    if account is None:
        return ""
    # The name is what somebody typed: no link, and no address but the account's own.
    name = escaped(broken_up(account.name or ""))
    address = escaped(account.email or "")
    return f"{name} ({address})" if name and address else name or address


def _amount(data: Mapping[str, Any]) -> str:
    found = amount_of(data)
    return money(*found) if found and found[0] else ""
