"""What a call to the provisioner says, and what its answer means."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.account.parts.instance import InstanceAnswered, InstanceRequest
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.instances.call_times import asked_again_at, retry_at
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.outgoing.hosts import link_to

LARGEST_ANSWER = 64 * 1024
"""Bytes. Of a longer answer no more is read, so it cannot be understood."""

GONE = frozenset({404, 410})
"""The statuses by which a provisioner says that there is no such instance."""


def call_body(account: Account, request: InstanceRequest, standing: Standing) -> dict[str, Any]:
    """What the provisioner gets, the same in each call but for what has changed at the account
    since. Raises AssertionError for an account without an instance.
    """
    instance = account.instance
    assert instance is not None
    return {
        "action": request.action,
        "account": {
            "id": account.id,
            "external_id": account.profile.external_id,
            "email": account.email,
            "email_proved": account.email_proved,
            "name": account.name,
            "plan": standing.plan,
            "features": list(standing.features),
            "quantity": standing.quantity,
            "attributes": dict(account.profile.attributes),
        },
        "request_id": request.id,
        "deadline": request.deadline.isoformat().replace("+00:00", "Z"),
        "instance": {"url": instance.url} if instance.url else {},
    }


def read_answer(
    account: Account,
    request: InstanceRequest,
    answer: CallAnswer,
    hosts: tuple[str, ...],
    at: datetime,
    loopback: bool = False,
) -> InstanceAnswered:
    """What came of the request's last call, which was answered at a time."""
    if answer.code == 202:
        call_at = asked_again_at(request, at)
        return InstanceAnswered(request.id, request.calls, "accepted", at, call_at)
    if request.action == "delete" and answer.code in GONE:
        return InstanceAnswered(request.id, request.calls, "done", at)
    if answer.code in GONE and account.instance and account.instance.doubt == "delete":
        return InstanceAnswered(request.id, request.calls, "gone", at)
    try:
        url = _url_in(account, request, answer, hosts, loopback)
    except ValueError as wrong:
        return InstanceAnswered(
            request.id, request.calls, "failed", at, retry_at(request, at), error=str(wrong)
        )
    return InstanceAnswered(request.id, request.calls, "done", at, url=url)


def _url_in(
    account: Account,
    request: InstanceRequest,
    answer: CallAnswer,
    hosts: tuple[str, ...],
    loopback: bool,
) -> str | None:
    """The URL in an answer that says the request is done; None if it names none. Raises ValueError,
    with what is wrong, for every other answer.
    """
    if answer.code != 200:
        raise ValueError(
            answer.error or f"The answer was {answer.code}, not 200 with a status, or 202."
        )
    if answer.is_cut:
        raise ValueError("The answer ended before its end.")
    told = _object_in(answer.body)
    if told.get("status") != request.target:
        raise ValueError(
            f'The answer was 200, and its status is not "{request.target}". Answer 202 for what'
            " is under way."
        )
    url = told.get("url")
    if url is not None and not isinstance(url, str):
        raise ValueError("The answer's url is no text.")
    if request.target != "ready":
        return None
    if url is None:
        known = account.instance.url if account.instance else None
        if known is None:
            raise ValueError("The answer has no url, and the instance has none yet.")
        return None
    try:
        return link_to(url, hosts, loopback, field="The answer's url")
    except InvalidInput as error:
        raise ValueError(error.message) from None


def _object_in(body: bytes) -> Mapping[str, Any]:
    if len(body) >= LARGEST_ANSWER:
        raise ValueError("The answer was longer than 64 KB.")
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("The answer was 200, and no JSON.") from None
    if not isinstance(told, dict):
        raise ValueError("The answer was 200, and no JSON object.")
    return told
