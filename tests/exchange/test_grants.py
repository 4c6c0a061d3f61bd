"""What a grant is worth: it holds at every access, shows what was decided and no more, and ends with the next request."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from exchange_bureau import OTHER, TABLE, Bureau, citizen_id

from agreed import lowered
from beijiang.build import build
from beijiang.evidence import EvidenceQuery
from beijiang.exchange import GranteeKind, GrantQuery, GrantState, Narrowing, RequestQuery, Way
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, Conflict, Denied, FixedClock, Invalid, NotFound, Throttled
from beijiang.protection import Level
from beijiang.settings import Settings
from beijiang.tables import Exit, Filter, FilterOp

ID, CAPITAL, CITY, NAME, PHONE = "法定代表人证件号码", "注册资本", "盟市", "企业名称", "法定代表人电话"

BEGAN = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


def test_without_a_grant_only_what_is_shared_with_everybody_is_seen(bureau: Bureau) -> None:
    assert set(bureau.read("consumer")[0]) == {NAME}
    bureau.granted(CAPITAL)
    assert set(bureau.read("consumer")[0]) == {NAME, CAPITAL}
    assert set(bureau.read("colleague")[0]) == {NAME, CAPITAL}
    assert set(bureau.read("banner")[0]) == {NAME}


def test_an_item_is_shown_as_it_was_decided(bureau: Bureau) -> None:
    masked = bureau.granted(ID, impact="评2026-03")
    assert bureau.read("consumer")[0][ID] != citizen_id(0)
    assert "*" in bureau.read("consumer")[0][ID]
    bureau.exchange.revoke(bureau["lead"], masked.id, "改为原值")
    bureau.granted(ID, as_is=(ID,), impact="评2026-03")
    assert bureau.read("consumer")[0][ID] == citizen_id(0)
    answer = bureau.platform.gate.open(bureau["consumer"], TABLE, "监管执法", Exit.ROW_API)
    assert (answer.columns[-1].name, answer.columns[-1].masked) in {(ID, False), (CAPITAL, False)}


def test_a_grade_that_rose_after_the_decision_is_not_covered_by_it(bureau: Bureau) -> None:
    bureau.granted(CITY)
    assert bureau.read("consumer")[0][CITY] == "呼和浩特市"
    before = bureau.platform.protection.grades_of(TABLE)[CITY]
    bureau.platform.protection.correct(SYSTEM, TABLE, CITY, level=Level.L3, reason="涉及敏感区域")
    try:
        assert CITY not in bureau.read("consumer")[0]
    finally:
        lowered(bureau.platform.protection, SYSTEM, TABLE, CITY, level=before.level, reason="复核后恢复")


def test_only_the_ways_that_were_granted_are_open(bureau: Bureau) -> None:
    bureau.granted(CAPITAL, ways=frozenset({Way.API}))
    assert CAPITAL in bureau.read("consumer", way=Exit.ROW_API)[0]
    for way in (Exit.PAGE, Exit.DOWNLOAD, Exit.EXPORT, Exit.PREVIEW):
        assert set(bureau.read("consumer", way=way)[0]) == {NAME}
    with pytest.raises(Invalid, match="no column"):
        bureau.platform.sql.run(bureau["consumer"], f"SELECT {CAPITAL} FROM {TABLE}", "监管执法")


def test_a_filter_that_was_granted_holds_in_sql_too(bureau: Bureau) -> None:
    rows = (Filter(CITY, FilterOp.EQ, "赤峰市"),)
    bureau.granted(CAPITAL, CITY, ways=frozenset({Way.SQL, Way.API}), filters=rows)
    found = bureau.platform.sql.run(bureau["consumer"], f"SELECT count({CAPITAL}) AS n FROM {TABLE}", "监管执法")
    assert found.rows.to_pylist()[0]["n"] == 10
    assert len(bureau.read("consumer")) == 10


@pytest.mark.threat("TM-03")
def test_what_is_revoked_is_refused_at_the_very_next_access(bureau: Bureau) -> None:
    grant = bureau.granted(CAPITAL)
    governed = bureau.platform.gate.open(bureau["consumer"], TABLE, "监管执法", Exit.ROW_API)
    assert CAPITAL in bureau.read("consumer")[0]
    bureau.exchange.revoke(bureau["lead"], grant.id, "用途已结束")
    assert set(bureau.read("consumer")[0]) == {NAME}
    with pytest.raises(Denied):
        governed.confirm()
    with pytest.raises(Conflict):
        bureau.exchange.resume(bureau["lead"], grant.id, "再用")


def test_a_running_stream_ends_with_its_grant(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beijiang.protection.models.rechecks.BYTES", 1)
    grant = bureau.granted(CAPITAL, ways=frozenset({Way.FILE}))
    governed = bureau.platform.gate.open(bureau["consumer"], TABLE, "监管执法", Exit.DOWNLOAD)
    stream = governed.batches()
    bureau.exchange.suspend(bureau["lead"], grant.id, "核查用途")
    with pytest.raises(Denied):
        list(stream)
    bureau.exchange.resume(bureau["lead"], grant.id, "核查无误")
    assert (
        sum(
            batch.num_rows
            for batch in bureau.platform.gate.open(bureau["consumer"], TABLE, "监管执法", Exit.DOWNLOAD).batches()
        )
        == 30
    )


def test_a_grant_begins_and_ends_with_its_days(bureau: Bureau) -> None:
    grant = bureau.granted(CAPITAL, since=bureau.today + timedelta(days=2), until=bureau.today + timedelta(days=5))
    assert bureau.exchange.grant(bureau["consumer"], grant.id).standing is GrantState.WAITING
    assert set(bureau.read("consumer")[0]) == {NAME}
    bureau.clock.advance(timedelta(days=3))
    assert CAPITAL in bureau.read("consumer")[0]
    bureau.exchange.watch()
    assert bureau.platform.alerts.open()[AlertKind.GRANT_ENDING, grant.id].org_id == OTHER
    bureau.clock.advance(timedelta(days=3))
    assert set(bureau.read("consumer")[0]) == {NAME}
    bureau.exchange.watch()
    assert (AlertKind.GRANT_ENDING, grant.id) not in bureau.platform.alerts.open()
    found, _ = bureau.exchange.grants(bureau["consumer"], GrantQuery(state=GrantState.EXPIRED))
    assert grant.id in {one.id for one in found}


def test_a_quota_is_counted_before_anything_is_handed_over(bureau: Bureau) -> None:
    grant = bureau.granted(CAPITAL, rows_per_day=45, calls_per_day=6, ways=frozenset({Way.API, Way.FILE, Way.SQL}))
    assert len(bureau.read("consumer")) == 30
    with pytest.raises(Throttled) as error:
        bureau.read("consumer")
    assert error.value.reason == "grant_rows"
    assert len(bureau.read("consumer", limit=15)) == 15
    governed = bureau.platform.gate.open(bureau["consumer"], TABLE, "监管执法", Exit.DOWNLOAD)
    with pytest.raises(Throttled):
        governed.batches()
    with pytest.raises(Throttled):
        bureau.platform.sql.run(bureau["consumer"], f"SELECT {CAPITAL} FROM {TABLE}", "监管执法")
    bureau.read("consumer", filters=(Filter(NAME, FilterOp.EQ, "没有"),))
    with pytest.raises(Throttled) as error:
        bureau.read("consumer", limit=1)
    assert error.value.reason == "grant_calls"
    used = bureau.exchange.grant(bureau["lead"], grant.id).usage[0]
    assert (used.calls, used.rows) == (6, 45)
    bureau.clock.advance(timedelta(days=1))
    assert len(bureau.read("consumer", limit=5)) == 5


def test_fifty_clients_do_not_get_past_a_quota(bureau: Bureau) -> None:
    grant = bureau.granted(CAPITAL, rows_per_day=100)
    got: list[int] = []

    def ask() -> None:
        for _ in range(2):
            try:
                got.append(len(bureau.read("consumer", limit=7)))
            except Throttled:
                got.append(0)

    threads = [threading.Thread(target=ask) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 100
    assert sum(got) == 98
    assert bureau.exchange.grant(bureau["lead"], grant.id).usage[0].rows == 98


def test_a_person_or_an_application_alone_may_hold_a_grant(bureau: Bureau) -> None:
    bureau.granted(CAPITAL, grantee_kind=GranteeKind.PERSON, grantee_id=bureau["colleague"].id)
    assert CAPITAL in bureau.read("colleague")[0]
    assert set(bureau.read("consumer")[0]) == {NAME}


def test_what_is_taken_away_holds_at_once_and_nothing_is_added(bureau: Bureau) -> None:
    grant = bureau.granted(CAPITAL, CITY)
    bureau.exchange.narrow(bureau["publisher"], grant.id, Narrowing(without=frozenset({CITY})), "超出用途")
    assert set(bureau.read("consumer")[0]) == {NAME, CAPITAL}
    with pytest.raises(Denied):
        bureau.exchange.narrow(bureau["consumer"], grant.id, Narrowing(without=frozenset({CAPITAL})), "x")
    bureau.exchange.give_up(bureau["consumer"], grant.id, "系统下线")
    assert set(bureau.read("consumer")[0]) == {NAME}


def test_a_column_that_came_later_is_not_in_a_grant(bureau: Bureau) -> None:
    bureau.granted(CAPITAL)
    assert PHONE not in bureau.read("consumer")[0]
    assert ID not in bureau.read("consumer")[0]


def test_every_read_under_a_grant_names_it_and_who_decided_in_its_receipt(bureau: Bureau) -> None:
    grant = bureau.granted(CAPITAL)
    bureau.read("consumer")
    found = bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target=TABLE)).records
    read = next(one for one in found if one.detail.get("grant") == grant.id and one.exit == "row_api")
    decided = [str(one).partition(":")[::2] for one in read.detail["approvers"]]  # type: ignore[union-attr]
    stages = ("formal_review", "provider_opinion", "provider_decision")
    people = (bureau[login].id for login in ("reviewer", "steward", "lead"))
    assert decided == list(zip(stages, people, strict=True))
    receipt = bureau.platform.receipts.receipt(bureau["consumer"], read.id)
    assert grant.id in receipt["records"][0]["body"]


def test_strangers_and_the_wrong_side_end_nothing(bureau: Bureau) -> None:
    grant = bureau.granted(CAPITAL)
    with pytest.raises(NotFound):
        bureau.exchange.revoke(bureau["banner"], grant.id, "x")
    for login in ("consumer", "steward", "reviewer"):
        with pytest.raises(Denied):
            bureau.exchange.revoke(bureau[login], grant.id, "x")


def test_grants_and_quotas_hold_on_postgresql_too(postgres_url: str, tmp_path: Path) -> None:
    clock = FixedClock(BEGAN)
    built = build(Settings.for_tests(tmp_path, database_url=postgres_url), clock)
    built.first_start()
    bureau = Bureau(built, clock)
    grant = bureau.granted(CAPITAL, CITY, rows_per_day=30, filters=(Filter(CITY, FilterOp.EQ, "赤峰市"),))
    assert len(bureau.read("consumer")) == 10
    bureau.read("consumer")
    bureau.read("consumer")
    with pytest.raises(Throttled):
        bureau.read("consumer")
    given = bureau.exchange.delegate(bureau["steward"], "deputy", bureau.today, bureau.today, "出差")
    assert [one.id for one in bureau.exchange.delegations(bureau["deputy"])] == [given.id]
    assert bureau.exchange.requests(bureau["lead"], RequestQuery(words="企业"))[1] == 1
    assert bureau.exchange.grants(bureau["lead"], GrantQuery(words=grant.id))[1] == 1
    bureau.exchange.revoke(bureau["lead"], grant.id, "结束")
    assert set(bureau.read("consumer")[0]) == {NAME}
    built.close()


def test_what_may_not_be_had_is_verified_by_yes_or_no(bureau: Bureau) -> None:
    protection, before = bureau.platform.protection, bureau.platform.protection.grades_of(TABLE)[ID].level
    protection.correct(SYSTEM, TABLE, ID, level=Level.L4, reason="敏感")
    bureau.platform.db.deliver_waiting()
    verify = {"ways": frozenset({Way.VERIFY}), "calls_per_day": 4, "impact": "评2026-11"}
    plan = bureau.exchange.plan
    codes = [
        p.code for p in plan(bureau["consumer"], bureau.draft(ID, NAME, impact="评", ways=verify["ways"])).problems
    ]
    assert codes == ["quota_needed"]
    assert [p.code for p in plan(bureau["consumer"], bureau.draft(ID, **verify)).problems] == ["verify_few"]
    assert "level_4" in {p.code for p in plan(bureau["consumer"], bureau.draft(ID, NAME, impact="评")).problems}
    grant = bureau.granted(ID, NAME, **verify)
    ask = bureau.exchange.verify
    name = "内蒙古第7商贸有限公司"
    assert ask(bureau["consumer"], TABLE, {ID: citizen_id(7), NAME: name}).match is True
    assert ask(bureau["consumer"], TABLE, {ID: citizen_id(8), NAME: name}).match is False
    for values in ({ID: citizen_id(7)}, {ID: citizen_id(7), NAME: name, CITY: "包头市"}):
        with pytest.raises(Invalid):
            ask(bureau["consumer"], TABLE, values)
    with pytest.raises(NotFound):
        ask(bureau["banner"], TABLE, {ID: citizen_id(7), NAME: name})
    assert set(bureau.read("consumer")[0]) == {NAME}, "nothing is handed over"
    found = bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target=TABLE)).records
    record = next(one for one in found if one.exit == "verify" and (one.action, one.decision) == ("read", "allow"))
    assert citizen_id(7) not in str(record)
    assert record.detail["grant"] == grant.id
    ask(bureau["consumer"], TABLE, {ID: citizen_id(9), NAME: name})
    ask(bureau["consumer"], TABLE, {ID: citizen_id(9), NAME: name})
    with pytest.raises(Throttled):
        ask(bureau["consumer"], TABLE, {ID: citizen_id(9), NAME: name})
    lowered(protection, SYSTEM, TABLE, ID, level=before, reason="恢复")
    bureau.platform.db.deliver_waiting()
