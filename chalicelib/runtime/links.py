"""The URLs of this stage's pages, and the tokens and URLs of signed links."""

from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from chalicelib.domain.security.links import Link, sign, verify
from chalicelib.values import frozen

PATHS = {"return": "billing/return", "operator": "admin/sign-in"}
"""Purpose of a link → its path, where that is not the purpose itself."""


@frozen
class Links:
    """`base_url` is the start of absolute URLs. `keys` returns the keys of signed links: the first
    one signs, all of them verify.
    """

    base_url: str
    keys: Callable[[], Sequence[str]]

    @property
    def root_path(self) -> str:
        """The path of the base URL: empty for a custom domain, API Gateway's stage name
        otherwise.
        """
        return urlsplit(self.base_url).path.rstrip("/")

    @property
    def origin(self) -> str:
        """The origin of the pages, as browsers send it."""
        base = urlsplit(self.base_url)
        return f"{base.scheme}://{base.netloc}"

    @property
    def is_https(self) -> bool:
        """Whether the pages are served over https: everywhere but on the local system."""
        return self.base_url.startswith("https:")

    def token(self, link: Link) -> str:
        """The token of a signed link."""
        return sign(link, self.keys())

    def url(self, link: Link) -> str:
        """The URL of a signed link."""
        path = PATHS.get(link.purpose, link.purpose)
        return f"{self.base_url}/{path}/{self.token(link)}"

    def read(self, token: str, purpose: str, now: datetime) -> Link:
        """The link in a token. Raises LinkRefused, without a reason, if it is forged, expired or
        for another purpose.
        """
        return verify(token, purpose, self.keys(), now)

    def checkout_urls(self, completed: Link) -> tuple[str, str]:
        """The URLs to which Stripe returns a customer from a Checkout: the link for after it was
        completed, to which Stripe adds the id of the session, and the page for after it was
        canceled.
        """
        return (
            f"{self.url(completed)}?session_id={{CHECKOUT_SESSION_ID}}",
            f"{self.base_url}/billing?notice=canceled",
        )
