"""Are there AWS credentials and a stage? Does billing.toml fit the stage?"""

from collections.abc import Iterable, Mapping

from chalicelib.aws.jobs.job_states import JobStates
from chalicelib.domain.errors import BillhookError, PolicyMistakes
from chalicelib.domain.policy.policy import SignupPolicy
from chalicelib.domain.schedule.watch.conditions import CONDITIONS
from chalicelib.domain.schedule.watch.open_conditions import OpenConditions
from ops.doctor.findings import Finding, ok, unknown, wrong
from ops.doctor.site import Site
from ops.stripe.opening import base_url

AT_REST = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")


def check_region(site: Site) -> Iterable[Finding]:
    """Whether a region is set."""
    if site.session.region_name:
        return [ok("region", str(site.session.region_name))]
    return [
        wrong(
            "region",
            "none is set",
            "export AWS_DEFAULT_REGION=…, or set the region of your AWS profile",
        )
    ]


def check_credentials(site: Site) -> Iterable[Finding]:
    """Whether the AWS credentials work."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        # Credentials are the same in every region: a missing one is another finding.
        sts = site.session.client("sts", region_name=site.session.region_name or "us-east-1")
        return [ok("credentials", str(sts.get_caller_identity()["Arn"]))]
    except (BotoCoreError, ClientError) as error:
        return [
            wrong(
                "credentials",
                f"AWS does not know you: {error}",
                "export AWS_PROFILE=…, or sign in: aws sso login, aws configure",
            )
        ]


def check_policy(site: Site) -> Iterable[Finding]:
    """What `ops check` reports, a finding for each mistake."""
    try:
        policy = site.policy
    except PolicyMistakes as error:
        return [
            wrong(
                "billing.toml",
                mistake,
                "mend chalicelib/billing.toml; python -m ops check reads it again",
            )
            for mistake in error.mistakes
        ]
    except BillhookError as error:
        return [
            wrong(
                "billing.toml",
                error.message,
                "mend chalicelib/billing.toml; python -m ops check reads it again",
            )
        ]
    found = ok("billing.toml", f"policy {policy.hash}, plans {', '.join(policy.plans)}")
    return [found, *judge_signups(policy.signup)]


def judge_signups(policy: SignupPolicy | None) -> Iterable[Finding]:
    """What an answer to a signup tells a stranger, and whose pages may send one."""
    if policy is None:
        return
    if not policy.sites:
        says = "browsers sign up on this host's own pages only"
        yield ok("signups", says, "list the sites that have your form in [signup] sites")
    elif policy.answer == "open":
        says = "an answer tells whether its address has had a trial"
        yield ok("signups", says, 'answer = "same" in [signup], if nobody should learn that')
    else:
        yield ok("signups", "every address gets the same answer")


def check_stage(site: Site) -> Iterable[Finding]:
    """Whether the stack exists, and no deployment is under way."""
    try:
        status = site.stage.status
    except BillhookError as error:
        if "is not deployed" not in error.message:
            raise
        return [
            wrong(
                "stage",
                f"{site.name} is not deployed in this account and region",
                f"python -m ops deploy --stage {site.name}",
            )
        ]
    return [judge_status(site.stage.stack, status)]


def judge_status(stack: str, status: str) -> Finding:
    """The stack's description."""
    if status in AT_REST:
        return ok("stage", f"{stack} is {status}")
    if status.endswith("_IN_PROGRESS"):
        return unknown(
            "stage", f"{stack} is {status}: somebody is deploying", "look again once it is done"
        )
    return wrong(
        "stage",
        f"{stack} is {status}",
        f"open {stack} in CloudFormation's console: Stack actions, Continue update rollback, or"
        " delete it",
    )


def check_address(site: Site) -> Iterable[Finding]:
    """Whether links lead to the stage."""
    return [judge_address(base_url(site.policy, site.name), site.stage.outputs)]


def judge_address(base: str, outputs: Mapping[str, str]) -> Finding:
    """Whether the links in mails lead to the URL of the stage: its domain, if it has one."""
    answers = (outputs.get("DomainUrl") or outputs["EndpointURL"]).rstrip("/")
    if base == answers:
        return ok("base_url", base)
    says = f"links in mails and pages lead to {base}, and the stage answers at {answers}"
    return wrong(
        "base_url",
        says,
        f'base_url = "{answers}" in chalicelib/billing.toml and deploy again; or lead {base} to the'
        " stage",
    )


def check_conditions(site: Site) -> Iterable[Finding]:
    """What needs a person, as the stage itself has noticed."""
    table = site.stage.outputs.get("TableName")
    if table is None:  # a stack of which only parts are deployed
        return []
    known = JobStates(table, site.session.client("dynamodb")).load(OpenConditions)
    return judge_conditions(known or OpenConditions(), site.name)


def judge_conditions(known: OpenConditions, stage: str) -> Iterable[Finding]:
    """One finding for each open condition."""
    if not known.entries:
        return [ok("conditions", "nothing needs a person")]
    return [
        wrong(
            one.name,
            f"{CONDITIONS[one.name].means if one.name in CONDITIONS else 'see the logs'}"
            f" Last seen {one.seen_at:%Y-%m-%d %H:%M}.",
            f"docs/operations.md, {one.name}; python -m ops conditions --stage {stage}",
        )
        for one in known.entries
    ]
