"""A signup as a visitor's browser sends it, JSON or a form, checked field by field."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from chalicelib.domain.errors import InvalidInput, TooLarge
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.signup import SignupRequest
from chalicelib.entry.http.request_schema import (
    Field,
    Kind,
    json_object,
    line,
    read_fields,
    refuse_unknown,
    texts,
    word,
    zone,
)

LARGEST_BODY = 16 * 1024
"""Bytes: some attributes fit, nobody's upload does."""

ATTRIBUTES_AT_MOST = 20
HONEYPOT = "website"
"""A field that people do not see: what is in it was put there by a program."""

CAPTCHA = "cf-turnstile-response"
"""The field that Turnstile's widget adds to the form."""


def _name_for_programs() -> Kind:
    return line(64, check=word)


SIGNUP = (
    # email_of reads it: what is an address, the policy has a say in too
    Field(
        "email",
        line(320, format="email"),
        "The address that we may write to.",
        required=True,
        example="ada@example.com",
    ),
    Field("name", line(100), "What to call the customer.", example="Ada Byron"),
    Field(
        "plan",
        _name_for_programs(),
        "A plan of billing.toml that is sold; without it the one that [signup] names.",
        example="pro",
    ),
    Field(
        "interval",
        _name_for_programs(),
        "How often it will be paid: day, week, month or year, if the plan is sold so.",
        example="month",
    ),
    Field(
        "currency",
        _name_for_programs(),
        "In which it will be paid, if the plan is sold so.",
        example="eur",
    ),
    Field(
        "external_id",
        line(128),
        "The product's own id of the customer: it has one trial.",
        example="user-1",
    ),
    Field(
        "timezone",
        zone(),
        "A zone of the IANA database: mail comes by its clock.",
        example="Europe/Vienna",
    ),
    Field("source", _name_for_programs(), "Where the visitor came from.", example="pricing-page"),
    Field(
        "attributes",
        texts(ATTRIBUTES_AT_MOST, 500),
        "What else is to be known, for conditions and mails.",
        example={"team": "5"},
    ),
)
"""What a signup may say of itself."""

FIELDS = tuple(field.name for field in SIGNUP)


@dataclass(frozen=True, slots=True)
class Posted:
    """What was posted: the fields, none of them checked yet but for their names, and whether it was
    a plain form.
    """

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
    return (content_type or "").partition(";")[
        0
    ].strip().lower() == "application/x-www-form-urlencoded"


def posted(body: bytes, content_type: str | None) -> Posted:
    """The fields of a body. Raises InvalidInput, TooLarge."""
    if len(body) > LARGEST_BODY:
        raise TooLarge(f"A signup may have {LARGEST_BODY} bytes.")
    form = is_form(content_type)
    fields = _form(body) if form else json_object(body)
    refuse_unknown(fields, SIGNUP, (HONEYPOT, CAPTCHA))
    return Posted(fields, form)


def email_of(fields: Mapping[str, Any], policy: Policy, in_test: bool = False) -> str:
    """The e-mail address, as mail servers write it. Raises InvalidInput. Whether anybody reads it
    is not asked of the DNS.
    """
    from email_validator import EmailNotValidError, validate_email

    value = fields.get("email")
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput("email is missing: give the address that we may write to.", "email")
    try:
        found = validate_email(
            value.strip(),
            check_deliverability=False,
            allow_smtputf8=False,
            test_environment=in_test,
        )
    except EmailNotValidError as error:
        raise InvalidInput(
            f"email is no address that can be written to: {error}", "email"
        ) from error
    email = found.ascii_email or found.normalized
    if policy.signup and policy.signup.disposable == "refuse" and _is_disposable(email):
        raise InvalidInput(
            "email is of a throw-away mail service. Please give an address that lasts.", "email"
        )
    return email


def read_wish(fields: Mapping[str, Any], policy: Policy, in_test: bool = False) -> SignupRequest:
    """The signup that the fields ask for. Raises InvalidInput, naming the field."""
    assert policy.signup is not None
    email = email_of(fields, policy, in_test)
    given = read_fields(fields, SIGNUP[1:])
    plan = given["plan"] or policy.signup.plan
    if plan not in policy.plans or not policy.plans[plan].lookup_keys:
        raise InvalidInput(
            "plan must be one of"
            f" {', '.join(id for id, one in policy.plans.items() if one.lookup_keys)}.",
            "plan",
        )
    currency = given["currency"]
    sold = policy.sold(plan, currency)
    if not sold:
        raise InvalidInput(
            f"currency must be one of {', '.join(policy.currencies)}, in which the plan {plan} is"
            " sold.",
            "currency",
        )
    interval = given["interval"] or (
        policy.signup.interval if policy.signup.interval in sold else next(iter(sold))
    )
    if interval not in sold:
        raise InvalidInput(f"interval must be one of {', '.join(sold)}.", "interval")
    return SignupRequest(
        email,
        plan,
        interval,
        given["name"],
        given["external_id"],
        given["timezone"],
        given["source"],
        given["attributes"] or {},
        None if currency == policy.currency else currency,
    )


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


def _is_disposable(email: str) -> bool:
    from disposable_email_domains import blocklist

    labels = email.rpartition("@")[2].lower().split(".")
    return any(".".join(labels[place:]) in blocklist for place in range(len(labels) - 1))
