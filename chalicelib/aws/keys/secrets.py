"""Secrets in the Parameter Store. Each is read when it is first needed and cached for five minutes,
so a rotation needs no deploy.

Each is read by its own name, so that the role of a function lists exactly the secrets it reads.
"""

import time
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.domain.errors import Unavailable

if TYPE_CHECKING:
    from chalicelib.aws.json_protocol.ssm import Ssm

CACHED_SECONDS = 300


class Secrets:
    """The SecureString parameters below one path. Every property raises Unavailable if its
    parameter cannot be read. White space around one is not part of it: a file that somebody put
    there may have ended with a line end, which is allowed in no header. Only `hash-key` is as it
    is, since hashes made with it stay.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._kept: dict[str, tuple[str, float]] = {}

    @property
    def stripe_api_key(self) -> str:
        """Stripe's secret or restricted key."""
        return self._get("stripe-api-key").strip()

    @property
    def stripe_webhook_secrets(self) -> list[str]:
        """The valid signing secrets of the webhook endpoint: two during a rotation. The parameter
        separates them by white space.
        """
        return self._get("stripe-webhook-secrets").split()

    @property
    def hash_key(self) -> str:
        """The key of the hashes that stand for e-mail addresses. Never rotate it."""
        return self._get("hash-key")

    @property
    def link_keys(self) -> list[str]:
        """The keys of signed links: the first one signs, all of them verify. The parameter
        separates them by white space.
        """
        return self._get("link-keys").split()

    @property
    def claim_keys(self) -> list[str]:
        """The keys with which the owner's product signs claims: two during a rotation, none if the
        parameter does not exist. It separates them by white space.
        """
        return self._optional("claim-keys").split()

    @property
    def signing_keys(self) -> str:
        """The keys that sign access tokens (domain/security/signing_keys.py)."""
        return self._get("signing-keys")

    @property
    def slack_webhook_url(self) -> str:
        """The URL of Slack's incoming webhook, if the policy names any happenings for Slack."""
        return self._get("slack-webhook-url").strip()

    @property
    def instance_secret(self) -> str:
        """The secrets that sign calls to the provisioner, the newest first, apart by white space,
        if the policy has instances.
        """
        return self._get("instance-secret")

    @property
    def people_token(self) -> str:
        """Intercom's access token, or Segment's write key, if the policy has a people system."""
        return self._get("people-token").strip()

    @property
    def people_webhook_secrets(self) -> list[str]:
        """The secrets with which the people system signs its webhooks: two during a rotation, none
        if the parameter does not exist. It separates them by white space.
        """
        return self._optional("people-webhook-secrets").split()

    @property
    def captcha_secret(self) -> str:
        """The secret of the CAPTCHA service, if the policy uses one."""
        return self._get("captcha-secret").strip()

    @cached_property
    def _ssm(self) -> "Ssm":
        from chalicelib.aws.json_protocol.ssm import Ssm

        return Ssm()

    def _get(self, name: str) -> str:
        # The wall clock: a monotonic one may stand still while Lambda freezes the function.
        value, until = self._kept.get(name, ("", 0.0))
        if (now := time.time()) >= until:
            value = self._read(name)
            self._kept[name] = value, now + CACHED_SECONDS
        return value

    def _optional(self, name: str) -> str:
        """Empty if there is no such parameter, which is kept too: strangers may ask for it."""
        try:
            return self._get(name)
        except Unavailable as error:
            if not _is_missing(error):
                raise
            self._kept[name] = "", time.time() + CACHED_SECONDS
            return ""

    def _read(self, name: str) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._ssm.get_parameter(Name=f"{self._path}/{name}", WithDecryption=True)
        except (BotoCoreError, ClientError) as error:
            missing = (
                f"The secret {self._path}/{name} cannot be read. Check that it exists in the"
                " Parameter Store as a SecureString."
            )
            raise Unavailable(missing) from error
        return str(answer["Parameter"]["Value"])


def _is_missing(error: Exception) -> bool:
    """Whether the Parameter Store answered that there is no such parameter."""
    told = getattr(error.__cause__, "response", {})
    return bool(told.get("Error", {}).get("Code") == "ParameterNotFound")
