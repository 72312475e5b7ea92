"""The product's pages: plain HTML, no script, readable on a phone."""

from datetime import datetime
from html import escape

from billhook_access import Access
from workspaces import Workspace

STEPS = {"connected_data": "Connect your data", "invited_team": "Invite your team"}
"""The milestones of billing.toml, each with the button that reaches it."""

WHY = {
    "trial_expired": "Your trial has ended. Nothing was charged.",
    "paused": "Your trial has ended. Nothing was charged.",
    "canceled": "Your subscription has ended.",
    "past_due": "Your last payment failed.",
    "unpaid": "Your subscription is not paid.",
}
"""The reasons of Billhook that customers of this product meet most, in its own words."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">{refresh}
<title>{title} · Acme</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="data:,">
</head>
<body>
<header><b>Acme</b> {head}</header>
<main>
<h1 id="status">{title}</h1>
{main}
</main>
</body>
</html>
"""

STYLE = """
:root { color-scheme: light dark; --line: #d5dfda; --quiet: #55635c; --brand: #1f6b4f;
  --link: #1f6b4f; }
* { box-sizing: border-box; }
body { margin: 0; background: #eef3f1; color: #14211b; font: 1.0625rem/1.55 system-ui, sans-serif; }
header { padding: .75rem 1.25rem; background: #14211b; color: #fff; }
main { max-width: 40rem; margin: 0 auto; padding: 1.25rem; overflow-wrap: anywhere; }
section, .locked { margin: 0 0 1.25rem; padding: 1.25rem; background: #fff;
  border: 1px solid var(--line); border-radius: 12px; }
h1 { font-size: 1.6rem; line-height: 1.2; }
h2 { margin: 0 0 .5rem; font-size: 1.15rem; }
ul { margin: 0; padding-left: 1.25rem; }
ul.steps { padding: 0; list-style: none; }
ul.steps li { padding: .35rem 0; }
form { margin: 0 0 .75rem; }
ul.steps form { margin: 0; }
label { display: block; font-weight: 600; }
input { width: 100%; margin: .25rem 0 .75rem; padding: .6rem .75rem; border: 1px solid #75857d;
  border-radius: 8px; background: #fff; color: inherit; font: inherit; }
button, .button { display: inline-block; min-height: 2.75rem; padding: .6rem 1.25rem; border: 0;
  border-radius: 8px; background: var(--brand); color: #fff; font: inherit; font-weight: 600;
  text-decoration: none; cursor: pointer; }
.note { color: var(--quiet); }
.banner { padding: .75rem 1rem; border-radius: 8px; background: #fff3d6; color: #4d3800; }
a { color: var(--link); }
.banner a { color: inherit; }
a.button { color: #fff; }
:focus-visible { outline: 3px solid #4f8bff; outline-offset: 2px; }
@media (prefers-color-scheme: dark) {
  :root { --line: #33403a; --quiet: #a8b5ae; --link: #86d6b2; }
  body { background: #101613; color: #e8efeb; }
  section, .locked { background: #1a221e; }
  input { background: #101613; }
}
"""


def _page(title: str, main: str, head: str = "", refresh: int = 0) -> str:
    looks_again = f'\n<meta http-equiv="refresh" content="{refresh}">' if refresh else ""
    return PAGE.format(title=escape(title), main=main, head=escape(head), refresh=looks_again)


def open_workspace(workspace: Workspace, access: Access) -> str:
    """The workspace of a customer with full access."""
    here, steps = f"/w/{workspace.name}", []
    for milestone, title in STEPS.items():
        if milestone in workspace.milestones:
            steps.append(f'<li id="{milestone}">✓ {title}: done</li>')
        else:
            steps.append(
                f'<li><form method="post" action="{here}/{milestone}">'
                f'<button id="{milestone}">{title}</button></form></li>'
            )
    written = f"""<form method="post" action="{here}/reports">
<label for="report">A new report</label>
<input id="report" name="text" required maxlength="200" autocomplete="off">
<button>Write it</button>
</form>
"""
    return _page(
        workspace.title,
        f'<p class="note" id="plan">{_plan(access)}'
        f' <a id="billing" href="{here}/billing">Billing</a></p>'
        f'<section><h2>First steps</h2><ul class="steps">{"".join(steps)}</ul></section>'
        f"<section><h2>Reports</h2>{written}{_reports(workspace)}</section>",
        "· your workspace",
    )


def limited_workspace(workspace: Workspace, access: Access) -> str:
    """What a customer with limited access sees: their own data, and the way to pay."""
    return _page(
        workspace.title,
        f'<p class="banner" id="limited" role="status">{_why(access.reason)} You can read'
        f' everything, and write again once it is paid. <a id="billing"'
        f' href="/w/{workspace.name}/billing">Go to billing</a></p>'
        f"<section><h2>Reports</h2>{_reports(workspace)}</section>",
        "· read only",
    )


def locked(workspace: Workspace, reason: str) -> str:
    """What a customer without access sees."""
    return _page(
        "This workspace is locked",
        f'<div class="locked"><p id="why">{_why(reason)}</p>'
        "<p>Your data is kept. Pay, and you go on where you left off.</p>"
        f'<p><a class="button" id="billing" href="/w/{workspace.name}/billing">Go to billing</a>'
        "</p></div>",
    )


def opening() -> str:
    """For who has just paid, until Billhook has asked for the workspace again."""
    return _page("One moment", "<p>Your workspace is being opened again.</p>", refresh=2)


def unknown_access() -> str:
    """While there is no valid token and Billhook does not answer."""
    return _page(
        "Please try again in a minute",
        "<p>We cannot look up your plan at the moment. Your data is safe.</p>",
    )


def not_found() -> str:
    """For an address at which there is nothing."""
    return _page("There is nothing here", "<p>Please open the link in our mail.</p>")


def _why(reason: str) -> str:
    return WHY.get(reason, "You have no access at the moment.")


def _plan(access: Access) -> str:
    plan = escape((access.plan or "no plan").capitalize())
    if not access.until:
        return f"{plan}."
    day = datetime.fromisoformat(access.until)
    return f"{plan}, {'trial ' if 'trial' in access.reason else ''}until {day:%B} {day.day}."


def _reports(workspace: Workspace) -> str:
    if not workspace.reports:
        return '<p class="note">No report yet.</p>'
    return (
        f'<ul id="reports">{"".join(f"<li>{escape(one)}</li>" for one in workspace.reports)}</ul>'
    )
