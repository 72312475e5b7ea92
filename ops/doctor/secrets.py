"""Is each secret in the Parameter Store, in the form that its readers need?"""

from collections.abc import Iterable

from ops.doctor.findings import Finding, ok, wrong
from ops.doctor.site import Site
from ops.stage.parameters import SECURE, Parameter
from ops.stage.secrets import SECRETS, Secret, setting


def check_secrets(site: Site) -> Iterable[Finding]:
    """Each secret that this policy needs."""
    return [
        judge_secret(
            secret,
            site.parameters.get(secret.name),
            site.name,
            site.parameters.name(secret.name),
            site.stripe_command,
        )
        for secret in SECRETS
        if secret.needed(site.policy)
    ]


def judge_secret(
    secret: Secret, held: Parameter | None, stage: str, parameter: str, stripe_command: str
) -> Finding:
    """Checks one secret. No finding contains its value."""
    subject, put = f"secret {secret.name}", setting(secret.name, stage)
    if held is None:
        return wrong(
            subject,
            "is missing",
            f"python -m ops deploy --stage {stage}"
            if secret.made
            else put
            if secret.source
            else stripe_command,
        )
    if held.type != SECURE:
        # AWS does not change the type of a parameter.
        return wrong(
            subject,
            f"is a {held.type}, readable without its key",
            f"aws ssm delete-parameter --name {parameter}; {put}, the same value",
        )
    if not secret.form.fullmatch(held.value.strip()):
        careful = f" ({secret.careful})" if secret.careful else ""
        return wrong(
            subject,
            f"must be {secret.described}",
            f"{put if secret.source or secret.made else stripe_command}{careful}",
        )
    return ok(subject, "is there")
