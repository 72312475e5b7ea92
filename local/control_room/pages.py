"""The control room's pages, for people: what the system is now, and the mailbox."""

import html
from collections.abc import Iterable, Mapping
from typing import Any

from local.aws.ses_events import BY_HAND
from local.http_server import Answer

BUTTONS = {"bounce": "Bounce", "soft_bounce": "Bounce for now", "complain": "Complain"}
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"


def control_room(
    state: Mapping[str, Any], accounts: Iterable[Mapping[str, Any]], emulator: str, mails: int
) -> Answer:
    """The system as it is now, and its accounts."""
    rows = {
        "clock": state["now"],
        "next due": state["due_at"] or "nothing",
        **{f"{name.replace('_', ' ')} queue": depth for name, depth in state["queues"].items()},
        "stuck": ", ".join(f"{one['id']} ({one['due_at']})" for one in state["stuck"]) or "nothing",
        "webhook secret": state["webhook_secret"],
        "API key": state["api_key"],
        "Stripe": state["stripe_base"],
        "AWS emulator": emulator,
    }
    table = "\n".join(
        f"<tr><th>{_text(name)}</th><td><code>{_text(value)}</code></td></tr>"
        for name, value in rows.items()
    )
    shown = ("access", "reason", "plan", "until", "due_at")
    lines = [
        "<tr><td><a"
        f' href="/_local/accounts/{_text(one["id"])}/timeline">{_text(one["id"])}</a></td>'
        + "".join(f"<td>{_text(one[name] or '–')}</td>" for name in shown)
        + "</tr>"
        for one in accounts
    ]
    known = (
        "<table"
        f" class=list><tr><th>id</th><th>{'</th><th>'.join(shown)}</th></tr>{''.join(lines)}</table>"
        if lines
        else "<p>None yet.</p>"
    )
    return _page(
        "Billhook, on this machine", CONTROL.format(table=table, accounts=known, mails=mails)
    )


def mailbox(mails: list[dict[str, Any]]) -> Answer:
    """All mails, the newest first."""
    lines = [
        f"<tr><td>{mail['at'][:19].replace('T', ' ')}</td><td><a"
        f' href="/_local/mailbox/{mail["number"]}">{_text(mail["subject"])}</a></td>'
        f"<td>{_text(mail['to'])}</td><td>{_text(mail['step'])}</td><td>{_text(mail['stream'])}</td><td>{_text(', '.join(mail['events']))}</td></tr>"
        for mail in reversed(mails)
    ]
    heads = (
        "<tr><th>at</th><th>subject</th><th>to</th><th>step</th><th>stream</th><th>events</th></tr>"
    )
    content = (
        f"<table class=list>{heads}{''.join(lines)}</table>" if lines else "<p>No mail yet.</p>"
    )
    return _page(
        "Mailbox",
        f'{content}\n<p><a href="/_local">Control room</a> · <a href="/_local/mailbox">Look'
        " again</a></p>",
    )


def letter(mail: dict[str, Any]) -> Answer:
    """One mail as its reader sees it."""
    heads = {
        "At": mail["at"],
        "From": mail["from"],
        "To": mail["to"],
        **mail["headers"],
        "Subject": mail["subject"],
    }
    heads |= {
        "Account": mail["account_id"],
        "Step": f"{mail['step']}@{mail['occasion']} ({mail['stream']})",
        "Events": ", ".join(mail["events"]),
    }
    rows = "".join(
        f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in heads.items()
    )
    forms = "".join(
        '<form method="post"'
        f' action="/_local/mail/{mail["number"]}/{kind}"><button>{_text(BUTTONS[kind])}</button></form>'
        for kind in BY_HAND
    )
    unsubscribe = mail["headers"].get("List-Unsubscribe", "").strip("<>")
    link = (
        f'<a href="{_text(unsubscribe)}">Unsubscribe</a>'
        if unsubscribe
        else "<span>Nobody can unsubscribe from this.</span>"
    )
    # The mail's links open beside it: a page in a sandbox could not be used.
    source = _text(f'<base target="_blank">{mail["html"]}')
    content = (
        f'<p><a href="/_local/mailbox">Mailbox</a></p><table>{rows}</table><div'
        f' class=acts>{forms}{link}</div><div class=beside><iframe sandbox="{SANDBOX}"'
        f' srcdoc="{source}" title="As HTML"></iframe><pre>{_text(mail["text"])}</pre></div>'
    )
    return _page(mail["subject"], content)


def _page(title: str, content: str) -> Answer:
    page = PAGE.replace("{title}", _text(title)).replace("{content}", content)
    return Answer(
        200,
        page.encode(),
        [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")],
    )


def _text(value: Any) -> str:
    return html.escape(str(value))


PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}
th{text-align:left;vertical-align:top;padding-right:2rem;white-space:nowrap} td{overflow-wrap:anywhere}
.list td,.list th{padding:.2rem 1rem .2rem 0;white-space:nowrap} .acts{display:flex;gap:1rem;align-items:center;margin:1rem 0} .acts form{margin:0}
.beside{display:flex;flex-wrap:wrap;gap:1rem} iframe{flex:3 1 34rem;height:48rem;border:1px solid #8888;background:#fff}
pre{flex:2 1 24rem;white-space:pre-wrap;overflow-wrap:anywhere;margin:0;font-size:.8rem}
</style>
</head>
<body>
<h1>{title}</h1>
{content}
</body>
</html>
"""

CONTROL = """<table>
{table}
</table>
<h2><a href="/_local/site/">Example site</a></h2>
<p>Sign up there, and read the mail that comes.</p>
<h2><a href="/_local/mailbox">Mailbox</a> ({mails})</h2>
<h2>Accounts</h2>
{accounts}
<h2>Calls</h2>
<ul>
<li><a href="/_local/state">/_local/state</a>: the system as JSON</li>
<li><a href="/_local/mail">/_local/mail</a>: every mail, as JSON for programs; POST /_local/mail/{{number}}/{{bounce|soft_bounce|complain}}</li>
<li><a href="/_local/outgoing">/_local/outgoing</a>: every call to other systems</li>
<li>POST /_local/clock {{"advance": "3d"}} or {{"to": "2027-01-31T12:00:00Z"}}: moves the clock forward, and plays what falls due on the way</li>
<li>POST /_local/settle: returns once everything has come to rest</li>
<li>POST /_local/stream {{"on": false}}: the table's stream fails, until it is switched on again</li>
<li>POST /webhooks/stripe: where Stripe's events go</li>
<li>GET /accounts/{{account_id}}/access: what an account may use, with the API key as a Bearer token</li>
<li><a href="/healthz">/healthz</a></li>
</ul>"""
