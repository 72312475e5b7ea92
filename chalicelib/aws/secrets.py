"""Secrets out of the Parameter Store, each by its name when it is needed, cached for five minutes:
a rotation needs no deploy.

By name, so that the role of a function can name the secrets that it reads.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.domain.errors import Unavailable

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SSMProvider

CACHED_SECONDS = 300


class Secrets:
    """The SecureString parameters below one path."""

    def __init__(self, path: str) -> None:
        self._path = path

    @property
    def stripe_api_key(self) -> str:
        """Stripe's secret or restricted key."""
        return self._get("stripe-api-key")

    @property
    def stripe_webhook_secrets(self) -> list[str]:
        """The signing secrets alive at the webhook endpoint, apart by white space: two while one is
        being rotated.
        """
        return self._get("stripe-webhook-secrets").split()

    @property
    def hash_key(self) -> str:
        """The key of the hashes that stand for e-mail addresses; it is never rotated."""
        return self._get("hash-key")

    @property
    def link_keys(self) -> list[str]:
        """The keys that sign links, apart by white space: the first one signs, and links of all of
        them open.
        """
        return self._get("link-keys").split()

    @property
    def captcha_secret(self) -> str:
        """The secret of the CAPTCHA service, where the policy has one."""
        return self._get("captcha-secret")

    @cached_property
    def _provider(self) -> "SSMProvider":
        from aws_lambda_powertools.utilities.parameters import SSMProvider

        return SSMProvider()

    def _get(self, name: str) -> str:
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

        try:
            value = self._provider.get(f"{self._path}/{name}", max_age=CACHED_SECONDS, decrypt=True)
        except GetParameterError as error:
            missing = (
                f"The secret {self._path}/{name} cannot be read: put it into the Parameter Store as"
                " a SecureString, if it is not there."
            )
            raise Unavailable(missing) from error
        return str(value)
