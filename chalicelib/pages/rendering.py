"""Renders the customer's pages: small, without scripts, and nothing from other sites except the
owner's logo. jinja2 is imported with the first page, not with this module.
"""

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chalicelib.domain.policy.languages import DEFAULT
from chalicelib.domain.policy.policy import PagesPolicy
from chalicelib.pages.texts import markup

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
PLAIN = PagesPolicy()


def page(
    name: str, /, brand: PagesPolicy = PLAIN, language: str = DEFAULT, **values: object
) -> str:
    """The HTML of the page with this name in a language, in the owner's colour and with the owner's
    logo. Values are escaped. Raises jinja2's UndefinedError for a missing value.
    """

    def in_language(key: str, **given: object) -> "Markup":
        return markup(key, language, **given)

    shared = {"t": in_language, "language": language, "style": _style(brand.colour)}
    return (
        _environment()
        .get_template(f"{name}.html")
        .render(**values, **shared, logo_url=brand.logo_url)
    )


def headers(
    brand: PagesPolicy = PLAIN,
    form_to: Iterable[str] = (),
    language: str = DEFAULT,
    negotiated: bool = False,
) -> dict[str, str | list[str]]:
    """The headers of every page. They forbid caching, indexing, framing, and sending its URL as a
    referrer.

    `form_to` lists other origins that its forms may lead to. Browsers check the redirect of a form
    against it too. `language` is that of the page; `negotiated` means that another reader of the
    same page may get another one.
    """
    hashed = base64.b64encode(hashlib.sha256(_style(brand.colour).encode()).digest()).decode()
    logo = urlsplit(brand.logo_url)
    policy = [
        "default-src 'none'",
        f"style-src 'sha256-{hashed}'",
        *([f"img-src {logo.scheme}://{logo.netloc}"] if brand.logo_url else []),
        " ".join(["form-action 'self'", *form_to]),
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    varies: dict[str, str | list[str]] = {"Vary": "Accept-Language"} if negotiated else {}
    return varies | {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Language": language,
        "Content-Security-Policy": "; ".join(policy),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
    }


def readable_on(colour: str) -> str:
    """Black or white, whichever has more contrast on a colour such as #1f4b99. The contrast ratio
    of WCAG 2.2 is at least 4.5 for one of them.
    """
    luminance = _luminance(colour)
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000000"


def _luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@cache
def _style(colour: str) -> str:
    brand = f":root {{ --brand: {colour}; --on-brand: {readable_on(colour)}; }}\n"
    return brand + (TEMPLATES / "style.css").read_text(encoding="utf-8")


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
