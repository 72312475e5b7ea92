"""The rehearsal as a page: one column for each customer, a row for each day on which something is.
It needs nothing but itself.
"""

import html
from collections.abc import Sequence

from chalicelib.domain.policy import Policy
from ops.rehearsal.calendar import Calendar, Row

_STYLE = """
:root {
  color-scheme: light dark; --ink: #1d2421; --quiet: #59635d; --line: #dde1dc;
  --page: #f7f7f4; --card: #fff; --lifecycle: #1f6b4f; --billing: #1f4b99;
}
@media (prefers-color-scheme: dark) {
  :root { --ink: #e9edea; --quiet: #a9b3ad; --line: #3a423e; --page: #121614; --card: #1d2320; --lifecycle: #86d6b2; --billing: #9dbdf2; }
}
* { box-sizing: border-box; }
body { margin: 2rem; font: 15px/1.45 -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; background: var(--page); color: var(--ink); }
h1 { margin: 0; font-size: 1.5rem; } p { margin: .3rem 0 1.2rem; color: var(--quiet); max-width: 60rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; min-width: 62rem; width: 100%; background: var(--card); border: 1px solid var(--line); }
th, td { padding: .5rem .6rem; border: 1px solid var(--line); text-align: left; vertical-align: top; font-weight: normal; }
thead th { width: 18%; position: sticky; top: 0; background: var(--card); } thead th:first-child { width: 10%; }
thead b { display: block; text-transform: capitalize; } thead small, tbody th small, .at { color: var(--quiet); font-size: .8rem; }
tbody th { white-space: nowrap; } tbody th small { display: block; }
.weekend th { background: color-mix(in srgb, var(--line) 45%, transparent); }
.one + .one { margin-top: .45rem; }
.deed { font-weight: 600; } .happening { color: var(--quiet); font-size: .85rem; }
details { border-left: 3px solid var(--lifecycle); padding-left: .5rem; } details.billing { border-color: var(--billing); }
summary { cursor: pointer; list-style-position: outside; } summary b { color: var(--lifecycle); } .billing summary b { color: var(--billing); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .78rem; margin: .4rem 0; padding: .5rem; background: var(--page); }
"""


def page(calendars: Sequence[Calendar], policy: Policy, days: int) -> str:
    """The calendars side by side as one HTML page."""
    assert policy.mail is not None
    dates = sorted(
        {row.at.date(): row.day for calendar in calendars for row in calendar.rows}.items()
    )
    heads = "".join(
        f"<th scope='col'><b>{html.escape(one.customer.name)}</b><small>{html.escape(_about(one))}</small></th>"
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
    product = html.escape(policy.mail.product)
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Who gets what when: {product}</title><style>{_STYLE}</style></head><body><h1>Who gets what when</h1>
<p>{product}, policy {policy.hash}: {days} days of typical customers, by the clock of {html.escape(policy.mail.timezone)}. Green is lifecycle mail,
which can be unsubscribed from; blue are billing notices. Days without anything are left out. A click on a mail shows its text.</p>
<div class="scroll"><table><thead><tr><th scope="col">day</th>{heads}</tr></thead><tbody>
{chr(10).join(body)}
</tbody></table></div></body></html>
"""


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
