"""Parses a signup from a visitor's browser, sent as JSON or as a form, and checks each field."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from chalicelib.domain.bounds import most
from chalicelib.domain.errors import InvalidInput, TooLarge
from chalicelib.domain.ids import LONGEST_EXTERNAL_ID
from chalicelib.domain.policy.languages import accepted_language
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.security.claims import LONGEST_CLAIM, SignedClaim
from chalicelib.domain.security.signup import SignupRequest, with_ascii_domain
from chalicelib.entry.http.schemas.request import (
    Field,
    Kind,
    identifier,
    json_object,
    language_tag,
    line,
    read_fields,
    refuse_unknown,
    text_map,
    time_zone,
)
from chalicelib.values import frozen, replace

LARGEST_BODY = 40 * 1024
"""Bytes: enough for all fields at their bounds, too little for an upload."""

HONEYPOT = "website"
"""A hidden field: people leave it empty, so a value in it comes from a program."""

CAPTCHA = "cf-turnstile-response"
"""The field that Turnstile's widget adds to the form."""


def _identifier() -> Kind:
    return line(64, check=identifier)


EXTERNAL_ID = Field(
    "external_id",
    line(LONGEST_EXTERNAL_ID),
    "Your product's id of the customer. Each id gets one trial. Taken only with a write key in"
    " Authorization; a browser sends a claim instead.",
    example="user-1",
)

CLAIM = Field(
    "claim",
    line(LONGEST_CLAIM),
    "Your product's id of the customer, signed by your product, so that a browser may send it.",
)

SIGNUP = (
    # parsed by email_of, because the policy decides which addresses are allowed
    Field(
        "email",
        line(320, format="email"),
        "The customer's e-mail address.",
        required=True,
        example="ada@example.com",
    ),
    Field("name", line(most("name")), "The customer's name.", example="Ada Byron"),
    Field(
        "plan",
        _identifier(),
        "A plan in billing.toml that is on sale. Default: the plan in [signup].",
        example="pro",
    ),
    Field(
        "interval",
        _identifier(),
        "The billing interval after the trial: day, week, month or year, if the plan is sold by"
        " it.",
        example="month",
    ),
    Field(
        "currency",
        _identifier(),
        "The currency after the trial, if the plan is sold in it.",
        example="eur",
    ),
    EXTERNAL_ID,
    CLAIM,
    Field(
        "timezone",
        time_zone(),
        "The customer's time zone, from the IANA database. Mail is timed by it.",
        example="Europe/Vienna",
    ),
    Field(
        "language",
        language_tag(),
        "The customer's language, as a language tag. Default: the attribute `language` or `locale`,"
        " else what the browser prefers.",
        example="de-AT",
    ),
    Field("source", _identifier(), "Where the visitor came from.", example="pricing-page"),
    Field(
        "attributes",
        text_map(most("attributes"), most("attribute")),
        "More about the customer, for conditions and messages in billing.toml.",
        example={"team": "5"},
    ),
)
"""The fields of a signup."""

FIELDS = tuple(field.name for field in SIGNUP)


@frozen
class PostedSignup:
    """The fields of a posted signup: only their names are checked. `is_form` means a plain HTML
    form.
    """

    fields: Mapping[str, Any]
    is_form: bool

    @property
    def is_trapped(self) -> bool:
        """Whether the hidden field has a value."""
        return bool(self.fields.get(HONEYPOT))

    @property
    def captcha(self) -> str:
        """The token of the CAPTCHA, empty if there is none."""
        token = self.fields.get(CAPTCHA)
        return token if isinstance(token, str) else ""


def is_form(content_type: str | None) -> bool:
    """Whether a content type is that of a plain HTML form."""
    return (content_type or "").partition(";")[
        0
    ].strip().lower() == "application/x-www-form-urlencoded"


def parse_signup(body: bytes, content_type: str | None) -> PostedSignup:
    """The fields of a body. Raises InvalidInput, TooLarge."""
    if len(body) > LARGEST_BODY:
        raise TooLarge(f"The signup is too large: at most {LARGEST_BODY} bytes are allowed.")
    form = is_form(content_type)
    fields = _form(body) if form else json_object(body)
    refuse_unknown(fields, SIGNUP, (HONEYPOT, CAPTCHA))
    return PostedSignup(fields, form)


def email_of(fields: Mapping[str, Any], policy: Policy, in_test: bool = False) -> str:
    """The e-mail address in normal form. Raises InvalidInput. Does not query the DNS. `in_test`
    allows the reserved domain `test`.
    """
    from email_validator import EmailNotValidError, validate_email

    value = fields.get("email")
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(
            "email is missing: give the customer's e-mail address.", "email", "missing"
        )
    try:
        found = validate_email(
            value.strip(),
            check_deliverability=False,
            allow_smtputf8=False,
            strict=True,  # 64 characters before the @: SES takes no more
            test_environment=in_test,
        )
    except EmailNotValidError as error:
        raise InvalidInput(f"email is not a valid e-mail address: {error}", "email") from error
    email = found.ascii_email or found.normalized
    if policy.signup and policy.signup.disposable == "refuse" and _is_disposable(email):
        raise InvalidInput(
            "email belongs to a throw-away mail service. Please give a permanent address.",
            "email",
            "disposable",
        )
    return email


def read_signup(
    fields: Mapping[str, Any], policy: Policy, in_test: bool = False, accept_language: str = ""
) -> SignupRequest:
    """The signup request in the posted fields. `accept_language` is the header of that name, and
    counts where the fields name no language. Raises InvalidInput with the name of the field.
    """
    assert policy.signup is not None
    email = email_of(fields, policy, in_test)
    values = read_fields(fields, SIGNUP[1:])
    plan = values["plan"] or policy.signup.plan
    if plan not in policy.plans or not policy.plans[plan].lookup_keys:
        raise InvalidInput(
            "plan must be one of"
            f" {', '.join(id for id, known in policy.plans.items() if known.lookup_keys)}.",
            "plan",
        )
    currency = values["currency"]
    sold = policy.lookup_keys(plan, currency)
    if not sold:
        raise InvalidInput(
            f"currency must be one of {', '.join(policy.currencies)}, and the plan {plan} must be"
            " sold in it.",
            "currency",
        )
    interval = values["interval"] or (
        policy.signup.interval if policy.signup.interval in sold else next(iter(sold))
    )
    if interval not in sold:
        raise InvalidInput(f"interval must be one of {', '.join(sold)}.", "interval")
    attributes = values["attributes"] or {}
    language = values["language"]
    if language is None and not attributes.keys() & {"language", "locale"}:
        language = accepted_language(accept_language)
    return SignupRequest(
        email,
        plan,
        interval,
        values["name"],
        values["external_id"],
        values["timezone"],
        values["source"],
        attributes,
        None if currency == policy.currency else currency,
        language,
    )


def with_claim(signup: SignupRequest, claim: SignedClaim) -> SignupRequest:
    """The signup of the user in the claim. Raises InvalidInput if the claim is of another id or
    address than the signup.
    """
    external_id = EXTERNAL_ID.read({"external_id": claim.external_id})
    if signup.external_id not in (None, external_id):
        raise InvalidInput("claim is of another external_id than this signup.", "claim")
    claimed = claim.email and with_ascii_domain(claim.email.strip()).lower()
    if claim.email is not None and claimed != signup.email.lower():
        raise InvalidInput("claim is of another e-mail address than this signup.", "claim")
    return replace(signup, external_id=external_id)


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
            raise InvalidInput(f"The field {name[:40]} was sent twice.", name[:40])
        else:
            fields[name] = value
    filled = {name: value for name, value in fields.items() if value != "" or name == "email"}
    return filled | ({"attributes": attributes} if attributes else {})


def _is_disposable(email: str) -> bool:
    from disposable_email_domains import blocklist

    labels = email.rpartition("@")[2].lower().split(".")
    return any(".".join(labels[start:]) in blocklist for start in range(len(labels) - 1))
