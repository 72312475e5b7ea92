"""Is each secret of docs/running.md in the Parameter Store, and of the form that its readers need?"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chalicelib.domain.policy import Policy
from ops.doctor.findings import Finding, ok, wrong
from ops.doctor.site import Site
from ops.parameters import SECURE, Parameter


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret. `value` is what the cure puts in; `careful` what to think of before a bad one is put anew."""

    name: str
    form: re.Pattern[str]
    described: str
    value: str
    careful: str = ""
    needed: Callable[[Policy], bool] = lambda policy: True


RANDOM = '"$(openssl rand -hex 32)"'

SECRETS = (
    Secret(
        "stripe-api-key",
        re.compile(r"(sk|rk)_(live|test)_\w+"),
        "a secret or restricted key of Stripe's, sk_… or rk_…",
        "rk_…, made in Stripe's dashboard: Developers, API keys, Create restricted key",
    ),
    Secret("stripe-webhook-secrets", re.compile(r"whsec_\S+(\s+whsec_\S+)*"), "signing secrets whsec_…, apart by white space", ""),
    Secret(
        "link-keys",
        re.compile(r"\S{32,}(\s+\S{32,})*"),
        "keys of 32 characters or more, apart by white space",
        RANDOM,
        "links in mails already sent stop working with another key",
    ),
    Secret(
        "hash-key",
        re.compile(r"\S{32,}"),
        "one key of 32 characters or more",
        RANDOM,
        "with another key no customer of before is found by address any more",
    ),
    Secret(
        "captcha-secret",
        re.compile(r"\S{10,}"),
        "the CAPTCHA service's secret",
        "…, from Cloudflare's dashboard: Turnstile, the widget, Settings",
        needed=lambda policy: policy.signup is not None and policy.signup.captcha != "none",
    ),
)


def check_secrets(site: Site) -> Iterable[Finding]:
    """Each secret that this policy needs."""
    return [
        judge_secret(secret, site.parameters.get(secret.name), site.parameters.name(secret.name), site.stripe_command)
        for secret in SECRETS
        if secret.needed(site.policy)
    ]


def judge_secret(secret: Secret, held: Parameter | None, name: str, stripe_command: str) -> Finding:
    """One secret as it stands. No finding says what is in it."""
    subject = f"secret {secret.name}"
    put = f"aws ssm put-parameter --overwrite --name {name} --type {SECURE} --value {secret.value}" if secret.value else stripe_command
    if held is None:
        return wrong(subject, "is missing", put)
    if held.type != SECURE:
        again = f"aws ssm delete-parameter --name {name}; aws ssm put-parameter --name {name} --type {SECURE} --value <the same>"
        return wrong(subject, f"is a {held.type}, readable without its key", again)
    if not secret.form.fullmatch(held.value.strip()):
        return wrong(subject, f"must be {secret.described}", f"{put}{f' ({secret.careful})' if secret.careful else ''}")
    return ok(subject, "is there")
