"""Tickets: what fails goes back to its supplier, is answered in time or escalated, and closes with evidence."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import python_calamine

from beijiang.build import build
from beijiang.evidence import EvidenceQuery
from beijiang.kit import SYSTEM, Conflict, Denied, FixedClock, Invalid, Language, NotFound
from beijiang.quality import Doubt, Kind, Move, Origin, Severity, Side, Stage, TicketQuery, TicketState
from beijiang.settings import Settings
from beijiang.standards import SheetFormat

sys.path.insert(0, str(Path(__file__).parent))
from quality_bureau import OTHER, OWNER, Bureau, firm

START = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
"""A Tuesday; the limit of ten working days ends on 2026-03-24."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    clock = FixedClock(START)
    built = build(Settings.for_tests(tmp_path_factory.mktemp("tickets")), clock)
    built.first_start()
    built.jobs.start_worker()
    yield Bureau(built, built.settings.home / "staging", clock)
    built.close()


@pytest.fixture
def bureau(desk: Bureau) -> Bureau:
    desk.clock.at = START
    return desk


def only(bureau: Bureau, table: str) -> str:
    found, count = bureau.platform.tickets.tickets(bureau.reviewer, TicketQuery(table=table))
    assert count == len(found) == 1
    return found[0].id


def test_a_failing_version_opens_one_ticket_that_closes_with_the_evidence_of_a_good_one(bureau: Bureau) -> None:
    tickets, table = bureau.platform.tickets, "企业登记信息"
    bureau.write([firm(n) for n in range(4)], table)
    bureau.add(Kind.NOT_NULL, "盟市", table=table)
    bureau.add(Kind.NOT_NULL, "联系电话", table=table, severity=Severity.MINOR)
    bureau.write([firm(0, 盟市=None, 联系电话=None), firm(1), firm(2, 盟市=" ")], table)
    ticket_id = only(bureau, table)
    view = tickets.ticket(bureau.steward, ticket_id)
    ticket = view.ticket
    assert (ticket.state, ticket.org_id, ticket.failing, ticket.assessed) == (TicketState.DISPATCHED, OWNER, 2, 3)
    assert (ticket.due_on, ticket.provisional, view.days_left) == (date(2026, 3, 24), False, 10)
    assert (ticket.limit.rule, ticket.limit.days, ticket.limit.verified) == ("correction.handle.809", 10, False)
    assert view.moves == (Move.ACCEPT, Move.CORRECT, Move.CONFIRM_RIGHT, Move.SEND_BACK)
    assert [t.id for t in tickets.waiting(bureau.steward)] == [ticket_id]
    bureau.write([firm(0, 盟市=None), firm(1), firm(2, 盟市=None), firm(3, 盟市=None)], table)
    assert only(bureau, table) == ticket_id, "the same standing problem is one ticket"
    assert tickets.ticket(bureau.steward, ticket_id).ticket.failing == 3
    with pytest.raises(Conflict) as refused:
        tickets.move(bureau.steward, ticket_id, Move.CLOSE)
    assert refused.value.detail["possible"] == [
        "accept",
        "correct",
        "confirm_right",
        "send_back",
        "transfer",
        "withdraw",
    ]
    with pytest.raises(Denied):
        tickets.move(bureau.steward, ticket_id, Move.WITHDRAW, "不想办")
    tickets.move(bureau.steward, ticket_id, Move.ACCEPT)
    bureau.clock.advance(timedelta(days=1))
    tickets.move(bureau.steward, ticket_id, Move.CORRECT, "已让旗县补报")
    assert tickets.ticket(bureau.steward, ticket_id).ticket.turn is Side.CHECK
    bureau.check(table)
    assert tickets.ticket(bureau.steward, ticket_id).ticket.state is TicketState.CORRECTED, "no new data came yet"
    bureau.write([firm(0, 盟市=None), firm(1)], table)
    view = tickets.ticket(bureau.steward, ticket_id)
    assert (view.ticket.state, view.steps[-1].move) == (TicketState.ACCEPTED, Move.FAIL)
    bureau.clock.advance(timedelta(days=1))
    bureau.write([firm(0), firm(1)], table)
    view = tickets.ticket(bureau.steward, ticket_id)
    assert (view.ticket.state, view.ticket.answer, view.steps[-1].move) == (TicketState.CLOSED, Move.PASS, Move.PASS)
    assert view.ticket.run_id is not None
    assert view.ticket.run_id in view.steps[-1].words.zh
    bureau.clock.advance(timedelta(days=3))
    bureau.write([firm(0, 盟市=None)], table)
    ticket = tickets.ticket(bureau.steward, ticket_id).ticket
    assert (ticket.state, ticket.reopened, ticket.due_on) == (TicketState.DISPATCHED, 1, date(2026, 3, 27))
    told = bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target=ticket_id)).records
    assert [r.action.removeprefix("quality.ticket_") for r in reversed(told)] == [
        "open", "recheck", "move", "move", "recheck", "recheck", "move",
    ]  # fmt: skip


def test_a_return_file_has_the_key_first_is_masked_and_runs_no_formula(bureau: Bureau) -> None:
    tickets, table = bureau.platform.tickets, "退回表"
    bureau.write([firm(0, 企业名称="=1+1", 盟市=None), firm(1)], table)
    rule = bureau.add(Kind.NOT_NULL, "盟市", table=table)
    run = bureau.check(table)
    assert tickets.tickets(bureau.reviewer, TicketQuery(table=table))[1] == 0, "who asks for a check sees for himself"
    ticket = tickets.open(bureau.reviewer, run.id, rule.id, "请补齐")
    with pytest.raises(Conflict, match=ticket.id):
        tickets.open(bureau.reviewer, run.id, rule.id)
    made = tickets.return_file(bureau.steward, ticket.id, SheetFormat.CSV, Language.ZH)
    rows = list(csv.reader(io.StringIO(made.content.decode("utf-8-sig"))))
    assert rows[0][:4] == ["序号", "问题列", "不符合的规则", "盟市"]
    assert len(rows) == 2
    assert "'=1+1" in rows[1]
    book = tickets.return_file(bureau.steward, ticket.id, SheetFormat.XLSX, Language.EN)
    with python_calamine.load_workbook(io.BytesIO(book.content)) as opened:
        assert opened.sheet_names == ["1", "说明"]
        told = dict(row for row in opened.get_sheet_by_name("说明").to_python())
    assert (told["due"], told["doubt"]) == ("2026-03-24", "请补齐")
    seen = tickets.return_file(bureau.reviewer, ticket.id, SheetFormat.CSV, Language.ZH).content.decode("utf-8-sig")
    assert "13800000000" not in seen, "the data authority reads it masked"
    direct = bureau.platform.quality.failing_file(bureau.steward, run.id, rule.id, SheetFormat.CSV, Language.ZH)
    assert direct.content == made.content
    with pytest.raises(NotFound):
        tickets.return_file(bureau.stranger, ticket.id, SheetFormat.CSV, Language.ZH)
    bureau.platform.quality.retire(bureau.steward, rule.id, "不再需要")
    bureau.check(table)
    assert tickets.ticket(bureau.reviewer, ticket.id).ticket.state is TicketState.WITHDRAWN


def test_what_runs_late_is_reminded_then_escalated_step_by_step(bureau: Bureau) -> None:
    tickets, alerts, table = bureau.platform.tickets, bureau.platform.alerts, "超期表"
    bureau.write([firm(0)], table)
    bureau.add(Kind.NOT_NULL, "盟市", table=table)
    bureau.write([firm(0, 盟市=None)], table)
    ticket_id = only(bureau, table)
    zone, seen = ZoneInfo("Asia/Shanghai"), []
    for day in range(1, 25):
        bureau.clock.at = START + timedelta(days=day)
        bureau.platform.dispatcher.tick()
        bureau.platform.dispatcher.tick()
        stage = tickets.ticket(bureau.steward, ticket_id).ticket.stage
        if not seen or seen[-1][1] is not stage:
            seen.append((bureau.clock.at.astimezone(zone).date().isoformat(), stage))
    assert seen == [
        ("2026-03-11", Stage.NONE),
        ("2026-03-17", Stage.HALF),
        ("2026-03-20", Stage.MOST),
        ("2026-03-23", Stage.LAST_DAY),
        ("2026-03-25", Stage.OVERDUE),
        ("2026-03-26", Stage.AUTHORITY),
        ("2026-03-30", Stage.ABOVE),
    ]
    mine = [a for a in alerts.alerts(bureau.steward) if a.subject == ticket_id]
    assert [a.kind.value for a in mine] == ["quality_ticket_overdue"]
    assert "报上级" in mine[0].text.zh
    assert [t.id for t in tickets.tickets(bureau.reviewer, TicketQuery(overdue=True, table=table))[0]] == [ticket_id]
    tickets.move(bureau.steward, ticket_id, Move.CONFIRM_RIGHT, "该企业确无盟市，见登记底档")
    assert not [a for a in alerts.alerts(bureau.steward) if a.subject == ticket_id]
    assert ticket_id in [t.id for t in tickets.waiting(bureau.reviewer)]
    with pytest.raises(Denied):
        tickets.move(bureau.steward, ticket_id, Move.CLOSE)
    tickets.move(bureau.reviewer, ticket_id, Move.REFUSE, "请附底档")
    assert tickets.ticket(bureau.steward, ticket_id).ticket.due_on == date(2026, 4, 20)
    tickets.move(bureau.steward, ticket_id, Move.CONFIRM_RIGHT, "底档已附")
    tickets.move(bureau.reviewer, ticket_id, Move.CLOSE)
    bureau.write([firm(0, 盟市=None), firm(1)], table)
    assert tickets.tickets(bureau.reviewer, TicketQuery(table=table))[1] == 1, "it was confirmed right"
    bureau.write([firm(0, 盟市=None), firm(1, 盟市=None)], table)
    again = tickets.ticket(bureau.steward, only(bureau, table)).ticket
    assert (again.state, again.reopened) == (TicketState.DISPATCHED, 1), "more fails than was confirmed"


def test_a_reader_doubts_a_value_and_the_supplier_answers(bureau: Bureau) -> None:
    tickets, table = bureau.platform.tickets, "疑义表"
    bureau.write([firm(n) for n in range(3)], table)
    entry = bureau.publish(table)
    doubt = Doubt(words="注册资本应为 100 万元", columns=("注册资本",), rows=("91350100M000100Y43",))
    for wrong, error in (
        (Doubt(words=" ", columns=("注册资本",)), Invalid),
        (Doubt(words="x", columns=("没有的列",)), Invalid),
        (Doubt(words="x", rows=("r",) * 51), Invalid),
    ):
        with pytest.raises(error):
            tickets.doubt(bureau.stranger, entry.id, wrong)
    with pytest.raises(Denied):
        tickets.doubt(bureau.sysadmin, entry.id, doubt)
    with pytest.raises(NotFound):
        tickets.doubt(bureau.stranger, "res_none", doubt)
    made = tickets.doubt(bureau.stranger, entry.id, doubt)
    assert (made.origin, made.org_id, made.opened_org) == (Origin.PERSON, OWNER, OTHER)
    seen = tickets.doubted(bureau.publisher, entry.id)
    assert [(t.columns, t.words, t.opened_by, t.rows) for t in seen] == [(("注册资本",), "", "", ())]
    listed = tickets.return_file(bureau.steward, made.id, SheetFormat.CSV, Language.ZH).content.decode("utf-8-sig")
    assert "91350100M000100Y43,注册资本,注册资本应为 100 万元" in listed
    tickets.move(bureau.steward, made.id, Move.SEND_BACK, "请说明依据")
    assert [t.id for t in tickets.waiting(bureau.stranger)] == [made.id]
    tickets.reply(bureau.stranger, made.id, "见年报")
    bureau.clock.advance(timedelta(days=1))
    tickets.move(bureau.stranger, made.id, Move.RESUBMIT, "年报第 3 页")
    with pytest.raises(Denied):
        tickets.move(bureau.stranger, made.id, Move.TRANSFER, "找卫健委", OTHER)
    with pytest.raises(Invalid):
        tickets.move(bureau.reviewer, made.id, Move.TRANSFER, "找谁", "nobody")
    moved = tickets.move(bureau.reviewer, made.id, Move.TRANSFER, "该列由卫健委采集", OTHER)
    assert (moved.org_id, moved.due_on) == (OTHER, date(2026, 3, 25))
    with pytest.raises(NotFound):
        tickets.ticket(bureau.steward, made.id)
    tickets.move(bureau.stranger, made.id, Move.CORRECT, "已更正")
    tickets.move(bureau.stranger, made.id, Move.CLOSE)
    assert [s.move.value for s in tickets.ticket(bureau.reviewer, made.id).steps] == [
        "open", "send_back", "reply", "resubmit", "transfer", "correct", "close",
    ]  # fmt: skip
    assert tickets.doubted(bureau.publisher, entry.id) == []
    told = bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target=made.id)).records
    assert not [r for r in told if "91350100M000100Y43" in str(r.detail)], "what names a row is no evidence"
    assert tickets.move(bureau.stranger, made.id, Move.REOPEN, "仍不对").reopened == 1


def test_a_policy_says_what_opens_tickets_and_the_record_counts_them(bureau: Bureau) -> None:
    tickets, table = bureau.platform.tickets, "策略表"
    bureau.write([firm(0)], table)
    rule = bureau.add(Kind.NOT_NULL, "盟市", table=table, severity=Severity.MINOR)
    bureau.write([firm(0, 盟市=None)], table)
    assert tickets.tickets(bureau.reviewer, TicketQuery(table=table))[1] == 0
    with pytest.raises(Denied):
        tickets.set_policy(bureau.steward, table, [], "不要工单")
    tickets.set_policy(bureau.reviewer, table, [Severity.MINOR], "本表从严")
    bureau.write([firm(0, 盟市=None), firm(1)], table)
    assert tickets.tickets(bureau.reviewer, TicketQuery(table=table))[1] == 1
    tickets.set_policy(bureau.reviewer, rule.id, [], "该规则不派单")
    tickets.move(bureau.reviewer, only(bureau, table), Move.WITHDRAW, "误派")
    bureau.write([firm(0, 盟市=None), firm(1, 盟市=None), firm(2, 盟市=None)], table)
    assert tickets.tickets(bureau.reviewer, TicketQuery(table=table))[1] == 1
    assert set(tickets.policies(bureau.reviewer)) == {table, rule.id}
    found = {d.org_id: d for d in tickets.record(bureau.reviewer, date(2026, 3, 1), date(2026, 12, 31))}
    mine = found[OWNER]
    assert mine.opened == mine.open + mine.closed + mine.withdrawn
    assert mine.withdrawn >= 1
    with pytest.raises(Invalid):
        tickets.record(bureau.reviewer, date(2026, 3, 2), date(2026, 3, 1))
    assert tickets.record(bureau.stranger, date(2026, 3, 1), date(2026, 12, 31)) == [
        found[o] for o in found if o == OTHER
    ]


def test_tickets_of_others_look_like_none(bureau: Bureau) -> None:
    tickets, table = bureau.platform.tickets, "隐藏表"
    bureau.write([firm(0)], table)
    bureau.add(Kind.NOT_NULL, "盟市", table=table)
    bureau.write([firm(0, 盟市=None)], table)
    ticket_id = only(bureau, table)
    for who in (bureau.stranger, bureau.sysadmin):
        seen = []
        for one in (ticket_id, "qt_none"):
            for verb in (
                tickets.ticket,
                lambda a, i: tickets.move(a, i, Move.ACCEPT),
                lambda a, i: tickets.reply(a, i, "?"),
            ):
                with pytest.raises((NotFound, Denied)) as refused:
                    verb(who, one)
                seen.append((type(refused.value), refused.value.reason))
        assert seen[:3] == seen[3:]
