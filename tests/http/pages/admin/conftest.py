"""The dashboard of a stage with two operators, opened as browsers and scripts do."""

import re
from dataclasses import dataclass, field, replace
from html import unescape
from typing import Any

import pytest

from chalicelib.domain.policy.policy import TeamPolicy
from chalicelib.runtime import wiring
from tests.http.conftest import stage  # noqa: F401 - the fixture
from tests.http.signups.test_signups import Front, Page, front  # noqa: F401 - the fixture
from tests.http.triggers.test_mail_queue import office  # noqa: F401 - the fixture

TEAM = TeamPolicy(
    ("ada@acme.example", "Ben@acme.example"), frozenset(), roles={"ben@acme.example": "look"}
)
OWN = "https://billing.example.com"


@dataclass
class Dashboard:
    """A browser, or a script with a key, at the dashboard."""

    front: Front
    headers: dict[str, str] = field(default_factory=dict)

    def opens(self, path: str, **headers: str) -> Page:
        return self.front.call("GET", path, **self.headers, **headers)

    def posts(self, path: str, fields: Any, **headers: str) -> Page:
        return self.front.posts_form(fields, path, **self.headers, **headers)

    def sends(self, path: str, fields: Any, page: str = "/admin/customers", **headers: str) -> Page:
        """Posts a form with the hidden field of a page of this session."""
        return self.posts(path, fields | {"csrf": self.csrf(page)}, **headers)

    def csrf(self, page: str = "/admin/customers") -> str:
        (found,) = set(re.findall(r'name="csrf" value="([^"]+)"', self.opens(page).text))
        return unescape(found)

    def with_key(self, scope: str = "admin") -> "Dashboard":
        key = self.front.office.stage.key(scope)
        return Dashboard(self.front, {"Authorization": f"Bearer {key}"})

    def signed_in_by_key(self) -> "Dashboard":
        key = self.front.office.stage.key("admin")
        page = self.posts("/admin/sign-in", {"key": key})
        assert page.status == 303, page.text
        return Dashboard(self.front, {"Cookie": page.cookie})

    def signed_in(self, email: str = "ada@acme.example") -> "Dashboard":
        """The session that the link in the mail to an operator begins."""
        assert self.posts("/admin/sign-in", {"email": email}).status == 303
        self.front.works()
        page = self.posts(self.front.link("admin/sign-in"), {})
        assert page.status == 303, page.text
        return Dashboard(self.front, {"Cookie": page.cookie})


def with_team(team: TeamPolicy | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on with other operators in billing.toml."""
    changed = replace(wiring.policy(), team=team)
    monkeypatch.setattr(wiring, "policy", lambda: changed)
    wiring.services.cache_clear()


@pytest.fixture
def desk(front: Front, monkeypatch: pytest.MonkeyPatch) -> Dashboard:
    with_team(TEAM, monkeypatch)
    return Dashboard(front)
