"""Scores of departments from the platform's facts: what counts, what does not, weights, freeze, appeal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "quality"))
from quality_bureau import OTHER, OWNER, Bureau, firm

from beijiang.access import OrganisationDraft, Role
from beijiang.assess import (
    AppealState,
    BookState,
    Closed,
    Due,
    MarkState,
    Met,
    Period,
    PeriodKind,
    Probed,
    indicators,
    shipped,
)
from beijiang.build import build
from beijiang.catalog import SystemDraft, SystemState
from beijiang.evidence import EvidenceQuery
from beijiang.kit import SYSTEM, Actor, ActorKind, Conflict, Denied, FixedClock, Invalid, NotFound, Refused
from beijiang.quality import Kind
from beijiang.settings import Settings
from beijiang.tables import SourceFile

START = datetime(2026, 6, 1, 1, tzinfo=UTC)
JUNE = Period.parse("2026-06")


@dataclass
class Shared:
    """Exchange as it will be, for its protocol's sake."""

    def replies(self, since: date, until: date) -> Sequence[Due]:
        del until
        return [
            Due(org_id=OWNER, id=f"req{n}", name=f"申请{n}", due_on=since + timedelta(days=n), answered_on=answered)
            for n, answered in enumerate([since, since, since, since + timedelta(days=3), None, None], start=0)
        ]

    def demands(self, since: date, until: date) -> Sequence[Closed]:
        del until
        return [Closed(org_id=OWNER, id=f"d{m}", name=m.text.zh, closed_on=since, met=m) for m in Met]

    def claim_tasks(self, since: date, until: date) -> Sequence[Due]:
        del since, until
        return []

    def probes(self, since: date, until: date) -> Sequence[Probed]:
        del since, until
        return [Probed(org_id=OWNER, id="svc1", name="服务", well=9, probes=10)]


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    clock = FixedClock(START)
    built = build(Settings.for_tests(tmp_path_factory.mktemp("assess")), clock)
    built.first_start()
    made = Bureau(built, built.settings.home / "staging", clock)
    yield made
    built.close()


def told(bureau: Bureau, action: str) -> int:
    bureau.platform.evidence.flush()
    return len(bureau.platform.evidence.page(EvidenceQuery(action=action)).records)


def test_periods_are_written_one_way() -> None:
    assert [str(Period.parse(w)) for w in ("2026-10", "2026q3", " 2026 ")] == ["2026-10", "2026Q3", "2026"]
    quarter = Period.parse("2026Q1")
    assert (quarter.first, quarter.last, str(quarter.before)) == (date(2026, 1, 1), date(2026, 3, 31), "2025Q4")
    assert str(Period.holding(date(2026, 12, 31), PeriodKind.QUARTER)) == "2026Q4"
    for wrong in ("2026-13", "2026Q5", "六月", "0000"):
        with pytest.raises(Invalid):
            Period.parse(wrong)


def test_indicators_are_those_of_the_standard_and_weights_add_up() -> None:
    known = indicators()
    assert len(known) == 23
    assert known["open_api_share"].score(3, 10) == 100.0
    assert known["not_shared_ratio"].score(1, 4) == 75.0
    assert sum(shipped().weights.values()) == 100.0


def test_a_month_from_facts_to_an_answered_appeal(bureau: Bureau) -> None:  # noqa: PLR0915 - one story
    platform, clock = bureau.platform, bureau.clock
    assess = platform.assess
    # One good table that is published, one copy of it, one that is empty; updates that change nothing.
    file = (SourceFile("a" * 64, "firms.csv"),)
    bureau.write([firm(n) for n in range(4)], sources=file)
    clock.advance(timedelta(hours=1))
    bureau.write([firm(n) for n in range(4)], table="企业名单", sources=file)
    bureau.write([], table="空表")
    platform.db.deliver_waiting()
    bureau.publish()
    bureau.publish("企业名单")
    bureau.add(Kind.NOT_NULL, "企业名称")
    bureau.check()
    for _ in range(2):
        clock.advance(timedelta(days=12))
        bureau.write([firm(n) for n in range(4)], sources=file)
        platform.db.deliver_waiting()
    assess.parts.exchange = Shared()

    entry = platform.catalog.resource_for_table("企业登记信息")
    assert entry is not None
    used = platform.inventory.add(bureau.steward, SystemDraft(name="登记系统"))
    platform.inventory.link(bureau.steward, used.id, entry.id)
    platform.inventory.add(bureau.steward, SystemDraft(name="年报系统"))
    platform.inventory.add(bureau.steward, SystemDraft(name="旧系统", state=SystemState.RETIRED))

    sheet = assess.compute(bureau.reviewer, JUNE)
    assert set(sheet.missing) == {"incident_score", "return_flow_rate"}, (
        "what the platform has no source of, and says so"
    )
    standing = assess.standing(bureau.steward, JUNE, OWNER)
    marks = standing.marks
    # The copy is shown and does not count; the empty table's draft is still within its time.
    _, bound, facts = assess.facts(bureau.steward, JUNE, OWNER, "binding_rate")
    assert (bound.fraction, bound.state, bound.score) == ("1 / 1", MarkState.FEW, None)
    assert [(f.name, f.counted) for f in facts] == [("企业登记信息", True), ("企业名单", False)]
    assert "企业登记信息" in facts[1].why.zh
    # Written again with the same file: no refresh, so a daily table is late.
    _, fresh, facts = assess.facts(bureau.steward, JUNE, OWNER, "update_timeliness")
    late = next(f for f in facts if f.name == "企业登记信息")
    assert (late.a, "2 次更新内容未变" in late.why.zh, fresh.a) == (0.0, True, 0.0)
    # Replies of exchange: three in time, one in time on its day, two not; half of what was partly met.
    assert (marks["reply_on_time"].fraction, marks["reply_on_time"].score) == ("4 / 6", pytest.approx(200 / 3))
    assert marks["demand_satisfaction"].fraction == "2.5 / 5"
    assert marks["quality_score"].fraction == "1 / 1"
    assert marks["open_set_count"].fraction == "1"
    assert "claim_rate" not in marks
    # Two systems in use, one with an entry in force; the retired one is not asked for.
    assert marks["system_coverage"].fraction == "1 / 2"
    # A unit below the region is linked once its people did something here; the department of the region is no such unit.
    assert "linkage_rate" not in marks
    assert marks["grading_rate"].state is MarkState.SCORED

    # Totals are for everybody in government, facts for the department and the authority.
    ranking = assess.ranking(bureau.stranger, JUNE)
    first = ranking.places[0]
    assert (first.org_id, first.rank, first.scored) == (
        OWNER,
        1,
        sum(m.score is not None for m in marks.values() if shipped().weight(m.indicator)),
    )
    with pytest.raises(Denied):
        assess.facts(bureau.stranger, JUNE, OWNER, "binding_rate")
    with pytest.raises(Denied):
        assess.compute(bureau.steward, JUNE)

    # A month that runs is not frozen; a frozen one is not computed again.
    with pytest.raises(Conflict, match="still runs"):
        assess.freeze(bureau.reviewer, JUNE)
    with pytest.raises(Conflict, match="not frozen"):
        assess.appeal(bureau.steward, JUNE, OWNER, "reply_on_time", "有误")
    clock.advance(timedelta(days=10))
    assess.compute(bureau.reviewer, JUNE)
    frozen = assess.freeze(bureau.reviewer, JUNE)
    assert len(frozen.digest) == 64
    with pytest.raises(Conflict, match="frozen"):
        assess.compute(bureau.reviewer, JUNE)

    # An appeal shows the raw facts and both sides' words; the mark before is kept.
    with pytest.raises(Denied):
        assess.appeal(bureau.stranger, JUNE, OWNER, "reply_on_time", "不是我们")
    appeal = assess.appeal(bureau.steward, JUNE, OWNER, "reply_on_time", "申请4 的期限因补正中止")
    with pytest.raises(Conflict):
        assess.appeal(bureau.steward, JUNE, OWNER, "reply_on_time", "再来一次")
    with pytest.raises(NotFound):
        assess.appeal_view(bureau.stranger, appeal.id)
    view = assess.appeal_view(bureau.reviewer, appeal.id)
    place = next(n for n, f in enumerate(view.facts) if f.ref == "req4")
    with pytest.raises(Invalid):
        assess.decide_appeal(bureau.reviewer, appeal.id, AppealState.RECOMPUTED, "查实", leave_out=[99])
    done = assess.decide_appeal(bureau.reviewer, appeal.id, AppealState.RECOMPUTED, "查实，不计", leave_out=[place])
    assert done.state is AppealState.RECOMPUTED
    view = assess.appeal_view(bureau.steward, appeal.id)
    assert view.after is not None
    assert (view.mark.fraction, view.after.fraction, view.after.revision) == ("4 / 6", "4 / 5", 2)
    _, now, facts = assess.facts(bureau.steward, JUNE, OWNER, "reply_on_time")
    assert (now.score, now.appeal) == (80.0, appeal.id)
    assert "申诉裁定不计" in next(f for f in facts if f.ref == "req4").why.zh
    second = assess.appeal(bureau.steward, JUNE, OWNER, "grading_rate", "应为全部")
    assert assess.decide_appeal(bureau.reviewer, second.id, AppealState.KEPT, "事实无误").mark_after == ""
    with pytest.raises(Conflict):
        assess.decide_appeal(bureau.reviewer, second.id, AppealState.KEPT, "再答")
    anew = assess.appeal(bureau.steward, JUNE, OWNER, "demand_satisfaction", "请重新取数")
    assert assess.decide_appeal(bureau.reviewer, anew.id, AppealState.RECOMPUTED, "已重新取数").mark_after
    assert [a.id for a in assess.appeals(bureau.stranger)] == []
    assert len(assess.appeals(bureau.steward, JUNE)) == 3
    actions = ("assess.compute", "assess.freeze", "assess.appeal_open", "assess.appeal_decide")
    assert [told(bureau, a) for a in actions] == [2, 1, 3, 3]

    # The month after is computed by itself, once people have begun; a state of long ago is not made up.
    clock.advance(timedelta(days=30))
    assess.watch()
    assess.watch()
    assert told(bureau, "assess.compute") == 3
    july = assess.ranking(bureau.steward, Period.parse("2026-07"))
    assert july.trend[OWNER][0][0] == "2026-06"
    assert july.before[OWNER].rank == 1
    clock.advance(timedelta(days=120))
    old = assess.compute(bureau.reviewer, Period.parse("2026Q1"))
    assert "was not kept" in old.missing["quality_score"].en
    with pytest.raises(NotFound):
        assess.standing(bureau.reviewer, Period.parse("2026Q1"), OTHER)


def test_weights_are_agreed_by_two_people_and_count_from_a_day_on(bureau: Bureau) -> None:
    assess = bureau.platform.assess
    with pytest.raises(Invalid):
        assess.propose_weights(bureau.reviewer, {"call_volume": 5}, since=date(2026, 1, 1), reason="调用量")
    with pytest.raises(Denied):
        assess.propose_weights(bureau.steward, {"quality_score": 5}, since=date(2026, 1, 1), reason="质量")
    made = assess.propose_weights(
        bureau.reviewer, {"quality_score": 60, "reply_on_time": 40}, since=date(2026, 6, 1), reason="聚焦质量", fewest=1
    )
    with pytest.raises(Refused):
        assess.decide_weights(bureau.reviewer, made.version, approve=True)
    assert assess.book_for(bureau.steward, JUNE).version == 0
    done = assess.decide_weights(bureau.publisher, made.version, approve=True)
    assert done.state is BookState.APPROVED
    assert assess.book_for(bureau.steward, JUNE).version == made.version
    assert assess.book_for(bureau.steward, Period.parse("2026-05")).version == 0
    with pytest.raises(Conflict):
        assess.decide_weights(bureau.publisher, made.version, approve=False, words="改主意")
    sheet = (
        assess.compute(SYSTEM, Period.parse("2026-12"))
        if bureau.clock.now() >= datetime(2026, 12, 1, tzinfo=UTC)
        else None
    )
    assert sheet is None or sheet.book == made.version


def test_a_unit_below_the_region_is_linked_once_its_people_did_something(tmp_path: Path) -> None:
    clock = FixedClock(START)
    built = build(Settings.for_tests(tmp_path), clock)
    for org, tier, parent in (
        ("tongliao", 2, None),
        ("kailu", 3, "tongliao"),
        ("naiman", 3, None),
        ("health", 1, None),
    ):
        draft = OrganisationDraft(id=org, name_zh=org, admin_tier=tier, parent_id=parent)
        built.access.add_organisation(SYSTEM, draft)

    def did(org: str, action: str) -> None:
        who = Actor(f"person_{org}", org, ActorKind.PERSON, org, frozenset({"steward"}))
        with built.db.begin() as tx:
            built.evidence.record(tx, who, action, target="x")

    did("tongliao", "catalog.edit")
    did("kailu", "access.sign_in")
    did("health", "catalog.edit")
    clock.advance(timedelta(days=40))
    did("naiman", "catalog.edit")
    bureau = Actor("person_b", "某局", ActorKind.PERSON, "bigdata", frozenset({str(Role.BUREAU_REVIEWER)}))
    built.assess.compute(bureau, JUNE)
    _, mark, facts = built.assess.facts(bureau, JUNE, "tongliao", "linkage_rate")
    assert (mark.fraction, [(one.name, one.why.en) for one in facts]) == (
        "1 / 2",
        [("kailu", "nothing done in the period"), ("tongliao", "last active 2026-06-01")],
    )
    _, mark, _ = built.assess.facts(bureau, JUNE, "naiman", "linkage_rate")
    assert mark.fraction == "0 / 1", "what it did was after the period"
    with pytest.raises(NotFound):
        built.assess.facts(bureau, JUNE, "health", "linkage_rate")
    built.close()
