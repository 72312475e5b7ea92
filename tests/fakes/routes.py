"""Every route of the app, and what guards it. A route that is not listed here is the product's and
must ask for a key.
"""

from app import app

LINK, COOKIE, SIGNATURE, OPEN, DASHBOARD = "link", "cookie", "signature", "open", "dashboard"

OPEN_AT_THE_DASHBOARD = ("/admin/sign-in", "/admin/style.css")
"""The routes of the dashboard that need no session."""

GUARDS = {
    ("GET", "/openapi.json"): (OPEN, "what the API is like"),
    ("GET", "/.well-known/jwks.json"): (OPEN, "public keys, which verify and cannot sign"),
    ("GET", "/healthz"): (OPEN, "says that the function answers, and nothing else"),
    ("POST", "/signups"): (
        OPEN,
        "visitors sign up; counted by network address and by e-mail address",
    ),
    ("OPTIONS", "/signups"): (OPEN, "a browser's preflight"),
    ("GET", "/sign-in"): (OPEN, "a form, the same for everybody without a session"),
    ("POST", "/sign-in"): (OPEN, "has a link mailed, to the address alone; counted like signups"),
    ("GET", "/check-your-inbox"): (OPEN, "the same page for everybody"),
    ("POST", "/webhooks/stripe"): (SIGNATURE, "Stripe's"),
    ("POST", "/webhooks/intercom"): (SIGNATURE, "Intercom's; 404 where it is not set up"),
    ("HEAD", "/webhooks/intercom"): (OPEN, "an empty answer; 404 where it is not set up"),
    ("POST", "/webhooks/segment"): (SIGNATURE, "Segment's; 404 where it is not set up"),
    ("GET", "/welcome/{token}"): (LINK, "given to who signed up"),
    ("GET", "/billing/{token}"): (LINK, "mailed; shows a button"),
    ("POST", "/billing/{token}"): (LINK, "mailed"),
    ("GET", "/billing/return/{token}"): (LINK, "given to Stripe, for who comes back"),
    ("GET", "/sign-in/{token}"): (LINK, "mailed; shows a button"),
    ("POST", "/sign-in/{token}"): (LINK, "mailed; once, within 15 minutes"),
    ("GET", "/unsubscribe/{token}"): (LINK, "mailed"),
    ("POST", "/unsubscribe/{token}"): (LINK, "mailed"),
    ("GET", "/preferences/{token}"): (LINK, "mailed"),
    ("POST", "/preferences/{token}"): (LINK, "mailed"),
    ("GET", "/welcome"): (COOKIE, "of a welcome link"),
    ("GET", "/billing"): (COOKIE, "of a mailed link"),
    ("POST", "/billing/checkout"): (COOKIE, "of a mailed link"),
    ("POST", "/billing/portal"): (COOKIE, "of a mailed link"),
    ("GET", "/billing/invoices/{invoice_id}"): (
        COOKIE,
        "of a mailed link; the account's own invoices alone",
    ),
    ("GET", "/billing/invoices/{invoice_id}/pdf"): (
        COOKIE,
        "of a mailed link; the account's own invoices alone",
    ),
    ("POST", "/billing/links/end"): (COOKIE, "of a mailed link; ends it too"),
    ("GET", "/billing/plan"): (COOKIE, "of a mailed link"),
    ("POST", "/billing/plan"): (COOKIE, "of a mailed link"),
    ("POST", "/billing/plan/confirm"): (COOKIE, "of a mailed link"),
    ("GET", "/billing/cancel"): (COOKIE, "of a mailed link"),
    ("POST", "/billing/cancel"): (COOKIE, "of a mailed link"),
    ("POST", "/billing/cancel/confirm"): (
        COOKIE,
        "of a mailed link; to end at once a second one is mailed",
    ),
    ("POST", "/billing/cancel/instead"): (COOKIE, "of a mailed link"),
    ("POST", "/billing/reactivate"): (COOKIE, "of a mailed link"),
    ("GET", "/billing/withdraw"): (COOKIE, "of a mailed link"),
    ("POST", "/billing/withdraw"): (COOKIE, "of a mailed link; a second one is mailed"),
    ("GET", "/billing/details"): (COOKIE, "of a mailed link"),
    ("POST", "/billing/details"): (COOKIE, "of a mailed link"),
    ("GET", "/billing/email"): (COOKIE, "of a mailed link; the form only after a fresh sign-in"),
    ("POST", "/billing/email"): (
        COOKIE,
        "of a sign-in link, for 15 minutes; a link is mailed to the new address",
    ),
    ("GET", "/email-change/{token}"): (LINK, "mailed to the new address, for a day"),
    ("POST", "/email-change/{token}"): (LINK, "mailed to the new address, for a day"),
    ("GET", "/email-undo/{token}"): (LINK, "mailed to the old address, for seven days"),
    ("POST", "/email-undo/{token}"): (LINK, "mailed to the old address, for seven days"),
    ("GET", "/leave/{token}"): (LINK, "mailed, for half an hour"),
    ("POST", "/leave/{token}"): (LINK, "mailed, for half an hour"),
    ("GET", "/feedback/{token}"): (LINK, "mailed"),
    ("POST", "/feedback/{token}"): (LINK, "mailed"),
    ("GET", "/admin/sign-in"): (OPEN, "a form; 404 where billing.toml names no operators"),
    ("POST", "/admin/sign-in"): (OPEN, "a key, or a link mailed to operators; counted by network"),
    ("GET", "/admin/sign-in/{token}"): (LINK, "mailed to an operator; shows a button"),
    ("POST", "/admin/sign-in/{token}"): (LINK, "mailed to an operator; once, for 15 minutes"),
    ("GET", "/admin/style.css"): (OPEN, "a stylesheet; 404 where billing.toml names no operators"),
    **{
        (method, template): (DASHBOARD, "an admin key, or an operator's session")
        for template, entries in app.routes.items()
        for method in entries
        if template.startswith("/admin") and not template.startswith(OPEN_AT_THE_DASHBOARD)
    },
}
"""(method, route) → what guards it, and why that is enough."""

ROUTES = sorted(
    ((method, template) for template, entries in app.routes.items() for method in entries),
    key=lambda route: (route[1].endswith("/links/end"), route),
)
"""Every route. Those that end the links of a visitor who tries all of them come last."""
PRODUCT = [route for route in ROUTES if route not in GUARDS]


def guarded_by(guard: str) -> list[tuple[str, str]]:
    """The routes behind that guard."""
    return [route for route in ROUTES if route in GUARDS and GUARDS[route][0] == guard]


def target(template: str, account_id: str = "acc_1", token: str = "invented.token") -> str:
    """A path of a route."""
    return template.replace("{account_id}", account_id).replace("{token}", token)


def content_type(method: str, template: str) -> str:
    """A type of body that the route takes."""
    types = app.routes[template][method].content_types
    return str(types[0]) if types and types[0] != "*/*" else "application/x-www-form-urlencoded"
