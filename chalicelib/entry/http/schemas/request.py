"""Declared input fields. One list of fields parses an input, reports what is wrong with it, and
gives its JSON Schema.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from chalicelib.domain.errors import InvalidInput
from chalicelib.values import frozen

Schema = dict[str, Any]


@frozen
class Kind:
    """A type of value. `read` parses a value, or raises ValueError with the reason (`must be …`).
    `schema` describes the same in JSON Schema.
    """

    schema: Schema
    read: Callable[[Any], Any]


@frozen
class Field:
    """One field of an input. An optional field may be left out or null. `help` is its description
    in OpenAPI.
    """

    name: str
    kind: Kind
    help: str
    required: bool = False
    example: Any = None

    def read(self, values: Mapping[str, Any]) -> Any:
        """The parsed value, None if it is left out. Raises InvalidInput with the field's name."""
        value = values.get(self.name)
        if value is None:
            if self.required:
                raise InvalidInput(
                    f"{self.name} is missing: {self.help[0].lower()}{self.help[1:]}", self.name
                )
            return None
        try:
            return self.kind.read(value)
        except ValueError as error:
            raise InvalidInput(f"{self.name} {error}.", self.name) from error

    def schema(self) -> Schema:
        """The JSON Schema of the field, with its description and example."""
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
    """The JSON object in a body. Raises InvalidInput, also for a field that is there twice: of two
    values nobody knows which one counts.
    """
    try:
        values = json.loads(body, object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The body is not valid JSON.") from error
    if not isinstance(values, dict):
        raise InvalidInput("The body must be a JSON object.")
    return values


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise InvalidInput(f"The field {name[:40]} was sent twice.", name[:40])
        values[name] = value
    return values


def refuse_unknown(
    given: Iterable[str], fields: Iterable[Field], also: Collection[str] = (), what: str = "field"
) -> None:
    """Raise InvalidInput if a given name is neither one of the fields nor in `also`."""
    names = [field.name for field in fields]
    for name in given:
        if name not in names and name not in also:
            raise InvalidInput(
                f"There is no {what} {name[:40]}. Known names: {', '.join(names) or 'none'}.",
                name[:40],
            )


def read_fields(values: Mapping[str, Any], fields: Iterable[Field]) -> dict[str, Any]:
    """The parsed value of each field by its name, None where left out. Raises InvalidInput."""
    return {field.name: field.read(values) for field in fields}


def object_schema(fields: Iterable[Field]) -> Schema:
    """The JSON Schema of an object with these fields and no others."""
    fields = list(fields)
    required = [field.name for field in fields if field.required]
    properties = {field.name: field.schema() for field in fields}
    return {"type": "object", "properties": properties, "additionalProperties": False} | (
        {"required": required} if required else {}
    )


def one_line(value: str) -> str | None:
    """The reason why a text is not one line, None if it is: control characters, line breaks and
    unpaired surrogates are not allowed.
    """
    forbidden = any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in value)
    return "must be one line of text" if forbidden else None


def line(
    most: int, *, check: Callable[[str], str | None] | None = None, format: str | None = None
) -> Kind:
    """One line of text with at most `most` characters, stripped of surrounding white space.
    `check` returns the reason why a text is not allowed, or None.
    """

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("must be a text")
        text = value.strip()
        if not text:
            raise ValueError("must not be empty")
        reason = (
            one_line(text)
            or (f"must have at most {most} characters" if len(text) > most else None)
            or (check(text) if check else None)
        )
        if reason:
            raise ValueError(reason)
        return text

    return Kind(
        {"type": "string", "minLength": 1, "maxLength": most}
        | ({"format": format} if format else {}),
        read,
    )


def matching(pattern: str, reason: str) -> Kind:
    """A text that matches a pattern. `reason` is the error for one that does not."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(reason)
        return value

    return Kind({"type": "string", "pattern": f"^(?:{pattern})$"}, read)


def identifier(value: str) -> str | None:
    """The reason why a text is not an identifier, None if it is."""
    return (
        None
        if re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", value)
        else "must have at most 64 characters out of A-Z, a-z, 0-9, _, . and -"
    )


def one_of(words: Collection[str] | Callable[[], Collection[str]], what: str = "one of") -> Kind:
    """One of these words. If `words` is a function, each read calls it, and the JSON Schema does
    not list the words.
    """

    def known() -> list[str]:
        return list(words() if callable(words) else words)

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in known():
            raise ValueError(f"must be {what} {', '.join(known()) or '(none are defined)'}")
        return value

    return Kind({"type": "string"} | ({} if callable(words) else {"enum": list(words)}), read)


def integer(least: int, most: int) -> Kind:
    """A whole number from `least` to `most`."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return Kind({"type": "integer", "minimum": least, "maximum": most}, read)


def integer_text(least: int, most: int) -> Kind:
    """A whole number from `least` to `most`, as the text that a query string has."""
    number = integer(least, most)

    def read(value: Any) -> int:
        is_number = isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value)
        parsed: int = number.read(int(value) if is_number else None)
        return parsed

    return Kind(number.schema, read)


def words_of(words: Collection[str], what: str) -> Kind:
    """Some of these words, with commas between them; none stands for all. Parsed to a tuple."""

    def read(value: Any) -> tuple[str, ...]:
        given = [word.strip() for word in value.split(",")] if isinstance(value, str) else [""]
        unknown = [word for word in given if word not in words]
        if unknown and given != [""]:
            raise ValueError(f"must be {what} with commas between them: {', '.join(words)}")
        return () if unknown else tuple(given)

    return Kind({"type": "string"}, read)


def timestamp() -> Kind:
    """A time in ISO 8601 with its UTC offset; parsed to UTC."""

    def read(value: Any) -> datetime:
        try:
            parsed = datetime.fromisoformat(value)
            time = parsed.astimezone(UTC) if parsed.tzinfo else None
        except (TypeError, ValueError, OverflowError):
            time = None
        if time is None:
            raise ValueError(
                "must be a time in ISO 8601 with its UTC offset, such as 2026-03-02T09:00:00Z"
            )
        return time

    return Kind({"type": "string", "format": "date-time"}, read)


def day() -> Kind:
    """A day such as 2026-03-01, from 1970 to 2999."""

    def read(value: Any) -> date:
        if not isinstance(value, str) or not re.fullmatch(r"(19[7-9]|2\d\d)\d-\d\d-\d\d", value):
            raise ValueError("must be a day, such as 2026-03-01")
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ValueError("must be a day that exists, such as 2026-03-01") from error

    return Kind({"type": "string", "format": "date"}, read)


def time_zone() -> Kind:
    """The name of a time zone."""

    def check(value: str) -> str | None:
        from zoneinfo import available_timezones

        return (
            None
            if value in available_timezones()
            else "must be a time zone of the IANA database, such as Europe/Vienna"
        )

    return line(64, check=check)


LANGUAGE_TAG = r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}"
"""The common form of a language tag (RFC 5646): `de`, `de-AT`, `zh-Hant-TW`."""


def language_tag() -> Kind:
    """A language tag such as `de` or `de-AT`."""
    return matching(LANGUAGE_TAG, "must be a language tag, such as de or de-AT")


def text_list(most: int, size: int) -> Kind:
    """A list of at most `most` texts, each one line of at most `size` characters."""
    inner = line(size)

    def read(value: Any) -> list[str]:
        if not isinstance(value, list) or len(value) > most:
            raise ValueError(f"must be a list of at most {most} texts")
        return [inner.read(text) for text in value]

    return Kind({"type": "array", "maxItems": most, "items": inner.schema}, read)


def text_map(most: int, size: int) -> Kind:
    """An object of at most `most` texts by identifier, each one line of at most `size` bytes in
    UTF-8.
    """

    def read(value: Any) -> dict[str, str]:
        fits = (
            isinstance(value, dict)
            and len(value) <= most
            and all(
                identifier(key) is None
                and isinstance(text, str)
                and one_line(text) is None
                and len(text.encode()) <= size
                for key, text in value.items()
            )
        )
        if not fits:
            raise ValueError(
                f"must be an object of at most {most} texts, each one line of at most {size} bytes"
            )
        return dict(value)

    inner = {"type": "string", "maxLength": size}
    return Kind({"type": "object", "maxProperties": most, "additionalProperties": inner}, read)
