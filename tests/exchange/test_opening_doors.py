"""Conditional opening over HTTP and at the terminal: the same for everybody where it must be, and one's own where it may."""

from __future__ import annotations

import json
from typing import Any

import pytest
from exchange_bureau import Bureau
from fastapi.testclient import TestClient
from test_openings import CITY, NAME, Town, opened  # noqa: F401 - the fixture is used by name
from typer.testing import CliRunner

from beijiang.access import KeyDraft
from beijiang.app import create_app
from beijiang.exchange import RequestState

SCOPES = frozenset(
    {"opendata:application:make", "opendata:dataset:read", "protection:rows:read_granted", "protection:rows:read_open"}
)


@pytest.fixture
def town(bureau: Bureau, opened: str) -> Town:  # noqa: F811
    return Town(bureau, opened)


def client(town: Town, login: str) -> TestClient:
    """Return a program with a key of the member's own."""
    who = town.member(login)
    _, secret = town.bureau.platform.access.issue_key(who, KeyDraft(name=login, scopes=SCOPES, days=1))
    return TestClient(create_app(town.bureau.platform), headers={"Authorization": f"Bearer {secret}"})


def order(town: Town, **words: Any) -> dict[str, Any]:
    draft = town.draft(**words)
    return {
        "resource_id": draft.resource_id,
        "items": [{"column": one.column, "handling": "as_is"} for one in draft.items],
        "ways": ["page", "row_api", "file"],
        "since": draft.since.isoformat(),
        "until": draft.until.isoformat(),
        "purpose": draft.purpose,
        "use": draft.use,
        "products": draft.products,
        "measures": draft.measures,
        "agreed": draft.agreed,
    }


def test_a_program_applies_follows_reads_and_downloads_with_its_own_key(town: Town) -> None:
    browser = client(town, "program")
    held = browser.get(f"/api/v1/openings/{town.set_id}").json()
    assert held["digest"] == order(town)["agreed"]
    told = browser.get(f"/api/v1/datasets/{town.set_id}").json()
    assert (told["data"]["open"], told["opening_conditions"]["digest"]) == (False, held["digest"])
    rows = f"/api/v1/datasets/{town.set_id}/rows"
    before = browser.get(rows)
    made = browser.post("/api/v1/openings/applications", json=order(town))
    assert made.status_code == 201, made.text
    assert browser.get(rows).status_code == before.status_code == 404
    number = made.json()["id"]
    for login in ("reviewer", "lead"):
        town.exchange.approve(town.bureau[login], number, "同意")
    view = browser.get(f"/api/v1/openings/applications/{number}").json()
    assert (view["state"], view["standing"]) == ("approved", "active")
    page = browser.get(rows, params={"_size": 3})
    assert page.status_code == 200, page.text
    assert [column["name"] for column in page.json()["columns"]] == [NAME, CITY]
    assert "etag" not in page.headers, "what was granted is stored by nobody"
    assert "no-store" in page.headers["cache-control"]
    file = browser.get(f"/api/v1/datasets/{town.set_id}/download?format=csv&encoding=utf-8-sig")
    assert "program 的名字" in file.content.decode("utf-8-sig").splitlines()[0]
    assert TestClient(browser.app).get(rows).status_code == 404
    town.exchange.revoke(town.bureau["lead"], view["grant_id"], "结束")
    assert browser.get(rows).status_code == 404
    assert browser.get(f"/api/v1/datasets/{town.set_id}/download").status_code == 404


def test_what_another_applicant_and_exchange_answer_is_what_a_made_up_number_does(town: Town) -> None:
    theirs = town.openings.apply(town.member("ownerofit"), town.draft())
    browser = client(town, "outsiderofit")

    def told(path: str, method: str = "get") -> tuple[int, Any]:
        answer = browser.request(method, path, json={"words": "x"} if method == "post" else None)
        body = answer.json()
        return answer.status_code, json.dumps(body.get("error", body), sort_keys=True).replace(
            answer.headers.get("x-request-id", "-"), ""
        )

    for rest, method in (("", "get"), ("/withdraw", "post"), ("/appeal", "post"), ("/give-up", "post")):
        real = told(f"/api/v1/openings/applications/{theirs.id}{rest}", method)
        made_up = told(f"/api/v1/openings/applications/req_nobody{rest}", method)
        assert real == made_up
        assert real[0] == 404
    for path in ("requests", f"requests/{theirs.id}", "grants", "recalls", "demands", "requests/waiting"):
        assert told(f"/api/v1/exchange/{path}")[0] == 403
    town.openings.withdraw(town.member("ownerofit"), theirs.id, "完")


def test_visitors_see_conditions_outcomes_and_how_to_apply(town: Town) -> None:
    visitor = TestClient(create_app(town.bureau.platform), headers={"accept": "text/html"})
    page = visitor.get(f"/datasets/{town.set_id}").text
    assert f"/datasets/{town.set_id}/apply" in page
    assert town.openings.conditions(town.member("scholar"), town.set_id).digest in page
    form = visitor.get(f"/datasets/{town.set_id}/apply").text
    assert "/register" in form
    assert 'name="measures"' not in form
    assert visitor.get(f"/applications?dataset={town.set_id}").status_code == 200
    assert visitor.get("/applications").status_code == 200
    assert visitor.get(f"/datasets/{town.bureau.resource.id}/apply").status_code == 404
    assert visitor.get("/datasets/res_unknown/apply").status_code == 404
    assert visitor.get("/my/applications/req_x", follow_redirects=False).status_code == 303
    assert visitor.get("/api/v1/openings/applications").status_code == 401
    assert visitor.put(f"/api/v1/openings/{town.set_id}", json={}).status_code in {401, 403, 422}


def test_a_member_applies_and_follows_on_pages(town: Town) -> None:
    who = town.member("readerofpages")
    browser = TestClient(create_app(town.bureau.platform), base_url="https://testserver")
    login = _login(town, who.id)
    answer = browser.post("/console/sign-in", data={"login": login, "password": "a long pass phrase 26"})
    assert answer.status_code == 200
    page = browser.get(f"/datasets/{town.set_id}/apply").text
    csrf = _csrf(page)
    form = order(town)
    data = {key: form[key] for key in ("since", "until", "purpose", "use", "products", "measures", "agreed")}
    data |= {"column": [NAME, CITY], "way": ["page", "row_api", "file"], CSRF: csrf}
    bad = browser.post(f"/datasets/{town.set_id}/apply", data=data | {"agreed": "sha256:old"})
    assert bad.status_code == 422
    assert "重新阅读" in bad.text
    done = browser.post(f"/datasets/{town.set_id}/apply", data=data)
    assert done.status_code == 200, done.text[:500]
    number = str(done.url).rsplit("/", 1)[1]
    assert number in browser.get("/my").text
    town.exchange.refuse(town.bureau["reviewer"], number, "请写明研究方案", "purpose_unfit")
    page = browser.get(f"/my/applications/{number}").text
    assert "请写明研究方案" in page
    assert "reviewer" not in page
    appealed = browser.post(f"/my/applications/{number}", data={"do": "appeal", "words": "方案已附", CSRF: csrf})
    assert appealed.status_code == 200
    assert town.openings.application(who, number).request.state is RequestState.AUTHORITY_REVIEW
    assert browser.post(f"/my/applications/{number}", data={"do": "nonsense", CSRF: csrf}).status_code == 422
    town.exchange.approve(town.bureau["publisher"], number, "申诉成立")
    shown = browser.get(f"/datasets/{town.set_id}").text
    assert "内蒙古第" in shown


def test_the_console_shows_the_application_and_sets_conditions(town: Town) -> None:
    from beijiang.kit import SYSTEM

    asked = town.openings.apply(town.member("seeninconsole"), town.draft())
    access = town.bureau.platform.access
    code = access.reset_person(SYSTEM, town.bureau["lead"].id).code
    access.sign_in("lead", code, "test")
    access.change_password(access.actor_for_person("lead"), code, "a long pass phrase 26")
    browser = TestClient(create_app(town.bureau.platform), base_url="https://testserver")
    browser.post("/console/sign-in", data={"login": "lead", "password": "a long pass phrase 26"})
    assert "seeninconsole 的名字" in browser.get("/console/openings").text
    page = browser.get(f"/console/sharing/requests/{asked.id}").text
    assert "只存放在加密的电脑上" in page
    page = browser.get(f"/console/openings/{town.set_id}").text
    before = town.openings.conditions(town.bureau["lead"], town.set_id).version
    data = {
        "for_whom": "高校",
        "purpose": ["research"],
        "way": ["row_api", "page", "file"],
        "duties": "加密保存。",
        "months": "6",
        "agreement": "仅用于研究。",
        CSRF: _csrf(page),
    }
    assert browser.post(f"/console/openings/{town.set_id}", data=data).status_code == 200
    assert town.openings.conditions(town.bureau["lead"], town.set_id).version == before + 1
    town.openings.withdraw(town.member("seeninconsole"), asked.id, "完")


def test_the_terminal_speaks_the_same_verbs(town: Town) -> None:
    from beijiang.exchange.commands import openings

    group = openings(lambda: town.openings, lambda: town.bureau.platform.access)
    runner, login = CliRunner(), _login(town, town.member("terminaluser").id)
    shown = runner.invoke(group, ["conditions", town.set_id])
    assert shown.exit_code == 0, shown.output
    draft = town.draft()
    words = ["--purpose", draft.purpose, "--use", draft.use, "--products", draft.products, "--measures", draft.measures]
    applied = runner.invoke(
        group, ["apply", town.set_id, "--item", f"{NAME}:as_is", "--agree", draft.agreed, *words, "--as", login]
    )
    assert applied.exit_code == 0, applied.output
    number = town.openings.applications(town.member("terminaluser"))[0].request.id
    assert number in runner.invoke(group, ["list", "--as", login]).output
    assert runner.invoke(group, ["withdraw", number, "--words", "不用了", "--as", login]).exit_code == 0
    assert runner.invoke(group, ["outcomes"]).exit_code == 0


CSRF = "_csrf"


def _csrf(page: str) -> str:
    import re

    found = re.search(rf'name="{CSRF}" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


def _login(town: Town, person_id: str) -> str:
    from beijiang.kit import SYSTEM

    return str(town.bureau.platform.access.person(SYSTEM, person_id).login)
