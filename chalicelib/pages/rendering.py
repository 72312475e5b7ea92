"""The pages that customers see: small, without scripts, cookies or anything from elsewhere; jinja2
is loaded with the first one.
"""

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chalicelib.domain.policy.policy import PagesPolicy

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
PLAIN = PagesPolicy()


def page(name: str, /, brand: PagesPolicy = PLAIN, **values: object) -> str:
    """The page of that name, in the owner's colour and with the owner's logo. Values are escaped;
    one that is missing is an error.
    """
    return (
        _environment()
        .get_template(f"{name}.html")
        .render(**values, logo_url=brand.logo_url, style=_style(brand.colour))
    )


def headers(brand: PagesPolicy = PLAIN, form_to: Iterable[str] = ()) -> dict[str, str | list[str]]:
    """What goes out with every page: nobody keeps it, indexes it, frames it, or learns its address
    from a link in it.

    `form_to` are origins that its forms may lead to beside our own: browsers hold a form's redirect
    against this too.
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
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "; ".join(policy),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
    }


def readable_on(colour: str) -> str:
    """Black or white, whichever can be read on a colour such as #1f4b99 (the contrast of WCAG 2.2,
    which is at least 4.5 for one of them).
    """
    luminance = _luminance(colour)
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000000"


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@cache
def _style(colour: str) -> str:
    own = f":root {{ --brand: {colour}; --on-brand: {readable_on(colour)}; }}\n"
    return own + (TEMPLATES / "style.css").read_text(encoding="utf-8")


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
