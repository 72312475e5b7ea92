"""What billing.toml may say, and what its owner should know of it."""

from chalicelib.domain.policy.policy import Policy


def warnings_of(policy: Policy) -> list[str]:
    """A sentence for each setting that gives away more than its owner may think."""
    return [*_of_pauses(policy), *_of_deletions(policy)]


def _of_deletions(policy: Policy) -> list[str]:
    announced = sum(step.anchor == "instance_deletes" for step in policy.steps)
    if policy.instance is None or policy.instance.delete_after is None or announced >= 2:
        return []
    return [
        "instance.delete_after_days deletes instances with their data, and fewer than two messages"
        " announce it: add a sequence with the anchor instance_deletes, or set it to 0."
    ]


def _of_pauses(policy: Policy) -> list[str]:
    pauses = [reason for reason, one in policy.cancel.alternatives.items() if one.kind == "pause"]
    if not pauses or policy.access.collection_paused is not None:
        return []
    return [
        f"cancel.alternatives.{pauses[0]} offers a pause, and access.collection_paused is"
        ' "keep". Who takes the offer has limited access from the end of the paid period, whatever'
        " that says. A pause that you set in Stripe's dashboard or by the API keeps full access"
        " although nothing is paid."
    ]
