"""The rehearsal as an HTML page without other files: a column for each customer, a row for each day
with an entry.
"""

import html
from collections.abc import Sequence
from pathlib import Path
from string import Template

from chalicelib.domain.policy.policy import Policy
from ops.rehearsal.calendar import Calendar, Row

_PAGE = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))


def page(calendars: Sequence[Calendar], policy: Policy, days: int) -> str:
    """The calendars side by side as one HTML page."""
    assert policy.mail is not None
    dates = sorted(
        {row.at.date(): row.day for calendar in calendars for row in calendar.rows}.items()
    )
    heads = "".join(
        f"<th scope='col'><b>{html.escape(one.customer.name)}</b>"
        f"<small>{html.escape(_about(one))}</small></th>"
        for one in calendars
    )
    body = []
    for date, day in dates:
        cells = "".join(
            f"<td>{''.join(_row(row) for row in one.rows if row.at.date() == date)}</td>"
            for one in calendars
        )
        weekend = " class='weekend'" if date.weekday() > 4 else ""
        body.append(
            f"<tr{weekend}><th scope='row'>day"
            f" {day}<small>{date:%a %d %b %Y}</small></th>{cells}</tr>"
        )
    return _PAGE.substitute(
        product=html.escape(policy.mail.product),
        policy=policy.hash,
        days=days,
        timezone=html.escape(policy.mail.timezone),
        heads=heads,
        body="\n".join(body),
    )


def _about(calendar: Calendar) -> str:
    number = len(calendar.mails)
    return f"{calendar.customer.story} {number} mail{'' if number == 1 else 's'}."


def _row(row: Row) -> str:
    at = f"<span class='at'>{row.at:%H:%M}</span>"
    if row.kind != "mail":
        return f"<div class='one {row.kind}'>{at} {html.escape(row.words)}</div>"
    but = f" <span class='at'>but for {row.hold_out:.0%}</span>" if row.hold_out else ""
    summary = (
        f"<summary>{at} <b>{html.escape(row.name)}</b>{but}<br>{html.escape(row.words)}</summary>"
    )
    return (
        f"<details class='one {row.stream}'>{summary}<pre>{html.escape(row.text)}</pre></details>"
    )
