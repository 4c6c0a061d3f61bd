"""What assessment reads of exchange itself: who answered in time, and whose duty was met."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "exchange"))
from exchange_bureau import BEGAN_AT, OTHER, OWNER, TABLE, Bureau

from beijiang.assess import Closed, Due, Fact, Met, Subject
from beijiang.assess.routes.plain import fact_json
from beijiang.build import build
from beijiang.exchange import Answer, DemandDraft, DemandMove, Evaluation
from beijiang.kit import ANONYMOUS, FixedClock
from beijiang.opendata import Outcome, VoiceAnswer, VoiceDraft, VoiceKind
from beijiang.settings import Settings

M = DemandMove
CITY = "盟市"
WAYS = Path(__file__).parents[1] / "house" / "ways_out.csv"
"""Every address that the platform has; a test of the house holds it against the application."""


@pytest.fixture
def bureau(tmp_path: Path) -> Iterator[Bureau]:
    clock = FixedClock(BEGAN_AT)
    built = build(Settings.for_tests(tmp_path), clock)
    built.first_start()
    yield Bureau(built, clock)
    built.close()


def replies(bureau: Bureau) -> dict[str, Due]:
    since = BEGAN_AT.date()
    found = bureau.platform.assess.parts.exchange.replies(since, since + timedelta(days=200))
    return {one.id: one for one in found}


def test_a_provider_answers_for_its_own_days_only(bureau: Bureau) -> None:
    exchange, due = bureau.exchange, bureau.platform.standards.due
    quick = bureau.asked("法定代表人证件号码", impact="评2026-01")
    late, unseen = bureau.asked(CITY), bureau.asked(CITY)
    bureau.clock.advance(timedelta(days=9))
    came = bureau.today
    exchange.approve(bureau["reviewer"], quick.id)
    exchange.approve(bureau["reviewer"], late.id)
    gone = bureau.asked(CITY)
    exchange.approve(bureau["reviewer"], gone.id)
    exchange.withdraw(bureau["consumer"], gone.id, "不再需要")
    exchange.approve(bureau["steward"], quick.id)
    exchange.approve(bureau["lead"], quick.id)
    answered = bureau.today
    bureau.clock.advance(timedelta(days=30))
    exchange.approve(bureau["publisher"], quick.id)
    stale = bureau.asked(CITY)
    exchange.approve(bureau["reviewer"], stale.id)
    exchange.refuse(bureau["steward"], late.id, "与业务无关")
    bureau.clock.advance(timedelta(days=30))
    exchange.withdraw(bureau["consumer"], stale.id, "等不及了")
    found = replies(bureau)
    assert (found[quick.id].org_id, found[quick.id].due_on) == (OWNER, due(came, 10).on)
    assert found[quick.id].answered_on == answered, "what the data authority took after it is not the provider's"
    assert found[late.id].answered_on > found[late.id].due_on
    assert found[stale.id].answered_on is None, "withdrawn because nobody answered in time"
    assert unseen.id not in found, "the data authority never passed it on"
    assert gone.id not in found, "nobody owes an answer to what was taken back in time"


def test_a_duty_that_is_never_supplied_counts_and_a_judgement_that_is_never_given_does_not_hurt(bureau: Bureau) -> None:
    demands = bureau.platform.demands

    def confirmed(title: str) -> str:
        draft = DemandDraft(title=title, items="机构名称", purpose="supervision", use="停止结算")
        made = demands.raise_(bureau["consumer"], draft)
        demands.move(bureau["reviewer"], made.id, M.PASS)
        demands.move(bureau["reviewer"], made.id, M.DISPATCH, "", Answer(org_id=OWNER))
        day = bureau.today + timedelta(days=9)
        demands.move(bureau["steward"], made.id, M.CONFIRM, "", Answer(supply_by=day))
        return str(made.id)

    never, silent, partly = confirmed("机构注销信息"), confirmed("机构变更信息"), confirmed("机构处罚信息")
    for one in (silent, partly):
        demands.move(bureau["steward"], one, M.COMPLETE, "", Answer(resource_id=bureau.resource.id))
    demands.move(bureau["consumer"], partly, M.EVALUATE, "", Answer(evaluation=Evaluation.PARTIAL))

    def met() -> dict[str, Closed]:
        since = BEGAN_AT.date()
        return {one.id: one for one in bureau.platform.assess.parts.exchange.demands(since, since + timedelta(days=99))}

    assert {key: one.met for key, one in met().items()} == {partly: Met.PARTIAL}
    bureau.clock.advance(timedelta(days=40))
    found = met()
    assert {key: one.met for key, one in found.items()} == {
        never: Met.UNSUPPLIED, silent: Met.UNJUDGED, partly: Met.PARTIAL,
    }  # fmt: skip
    assert {one.org_id for one in found.values()} == {OWNER} != {OTHER}


def test_what_others_had_of_a_table_is_counted_for_its_department(bureau: Bureau) -> None:
    platform = bureau.platform
    bureau.granted(CITY)
    for _ in range(3):
        bureau.read("consumer")
    bureau.read("steward")
    since = BEGAN_AT.date()
    found = platform.assess.parts.calls.calls(since, since + timedelta(days=9))
    assert [(one.org_id, one.name, one.calls, one.service) for one in found] == [(OWNER, TABLE, 3, False)]
    assert platform.assess.parts.calls.calls(since - timedelta(days=9), since - timedelta(days=1)) == []


def test_words_of_the_public_are_due_by_their_day(bureau: Bureau) -> None:
    voices, reviewer = bureau.platform.voices, bureau["reviewer"]

    def asked(words: str) -> tuple[str, str]:
        made = voices.raise_(ANONYMOUS, VoiceDraft(kind=VoiceKind.REQUEST, words=words, title="公交线路数据"))
        voices.dispatch(reviewer, made.voice.id, OWNER)
        return made.voice.id, made.code

    answered, silent, gone = (asked(f"请开放公交线路，第{n}次提出") for n in range(3))
    voices.withdraw(ANONYMOUS, *gone)
    answer = VoiceAnswer(outcome=Outcome.REFUSED, words="线路正在调整，暂不开放", basis="公共数据开放办法第九条")
    voices.answer(bureau["steward"], answered[0], answer)
    bureau.clock.advance(timedelta(days=40))
    since = BEGAN_AT.date()
    found = {one.id: one for one in bureau.platform.assess.parts.portal.messages(since, since + timedelta(days=60))}
    assert set(found) == {answered[0], silent[0]}, "nobody owes an answer to what was taken back in time"
    assert found[answered[0]].answered_on == since
    assert (found[silent[0]].answered_on, found[silent[0]].org_id) == (None, OWNER)


def test_every_fact_has_a_page_of_the_console() -> None:
    with WAYS.open(encoding="utf-8") as file:
        paths = {row["door"].removeprefix("GET ") for row in csv.DictReader(file)}
    for subject in Subject:
        fact = Fact(org_id=OWNER, subject=subject, ref="x/1", name="x", a=1, b=1, why=subject.text)
        page = fact.href.partition("?")[0]
        assert not page.endswith("x/1"), "what names a thing is quoted"
        at = page.removesuffix("x%2F1").rstrip("/")
        assert any(path == at or path.startswith(f"{at}/{{") for path in paths), (subject, fact.href)
        assert fact_json(fact, 0)["href"] == fact.href
