"""The console over HTTP: who sees which page, which form is believed, and that the menu never leads to a refusal."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import FormData

from beijiang.access import Role
from beijiang.build import Platform
from beijiang.catalog import Entry
from beijiang.console.routes.catalog import read_edit
from beijiang.evidence.verifier import ED25519, Key
from beijiang.kit import SYSTEM, Actor, ActorKind

EVERY = [role.value for role in Role]
GOVERNMENT = {"analyst", "bureau_publisher", "bureau_reviewer", "org_reviewer", "steward"}
ADMINISTRATORS = {"sys_admin", "sec_admin", "audit_admin"}
PAGES = {
    "/console": set(EVERY),
    "/console/password": set(EVERY),
    "/console/ingest": {"steward"},
    "/console/quarantine": {"steward", "org_reviewer"},
    "/console/sql": GOVERNMENT,
    "/console/evidence": {"audit_admin"},
    "/console/evidence/export": {"audit_admin"},
    "/console/health": ADMINISTRATORS,
    "/console/receipts": set(EVERY),
    "/console/seal": ADMINISTRATORS,
    "/console/federation": ADMINISTRATORS | {"bureau_publisher", "bureau_reviewer"},
    "/console/holds": {"sec_admin", "audit_admin"},
}


@pytest.mark.parametrize("role", EVERY)
@pytest.mark.parametrize("path", sorted(PAGES))
def test_who_may_open_which_page(desk: Callable[..., Any], role: str, path: str) -> None:
    answer = desk(role).get(path)
    assert answer.status_code == (200 if role in PAGES[path] else 403)
    if answer.status_code == 403:
        assert "不能这样做" in answer.text


@pytest.mark.parametrize(
    "path", [*sorted(PAGES), "/console/people", "/console/runs", "/console/jobs", "/console/tables"]
)
def test_a_stranger_is_sent_to_sign_in(desk: Callable[..., Any], path: str) -> None:
    answer = desk(None).get(path)
    assert answer.status_code == 401
    assert f"/console/sign-in?next={path}" in answer.text


@pytest.mark.parametrize("role", EVERY)
def test_the_menu_never_leads_to_a_refusal(desk: Callable[..., Any], role: str) -> None:
    person = desk(role)
    menu = person.get("/console").text.split("<nav", 1)[1].split("</nav>", 1)[0]
    links = set(re.findall(r'href="(/console[^"]*)"', menu))
    assert "/console" in links
    assert {path: person.get(path).status_code for path in links} == dict.fromkeys(links, 200)


@pytest.mark.parametrize("role", sorted(ADMINISTRATORS))
def test_an_administrator_s_home_page_records_no_refusal(desk: Callable[..., Any], office: Any, role: str) -> None:
    from beijiang.evidence import EvidenceQuery
    from beijiang.kit import SYSTEM

    def refusals() -> int:
        return len(office.evidence_reader.search(SYSTEM, EvidenceQuery(decision="deny", limit=1000)).records)

    before = refusals()
    assert desk(role).get("/console").status_code == 200
    assert refusals() == before
    desk(role).get("/console/ingest")
    assert refusals() == before + 1


FORMS = [
    ("sys_admin", "/console/people", {"login": "x.y", "name": "某人"}),
    ("sec_admin", "/console/people/per_x/roles", {"role": "analyst"}),
    ("steward", "/console/ingest/abc", {"into": "t"}),
    ("audit_admin", "/console/evidence/check", {}),
    ("sec_admin", "/console/seal/peers", {"kind": "log", "key": "x"}),
    ("analyst", "/console/sql", {"text": "SELECT 1"}),
    ("analyst", "/console/keys", {"name": "k"}),
    ("bureau_publisher", "/console/catalog/res_x/publish", {}),
]


@pytest.mark.parametrize(("role", "path", "data"), FORMS)
@pytest.mark.parametrize("forgery", ["", "0" * 64, "somebody else's"])
def test_a_form_without_the_person_s_own_token_is_refused(
    desk: Callable[..., Any], role: str, path: str, data: dict[str, str], forgery: str
) -> None:
    token = desk("member").token() if forgery == "somebody else's" else forgery
    answer = desk(role).post(path, data, csrf=token)
    assert answer.status_code == 403
    assert "csrf" in answer.text


def test_a_form_from_another_site_is_refused_even_with_the_token(desk: Callable[..., Any]) -> None:
    person = desk("audit_admin")
    data = {"_csrf": person.token()}
    headers = {"Accept": "text/html", "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert person.client.post("/console/evidence/check", data=data, headers=headers).status_code == 403
    assert person.post("/console/evidence/check").status_code == 200


def test_three_administrators_cannot_do_one_another_s_work(desk: Callable[..., Any], office: Any) -> None:
    from beijiang.kit import SYSTEM

    system, security, auditor = (desk(role) for role in ("sys_admin", "sec_admin", "audit_admin"))
    made = system.post("/console/people", {"login": "fresh.one", "name": "新人", "org_id": "education"})
    assert made.status_code == 200
    assert re.search(r'<pre id="code"><code>[^<]{12,}</code>', made.text)
    person = next(p for p in office.access.people(SYSTEM) if p.login == "fresh.one")
    for who in (system, auditor):
        who.post(f"/console/people/{person.id}/roles", {"role": "analyst"})
        assert office.access.person(SYSTEM, person.id).roles == frozenset()
    security.post(f"/console/people/{person.id}/roles", {"role": "analyst"})
    assert office.access.person(SYSTEM, person.id).roles == {Role.ANALYST}
    security.post(f"/console/people/{person.id}/roles", {"role": ["analyst", "audit_admin"]})
    assert office.access.person(SYSTEM, person.id).roles == {Role.ANALYST}
    for who in (security, auditor):
        who.post("/console/people", {"login": "another.one", "name": "又一人"})
        who.post(f"/console/people/{person.id}/disable", {"reason": "试试"})
    assert "another.one" not in {p.login for p in office.access.people(SYSTEM)}
    assert office.access.person(SYSTEM, person.id).disabled_at is None
    system.post(f"/console/people/{person.id}/disable", {"reason": "离职"})
    assert office.access.person(SYSTEM, person.id).disabled_at is not None
    assert security.get("/console/evidence").status_code == 403
    assert "链条完整" in auditor.post("/console/evidence/check").text


def test_a_message_is_shown_once_and_not_used_up_by_a_script(desk: Callable[..., Any], register: Path) -> None:
    steward = desk("steward")
    with register.open("rb") as file:
        answer = steward.post("/console/ingest", files={"file": ("食堂.csv", file, "text/csv")})
    assert answer.status_code == 303
    where = answer.headers["location"]
    words = "文件已原样保存"
    script = steward.client.get(where, headers={"Accept": "text/html", "Sec-Fetch-Mode": "cors"})
    assert words in script.text
    assert words in steward.get(where).text
    assert words not in steward.get(where).text


def test_no_text_of_a_user_becomes_markup(desk: Callable[..., Any]) -> None:
    nasty = "<script>alert(1)</script>"
    analyst = desk("analyst")
    page = analyst.post("/console/sql", {"text": f"SELECT '{nasty}' AS a"}).text
    assert nasty not in page
    assert "&lt;script&gt;" in page
    for path in (f"/console/sign-in?next=https://evil.example/{nasty}", f"/console/evidence?target={nasty}"):
        assert nasty not in desk("audit_admin").get(path).text
    assert 'name="target" value="/console"' in desk(None).get("/console/sign-in?next=//evil.example/x").text


def test_signing_out_ends_the_session_on_the_server(desk: Callable[..., Any], office: Any) -> None:
    from fastapi.testclient import TestClient

    from beijiang.app import create_app

    first = desk("org_reviewer")
    cookies = dict(first.client.cookies)
    assert first.get("/console").status_code == 200
    assert first.post("/console/sign-out", csrf=first.token()).status_code == 303
    kept = TestClient(create_app(office), base_url="https://testserver", cookies=cookies, follow_redirects=False)
    assert kept.get("/console", headers={"Accept": "text/html"}).status_code == 401


def test_saving_an_entry_keeps_all_its_categories_and_formats(office: Platform, desk: Callable[..., Any]) -> None:
    entry = Entry(
        name="有三个分类的资源",
        provider_id="education",
        categories=("211001", "201003", "101001"),
        formats=("csv", "xlsx"),
    )
    made = office.catalog.register(SYSTEM, entry)
    page = desk("steward").get(f"/console/catalog/{made.id}").text
    names = ("more_categories", "formats", "related_codes")
    shown = {name: re.search(rf'name="{name}"[^>]*value="([^"]*)"', page) for name in names}
    values = {name: found[1] for name, found in shown.items() if found}
    assert values == {"more_categories": "201003 101001", "formats": "csv xlsx", "related_codes": ""}
    edit = read_edit(FormData([("category", "211001"), *values.items()]))
    assert edit.apply(made.entry) == made.entry


def test_an_auditor_finds_by_login_action_and_day_and_keeps_the_conditions(desk: Callable[..., Any]) -> None:
    desk("analyst").post("/console/sql", {"text": "SELECT 1 AS a FROM nowhere"})
    auditor = desk("audit_admin")
    page = auditor.get("/console/evidence?actor_id=a.analyst&action=access.").text
    rows = re.findall(r"<tr><td class=\"n\">.*?</tr>", page)
    assert rows
    assert all("某数据分析员" in row and 'title="access.' in row for row in rows)
    assert "登录" in page
    assert "没有符合条件的记录" in auditor.get("/console/evidence?actor_id=a.analyst&until=2001-01-01").text
    assert auditor.get("/console/evidence?since=yesterday").status_code == 422
    for _ in range(101):
        auditor.get("/console/evidence?action=evidence.search&decision=allow")
    page = auditor.get("/console/evidence?action=evidence.search&decision=allow").text
    older = html.unescape(re.search(r'href="([^"]+)">更早的', page)[1])
    assert "action=evidence.search" in older
    assert "decision=allow" in older
    page = auditor.get(older).text
    assert 'title="evidence.search"' in page
    assert 'title="access.' not in page


def test_links_on_the_page_of_a_verified_log_lead_to_the_search(desk: Callable[..., Any]) -> None:
    auditor = desk("audit_admin")
    page = auditor.post("/console/evidence/check").text
    link = html.unescape(re.search(r'<td><a href="(/console/evidence[^"]+)">', page)[1])
    assert auditor.get(link).status_code == 200


def test_the_log_is_sealed_witnessed_and_erased_in_the_console(desk: Callable[..., Any], office: Any) -> None:
    guard, auditor, steward = desk("sec_admin"), desk("audit_admin"), desk("steward")
    actor = next(p for p in office.access.people(SYSTEM) if p.login == "a.steward")
    who = Actor(id=actor.id, name=actor.name, kind=ActorKind.PERSON, org_id="education")
    asked = {"version": 1, "policy": "p", "columns": ("a",), "rows": None, "grade": "L2", "purpose": "核对学籍"}
    receipt = office.evidence.record_read(who, exit="download", target="学校名录", **asked)
    page = steward.get("/console/receipts").text
    assert "核对学籍" in page
    file = steward.get(f"/console/receipts/{receipt}")
    assert file.json()["id"] == receipt
    assert desk("analyst").get(f"/console/receipts/{receipt}").status_code == 404
    assert auditor.get(f"/console/receipts/{receipt}").status_code == 200
    assert f"/console/receipts/{receipt}" in auditor.get("/console/evidence?action=read").text

    key = Key("log.county.example", ED25519, bytes(range(32)))
    for person, seen in ((auditor, False), (guard, True)):
        shown = person.get("/console/seal").text
        assert ("信任一把公钥" in shown, "删除过期内容" in shown) == (seen, seen)
        person.post("/console/seal/peers", {"kind": "log", "key": str(key)})
    peers = office.witnesses.peers(SYSTEM)
    assert [peer.key for peer in peers] == [key]
    assert (
        "公钥应写作"
        in guard.get(guard.post("/console/seal/peers", {"kind": "log", "key": "x"}).headers["location"]).text
    )
    sent = {"files": {"note": ("n.txt", b"old 0\n\nnonsense")}, "data": {"_csrf": guard.token()}}
    headers = {"Accept": "text/html", "Origin": "https://testserver"}
    assert guard.client.post("/console/seal/witness", headers=headers, **sent).status_code == 409
    assert guard.client.post("/console/seal/cosignatures", headers=headers, **sent).status_code == 303
    assert "没有受信任见证方" in guard.get("/console/seal").text
    guard.post(f"/console/seal/peers/{peers[0].id}/remove")
    assert office.witnesses.peers(SYSTEM) == []
    back = guard.post("/console/seal/erase", {"reason": "清理", "until": "2026-01-01"})
    assert "已删除 0 条" in guard.get(back.headers["location"]).text
    back = guard.post("/console/seal/erase", {"reason": "清理", "until": "2099-01-01"})
    assert "依法至少保存" in guard.get(back.headers["location"]).text
    english = guard.get("/console/seal?lang=en").text
    assert "Seal and witnesses" in english
    guard.get("/console/seal?lang=zh-CN")


def test_every_recorded_action_has_a_word(desk: Callable[..., Any], office: Any) -> None:
    from beijiang.console.words import actions
    from beijiang.evidence import EvidenceQuery
    from beijiang.kit import SYSTEM

    desk("steward").get("/console")
    recorded = {r.action for r in office.evidence_reader.search(SYSTEM, EvidenceQuery(limit=1000)).records}
    assert recorded - set(actions()) == set()


def test_every_way_to_change_a_table_has_a_word() -> None:
    from beijiang.console.words import word
    from beijiang.ingest import RunMode
    from beijiang.tables import WriteMode

    for mode in (*RunMode, *WriteMode):
        told = word("mode", mode.value)
        assert mode.value != told.zh, mode
    assert word("mode", RunMode.REMOVE.value).en == "rows taken out by key"


def test_the_catalog_of_the_console_is_searched_by_name(desk: Callable[..., Any], office: Any, register: Path) -> None:
    from beijiang.kit import SYSTEM

    steward = desk("steward")
    with register.open("rb") as file:
        where = steward.post("/console/ingest", files={"file": ("食堂.csv", file, "text/csv")}).headers["location"]
    run = steward.post(where, {"into": "食堂名册", "encoding": "auto"}).headers["location"].rsplit("/", 1)[1]
    office.ingest.wait(SYSTEM, run)
    office.db.deliver_waiting()
    assert "食堂名册" in steward.get("/console/catalog?_find=名册").text
    assert "没有符合条件的" in steward.get("/console/catalog?_find=名_册%25").text
    kept = steward.get("/console/catalog?q=名册&state=draft").headers["location"]
    assert kept == "/console/catalog?_find=%E5%90%8D%E5%86%8C&_only.state=draft", "a view kept by an older release"
    page = desk("bureau_reviewer").get(
        re.search(r"/console/catalog/res_\w+", steward.get("/console/catalog?_find=名册").text)[0]
    )
    assert "核心元数据" in page.text
    assert "<textarea" not in page.text
    assert 'name="revision"' not in page.text
