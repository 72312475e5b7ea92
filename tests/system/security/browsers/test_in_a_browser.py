"""What a browser is told, and what another site can have it do: headers of every page, flags of
every cookie, forms of strangers.
"""

from http.cookies import SimpleCookie

from chalicelib.entry.http.page_responses import KNOWN
from chalicelib.entry.pages.session import COOKIES
from tests.fakes.links import token_to, visit_of
from tests.fakes.routes import COOKIE, ROUTES, content_type, guarded_by, target
from tests.http.signups.test_signups import Front, Page

ALWAYS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
PAGES = ALWAYS | {
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Content-Type": "text/html; charset=utf-8",
}
STRANGERS = [
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site", "Origin": "https://evil.example.com"},
    {"Sec_Fetch_Site": "cross-site", "Origin": "null"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://billing.example.com"},
    {"Origin": "https://billing.example.com.evil.example"},
    {"Origin": "https://billing.example.com:8443"},
]
OURS: list[dict[str, str]] = [
    {},
    {"Sec_Fetch_Site": "same-origin", "Origin": "null"},
    {"Sec_Fetch_Site": "none"},
    {"Origin": "https://billing.example.com"},
    {"Origin": "null"},
]


def visiting(front: Front) -> str:
    (account,) = front.accounts()
    return "; ".join(visit_of(account, purpose) for purpose in COOKIES)


def pages(front: Front) -> list[tuple[str, Page]]:
    """Every route as a visitor with cookies and a link calls it, and as one without; and what goes
    wrong.
    """
    front.signs_up()
    found: list[tuple[str, Page]] = []
    for method, template in ROUTES:
        # Anew: the first mailed link voids what was made before.
        (account,), cookie = (
            front.accounts(),
            visiting(front),
        )
        for purpose in ("welcome", "return", "unsubscribe", "preferences", "billing"):
            about = "lifecycle" if purpose in ("unsubscribe", "preferences") else ""
            token = token_to(account, purpose, about)
            for sent in ({"Cookie": cookie}, {}):
                path = f"{method} {template}"
                found.append(
                    (
                        path,
                        front.call(
                            method,
                            target(template, token=token),
                            b"x=1",
                            Content_Type=content_type(method, template),
                            **sent,
                        ),
                    )
                )
    return found


def test_every_page_and_every_way_on_is_kept_by_nobody_framed_by_nobody_and_tells_no_address(
    front: Front,
) -> None:
    found = pages(front)
    shown = [
        (path, page) for path, page in found if "text/html" in page.headers.get("Content-Type", "")
    ]
    assert len({path for path, _ in shown}) > 10
    for path, page in shown:
        assert page.headers.items() >= PAGES.items(), path
        policy = dict(
            part.strip().partition(" ")[::2]
            for part in page.headers["Content-Security-Policy"].split(";")
        )
        assert (policy["default-src"], policy["frame-ancestors"], policy["base-uri"]) == (
            "'none'",
            "'none'",
            "'none'",
        ), path
        assert policy["form-action"].split()[0] == "'self'"
        assert "script-src" not in policy
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        assert "<script" not in page.text
    led = [(path, page) for path, page in found if page.status == 303]
    assert len({path for path, _ in led}) > 3
    for path, page in led:
        assert page.headers.items() >= ALWAYS.items(), path


def test_every_cookie_is_out_of_reach_of_scripts_and_of_other_sites_and_hosts(front: Front) -> None:
    baked = [page.headers["Set-Cookie"] for _, page in pages(front) if "Set-Cookie" in page.headers]
    lasting = {f"__Host-{name}": {"3600", "0"} for name in COOKIES.values()} | {
        f"__Host-{KNOWN}": {"31536000"}
    }
    assert {one.partition("=")[0] for one in baked} == lasting.keys()
    for written in baked:
        (morsel,) = SimpleCookie(written).values()
        assert morsel["httponly"]
        assert morsel["secure"]
        assert (morsel["samesite"], morsel["domain"]) == ("Lax", "")
        assert morsel["max-age"] in lasting[morsel.key]
        assert morsel["path"] == "/", "browsers take a cookie with __Host- for nothing less"


def test_no_other_site_presses_a_button_of_the_billing_page(front: Front) -> None:
    front.signs_up()
    cookie = visiting(front)
    pressed = [(method, template) for method, template in guarded_by(COOKIE) if method != "GET"]
    assert len(pressed) >= 2
    for method, template in pressed:
        for sent in STRANGERS:
            page = front.call(
                method,
                template,
                b"",
                Content_Type="application/x-www-form-urlencoded",
                Cookie=cookie,
                **sent,
            )
            assert page.status == 403, (template, sent)
    assert front.stripe.engine.store.all("checkout.session") == []


def test_the_billing_pages_own_buttons_work_in_every_browser(front: Front) -> None:
    """Of a page that sends no referrer a browser says `Origin: null` (fetch.spec.whatwg.org,
    "append a request Origin header").
    """
    front.signs_up()
    for sent in OURS:
        assert (
            front.posts_form({}, "/billing/checkout", Cookie=visiting(front), **sent).status == 303
        ), sent


def test_nothing_is_done_by_a_get(front: Front) -> None:
    """SameSite=Lax lets a cookie go along with a link on another site."""
    front.signs_up()
    before = front.accounts()
    cookie = visiting(front)
    for method, template in guarded_by(COOKIE):
        if method == "GET":
            front.call(method, template, Cookie=cookie, Sec_Fetch_Site="cross-site")
    assert front.accounts() == before
