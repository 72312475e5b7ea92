"""What may be sent to Billhook, declared once: a table of fields reads an input, names what is
wrong with it, and is its JSON Schema.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.errors import InvalidInput

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: `read` gives the value in our own type or raises ValueError with what is
    wrong (`must be …`); `schema` says the same.
    """

    schema: Schema
    read: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an input. One that is not required may be left out or null."""

    name: str
    kind: Kind
    help: str
    required: bool = False
    example: Any = None

    def read(self, given: Mapping[str, Any]) -> Any:
        """The field's value; None where it is left out. Raises InvalidInput, naming it."""
        value = given.get(self.name)
        if value is None:
            if self.required:
                raise InvalidInput(
                    f"{self.name} is missing: {self.help[0].lower()}{self.help[1:]}", self.name
                )
            return None
        try:
            return self.kind.read(value)
        except ValueError as wrong:
            raise InvalidInput(f"{self.name} {wrong}.", self.name) from wrong

    def schema(self) -> Schema:
        """Its JSON Schema."""
        schema = dict(self.kind.schema)
        if not self.required and "type" in schema:
            schema["type"] = [schema["type"], "null"]
            if "enum" in schema:
                schema["enum"] = [*schema["enum"], None]
        return (
            schema
            | {"description": self.help}
            | ({} if self.example is None else {"examples": [self.example]})
        )


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises InvalidInput."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The body is no JSON.") from error
    if not isinstance(fields, dict):
        raise InvalidInput("The body must be a JSON object.")
    return fields


def refuse_unknown(
    given: Iterable[str], fields: Iterable[Field], also: Collection[str] = (), what: str = "field"
) -> None:
    """Raises InvalidInput for a name that none of the fields has."""
    names = [field.name for field in fields]
    for name in given:
        if name not in names and name not in also:
            raise InvalidInput(
                f"There is no {what} {name[:40]}: give {', '.join(names) or 'none'}.", name[:40]
            )


def read_fields(given: Mapping[str, Any], fields: Iterable[Field]) -> dict[str, Any]:
    """Each field by its name, None where it is left out. Raises InvalidInput."""
    return {field.name: field.read(given) for field in fields}


def object_schema(fields: Iterable[Field]) -> Schema:
    """The JSON Schema of an object of these fields and no others."""
    fields = list(fields)
    required = [field.name for field in fields if field.required]
    properties = {field.name: field.schema() for field in fields}
    return {"type": "object", "properties": properties, "additionalProperties": False} | (
        {"required": required} if required else {}
    )


def one_line(value: str) -> str | None:
    """What is wrong with a text that must be one line."""
    wrong = any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in value)
    return "must be one line of text" if wrong else None


def line(
    most: int, *, check: Callable[[str], str | None] | None = None, format: str | None = None
) -> Kind:
    """One line of text, without the space around it."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("must be a text")
        text = value.strip()
        if not text:
            raise ValueError("must not be empty")
        wrong = (
            one_line(text)
            or (f"must have at most {most} letters" if len(text) > most else None)
            or (check(text) if check else None)
        )
        if wrong:
            raise ValueError(wrong)
        return text

    return Kind(
        {"type": "string", "minLength": 1, "maxLength": most}
        | ({"format": format} if format else {}),
        read,
    )


def matching(pattern: str, wrong: str) -> Kind:
    """A text of one pattern."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(wrong)
        return value

    return Kind({"type": "string", "pattern": f"^(?:{pattern})$"}, read)


def word(value: str) -> str | None:
    """What is wrong with a name for programs."""
    return (
        None
        if re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", value)
        else "must be made of A-Z, a-z, 0-9, _, . and -, at most 64"
    )


def one_of(words: Collection[str] | Callable[[], Collection[str]], what: str = "one of") -> Kind:
    """One of these words; a function is asked for them each time."""

    def known() -> list[str]:
        return list(words() if callable(words) else words)

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in known():
            raise ValueError(f"must be {what} {', '.join(known()) or '(there are none yet)'}")
        return value

    return Kind({"type": "string"} | ({} if callable(words) else {"enum": list(words)}), read)


def whole(least: int, most: int) -> Kind:
    """A whole number within limits."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return Kind({"type": "integer", "minimum": least, "maximum": most}, read)


def moment() -> Kind:
    """A moment with its offset, in ISO 8601."""

    def read(value: Any) -> datetime:
        try:
            given = datetime.fromisoformat(value)
            moment = given.astimezone(UTC) if given.tzinfo else None
        except (TypeError, ValueError, OverflowError):
            moment = None
        if moment is None:
            raise ValueError("must be a moment with its offset, such as 2026-03-02T09:00:00Z")
        return moment

    return Kind({"type": "string", "format": "date-time"}, read)


def zone() -> Kind:
    """A time zone."""

    def check(value: str) -> str | None:
        from zoneinfo import available_timezones

        return (
            None
            if value in available_timezones()
            else "must be a zone of the IANA database, such as Europe/Vienna"
        )

    return line(64, check=check)


def texts(most: int, letters: int) -> Kind:
    """An object of a few short texts by name."""

    def read(value: Any) -> dict[str, str]:
        fits = (
            isinstance(value, dict)
            and len(value) <= most
            and all(
                word(key) is None
                and isinstance(one, str)
                and len(one) <= letters
                and one_line(one) is None
                for key, one in value.items()
            )
        )
        if not fits:
            raise ValueError(
                f"must be an object of at most {most} short texts, each one line of at most"
                f" {letters} letters"
            )
        return dict(value)

    inner = {"type": "string", "maxLength": letters}
    return Kind({"type": "object", "maxProperties": most, "additionalProperties": inner}, read)
