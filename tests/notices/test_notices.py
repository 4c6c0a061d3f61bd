"""A person hears once of each fact that concerns him or her, and of nothing that may not be seen."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from exchange_bureau import Bureau, firms
from fastapi.testclient import TestClient

from beijiang.access import PersonDraft, Role
from beijiang.app import create_app
from beijiang.evidence import EvidenceQuery
from beijiang.kit import ANONYMOUS, SYSTEM, Actor, NotFound, Unauthenticated
from beijiang.notices import NoticeKind, NoticeQuery, Way, subjects, words_of
from beijiang.opendata import Outcome, RegistrationDraft, VoiceAnswer, VoiceDraft, VoiceKind

ID, CAPITAL = "法定代表人证件号码", "注册资本"


def told(bureau: Bureau, login: str, **query: Any) -> list[Any]:
    """Return the unread notices of somebody, once all facts were looked at."""
    while bureau.platform.notices.take():
        pass
    return bureau.platform.notices.notices(bureau[login], NoticeQuery(unread_only=True, **query))


def lines(bureau: Bureau, login: str) -> list[tuple[str, str]]:
    return [(one.notice.action, one.seen.title.zh if one.seen else "") for one in told(bureau, login)]


def test_every_sort_of_thing_that_is_told_can_be_looked_up(bureau: Bureau) -> None:
    assert subjects() == set(bureau.platform.notices.looks)


def test_a_request_is_told_to_those_who_decide_and_each_step_to_who_asked(bureau: Bureau) -> None:
    request = bureau.asked(CAPITAL)
    assert ("exchange.request_submit", bureau.resource.entry.name) in lines(bureau, "reviewer")
    assert lines(bureau, "lead") == [], "it is not the turn of the department yet"
    assert told(bureau, "banner") == []
    assert told(bureau, "consumer") == [], "nobody is told of what he did himself"
    bureau.exchange.approve(bureau["reviewer"], request.id, "合规")
    (turn,) = told(bureau, "steward")
    assert (turn.notice.action, turn.notice.kind) == ("exchange.request_approve", NoticeKind.TASK)
    (one,) = told(bureau, "consumer")
    assert one.notice.kind is NoticeKind.PROGRESS
    assert one.seen.href == f"/console/sharing/requests/{request.id}"


def test_a_task_that_somebody_did_waits_for_nobody_any_more(bureau: Bureau) -> None:
    request = bureau.asked(CAPITAL)
    assert [one.notice.kind for one in told(bureau, "reviewer", kind=NoticeKind.TASK)] == [NoticeKind.TASK]
    bureau.exchange.approve(bureau["reviewer"], request.id, "合规")
    assert told(bureau, "reviewer", kind=NoticeKind.TASK) == []
    assert [one.notice.thing for one in told(bureau, "steward", kind=NoticeKind.TASK)] == [request.id]
    assert [one.notice.kind for one in told(bureau, "consumer")] == [NoticeKind.PROGRESS], (
        "news stay until they are read"
    )


def test_a_word_of_the_public_waits_for_whoever_has_it_and_for_nobody_once_it_is_answered(bureau: Bureau) -> None:
    def tasks(login: str) -> list[str]:
        return [one.notice.action for one in told(bureau, login, kind=NoticeKind.TASK) if one.notice.thing == said]

    voices = bureau.platform.voices
    draft = VoiceDraft(kind=VoiceKind.REQUEST, title="企业名录", words="请开放企业名录。")
    said = voices.raise_(ANONYMOUS, draft).voice.id
    assert tasks("reviewer") == ["opendata.voice_raise"]
    voices.dispatch(bureau["reviewer"], said, bureau["steward"].org_id)
    assert tasks("reviewer") == [], "it was passed on"
    assert tasks("lead") == ["opendata.voice_move"]
    voices.answer(
        bureau["steward"], said, VoiceAnswer(outcome=Outcome.REFUSED, words="已列入下季度计划。", basis="条例")
    )
    assert tasks("lead") == [], "somebody of the department answered"


def test_a_registration_waits_until_anybody_decided_on_it(bureau: Bureau) -> None:
    def tasks() -> list[str]:
        found = told(bureau, "reviewer", kind=NoticeKind.TASK)
        return [one.notice.thing for one in found if one.notice.subject == "registration"]

    registrations, made = bureau.platform.registrations, []
    for login in ("herder", "rider"):
        draft = RegistrationDraft(login=login, name="甲", contact="a@b.cn")
        made.append(registrations.register(ANONYMOUS, draft).registration.id)
    assert sorted(tasks()) == sorted(made)
    registrations.refuse(SYSTEM, made[0], "联系方式有误")
    assert tasks() == made[1:]
    registrations.admit(SYSTEM, made[1])
    assert tasks() == []


def test_an_alert_is_told_in_the_words_of_its_own_sort() -> None:
    said = {subject: words_of("ingest.alert_open", NoticeKind.DEADLINE, subject).en for subject in ("alert", "node")}
    assert said == {"alert": "An alert", "node": "An alert of linkage"}


def test_a_fact_is_told_once_however_often_and_from_wherever_the_log_is_looked_at(bureau: Bureau) -> None:
    bureau.asked(CAPITAL)
    notices = bureau.platform.notices
    crowd = [threading.Thread(target=lambda: [notices.take() for _ in range(20)]) for _ in range(4)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    facts = [one.notice.fact for one in told(bureau, "reviewer")]
    assert facts
    assert len(facts) == len(set(facts))


def test_a_notice_of_what_may_not_be_seen_any_more_says_nothing_of_it(bureau: Bureau) -> None:
    request = bureau.asked(CAPITAL)
    bureau.exchange.approve(bureau["reviewer"], request.id, "合规")
    (before,) = [one for one in told(bureau, "steward") if one.notice.thing == request.id]
    assert before.seen.title.zh == bureau.resource.entry.name
    reader = bureau["steward"]
    moved = Actor(reader.id, reader.name, reader.kind, "education", reader.roles)
    (after,) = [o for o in bureau.platform.notices.notices(moved) if o.notice.id == before.notice.id]
    assert after.seen is None
    assert bureau.resource.entry.name not in str(after.to_json())


def test_looking_leaves_no_refusal_in_anybody_s_name(bureau: Bureau) -> None:
    evidence = bureau.platform.evidence
    evidence.flush()
    seen = evidence.page(EvidenceQuery(action="access.denied", limit=500)).records
    bureau.asked(CAPITAL)
    for login in bureau.people:
        told(bureau, login)
    evidence.flush()
    assert evidence.page(EvidenceQuery(action="access.denied", limit=500)).records == seen


def test_who_chose_to_hear_nothing_of_a_kind_is_not_told_of_it(bureau: Bureau) -> None:
    notices = bureau.platform.notices
    notices.choose(bureau["reviewer"], {NoticeKind.TASK: Way.NONE})
    bureau.asked(CAPITAL)
    assert told(bureau, "reviewer") == []
    assert notices.choose(bureau["reviewer"], {NoticeKind.TASK: Way.PAGE})[NoticeKind.TASK] is Way.PAGE


def test_another_s_notice_looks_like_one_that_was_made_up(bureau: Bureau) -> None:
    bureau.asked(CAPITAL)
    (mine, *_) = told(bureau, "reviewer")
    failures = []
    for wrong in (mine.notice.id, "ntc_made_up"):
        with pytest.raises(NotFound) as error:
            bureau.platform.notices.open(bureau["banner"], wrong)
        failures.append((error.value.text, error.value.reason))
    assert failures[0] == failures[1]
    assert bureau.platform.notices.notices(bureau["banner"], NoticeQuery(before=mine.notice.id)) == []
    assert told(bureau, "reviewer")[0].notice.read_at is None
    with pytest.raises(Unauthenticated):
        bureau.platform.notices.notices(ANONYMOUS)


def test_who_keeps_a_data_set_hears_when_it_is_withdrawn(bureau: Bureau) -> None:
    platform = bureau.platform
    member, _ = platform.access.add_person(
        SYSTEM, PersonDraft(login="keeper", name="keeper", roles=frozenset({Role.MEMBER}))
    )
    bureau.people["keeper"] = member.as_actor(None)
    made = bureau.publish("关注的表", 3)
    platform.keepings.keep(bureau["keeper"], made.id)
    told(bureau, "keeper")
    platform.notices.read_all(bureau["keeper"])
    platform.catalog.withdraw(bureau["publisher"], made.id, "数源变更")
    assert lines(bureau, "keeper") == [("catalog.take_offline", "")], (
        "it is gone; what it was called is not said any more"
    )
    assert told(bureau, "banner") == [], "who neither kept it nor worked on it hears nothing"
    assert ("catalog.take_offline", "关注的表") in lines(bureau, "steward")


def test_who_keeps_a_data_set_hears_of_new_rows(bureau: Bureau) -> None:
    platform = bureau.platform
    member, _ = platform.access.add_person(
        SYSTEM, PersonDraft(login="reader", name="reader", roles=frozenset({Role.MEMBER}))
    )
    bureau.people["reader"] = member.as_actor(None)
    made = bureau.publish("更新的表", 3)
    platform.keepings.keep(bureau["reader"], made.id)
    told(bureau, "reader")
    platform.notices.read_all(bureau["reader"])
    bureau.write("更新的表", firms(2))
    assert [title for action, title in lines(bureau, "reader") if action.startswith("catalog.")] == ["更新的表"]


def test_old_notices_go_by_the_rule_of_the_day_and_the_newest_stay(bureau: Bureau) -> None:
    bureau.asked(CAPITAL)
    told(bureau, "reviewer")
    bureau.clock.at += timedelta(days=170)
    bureau.platform.notices.sweep()
    assert bureau.platform.notices.notices(bureau["reviewer"])
    bureau.clock.at += timedelta(days=30)
    assert bureau.platform.notices.sweep() > 0
    assert bureau.platform.notices.notices(bureau["reviewer"]) == []


def test_notices_over_the_api_are_one_s_own_in_pages(bureau: Bureau) -> None:
    for _ in range(3):
        bureau.asked(CAPITAL)
    told(bureau, "reviewer")
    browser = TestClient(create_app(bureau.platform), base_url="https://testserver")
    assert browser.get("/api/v1/notices").status_code == 401
    access = bureau.platform.access
    code = access.reset_person(SYSTEM, bureau["reviewer"].id).code
    fresh = access.sign_in("reviewer", code, "test")
    fresh = access.change_password(fresh.actor, code, "a long pass phrase 2026")
    browser.cookies.set("__Host-beijiang-session", fresh.token)
    first = browser.get("/api/v1/notices?kind=task&limit=2").json()["notices"]
    second = browser.get(f"/api/v1/notices?kind=task&limit=2&before={first[-1]['id']}").json()["notices"]
    assert len(first) == 2
    assert second
    assert not {one["id"] for one in first} & {one["id"] for one in second}
    page = browser.get("/console/notices?lang=zh-CN", headers={"Accept": "text/html"}).text
    assert bureau.resource.entry.name in page
    assert re.search(r'href="/console/notices"[^>]*>我的通知', page), "the menu leads there"
    assert "data-notices-count>" in page
    send = {"X-CSRF-Token": fresh.csrf, "Origin": "https://testserver"}
    assert (
        browser.put("/api/v1/notices/choices", json={"choices": {"run": "none"}}, headers=send).json()["choices"]["run"]
        == "none"
    )
    assert browser.put("/api/v1/notices/choices", json={"choices": {"run": "fax"}}, headers=send).status_code == 422
    opened = browser.get(f"/console/notices/{first[0]['id']}/open", follow_redirects=False)
    assert opened.headers["location"].startswith("/console/sharing/requests/")
    assert browser.post("/api/v1/notices/read", json={}, headers=send).json()["read"] >= 1
    assert browser.get("/api/v1/notices/count").json() == {"unread": 0, "kinds": {}}
    assert "怎样通知我" in browser.get("/console/notices/choices?lang=zh-CN", headers={"Accept": "text/html"}).text
