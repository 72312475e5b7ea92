"""The domain events of an account's instance, by comparison with the last version."""

from collections.abc import Iterator

from chalicelib.domain.account.domain_event import EventData
from chalicelib.domain.account.parts.instance import Instance
from chalicelib.domain.changes.event_document import iso_time


def instance_events(old: Instance | None, new: Instance | None) -> Iterator[tuple[str, EventData]]:
    """(type, data) of what happened to the instance."""
    if new is None:
        return
    before = old.state if old else "none"
    if new.state != before and (type := _type_of(before, new.state)):
        yield (
            type,
            {
                "url": new.url or (old.url if old else None),
                "request_id": new.request.id if new.request else None,
            },
        )
    elif old and old.url and new.url and new.url != old.url:
        yield (
            "instance.url_changed",
            {
                "url": new.url,
                "url_before": old.url,
                "request_id": new.request.id if new.request else None,
            },
        )
    request = new.open_request
    if request and request.trouble == "stalled" and not _had_stalled(old, request.id):
        yield (
            "instance.stalled",
            {
                "action": request.action,
                "request_id": request.id,
                "deadline": iso_time(request.deadline),
            },
        )


def _type_of(before: str, after: str) -> str | None:
    if after == "ready":
        return "instance.resumed" if before == "suspended" else "instance.ready"
    return {"suspended": "instance.suspended", "deleted": "instance.deleted"}.get(after)


def _had_stalled(old: Instance | None, request_id: str) -> bool:
    request = old.open_request if old else None
    return request is not None and request.id == request_id and request.trouble == "stalled"
