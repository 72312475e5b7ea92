"""Nobody is led to an address that somebody else wrote: every Location is ours or Stripe's."""

import json
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from chalicelib.entry.pages.session import COOKIES
from tests.fakes.links import token_to, visit_of
from tests.fakes.routes import ROUTES, content_type, target
from tests.http.signups.test_signups import Front, Page

EVIL = "https://evil.example/x"
PARAMETERS = (
    "next",
    "url",
    "return_url",
    "redirect",
    "redirect_uri",
    "continue",
    "to",
    "back",
    "success_url",
    "cancel_url",
    "notice",
    "session_id",
)
HEADERS = {
    "Host": "evil.example",
    "X_Forwarded_Host": "evil.example",
    "X_Forwarded_Server": "evil.example",
    "X_Forwarded_Proto": "http",
    "X_Original_URL": EVIL,
    "X_Rewrite_URL": EVIL,
    "Forwarded": "host=evil.example",
    "Referer": EVIL,
}


def answers(front: Front, evil: str) -> Iterator[Page]:
    """Of every route, with a key, cookies and links that are good, and that address wherever it can
    be put.
    """
    (account,) = front.accounts()
    key = {"Authorization": f"Bearer {front.office.stage.key('write')}"}
    cookies = "; ".join(visit_of(account, purpose) for purpose in COOKIES)
    query = "&".join(f"{name}={evil}" for name in PARAMETERS)
    for method, template in ROUTES:
        kind = content_type(method, template)
        bodies = (
            [query, f"email=x{len(evil)}@example.com"]
            if "form" in kind
            else [json.dumps(dict.fromkeys(PARAMETERS, evil))]
        )
        for purpose in (
            ("welcome", "billing", "return", "unsubscribe")
            if "{token}" in template
            else ("welcome",)
        ):
            path = target(
                template,
                account.id,
                token_to(account, purpose, "lifecycle" if purpose == "unsubscribe" else ""),
            )
            for body in bodies:
                yield front.call(
                    method,
                    f"{path}?{query}",
                    body.encode(),
                    Content_Type=kind,
                    Cookie=cookies,
                    **key,
                    **HEADERS,
                )


def test_no_parameter_and_no_header_leads_anywhere_else(front: Front) -> None:
    assert "evil.example" not in front.signs_up(**HEADERS).text
    front.works()
    pages = [
        page
        for evil in (EVIL, "//evil.example", "/\\evil.example", "https:evil.example")
        for page in answers(front, evil)
    ]
    led = {
        urlsplit(page.headers["Location"]).netloc for page in pages if "Location" in page.headers
    }
    stripes = {
        urlsplit(session["url"]).netloc
        for session in front.stripe.engine.store.all("checkout.session")
        if session["url"]
    }
    assert led == {"billing.example.com"} | stripes
    said = [text for page in pages for text in (page.text, *page.headers.values())]
    assert not [
        text for text in said if re.search(r"(?:href|action|src)=\"[^\"]*evil\.example", text)
    ]
    assert not [mail for mail in front.office.inbox if "evil.example" in str(mail.body)]


def test_what_stripe_is_told_to_come_back_to_is_ours(front: Front) -> None:
    front.signs_up()
    (account,) = front.accounts()
    write = {
        "Authorization": f"Bearer {front.office.stage.key('write')}",
        "Content_Type": "application/json",
    }
    body = json.dumps({"success_url": EVIL, "cancel_url": EVIL, "return_url": EVIL}).encode()
    assert (
        front.call("POST", f"/accounts/{account.id}/checkout", body, **write, **HEADERS).status
        == 400
    ), "there are no such fields"
    url = front.call("POST", f"/accounts/{account.id}/checkout", b"{}", **write, **HEADERS).json[
        "url"
    ]
    session = front.stripe.get(f"/v1/checkout/sessions/{url.rpartition('/')[2]}")
    assert {urlsplit(session[name]).netloc for name in ("success_url", "cancel_url")} == {
        "billing.example.com"
    }
