"""The secrets of a stage: their names, their forms, and where each comes from."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.aws.keys.secrets import CACHED_SECONDS
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.policy.policy import Policy
from ops.stage.parameters import Parameters
from ops.stage.signing_keys import new_signing_keys
from ops.stage.stages import stage_variables

RANDOM_BYTES = 32


def _random() -> str:
    return secrets.token_hex(RANDOM_BYTES)


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret. `source` is where a person gets it; empty if a command creates it. `made` makes a
    random value, for a secret that the deployment creates; `careful` warns before it is replaced.
    """

    name: str
    form: re.Pattern[str]
    described: str
    source: str = ""
    made: Callable[[], str] | None = None
    careful: str = ""
    needed: Callable[[Policy], bool] = lambda policy: True


SECRETS = (
    Secret(
        "stripe-api-key",
        re.compile(r"(sk|rk)_(live|test)_\w+"),
        "a secret or restricted key of Stripe's, sk_… or rk_…",
        source=(
            "Stripe's dashboard: Developers, API keys, Create restricted key (docs/operations.md"
            " lists the permissions)"
        ),
    ),
    Secret(
        "stripe-webhook-secrets",
        re.compile(r"whsec_\S+(\s+whsec_\S+)*"),
        "signing secrets whsec_…, apart by white space",
    ),
    Secret(
        "link-keys",
        re.compile(r"\S{32,}(\s+\S{32,})*"),
        "keys of 32 characters or more, apart by white space",
        made=_random,
        careful="links in mails already sent stop working with another key",
    ),
    Secret(
        "hash-key",
        re.compile(r"\S{32,}"),
        "one key of 32 characters or more",
        made=_random,
        careful="with another key no customer of before is found by address any more",
    ),
    Secret(
        "signing-keys",
        re.compile(r'\[\{"kid":.+\}\]'),
        "the keys that `keys rotate-signing` writes",
        made=new_signing_keys,
        careful="access tokens of now are refused with other keys",
    ),
    Secret(
        "claim-keys",
        re.compile(r"\S{32,}(\s+\S{32,})*"),
        "keys of 32 characters or more, apart by white space",
        source="your product, which signs claims with it (docs/snippet.md)",
        needed=lambda policy: False,  # only a product that signs claims has one
    ),
    Secret(
        "slack-webhook-url",
        re.compile(r"https://\S{10,}"),
        "the URL of an incoming webhook, https://hooks.slack.com/services/…",
        source="Slack: your app, Features, Incoming Webhooks",
        needed=lambda policy: policy.slack is not None,
    ),
    Secret(
        "instance-secret",
        re.compile(r"whsec_[A-Za-z0-9+/]{32,88}={0,2}(\s+whsec_[A-Za-z0-9+/]{32,88}={0,2})*"),
        "secrets whsec_ and the base64 of 24 to 64 random bytes, apart by white space",
        source="python -c \"import base64, os; print('whsec_' +"
        ' base64.b64encode(os.urandom(32)).decode())", and give your provisioner the same',
        needed=lambda policy: (
            policy.instance is not None and policy.instance.target.startswith("https")
        ),
    ),
    Secret(
        "people-token",
        re.compile(r"[\x21-\x7e]{8,}"),
        "Intercom's access token, or Segment's write key",
        source="Intercom: Developer Hub, your app, Authentication",
        needed=lambda policy: policy.people is not None,
    ),
    Secret(
        "people-webhook-secrets",
        re.compile(r"[\x21-\x7e]{8,}(\s+[\x21-\x7e]{8,})*"),
        "Intercom's client secret, or Segment's shared secret; several apart by white space",
        source="Intercom: Developer Hub, your app, Basic information (docs/people.md)",
        # Without milestones, only a stage that hears of unsubscriptions has one.
        needed=lambda policy: policy.people is not None and bool(policy.people.milestones),
    ),
    Secret(
        "captcha-secret",
        re.compile(r"\S{10,}"),
        "the CAPTCHA service's secret",
        source="Cloudflare's dashboard: Turnstile, the widget, Settings",
        needed=lambda policy: policy.signup is not None and policy.signup.captcha != "none",
    ),
)


def setting(name: str, stage: str) -> str:
    """The command that sets a secret of a stage."""
    return f"python -m ops secrets set {name} --stage {stage}"


def setting_up_stripe(stage: str, live: bool) -> str:
    """The command that sets up Stripe for a stage, and stores the webhook's secret."""
    return f"python -m ops stripe apply --stage {stage}{' --live' if live else ''}"


def to_do(parameters: Parameters, policy: Policy, stage: str) -> list[str]:
    """The commands that create the missing secrets, followed by the one that checks the stage.
    Raises Unavailable.
    """
    missing = [one for one in SECRETS if one.needed(policy) and parameters.get(one.name) is None]
    steps = [f"{setting(one.name, stage)}   # {one.source}" for one in missing if one.source]
    steps += [
        setting_up_stripe(stage, stage_variables(stage)["LIVEMODE"] == "true")
        for one in missing
        if not one.source
    ]
    return [*steps, f"python -m ops doctor --stage {stage}"] if steps else []


def secret(name: str) -> Secret:
    """The secret of this name. Raises InvalidInput."""
    found = next((one for one in SECRETS if one.name == name), None)
    if found is None:
        raise InvalidInput(
            f"There is no secret {name}: there are {', '.join(one.name for one in SECRETS)}.",
            "name",
        )
    return found


def make_missing(parameters: Parameters) -> list[str]:
    """Create the random secrets that are missing, and return their names. Existing ones stay.
    Raises Unavailable.
    """
    made = []
    for one in SECRETS:
        if one.made and parameters.get(one.name) is None:
            parameters.put(one.name, one.made())
            made.append(one.name)
    return made


def put(parameters: Parameters, name: str, value: str) -> None:
    """Set a secret. Raises InvalidInput if it has another form, without repeating it;
    Unavailable.
    """
    wanted = secret(name)
    if not wanted.form.fullmatch(value.strip()):
        raise InvalidInput(f"{name} must be {wanted.described}.", "value")
    parameters.put(name, value.strip())


def rotate_link_keys(
    parameters: Parameters, pause: Callable[[float], None], say: Callable[[str], None]
) -> None:
    """Sign links with a new key; links signed with the old keys still open.

    Functions keep what they have read for five minutes. So the new key first stands last, where it
    only verifies, until all of them have it: else one would sign a link that another refuses.
    Stopped between, it stays there, and signs nothing. `pause` waits for a number of seconds; `say`
    gets a line. Raises Unavailable.
    """
    held = parameters.get("link-keys")
    old, new = held.value.split() if held else [], _random()
    if old:
        parameters.put("link-keys", " ".join([*old, new]))
        say(f"The new key is there. In {CACHED_SECONDS // 60} minutes every function knows it.")
        pause(CACHED_SECONDS)
    parameters.put("link-keys", " ".join([new, *old]))
