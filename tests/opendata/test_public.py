"""What the public may do on the portal: register, give feedback, ask for data; and what nobody may do to anybody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from beijiang.access import PersonDraft, Role
from beijiang.app import create_app
from beijiang.evidence import EvidenceQuery
from beijiang.kit import ANONYMOUS, SYSTEM, Actor, Denied, NotFound
from beijiang.opendata import (
    Outcome,
    RegistrationDraft,
    RegistrationState,
    VoiceAnswer,
    VoiceDraft,
    VoiceKind,
    VoiceQuery,
)
from beijiang.opendata.store.schema import portal_registration, portal_voice
from statements import asked

if TYPE_CHECKING:
    from conftest import Portal

XSS = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
PASSWORD = "a long pass phrase 2026"


@dataclass
class Town:
    """A portal with people in it: a member, an officer of the authority, a steward of the department."""

    portal: Portal
    browser: TestClient
    late: timedelta = timedelta()

    def now(self) -> Any:
        return self._now() + self.late

    @property
    def platform(self) -> Any:
        return self.portal.platform

    def person(self, login: str, org: str | None, *roles: Role) -> Actor:
        """Return a person with an account, made when first asked for."""
        access = self.platform.access
        if login not in {one.login for one in access.people(SYSTEM)}:
            draft = PersonDraft(login=login, name=login, org_id=org, roles=frozenset(roles))
            _, code = access.add_person(SYSTEM, draft)
            access.sign_in(login, code, "test")
            access.change_password(access.actor_for_person(login), code, PASSWORD)
        return access.actor_for_person(login)

    @property
    def officer(self) -> Actor:
        return self.person("officer", "bureau", Role.BUREAU_REVIEWER)

    @property
    def steward(self) -> Actor:
        return self.person("market-steward", "market", Role.STEWARD)

    @property
    def stranger(self) -> Actor:
        return self.person("forest-steward", "forest", Role.STEWARD)

    def member(self, name: str = "citizen") -> Actor:
        return self.person(name, None, Role.MEMBER)

    def signed_in(self, login: str) -> TestClient:
        """Return a browser of its own that is signed in."""
        browser = TestClient(self.browser.app, base_url="https://testserver")
        answer = browser.post("/console/sign-in", data={"login": login, "password": PASSWORD}, follow_redirects=False)
        assert answer.status_code == 303, answer.text[:300]
        return browser

    def ticket(self, path: str = "/register", browser: TestClient | None = None) -> dict[str, str]:
        """Open a form and wait as long as a person needs."""
        text = (browser or self.browser).get(path).text
        found = re.search(r'name="ticket" value="([^"]+)"', text)
        assert found, text[:500]
        self.late += timedelta(seconds=5)
        return {"ticket": found[1]}

    def said(self, kind: VoiceKind = VoiceKind.CORRECTION, words: str = "第三行的成立日期不对", **more: Any) -> Any:
        more.setdefault("dataset_id", self.portal.ids["firms"])
        return self.platform.voices.raise_(more.pop("by", ANONYMOUS), VoiceDraft(kind=kind, words=words, **more))

    def answered(self, voice_id: str, outcome: Outcome = Outcome.MENDED, words: str = "已更正。", **more: Any) -> Any:
        return self.platform.voices.answer(self.steward, voice_id, VoiceAnswer(outcome=outcome, words=words, **more))


@pytest.fixture(scope="module")
def portal(own_portal: Portal) -> Portal:
    return own_portal


@pytest.fixture(scope="module")
def town(portal: Portal) -> Iterator[Town]:
    made = Town(portal, TestClient(create_app(portal.platform), base_url="https://testserver"))
    doorman = portal.platform.voices.parts.doorman
    clock, began = doorman._clock, doorman._clock.now()
    made._now = lambda: began  # type: ignore[attr-defined]
    doorman._clock = made  # type: ignore[assignment]  # the one clock that only a test moves: minutes between forms
    yield made
    doorman._clock = clock


@pytest.fixture(autouse=True)
def _another_hour(town: Town) -> None:
    """Let the count of forms of the test before run out."""
    town.late += timedelta(hours=3)


def test_a_citizen_registers_is_confirmed_and_signs_in(town: Town) -> None:
    given = {"login": "batu", "name": "巴图", "contact": "13947100001", "words": "想用数据做研究"}
    answer = town.browser.post("/register", data=given | town.ticket())
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    login, code = (re.search(rf'id="{name}">([^<]+)<', answer.text)[1] for name in ("login", "code"))  # type: ignore[index]
    assert re.fullmatch(r"batu-\d{5}", login)
    refused = town.browser.post("/console/sign-in", data={"login": login, "password": code})
    assert refused.status_code == 401, "nobody confirmed it yet"
    waiting = town.browser.post("/register/standing", data={"login": login, "code": code}).text
    assert "待确认" in waiting

    officer = town.signed_in(town.officer.id and "officer")
    page = officer.get("/console/members").text
    assert login in page
    assert "13947100001" not in page, "the contact is shown only when it is asked for"
    made = next(r for r in town.platform.registrations.registrations(town.officer)[0] if r.login == login)
    csrf = re.search(r'name="_csrf" value="([^"]+)"', page)[1]  # type: ignore[index]
    shown = officer.post(f"/console/members/{made.id}/contact", data={"_csrf": csrf}).text
    assert "13947100001" in shown
    officer.post(f"/console/members/{made.id}", data={"_csrf": csrf, "do": "admit"})

    assert "已通过" in town.browser.post("/register/standing", data={"login": login, "code": code}).text
    person = TestClient(town.browser.app, base_url="https://testserver")
    first = person.post("/console/sign-in", data={"login": login, "password": code}, follow_redirects=False)
    assert first.headers["location"] == "/console/password"
    assert person.get("/my", follow_redirects=False).headers["location"] == "/console/password"
    csrf = re.search(r'name="_csrf" value="([^"]+)"', person.get("/console/password").text)[1]  # type: ignore[index]
    person.post("/console/password", data={"_csrf": csrf, "current": code, "new": PASSWORD})
    assert "我的反馈与需求" in person.get("/my").text
    recorded = {r.action for r in town.platform.evidence_reader.search(SYSTEM, EvidenceQuery(limit=500)).records}
    assert {"opendata.register", "opendata.registration_decide", "opendata.contact_read"} <= recorded


def test_a_member_has_no_right_but_to_their_own(town: Town) -> None:
    member, voices = town.member(), town.platform.voices
    made = town.said()
    for verb in (
        lambda: voices.desk(member, VoiceQuery()),
        lambda: voices.view(member, made.voice.id),
        lambda: voices.hide(member, made.voice.id, "x"),
        lambda: voices.contact(member, made.voice.id),
        lambda: town.platform.registrations.registrations(member),
    ):
        with pytest.raises(Denied):
            verb()


def test_nobody_learns_whether_an_account_exists(town: Town) -> None:
    registrations = town.platform.registrations
    town.person("sharab", None, Role.MEMBER)
    taken, free = (
        registrations.register(ANONYMOUS, RegistrationDraft(login=name, name="甲", contact="a@b.cn")).registration
        for name in ("sharab", "nobodyhasthis")
    )
    assert re.fullmatch(r"sharab-\d{5}", taken.login)
    assert re.fullmatch(r"nobodyhasthis-\d{5}", free.login)
    wrong = [
        town.browser.post("/api/v1/portal/registrations/standing", json={"login": login, "code": "AAAAA-AAAAA"})
        for login in (taken.login, "sharab", "never-00000")
    ]
    assert {w.status_code for w in wrong} == {404}
    assert len({re.sub(r'"request_id":"[^"]+"', "", w.text) for w in wrong}) == 1


def test_contacts_are_sealed_at_rest_and_outlive_a_new_root_key(town: Town) -> None:
    registrations, voices = town.platform.registrations, town.platform.voices
    made = registrations.register(ANONYMOUS, RegistrationDraft(login="secret", name="乙", contact="13812345678"))
    voice = town.said(contact="someone@example.cn").voice
    with town.platform.db.read() as connection:
        stored = str(connection.execute(select(portal_registration)).all())
        stored += str(connection.execute(select(portal_voice)).all())
    assert "13812345678" not in stored
    assert "someone@example.cn" not in stored
    with town.platform.db.begin() as tx:
        assert registrations.renew(tx) > 0
        assert voices.renew(tx) > 0
    assert registrations.contact(town.officer, made.registration.id) == "13812345678"
    assert voices.contact(town.steward, voice.id) == "someone@example.cn"


def test_feedback_goes_to_the_department_and_is_answered_in_public(town: Town) -> None:
    given = {
        "kind": "correction",
        "dataset": town.portal.ids["firms"],
        "words": "第三行不对，请打 13911112222",
        "contact": "x@y.cn",
    }
    form = f"/voice?kind=correction&dataset={town.portal.ids['firms']}"
    answer = town.browser.post("/voice", data=given | town.ticket(form))
    assert answer.status_code == 200
    number, code = (re.search(rf'id="{name}">([^<]+)<', answer.text)[1] for name in ("number", "code"))  # type: ignore[index]
    assert town.browser.get(f"/voices/{number}").status_code == 404, "it is public with its answer only"
    assert "第三行不对" in town.browser.post("/voices/follow", data={"number": number, "code": code}).text
    found = town.platform.voices.view(town.steward, number)
    assert found.voice.org_id == "market"
    assert found.due is not None, "a rule of law gives the time"
    assert found.voice.case.rule_id == "correction.handle.809"

    steward = town.signed_in(town.steward.id and "market-steward")
    page = steward.get(f"/console/voices/{number}").text
    csrf = re.search(r'name="_csrf" value="([^"]+)"', page)[1]  # type: ignore[index]
    sent = {"_csrf": csrf, "do": "answer", "outcome": "mended", "words": "已更正第三行。"}
    assert steward.post(f"/console/voices/{number}", data=sent).status_code == 200
    public = town.browser.get(f"/voices/{number}").text
    assert "已更正第三行" in public
    assert "用时 0 个工作日" in public
    assert "13911112222" not in public, "numbers of persons are blotted out"
    assert "x@y.cn" not in public
    told = town.browser.get(f"/api/v1/portal/voices/{number}").json()
    assert told["working_days"] == 0
    assert told["outcome"] == "mended"
    assert not {"by", "contact", "answered_by"} & set(told)
    listed = town.browser.get("/api/v1/portal/voices", params={"dataset_id": town.portal.ids["firms"]}).json()
    assert number in {one["id"] for one in listed["voices"]}


def test_another_department_sees_nothing_and_may_not_answer(town: Town) -> None:
    made, made_up = town.said().voice.id, "voi_00000000000000000000"
    voices = town.platform.voices
    for verb in (
        voices.view,
        voices.contact,
        lambda who, one: voices.answer(who, one, VoiceAnswer(outcome=Outcome.MENDED, words="好")),
    ):
        errors = []
        for one in (made, made_up):
            with pytest.raises(NotFound) as refused:
                verb(town.stranger, one)
            errors.append((refused.value.reason, refused.value.text))
        assert errors[0] == errors[1]


def test_one_citizen_never_reads_another_s(town: Town) -> None:
    mine = town.said(by=town.member("owner")).voice.id
    other = town.signed_in(town.member("other").id and "other")
    bodies = []
    for number in (mine, "voi_00000000000000000000"):
        answer = other.post(f"/api/v1/portal/voices/{number}/follow", json={"code": ""}, headers=_csrf(other))
        assert answer.status_code == 404
        bodies.append(re.sub(r'"request_id":"[^"]+"', "", answer.text))
        assert town.browser.get(f"/api/v1/portal/voices/{number}").status_code == 404
    assert bodies[0] == bodies[1]
    assert mine not in other.get("/my").text
    assert mine in town.signed_in("owner").get("/my").text


def _csrf(browser: TestClient) -> dict[str, str]:
    found = re.search(r'name="_csrf" value="([^"]+)"', browser.get("/my").text)
    assert found
    return {"x-csrf-token": found[1]}


def test_a_request_is_passed_on_supported_and_refused_with_its_law(town: Town) -> None:
    made = town.said(VoiceKind.REQUEST, "想要公交到站时刻", dataset_id="", title="公交到站时刻").voice
    voices = town.platform.voices
    assert made.org_id == ""
    with pytest.raises(NotFound):
        voices.one(ANONYMOUS, made.id)
    voices.dispatch(town.officer, made.id, "market")
    assert voices.one(ANONYMOUS, made.id).due is not None
    assert voices.view(town.steward, made.id).voice.case.rule_id == "open.request.reply.gz"
    assert voices.support(town.member(), made.id) == 1
    assert voices.support(town.member(), made.id) == 1, "one person counts once"
    assert voices.support(town.member("other"), made.id) == 2
    assert voices.support(town.member("other"), made.id, on=False) == 1
    no = VoiceAnswer(outcome=Outcome.REFUSED, words="涉及商业秘密。")
    with pytest.raises(Exception, match="law"):
        voices.answer(town.steward, made.id, no)
    town.answered(made.id, Outcome.REFUSED, "涉及商业秘密。", basis="《政府信息公开条例》第十五条")
    page = town.browser.get(f"/voices/{made.id}").text
    assert "不予开放" in page
    assert "第十五条" in page


def test_the_catalog_is_searched_before_a_request_is_made(town: Town) -> None:
    page = town.browser.get("/voice", params={"kind": "request", "title": "企业登记信息"}).text
    assert f"/datasets/{town.portal.ids['firms']}" in page
    closed = town.browser.get(f"/datasets/{town.portal.ids['closed']}").text
    assert f"/voice?kind=request&amp;dataset={town.portal.ids['closed']}" in closed


def test_an_answer_names_no_person_and_a_complaint_is_never_quoted(town: Town) -> None:
    made = town.said(VoiceKind.COMPLAINT, "我叫某某，我的住址被公开了").voice
    with pytest.raises(Exception, match="identity number") as refused:
        town.answered(made.id, Outcome.UPHELD, "已联系 150102199001011234。")
    assert refused.value.reason == "personal_answer"  # type: ignore[attr-defined]
    town.answered(made.id, Outcome.UPHELD, "已撤下该列。")
    for answer in (town.browser.get(f"/voices/{made.id}"), town.browser.get(f"/api/v1/portal/voices/{made.id}")):
        assert "住址" not in answer.text
        assert "已撤下该列" in answer.text


def test_what_is_hidden_changes_no_public_byte(town: Town) -> None:
    addresses = ["/voices", "/api/v1/portal/voices", f"/voices?dataset={town.portal.ids['firms']}", "/", "/sitemap.xml"]
    addresses += [f"/datasets/{town.portal.ids['firms']}", "/voices?q=私密", "/voices?page=2"]
    before = [_steady(town.browser.get(address).text) for address in addresses]
    asked = town.said(words="私密的纠错")
    hidden = town.said(words="私密的建议", kind=VoiceKind.SUGGESTION)
    town.answered(hidden.voice.id, Outcome.ADOPTED, "私密的答复")
    town.platform.voices.hide(town.officer, hidden.voice.id, "含攻击言论")
    declined = town.said(VoiceKind.REQUEST, "私密的需求", dataset_id="", title="私密").voice
    town.platform.voices.decline(town.officer, declined.id, "不属于数据事项")
    after = [_steady(town.browser.get(address).text) for address in addresses]
    assert after == before
    bodies = {
        re.sub(r'"request_id":"[^"]+"', "", town.browser.get(f"/api/v1/portal/voices/{one}").text)
        for one in (asked.voice.id, hidden.voice.id, declined.id, "voi_00000000000000000000")
    }
    assert len(bodies) == 1
    town.platform.voices.show(town.officer, hidden.voice.id)
    assert town.browser.get(f"/api/v1/portal/voices/{hidden.voice.id}").status_code == 200


def _steady(page: str) -> str:
    """Drop what differs from one moment to the next, and the sealed mark of the next page."""
    return re.sub(r"\d+ (秒|分钟|小时|天)前|_next=[\w-]+", "", page)


def test_no_field_runs_as_script(town: Town) -> None:
    made = town.said(words=XSS, title=XSS[:80]).voice
    town.answered(made.id, words=XSS, basis=XSS)
    request = town.said(VoiceKind.REQUEST, XSS, dataset_id="", title=XSS[:80], by=town.member()).voice
    town.platform.voices.dispatch(town.officer, request.id, "market")
    town.platform.registrations.register(
        ANONYMOUS, RegistrationDraft(login="xss", name=XSS[:40], contact="a@b.cn", words=XSS)
    )
    member, officer = town.signed_in("citizen"), town.signed_in(town.officer.id and "officer")
    pages = [town.browser.get(a) for a in (f"/voices/{made.id}", "/voices", f"/voices/{request.id}")]
    pages += [town.browser.get("/voice", params={"title": XSS}), town.browser.get("/voices", params={"q": XSS})]
    pages += [member.get("/my"), officer.get("/console/members"), officer.get(f"/console/voices/{made.id}")]
    pages += [officer.get("/console/voices?show=all")]
    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "&lt;script&gt;" in page.text


def test_programs_that_send_forms_stand_outside(town: Town) -> None:
    given = {"kind": "suggestion", "dataset": town.portal.ids["firms"], "words": "请加英文字段名"}
    form = f"/voice?kind=suggestion&dataset={town.portal.ids['firms']}"
    stale = town.browser.post("/voice", data=given | {"ticket": "1.2.3"})
    assert stale.status_code == 422
    assert "请加英文字段名" in stale.text, "what was written is not lost"
    fast = re.search(r'name="ticket" value="([^"]+)"', town.browser.get(form).text)
    assert fast
    assert town.browser.post("/voice", data=given | {"ticket": fast[1]}).status_code == 422, "sent in the same moment"
    trapped = town.browser.post("/voice", data=given | town.ticket(form) | {"website": "http://spam"})
    assert trapped.status_code == 422
    good = town.ticket(form)
    assert town.browser.post("/voice", data=given | good).status_code == 200
    assert town.browser.post("/voice", data=given | good).status_code == 422, "a ticket is good once"
    codes = [town.browser.post("/voice", data=given | town.ticket(form)).status_code for _ in range(8)]
    assert codes == [200] * 5 + [429] * 3, "six forms an hour from one source"
    api = town.browser.post(
        "/api/v1/portal/voices", json={"kind": "suggestion", "words": "x", "dataset_id": town.portal.ids["firms"]}
    )
    assert api.status_code == 422


def test_a_correction_becomes_a_ticket_of_quality(town: Town) -> None:
    made = town.said(words="注册资本一列单位不对").voice
    after = town.platform.voices.open_ticket(town.steward, made.id)
    assert "注册资本一列单位不对" in town.platform.tickets.ticket(town.steward, after.ticket_id).ticket.words
    assert after.state.value == "dispatched", "the citizen still gets an answer"


def test_the_department_is_reminded_and_what_is_late_is_said(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    made, platform = town.said(VoiceKind.SUGGESTION, "早些更新").voice, town.platform
    due = platform.voices.due(made)
    assert due is not None
    monkeypatch.setattr(platform.voices.parts.clock, "now", lambda: due.due + timedelta(days=1), raising=False)
    platform.voices.watch()
    open_alerts = {(kind.value, subject) for kind, subject in platform.alerts.open()}
    assert ("voice_overdue", made.id) in open_alerts
    monkeypatch.undo()
    town.answered(made.id, Outcome.ADOPTED, "将改为每日更新。")
    assert not {one for one in platform.alerts.open() if one[1] == made.id}


def test_one_s_own_word_can_be_taken_back(town: Town) -> None:
    made = town.said()
    gone = town.browser.post("/voices/follow", data={"number": made.voice.id, "code": made.code, "do": "withdraw"})
    assert "已撤回" in gone.text
    with pytest.raises(Exception, match="answered now"):
        town.answered(made.voice.id)


def test_a_registration_is_refused_with_its_reason(town: Town) -> None:
    registrations = town.platform.registrations
    made = registrations.register(ANONYMOUS, RegistrationDraft(login="nope", name="丙", contact="13900000000"))
    registrations.refuse(town.officer, made.registration.id, "电话无法接通")
    found = registrations.standing(ANONYMOUS, made.registration.login, made.code)
    assert (found.state, found.reason) == (RegistrationState.REFUSED, "电话无法接通")
    with pytest.raises(Exception, match="decided already"):
        registrations.admit(town.officer, made.registration.id)


def test_a_list_costs_the_same_however_long(town: Town) -> None:
    def cost(address: str) -> int:
        assert town.browser.get(address).status_code == 200  # what is known for a while is looked up
        with asked(town.platform.db) as statements:
            assert town.browser.get(address).status_code == 200
        assert statements
        return len(statements)

    addresses = ["/voices", "/api/v1/portal/voices", f"/datasets/{town.portal.ids['firms']}"]
    before = [cost(address) for address in addresses]
    for number in range(6):
        town.answered(town.said(words=f"第{number}处").voice.id)
    assert [cost(address) for address in addresses] == before


def test_the_terminal_does_the_same(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    from typer.testing import CliRunner

    from beijiang.opendata.commands import members, voices

    def platform() -> Any:
        return town.platform.access

    made = town.said(words="终端答复").voice
    group = voices(lambda: town.platform.voices, platform)
    run = CliRunner()
    assert made.id in run.invoke(group, ["list"]).output
    done = run.invoke(
        group,
        [
            "answer",
            made.id,
            "--outcome",
            "correct",
            "--words",
            "经核无误",
            "--as",
            town.steward.id and "market-steward",
        ],
    )
    assert done.exit_code == 0, done.output
    assert town.platform.voices.one(ANONYMOUS, made.id).outcome is Outcome.CORRECT
    assert run.invoke(group, ["hide", made.id, "--reason", "试验"]).exit_code == 0
    assert run.invoke(group, ["unhide", made.id]).exit_code == 0
    new = town.platform.registrations.register(ANONYMOUS, RegistrationDraft(login="shell", name="丁", contact="1@b.cn"))
    people = members(lambda: town.platform.registrations, platform)
    assert new.registration.id in run.invoke(people, ["list"]).output
    assert run.invoke(people, ["admit", new.registration.id]).exit_code == 0
