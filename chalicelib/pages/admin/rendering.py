"""Renders the pages of the dashboard: no scripts, one stylesheet, nothing from other sites."""

import json
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from chalicelib.domain.security.visible_text import visible
from chalicelib.localization.amounts import money

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
STYLESHEET = TEMPLATES / "dashboard.css"

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Language": "en",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
"""The headers of every page of the dashboard."""

SECTIONS = (
    ("", "Today"),
    ("/customers", "Customers"),
    ("/revenue", "Revenue"),
    ("/trials", "Trials"),
    ("/payments", "Payments"),
    ("/messages", "Messages"),
    ("/webhooks", "Webhooks"),
    ("/health", "Health"),
    ("/audit", "Audit log"),
)
"""The pages in the navigation: the rest of the path below /admin, and the name."""


def page(name: str, /, zone: str = "UTC", **values: object) -> str:
    """The HTML of the page with this name. Values are escaped. Times are shown in `zone`. Raises
    jinja2's UndefinedError for a missing value.
    """

    def moment(at: datetime | None) -> "Markup | str":
        return _time(at, "%d %b %Y, %H:%M", zone)

    def day(at: datetime | None) -> "Markup | str":
        return _time(at, "%d %b %Y", zone)

    template = _environment().get_template(f"{name}.html")
    shared = {"moment": moment, "day": day, "sections": SECTIONS, "zone": zone, "here": name}
    return template.render(**shared, **values)


@cache
def stylesheet() -> str:
    """The one stylesheet of all pages."""
    return STYLESHEET.read_text(encoding="utf-8")


def _time(at: datetime | None, form: str, zone: str) -> "Markup | str":
    """A time element with the whole moment, shown in a zone; a dash for none."""
    from markupsafe import Markup

    if at is None:
        return "–"
    shown = at.astimezone(ZoneInfo(zone)).strftime(form).lstrip("0")
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), shown)


def date_text(day: date) -> str:
    """A day as the tables and charts have it: 6 Feb 2027."""
    return f"{day.day} {day:%b %Y}"


def _shown(value: object) -> object:
    """A value as a page has it: letters of a text that would turn or hide what stands beside them
    are shown as what they are.
    """
    from markupsafe import Markup

    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _amount(value: int | None, currency: str | None) -> str:
    return money(value, currency) if value is not None and currency else "–"


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["money"] = _amount
    environment.filters["date"] = date_text
    environment.filters["as_json"] = _as_json
    return environment
