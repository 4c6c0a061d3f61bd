"""Pushes: what was granted is brought to the consumer's own system, at every new version or by schedule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from exchange_bureau import OTHER, OWNER, Bureau, firms
from push_bureau import KEY, MONEY, Far, S, end_all, expected, merge

from beijiang.evidence import EvidenceQuery
from beijiang.exchange import (
    GranteeKind,
    Narrowing,
    PushMode,
    PushState,
    RecallDraft,
    Remedy,
    Way,
)
from beijiang.ingest import AlertKind, Timing, TimingKind
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, NotFound, Refused
from beijiang.outbound import Target, Use


@pytest.fixture
def far(bureau: Bureau, postgres_url: str) -> Iterator[Far]:
    url = sa.make_url(postgres_url)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    folder = str(url.query["host"])
    if folder not in {t.folder for t in bureau.platform.sources.targets(SYSTEM)}:
        bureau.platform.sources.allow(SYSTEM, Target(folder=folder, uses=frozenset({Use.PUSH})), "目标库的套接字")
    reach = {"host": folder, "database": url.database, "user": url.username, "tls": "off"}
    yield Far(bureau, engine, reach)
    end_all(bureau)
    engine.dispose()


def test_everything_comes_first_then_what_changed_with_deletions(far: Far) -> None:
    far.publish(5)
    plan = far.pushes.plan(far.bureau["consumer"], far.draft())
    assert (plan.rows, plan.key, plan.mode) == (5, (KEY,), PushMode.CHANGES)
    assert "新建" in plan.there.zh
    assert far.sql("SELECT count(*) FROM information_schema.tables WHERE table_name = 'firms'") == [(0,)]
    push = far.add()
    assert far.pushes.run_due() == 1
    assert far.rows() == expected(5)
    first = far.deliveries(push)[0]
    assert (first.state, first.mode, first.rows, first.gone) == (S.DONE, PushMode.FULL, 5, 0)
    assert first.proof is not None
    assert first.proof["equal"] is True
    assert first.proof["checksum"] == first.proof["checksum_here"]

    version = merge(far.bureau, far.table, [{**firms(3)[2], MONEY: 9}, firms(7)[6]], ["内蒙古第0商贸有限公司"])
    assert far.pushes.run_due() == 1
    wanted = expected(5) | {"内蒙古第2商贸有限公司": 9.0, "内蒙古第6商贸有限公司": 6.5}
    del wanted["内蒙古第0商贸有限公司"]
    assert far.rows() == wanted
    second = far.deliveries(push)[0]
    assert (second.mode, second.rows, second.gone, second.sequence) == (PushMode.CHANGES, 2, 1, 2)
    assert second.proof is not None
    assert second.proof["equal"] is True
    assert far.see(push).version == version
    assert far.pushes.run_due() == 0, "nothing is new"
    listed = far.sql("SELECT sequence, mode, rows_written, rows_gone FROM beijiang_deliveries ORDER BY 1")
    assert listed == [(1, "full", 5, 0), (2, "changes", 2, 1)]

    log = far.bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target=second.id)).records
    told = [e for e in log if e.action == "exchange.push_deliver"]
    assert told[0].detail["proof"]["equal"] is True
    handed = far.bureau.platform.evidence.handed_over(far.table, set())
    assert (version, OTHER) in handed


def test_several_versions_come_as_one_and_the_state_is_that_of_the_last(far: Far) -> None:
    far.publish(6)
    push = far.add()
    far.pushes.run_due()
    far.pushes.pause(far.bureau["consumer"], push.id)
    merge(far.bureau, far.table, [{**firms(2)[1], MONEY: 100}])
    merge(far.bureau, far.table, [firms(2)[1], {**firms(4)[3], MONEY: 5}], ["内蒙古第4商贸有限公司"])
    assert far.pushes.run_due() == 0
    far.pushes.resume(far.bureau["colleague"], push.id)
    assert far.see(push).owner_name == "colleague"
    far.pushes.run_due()
    last = far.deliveries(push)[0]
    assert (last.mode, last.rows, last.gone) == (PushMode.CHANGES, 1, 1)
    wanted = expected(6) | {"内蒙古第3商贸有限公司": 5.0}
    del wanted["内蒙古第4商贸有限公司"]
    assert far.rows() == wanted


def test_masks_filters_and_quota_hold_at_every_delivery(far: Far) -> None:
    from beijiang.tables import Filter, FilterOp

    only = (Filter("盟市", FilterOp.EQ, "包头市"),)
    far.publish(9, filters=only, rows_per_day=4)
    push = far.add()
    far.pushes.run_due()
    assert set(far.rows()) == {f"内蒙古第{n}商贸有限公司" for n in (1, 4, 7)}
    moved = {**firms(2)[1], "盟市": "赤峰市"}
    merge(far.bureau, far.table, [moved, {**firms(5)[4], MONEY: 1}])
    far.pushes.run_due()
    waits = far.deliveries(push)[0]
    assert (waits.state, waits.error and waits.error["code"]) == (S.WAITING, "grant_rows")
    assert set(far.rows()) == {f"内蒙古第{n}商贸有限公司" for n in (1, 4, 7)}
    far.later(days=1)
    far.pushes.run_due()
    assert far.rows() == {"内蒙古第4商贸有限公司": 1.0, "内蒙古第7商贸有限公司": 7.5}, "what left the filter is deleted"


@pytest.mark.parametrize("how", ["suspend", "revoke", "cut", "expire", "recall"])
def test_what_ends_or_rests_lets_nothing_more_out_and_says_why(far: Far, how: str) -> None:
    far.publish(4)
    assert far.grant is not None
    push, exchange = far.add(), far.bureau.exchange
    far.pushes.run_due()
    newest = merge(far.bureau, far.table, [{**firms(1)[0], MONEY: 77}])
    if how == "suspend":
        exchange.suspend(far.bureau["lead"], far.grant.id, "核查用途")
    elif how == "revoke":
        exchange.revoke(far.bureau["lead"], far.grant.id, "用途不符")
    elif how == "cut":
        grant = exchange.narrow(far.bureau["lead"], far.grant.id, Narrowing(without=frozenset({"盟市"})), "不再需要")
        assert Way.PUSH in grant.terms.ways
    elif how == "expire":
        far.later(days=91)
    else:
        recalls = far.bureau.platform.recalls
        had = tuple(v for v, _ in recalls.versions(far.bureau["lead"], far.grant.resource_id))
        assert newest in had
        draft = RecallDraft(resource_id=far.grant.resource_id, versions=had, reason="错列", remedy=Remedy.DELETE)
        far.bureau.platform.recalls.recall(far.bureau["lead"], draft)
    far.pushes.run_due()
    far.pushes.watch()
    now = far.see(push)
    if how == "cut":
        last = far.deliveries(push)[0]
        assert (last.mode, last.state) == (PushMode.FULL, S.DONE), "other columns: everything anew"
        return
    assert far.rows() == expected(4)
    assert now.state is (PushState.ENDED if how in {"revoke", "expire"} else PushState.HELD)
    assert now.why is not None
    alerts = {a.org_id for (kind, _), a in far.bureau.platform.alerts.open().items() if kind is AlertKind.PUSH_HELD}
    assert alerts >= {OTHER, OWNER}
    if how == "suspend":
        exchange.resume(far.bureau["lead"], far.grant.id, "核查完毕")
        far.pushes.run_due()
        assert far.rows() == expected(4, 内蒙古第0商贸有限公司=77.0)
        assert far.see(push).why is None
    if now.state is PushState.ENDED:
        assert not now.secrets


def test_a_table_that_does_not_fit_is_told_and_stays_as_it_is(far: Far) -> None:
    far.publish(3)
    far.sql(f'CREATE TABLE firms ("{KEY}" text PRIMARY KEY, "{MONEY}" date, "盟市" text)')
    with pytest.raises(Invalid, match=MONEY) as told:
        far.pushes.plan(far.bureau["consumer"], far.draft())
    assert told.value.reason == "push_unfit"
    push = far.add()
    far.pushes.run_due()
    dead = far.deliveries(push)[0]
    assert (dead.state, dead.error and dead.error["code"]) == (S.DEAD, "push_unfit")
    assert far.sql("SELECT count(*) FROM firms") == [(0,)]
    assert [one.id for _, one in far.pushes.dead(far.bureau["consumer"])] == [dead.id]
    assert far.pushes.run_due() == 0, "a dead letter waits for somebody"
    open_ = far.bureau.platform.alerts.open()
    assert {a.org_id for (kind, _), a in open_.items() if kind is AlertKind.PUSH_DEAD} == {OTHER, OWNER}

    with pytest.raises(Denied):
        far.pushes.replay(far.bureau["lead"], dead.id)
    far.sql(f'ALTER TABLE firms ALTER COLUMN "{MONEY}" TYPE numeric(20, 2) USING NULL')
    far.pushes.replay(far.bureau["consumer"], dead.id)
    far.pushes.run_due()
    assert far.rows() == expected(3)
    assert not any(kind is AlertKind.PUSH_DEAD for kind, _ in far.bureau.platform.alerts.open())
    with pytest.raises(Conflict):
        far.pushes.replay(far.bureau["consumer"], dead.id)


def test_rows_that_a_constraint_refuses_change_nothing_and_can_be_dropped(far: Far) -> None:
    far.publish(3)
    far.sql(f'CREATE TABLE firms ("{KEY}" varchar(100), "{MONEY}" numeric(30, 4) CHECK ("{MONEY}" < 2), "盟市" text)')
    far.sql(f"INSERT INTO firms VALUES ('旧', 1, NULL)")  # noqa: F541
    push = far.add()
    far.pushes.run_due()
    dead = far.deliveries(push)[0]
    assert dead.error is not None
    assert (dead.error["code"], far.rows()) == ("push_rejected", {"旧": 1.0})
    with pytest.raises(Invalid):
        far.pushes.drop(far.bureau["consumer"], dead.id, " ")
    assert far.pushes.drop(far.bureau["consumer"], dead.id, "先改约束").state is S.DROPPED
    assert far.pushes.run_due() == 0
    far.sql(f'ALTER TABLE firms DROP CONSTRAINT "firms_{MONEY}_check"')
    merge(far.bureau, far.table, [firms(4)[3]])
    far.pushes.run_due()
    assert far.rows() == expected(4), "the next version brings all that was dropped"
    proof = far.deliveries(push)[0].proof
    assert proof is not None
    assert (proof["equal"], proof["checksum"]) == (True, None), "other scales are compared by number only"


def test_a_far_side_that_was_changed_is_seen_and_mended(far: Far) -> None:
    far.publish(5)
    push = far.add()
    far.pushes.run_due()
    far.sql(f"UPDATE firms SET \"盟市\" = '别处' WHERE \"{KEY}\" = '内蒙古第1商贸有限公司'")
    merge(far.bureau, far.table, [{**firms(3)[2], MONEY: 8}])
    far.pushes.run_due()
    proof = far.deliveries(push)[0].proof
    assert proof is not None
    assert proof["equal"] is False
    assert proof["rows"] == proof["rows_here"]
    assert any(kind is AlertKind.PUSH_DIFFERS for kind, _ in far.bureau.platform.alerts.open())
    merge(far.bureau, far.table, [{**firms(3)[2], MONEY: 9}])
    far.pushes.run_due()
    last = far.deliveries(push)[0]
    assert (last.mode, last.proof and last.proof["equal"]) == (PushMode.FULL, True)
    assert not any(kind is AlertKind.PUSH_DIFFERS for kind, _ in far.bureau.platform.alerts.open())


def test_one_that_is_down_for_a_day_catches_up_with_one_delivery_and_delays_nobody(far: Far) -> None:
    far.publish(5)
    push, other = far.add(), far.add(name="另一库", target="others")
    far.pushes.run_due()

    tries = []
    with far.down():
        for number in range(6):
            merge(far.bureau, far.table, [{**firms(1)[0], MONEY: number}])
            far.pushes.run_due()
            tries.append(far.deliveries(push)[0].attempts)
            far.later(hours=4)
    letter = far.deliveries(push)[0]
    assert (letter.state, letter.error and letter.error["code"]) == (S.WAITING, "source_unreachable")
    assert far.see(other).version == far.see(push).version == 1
    far.later(hours=13)
    far.pushes.run_due()
    assert far.rows()["内蒙古第0商贸有限公司"] == 5.0
    done = [one for one in far.deliveries(push) if one.state is S.DONE]
    assert [(one.mode, one.rows) for one in done] == [(PushMode.CHANGES, 1), (PushMode.FULL, 5)]


def test_by_schedule_on_working_days_only(far: Far) -> None:
    far.publish(3)
    push = far.add(timing=Timing(kind=TimingKind.WORKING_DAYS, at=("08:00",)))
    far.pushes.run_due()
    assert len(far.deliveries(push)) == 1
    merge(far.bureau, far.table, [{**firms(1)[0], MONEY: 3}])
    assert far.pushes.run_due() == 0, "not before its moment"
    next_at = far.see(push).next_at
    assert next_at is not None
    far.bureau.clock.at = next_at
    assert far.pushes.run_due() == 1
    assert far.rows()["内蒙古第0商贸有限公司"] == 3.0
    assert far.pushes.run_due() == 0
    with pytest.raises(Invalid):
        far.add(name="跟随", timing=Timing(kind=TimingKind.AFTER, after=("syn_1",)))


def test_who_may_register_where(far: Far) -> None:
    far.publish(3, ways=frozenset({Way.API}))
    with pytest.raises(Invalid, match="gives no pushes"):
        far.add()
    with pytest.raises(NotFound):
        far.pushes.add(far.bureau["banner"], far.draft())
    with pytest.raises(NotFound):
        far.pushes.view(far.bureau["banner"], "psh_nothing")


def test_addresses_inside_are_refused_and_secrets_are_sealed(far: Far) -> None:
    far.publish(3)
    inner = {"host": "127.0.0.1", "port": 5432, "database": "x", "user": "y", "password": "geheim-4711"}
    with pytest.raises(Refused):
        far.pushes.plan(far.bureau["consumer"], far.draft(options=inner))
    push = far.add(options=inner)
    assert "geheim" not in str(push)
    far.pushes.run_due()
    letter = far.deliveries(push)[0]
    assert (letter.state, letter.error and letter.error["code"]) == (S.DEAD, "target_not_allowed")
    with pytest.raises(Invalid, match="password"):
        far.pushes.change(far.bureau["consumer"], push.id, options={"host": "db.example.org"})
    sealed = far.see(push).secrets["password"]
    far.bureau.platform.sources.rotate(SYSTEM)
    assert far.see(push).secrets["password"] != sealed
    assert far.pushes.end(far.bureau["consumer"], push.id).secrets == {}


def test_a_table_that_triggers_watch_is_updated_in_place(far: Far) -> None:
    far.publish(4)
    push = far.add()
    far.pushes.run_due()
    far.sql(f'CREATE TABLE orders (firm text COLLATE "C" REFERENCES firms ("{KEY}"), note text)')
    far.sql("INSERT INTO orders VALUES ('内蒙古第1商贸有限公司', '在办')")
    merge(far.bureau, far.table, [{**firms(2)[1], MONEY: 42}], ["内蒙古第3商贸有限公司"])
    far.pushes.run_due()
    assert far.deliveries(push)[0].state is S.DONE
    assert far.rows()["内蒙古第1商贸有限公司"] == 42.0
    assert far.sql("SELECT note FROM orders") == [("在办",)]
    merge(far.bureau, far.table, [firms(1)[0]], ["内蒙古第1商贸有限公司"])
    far.pushes.run_due()
    dead = far.deliveries(push)[0]
    assert (dead.state, dead.error and dead.error["code"]) == (S.DEAD, "push_rejected")
    assert "内蒙古第1商贸有限公司" in far.rows(), "another table needs the row: nothing of the delivery is written"


def test_a_colleague_directs_no_push_of_another_persons_grant(far: Far) -> None:
    colleague = far.bureau["colleague"]
    far.publish(3, grantee_kind=GranteeKind.PERSON, grantee_id=far.bureau["consumer"].id)
    push = far.add()
    far.pushes.run_due()
    with pytest.raises(Denied) as error:
        far.pushes.change(colleague, push.id, options={**far.reach, "user": "mine"})
    assert error.value.reason == "push_holder"
    for step in (lambda: far.pushes.now(colleague, push.id, whole=True), lambda: far.pushes.resume(colleague, push.id)):
        with pytest.raises(Denied):
            step()
    assert far.see(push).owner_id == far.bureau["consumer"].id


def test_where_a_push_goes_is_in_the_evidence_and_only_readers_direct_it(far: Far) -> None:
    far.publish(3)
    push = far.add()
    reach = {**far.reach, "port": 5433}
    far.pushes.change(far.bureau["colleague"], push.id, options=reach)
    assert far.see(push).owner_id == far.bureau["colleague"].id, "who directs it answers for it"
    moved = far.bureau.platform.evidence.page(EvidenceQuery(target=push.id)).records
    changed = next(one for one in moved if one.detail["move"] == "change")
    assert changed.detail["options"]["port"] == 5433
    assert changed.detail["options_before"]["host"] == far.reach["host"]
    blind = replace(far.bureau["consumer"], scopes=frozenset({"exchange:request:make", "exchange:grant:read"}))
    with pytest.raises(Denied):
        far.pushes.add(blind, far.draft(name="偷偷", options=far.reach))


@pytest.mark.parametrize(
    "made",
    [
        f'CREATE TABLE firms ("{KEY}" text COLLATE "C" PRIMARY KEY, "{MONEY}" numeric(20, 4), "盟市" text, at int DEFAULT 7)',
        f'CREATE TABLE firms ("{KEY}" varchar(90) PRIMARY KEY, "{MONEY}" numeric(14, 2), "盟市" varchar(90), at int DEFAULT 7)',
    ],
    ids=["copied", "converted"],
)
def test_changes_come_into_tables_of_other_hands_as_well(far: Far, made: str) -> None:
    far.publish(6)
    far.sql(made)
    push = far.add()
    far.pushes.run_due()
    merge(far.bureau, far.table, [{**firms(3)[2], MONEY: 9}, firms(8)[7]], ["内蒙古第0商贸有限公司"])
    far.pushes.run_due()
    last = far.deliveries(push)[0]
    assert (last.state, last.mode, last.rows, last.gone) == (S.DONE, PushMode.CHANGES, 2, 1)
    wanted = expected(6) | {"内蒙古第2商贸有限公司": 9.0, "内蒙古第7商贸有限公司": 7.5}
    del wanted["内蒙古第0商贸有限公司"]
    assert far.rows() == wanted
    assert far.sql("SELECT DISTINCT at FROM firms") == [(7,)], "columns that are not ours have their defaults"
    assert last.proof is not None
    assert last.proof["equal"] is True
    merge(far.bureau, far.table, [], ["内蒙古第1商贸有限公司"])
    far.pushes.run_due()
    last = far.deliveries(push)[0]
    assert (last.state, last.rows, last.gone) == (S.DONE, 0, 1), "deletions alone"


def test_rows_go_by_the_rules_of_a_table_that_has_some(far: Far) -> None:
    far.publish(4)
    push = far.add()
    far.pushes.run_due()
    far.sql("CREATE TABLE written (name text)")
    far.sql(f'CREATE RULE noted AS ON INSERT TO firms DO ALSO INSERT INTO written VALUES (NEW."{KEY}")')
    merge(far.bureau, far.table, [{**firms(2)[1], MONEY: 42}])
    far.pushes.run_due()
    assert far.deliveries(push)[0].state is S.DONE
    assert far.sql("SELECT name FROM written") == [("内蒙古第1商贸有限公司",)], "a COPY would have known no rule"
