"""What somebody types is a value: in a header, in a template, in HTML, in a mail."""

import json
import re
from typing import Any

import pytest

from chalicelib.aws.mail.mailer import Mailer
from chalicelib.domain.errors import MailRefused
from chalicelib.domain.messaging.email_message import EmailMessage
from chalicelib.runtime import wiring
from tests.fakes.links import token_to, visit_of
from tests.fakes.routes import ROUTES, content_type, target
from tests.http.signups.test_signups import ADA, Front, refused

LINE_ENDS = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x00"]
TEMPLATES = [
    "{{7*191}}",
    "{% print 7*191 %}",
    "${7*191}",
    "#{7*191}",
    "<%= 7*191 %>",
    "{{config}}",
    "{{''.__class__.__mro__}}",
    "{0.__class__}",
    "%(x)s",
]
MARKUP = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'onmouseover='alert(1)",
    "</title><svg onload=alert(1)>",
    "&lt;b&gt;",
    "javascript:alert(1)",
]


def test_no_line_end_gets_into_a_field_of_a_signup(front: Front) -> None:
    for injected in (f"x{end}Bcc: eve@example.com" for end in LINE_ENDS):
        for field in ("name", "external_id", "timezone", "source", "plan", "interval", "email"):
            refused(front.signs_up({**ADA, field: injected}), 400, field)
        for attributes in ({"team": injected}, {injected: "x"}):
            refused(front.signs_up({**ADA, "attributes": attributes}), 400, "attributes")
    assert front.accounts() == []


@pytest.mark.parametrize(
    "email",
    [
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com, eve@example.com",
        "ada@example.com;eve@example.com",
        "Ada <ada@example.com>",
        "ada@example.com\n",
        "<ada@example.com>",
        "ada",
        "@example.com",
        "a b@example.com",
    ],
)
def test_an_address_that_stripe_holds_and_is_more_or_less_than_one_is_not_written_to(
    email: str,
) -> None:
    """A customer's address at Stripe is whatever somebody typed there; SES reads a list of
    addresses, and a name, out of one text.
    """

    class Ses:
        def send_email(self, **_: Any) -> Any:
            raise AssertionError("it was handed to SES")

    letter = EmailMessage(
        sender="Acme <a@acme.example>",
        recipient=email,
        reply_to="a@acme.example",
        subject="s",
        text="t",
        html="h",
        headers={},
        tags={},
    )
    with pytest.raises(MailRefused):
        Mailer(None, ses=Ses()).send(letter)


def test_a_template_in_a_name_or_an_attribute_is_a_text(front: Front) -> None:
    read = {"Authorization": f"Bearer {front.office.stage.key('read')}"}
    write = {"Authorization": f"Bearer {front.office.stage.key('write')}"}
    for number, template in enumerate(TEMPLATES):
        front.signs_up(
            {
                "email": f"a{number}@example.com",
                "name": template,
                "attributes": {"team": template},
                "external_id": template,
            },
            **write,
        )
        (account,) = front.call("GET", f"/accounts?email=a{number}@example.com", **read).json[
            "accounts"
        ]
        assert (account["name"], account["external_id"], account["attributes"]) == (
            template,
            template,
            {"team": template},
        )
    front.works()
    cookie = front.enters().cookie
    shown = [
        front.call("GET", "/billing", Cookie=cookie).text,
        *(f"{mail.subject} {mail.body}" for mail in front.office.inbox),
    ]
    assert len(shown) > len(TEMPLATES)
    assert not [text for text in shown if "1337" in text or "Undefined" in text or "<class" in text]


def test_markup_is_text_on_every_page_in_every_mail_and_in_every_refusal(front: Front) -> None:
    key = {"Authorization": f"Bearer {front.office.stage.key('write')}"}
    for number, markup in enumerate(MARKUP):
        front.signs_up(
            {
                "email": f"a{number}@example.com",
                "name": markup,
                "attributes": {"team": markup},
                "external_id": f"{number}{markup}",
            },
            **key,
        )
    front.works()
    (account,) = wiring.accounts().with_email("a0@example.com")
    cookie = visit_of(account)
    pages = []
    for method, template in ROUTES:
        for markup in MARKUP:
            path = target(
                template,
                account.id,
                token_to(account, "unsubscribe", "lifecycle"),
            )
            body = (
                f"email={markup}&plan={markup}&name={markup}&lifecycle={markup}"
                if "form" in content_type(method, template)
                else json.dumps({markup: 1})
            )
            pages.append(
                front.call(
                    method,
                    f"{path}?notice={markup}&session_id={markup}",
                    body.encode(),
                    Content_Type=content_type(method, template),
                    Cookie=cookie,
                    **key,
                )
            )
    html = [page.text for page in pages if "text/html" in page.headers.get("Content-Type", "")] + [
        str(mail.body) for mail in front.office.inbox
    ]
    assert len(html) > 20
    assert not [
        text
        for text in html
        if re.search(r"<script|<img src=x|<svg|'onmouseover|href=\"javascript", text)
    ]
    others = [
        page
        for page in pages
        if "text/html" not in page.headers.get("Content-Type", "") and page.text
    ]
    assert {page.headers["Content-Type"].partition(";")[0] for page in others} == {
        "application/json"
    }, "what is no page is no page to a browser either"


def test_nobody_has_a_link_of_theirs_mailed_to_a_stranger_by_a_name(front: Front) -> None:
    for name in (
        "https://evil.example/win",
        "www.evil.example",
        "evil.example",
        "Ada http://evil.example",
        "you won evil.example/x",
    ):
        front.signs_up({"email": f"{len(name)}@example.com", "name": name})
    front.works()
    assert len(front.office.inbox) >= 5
    assert not [mail for mail in front.office.inbox if "evil" in f"{mail.subject} {mail.body}"]


def test_no_answer_has_a_header_that_a_caller_wrote(front: Front) -> None:
    injected = "x\r\nSet-Cookie: evil=1"
    for method, template in ROUTES:
        sent = {
            "Origin": "https://evil.example",
            "Cookie": "__Host-billhook_billing=evil; evil=1",
            "User_Agent": "evil",
        }
        page = front.call(
            method,
            f"{target(template, 'evil', 'evil')}?notice=evil%0d%0aSet-Cookie:evil&session_id=evil",
            injected.encode(),
            Content_Type=content_type(method, template),
            **sent,
        )
        assert not [
            value
            for value in page.headers.values()
            if "evil" in value or "\r" in value or "\n" in value
        ], (method, template)
