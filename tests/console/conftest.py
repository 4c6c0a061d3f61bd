"""A small office with one person in every role, and a browser for each of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from beijiang.access import PersonDraft, Role
from beijiang.app import create_app
from beijiang.build import Platform, build
from beijiang.kit import SYSTEM
from beijiang.settings import Settings

PASSWORD = "Steppe-under-a-wide-sky-26"
CSRF = re.compile(r'<meta name="csrf" content="([^"]+)">')
ORIGIN = "https://testserver"


@dataclass
class Desk:
    """Somebody at a browser that runs no scripts."""

    client: TestClient

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(path, headers={"Accept": "text/html"}, **options)

    def post(self, path: str, data: dict[str, Any] | None = None, *, csrf: str | None = None, **options: Any) -> Any:
        """Send a form with the token of the person's own pages, as a browser does."""
        token = csrf if csrf is not None else self.token()
        headers = {"Accept": "text/html", "Origin": ORIGIN}
        return self.client.post(path, data={**(data or {}), "_csrf": token}, headers=headers, **options)

    def token(self) -> str:
        """Return the token of the session's pages; a stranger has no session and none."""
        found = CSRF.search(self.get("/console/sign-in").text)
        return found[1] if found else ""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    built = build(Settings.for_tests(tmp_path_factory.mktemp("office"), public_url=ORIGIN))
    built.quality.suggester.seconds = 600  # what is suggested does not depend on how busy the machine is
    built.first_start()
    built.start()
    for role in Role:
        org = None if role is Role.MEMBER else "education"
        draft = PersonDraft(login=f"a.{role.value}", name=f"某{role.text.zh}", org_id=org, roles=frozenset({role}))
        _, code = built.access.add_person(SYSTEM, draft)
        fresh = built.access.sign_in(draft.login, code, "tests")
        built.access.sign_out(built.access.change_password(fresh.actor, code, PASSWORD).token)
    yield built
    built.stop()
    built.close()


@pytest.fixture(scope="module")
def desk(office: Platform) -> Iterator[Callable[[str | None], Desk]]:
    """Give the browser of a role, signed in through the form; None is a stranger."""
    app = create_app(office)
    opened: dict[str | None, Desk] = {}

    def open_for(role: str | None) -> Desk:
        if role not in opened:
            made = Desk(TestClient(app, base_url=ORIGIN, follow_redirects=False))
            if role is not None:
                answer = made.post(
                    "/console/sign-in", {"login": f"a.{role}", "password": PASSWORD, "target": "/console"}
                )
                assert answer.status_code == 303, answer.text
            opened[role] = made
        return opened[role]

    yield open_for
    for one in opened.values():
        one.client.close()


@pytest.fixture
def register(tmp_path: Path) -> Path:
    path = tmp_path / "食堂.csv"
    path.write_text("编号,名称\n" + "".join(f"{n},第{n}食堂\n" for n in range(1, 11)), encoding="utf-8")
    return path
