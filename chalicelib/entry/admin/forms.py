"""The fields of a form as the values that the API takes: numbers, times in the product's zone."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.errors import InvalidInput
from chalicelib.entry.http.schemas.request import Field, read_fields

CONFIRMATION = "sure"
"""The field of the box that confirms an action."""

PRESSED = "pressed"
"""The field of the button below that box: a browser sends it, a script that only knows the fields
of the API does not.
"""


def api_values(
    fields: Sequence[Field], form: Mapping[str, str], zone: ZoneInfo
) -> Mapping[str, Any]:
    """The checked value of each field of an API call, None where it is left out or empty. Raises
    InvalidInput with the field's name.
    """
    typed = {
        field.name: _typed(field, text, zone)
        for field in fields
        if (text := form.get(field.name, "").strip())
    }
    return read_fields(typed, fields)


def _typed(field: Field, text: str, zone: ZoneInfo) -> Any:
    schema = field.kind.schema
    if schema.get("type") == "integer":
        return int(text) if re.fullmatch(r"-?[0-9]{1,15}", text) else text
    if schema.get("format") == "date-time":
        return moment_of(field.name, text, zone).isoformat()
    return text


def require_confirmation(form: Mapping[str, str]) -> None:
    """Raise InvalidInput unless the box that confirms an action was checked."""
    if form.get(CONFIRMATION) != "yes":
        raise InvalidInput("Nothing was done yet. Check the box to confirm it.", CONFIRMATION)


def has_box(form: Mapping[str, str]) -> bool:
    """Whether the form was sent from a page, where the box is above the button."""
    return PRESSED in form or CONFIRMATION in form


def moment_of(name: str, text: str, zone: ZoneInfo) -> datetime:
    """The moment that a text names: a day is its end in the zone, a time without an offset is the
    zone's. Raises InvalidInput with the field's name.
    """
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            following = datetime.fromisoformat(text) + timedelta(days=1)
            return following.replace(tzinfo=zone).astimezone(UTC)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            f"{name} must be a day such as 2026-12-31, or a time such as 2026-12-31T18:00.", name
        ) from error
