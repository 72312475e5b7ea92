"""A signup as a visitor's browser sends it, JSON or a form, checked field by field."""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from chalicelib.domain.errors import InvalidInput, TooLarge
from chalicelib.domain.policy import Policy
from chalicelib.domain.signups import Wish

LARGEST_BODY = 16 * 1024
"""Bytes: some attributes fit, nobody's upload does."""

ATTRIBUTES_AT_MOST = 20
HONEYPOT = "website"
"""A field that people do not see: what is in it was put there by a program."""

CAPTCHA = "cf-turnstile-response"
"""The field that Turnstile's widget adds to the form."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What was posted: the fields, none of them checked yet but for their names, and whether it was a plain form."""

    fields: Mapping[str, Any]
    is_form: bool

    @property
    def is_trapped(self) -> bool:
        """Whether the field that people do not see is filled in."""
        return bool(self.fields.get(HONEYPOT))

    @property
    def captcha(self) -> str:
        """The CAPTCHA's token."""
        token = self.fields.get(CAPTCHA)
        return token if isinstance(token, str) else ""


def is_form(content_type: str | None) -> bool:
    """Whether a body is a plain HTML form."""
    return (content_type or "").partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"


def posted(body: bytes, content_type: str | None) -> Posted:
    """The fields of a body. Raises InvalidInput, TooLarge."""
    if len(body) > LARGEST_BODY:
        raise TooLarge(f"A signup may have {LARGEST_BODY} bytes.")
    form = is_form(content_type)
    fields = _form(body) if form else _json(body)
    for name in fields:
        if name not in (*FIELDS, HONEYPOT, CAPTCHA):
            raise InvalidInput(f"There is no field {name[:40]}: give {', '.join(FIELDS)}.", name[:40])
    return Posted(fields, form)


def email_of(fields: Mapping[str, Any], policy: Policy, in_test: bool = False) -> str:
    """The e-mail address, as mail servers write it. Raises InvalidInput. Whether anybody reads it is not asked of the DNS."""
    from email_validator import EmailNotValidError, validate_email

    value = fields.get("email")
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput("email is missing: give the address that we may write to.", "email")
    try:
        found = validate_email(value.strip(), check_deliverability=False, allow_smtputf8=False, test_environment=in_test)
    except EmailNotValidError as error:
        raise InvalidInput(f"email is no address that can be written to: {error}", "email") from error
    email = found.ascii_email or found.normalized
    if policy.signup and policy.signup.disposable == "refuse" and _is_disposable(email):
        raise InvalidInput("email is of a throw-away mail service. Please give an address that lasts.", "email")
    return email


def read_wish(fields: Mapping[str, Any], policy: Policy, in_test: bool = False) -> Wish:
    """The signup that the fields ask for. Raises InvalidInput, naming the field."""
    assert policy.signup is not None
    email = email_of(fields, policy, in_test)
    given = {name: _text(fields.get(name), name, check) for name, check in TEXTS.items()}
    plan = given["plan"] or policy.signup.plan
    if plan not in policy.plans or not policy.plans[plan].lookup_keys:
        raise InvalidInput(f"plan must be one of {', '.join(id for id, one in policy.plans.items() if one.lookup_keys)}.", "plan")
    sold = policy.plans[plan].lookup_keys
    interval = given["interval"] or (policy.signup.interval if policy.signup.interval in sold else next(iter(sold)))
    if interval not in sold:
        raise InvalidInput(f"interval must be one of {', '.join(sold)}.", "interval")
    return Wish(email, plan, interval, given["name"], given["external_id"], given["timezone"], given["source"], _attributes(fields.get("attributes")))


def _form(body: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError as error:
        raise InvalidInput("The form cannot be read.") from error
    fields: dict[str, Any] = {}
    attributes: dict[str, str] = {}
    for name, value in pairs:
        attribute = re.fullmatch(r"attributes\[(.{1,64})\]", name)
        if attribute:
            attributes[attribute[1]] = value
        elif name in fields:
            raise InvalidInput(f"The field {name[:40]} is there twice.", name[:40])
        else:
            fields[name] = value
    given = {name: value for name, value in fields.items() if value != "" or name == "email"}
    return given | ({"attributes": attributes} if attributes else {})


def _json(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The body is no JSON.") from error
    if not isinstance(fields, dict):
        raise InvalidInput("The body must be a JSON object.")
    return fields


def _is_disposable(email: str) -> bool:
    from disposable_email_domains import blocklist

    labels = email.rpartition("@")[2].lower().split(".")
    return any(".".join(labels[place:]) in blocklist for place in range(len(labels) - 1))


def _one_line(value: str) -> str | None:
    wrong = any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in value)
    return "must be one line of text" if wrong else None


def _name(value: str) -> str | None:
    return _one_line(value) or ("must have at most 100 letters" if len(value) > 100 else None)


def _id(value: str) -> str | None:
    return _one_line(value) or ("must have at most 128 letters" if len(value) > 128 else None)


def _word(value: str) -> str | None:
    return None if re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", value) else "must be made of A-Z, a-z, 0-9, _, . and -, at most 64"


def _zone(value: str) -> str | None:
    from zoneinfo import available_timezones

    return None if value in available_timezones() else "must be a zone of the IANA database, such as Europe/Vienna"


TEXTS: dict[str, Callable[[str], str | None]] = {
    "name": _name,
    "plan": _word,
    "interval": _word,
    "external_id": _id,
    "timezone": _zone,
    "source": _word,
}
"""The optional fields and what is wrong with a value."""

FIELDS = ("email", *TEXTS, "attributes")


def _text(value: Any, field: str, check: Callable[[str], str | None]) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidInput(f"{field} must be a text.", field)
    wrong = check(value.strip())
    if not value.strip() or wrong:
        raise InvalidInput(f"{field} {wrong or 'must not be empty: leave it out'}.", field)
    return value.strip()


def _attributes(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    fits = (
        isinstance(value, dict)
        and len(value) <= ATTRIBUTES_AT_MOST
        and all(_word(key) is None and isinstance(one, str) and len(one) <= 500 and _one_line(one) is None for key, one in value.items())
    )
    if not fits:
        raise InvalidInput(
            f"attributes must be an object of at most {ATTRIBUTES_AT_MOST} short texts, each one line of at most 500 letters.", "attributes"
        )
    return dict(value)
