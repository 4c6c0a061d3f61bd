"""Noisy statistics: proven noise, bounded persons, a ledger that no crash, race or repetition gets around (TM-06)."""

from __future__ import annotations

import json
import math
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from agreed import lowered
from beijiang import terminal
from beijiang.kit import BeijiangError, Conflict, Denied, Invalid, Language, NotFound
from beijiang.protection import OfferDraft, PrivateKind, PrivateQuestion, commands, routes
from beijiang.protection.models.private import Domain, months_after, period_of
from beijiang.protection.service import answering
from beijiang.protection.service.noise import add_noise, scale_of, within
from beijiang.tables import Filter, FilterOp
from nursery import run

if TYPE_CHECKING:
    from conftest import House

T = "就诊记录"
PERSONS, VISITS = 200, 30
"""Each person has so many rows; the first of them never come at all of the group 外院."""
SCHEMA = pa.schema([("身份", pa.string()), ("院区", pa.string()), ("费用", pa.decimal128(14, 2)), ("诊断", pa.string()), ("年龄", pa.int64()), ("_bj_row", pa.int64())])  # fmt: skip
KEYS = ["本院", "分院", *(f"院{i}" for i in range(998))]
BIG = 5_000_000_000
FAR = 60
"""No discrete Laplace noise of scale 1 goes so far in a billion years: e^-60 for a draw."""


def visits() -> list[dict[str, Any]]:
    return [
        {
            "身份": f" p{i % PERSONS}" if i % 2 else f"P{i % PERSONS}",
            "院区": ("本院", "分院", "无人说过的院")[i % 3],
            "费用": BIG,
            "诊断": "甲乙"[i % 2],
            "年龄": 20 + i % 60,
            "_bj_row": i + 1,
        }
        for i in range(PERSONS * VISITS)
    ]


@pytest.fixture(scope="module")
def office(make_house: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made: House = make_house(tmp_path_factory.mktemp("private"))
    made.write(T, visits(), SCHEMA)
    for column, level in (("诊断", "L2"), ("年龄", "L2"), ("费用", "L2")):
        lowered(made.protection, made.steward, T, column, level=level, kind="other_personal", reason="测试")
    yield made
    made.close()


@pytest.fixture
def clinic(office: House) -> Iterator[House]:
    """The office in a quarter of its own, in which nothing is spent."""
    years = getattr(office, "_years", 2027) + 1
    office._years = years  # type: ignore[attr-defined]
    office.clock.at = datetime(years, 5, 10, tzinfo=UTC)
    offered(office)
    return office


def offered(house: House, **changes: Any) -> Any:
    domains = {
        "院区": {"keys": KEYS},
        "费用": {"low": "0", "high": str(BIG), "step": "0.01"},
        "年龄": {"low": "0", "high": "120"},
    }
    words = {"person": "身份", "domains": domains, "reason": "供卫生统计", **changes}
    return house.private.offer(house.steward, T, OfferDraft(**words))


def count(micro: int = 1_000_000, **words: Any) -> PrivateQuestion:
    return PrivateQuestion(kind=PrivateKind.COUNT, micro=micro, **words)


def refused(attempt: Any) -> str:
    with pytest.raises(BeijiangError) as told:
        attempt()
    assert told.value.text.zh
    assert told.value.text.en
    return told.value.reason


@pytest.mark.threat("TM-06")
def test_a_person_counts_once_and_the_keys_are_those_that_were_said(clinic: House) -> None:
    answer = clinic.private.ask(clinic.analyst, T, count(by=("院区",)))
    by_key = {cell.keys[0]: cell for cell in answer.cells}
    assert list(by_key) == KEYS, "no key comes from the data, and none that was said is missing"
    # One row of each person counts, so the three groups hold the persons once; two of them are shown.
    assert abs(by_key["本院"].value + by_key["分院"].value - PERSONS) < 2 * FAR  # type: ignore[operator]
    noise = [int(cell.value or 0) for key, cell in by_key.items() if key.startswith("院")]
    zeros = sum(1 for n in noise if n == 0)
    assert len(noise) == 998
    assert max(map(abs, noise)) < FAR
    q = math.exp(-1)
    share = (1 - q) / (1 + q)  # of draws that are 0; 7 standard deviations are beyond 1 in 10^11
    assert abs(zeros - 998 * share) < 7 * math.sqrt(998 * share * (1 - share))
    assert any(n < 0 for n in noise)
    assert all(cell.high - cell.value == cell.value - cell.low == 3 for cell in answer.cells)  # type: ignore[operator]
    whole = clinic.private.ask(clinic.analyst, T, count(500_000))
    assert abs(whole.cells[0].value - PERSONS) < 2 * FAR  # type: ignore[operator]
    some = count(where=(Filter("院区", FilterOp.IN_, "本院,分院"), Filter("年龄", FilterOp.GTE, 200)))
    assert abs(clinic.private.ask(clinic.analyst, T, some).cells[0].value) < FAR  # type: ignore[arg-type]


def test_sums_beyond_32_bits_are_not_cut_off_and_means_stay_within_bounds(clinic: House) -> None:
    scale = BIG * 100  # of a step of 0.01, epsilon 1
    asked = PrivateQuestion(kind=PrivateKind.SUM, column="费用", micro=1_000_000)
    (cell,) = clinic.private.ask(clinic.analyst, T, asked).cells
    assert cell.value is not None
    assert abs(cell.value - PERSONS * BIG) < FAR * scale / 100
    assert cell.high > 2**39  # type: ignore[operator]
    assert clinic.private.estimate(clinic.analyst, T, asked).within == pytest.approx(3 * BIG, rel=0.01)
    mean = PrivateQuestion(kind=PrivateKind.MEAN, column="年龄", by=("院区",), micro=1_000_000)
    cells = {cell.keys[0]: cell for cell in clinic.private.ask(clinic.analyst, T, mean).cells}
    assert all(c.value is None or 0 <= c.low <= c.value <= c.high <= 120 for c in cells.values())  # type: ignore[operator]
    assert sum(c.value is None for c in cells.values()) > 900, "of an empty group nothing can be told"


def test_noise_keeps_its_promise() -> None:
    draws = add_noise([7] * 1000, 3, 300_000)
    scale = scale_of(3, 300_000)
    assert scale == pytest.approx(10)
    mean = sum(abs(n - 7) for n in draws) / 1000  # about the scale; its own deviation is 0.32
    assert 7 < mean < 13
    outside = sum(1 for n in draws if abs(n - 7) > within(scale, 0.05))
    assert outside < 50 + 7 * math.sqrt(1000 * 0.05 * 0.95)
    q = math.exp(-1 / 10)
    far = within(10, 0.05)
    assert 2 * q ** (far + 1) / (1 + q) <= 0.05 < 2 * q**far / (1 + q), "the interval is the smallest that holds"
    assert within(scale_of(1, 1_000_000_000), 0.05) == 0
    assert add_noise([2**40], 1, 1_000_000)[0] > 2**39


@pytest.mark.threat("TM-06")
def test_the_same_question_gets_the_same_answer_and_costs_nothing(clinic: House) -> None:
    first = clinic.private.ask(
        clinic.analyst, T, count(by=("院区",), where=(Filter("院区", FilterOp.IN_, "本院,分院"),))
    )
    again = count(by=("院区", "院区"), where=(Filter("院区", FilterOp.IN_, ["分院", "本院"]),) * 2)
    for who in (clinic.analyst, clinic.reviewer, clinic.steward):
        same = clinic.private.ask(who, T, again)
        assert (same.cells, same.cost, same.id) == (first.cells, 0, first.id), "averaging gains nothing"
    _, budget = clinic.private.shown(clinic.analyst, T)
    assert (budget.spent, budget.left, budget.total_spent) == (1_000_000, 3_000_000, 1_000_000)
    assert budget.spenders == {}, "what others spend is the owner's to know"
    assert clinic.private.shown(clinic.steward, T)[1].spenders == {"health": 1_000_000}
    clinic.clock.advance(timedelta(seconds=1))
    assert clinic.private.ask(clinic.analyst, T, count(999_999)).cost == 999_999, "another epsilon is another question"
    assert [s.micro for s in clinic.private.ledger(clinic.analyst, T)][:2] == [999_999, 1_000_000]
    assert clinic.private.ledger(clinic.reviewer, T) == []
    recorded = clinic.records(action="protection.private_ask")[0]
    assert recorded.detail["cost"] == "0.999999"
    assert "epsilon" in str(recorded.detail["question"])


@pytest.mark.threat("TM-06")
def test_a_budget_that_is_used_up_says_what_is_left_and_when_it_renews(clinic: House) -> None:
    offered(clinic, consumer_epsilon="1.5", total_epsilon="2")
    clinic.private.ask(clinic.analyst, T, count())
    with pytest.raises(Conflict) as told:
        clinic.private.ask(clinic.analyst, T, count(600_000))
    assert told.value.reason == "budget_used_up"
    day = period_of(clinic.clock.now().date(), 3)[1].isoformat()
    assert told.value.detail == {"left": "0.5", "cost": "0.6", "renews": day}
    assert day in told.value.text.zh
    clinic.private.ask(clinic.reviewer, T, count(900_000))
    assert clinic.private.shown(clinic.analyst, T)[1].left == 100_000, "all together have a limit too"
    clinic.private.estimate(clinic.analyst, T, count())
    offered(clinic)
    assert clinic.private.shown(clinic.analyst, T)[1].spent == 1_000_000, "a new offer gives nothing back"
    clinic.clock.advance(timedelta(days=100))
    assert clinic.private.shown(clinic.analyst, T)[1].left == 4_000_000


@pytest.mark.threat("TM-06")
def test_writers_at_once_spend_no_more_than_there_is(clinic: House) -> None:
    offered(clinic, consumer_epsilon="1", total_epsilon="1")
    ends: list[str] = []

    def ask(i: int) -> None:
        try:
            ends.append(str(clinic.private.ask(clinic.analyst, T, count(300_000 + i)).cost))
        except BeijiangError as error:
            ends.append(error.reason)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends.count("budget_used_up") == 5, ends
    assert clinic.private.shown(clinic.analyst, T)[1].left < 300_000


@pytest.mark.threat("TM-06")
def test_two_writers_on_postgresql(make_house: Any, tmp_path: Path, postgres_url: str) -> None:
    house = make_house(tmp_path, postgres_url)
    house.clock.at = datetime(2026, 11, 10, tzinfo=UTC)
    house.write(T, visits()[:60], SCHEMA)
    offered(house, consumer_epsilon="0.5", domains={"院区": {"keys": ["本院"]}})
    gate, ends = threading.Barrier(2), []

    def ask(micro: int) -> None:
        gate.wait()
        try:
            ends.append(house.private.ask(house.analyst, T, count(micro)).cost)
        except Conflict as error:
            ends.append(error.reason)

    threads = [threading.Thread(target=ask, args=(micro,)) for micro in (400_000, 450_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends.count("budget_used_up") == 1, ends
    house.close()


@pytest.mark.threat("TM-06")
def test_a_killed_answer_is_spent_and_can_be_asked_again(clinic: House) -> None:
    victim = Path(__file__).with_name("private_victim.py")
    home, moment = clinic.settings.home.parent, clinic.clock.now()
    done = run([sys.executable, str(victim), str(home), T, moment.isoformat()])
    assert done.returncode == -9
    assert clinic.private.shown(clinic.analyst, T)[1].spent == 310_000
    asked = count(310_000)
    assert refused(lambda: clinic.private.ask(clinic.analyst, T, asked)) == "being_answered"
    clinic.clock.advance(timedelta(minutes=11))
    assert clinic.private.ask(clinic.analyst, T, asked).cost == 310_000
    assert clinic.private.shown(clinic.analyst, T)[1].spent == 620_000
    assert [s.cells is None for s in clinic.private.ledger(clinic.analyst, T)][:2] == [False, True]


@pytest.mark.threat("TM-13")
def test_who_may_offer_agree_and_ask(clinic: House) -> None:
    private = clinic.private
    assert [o.table for o, _ in private.offers(clinic.analyst)] == [T]
    for who in (clinic.member, clinic.audit, clinic.system_admin, clinic.security):
        with pytest.raises(Denied):
            private.ask(who, T, count())
    for who in (clinic.analyst, clinic.stranger, clinic.reviewer):
        with pytest.raises((Denied, NotFound)):
            private.offer(who, T, OfferDraft(person="身份", domains={"院区": {"keys": ["本院"]}}, reason="x"))
        with pytest.raises((Denied, NotFound)):
            private.withdraw(who, T, "x")
    assert refused(lambda: private.ask(clinic.analyst, "没有这张表", count())) == "private_not_offered"
    assert refused(lambda: private.approve(clinic.reviewer, T)) == "nothing_to_approve"
    clinic.protection.correct(clinic.steward, T, "诊断", level="L4", kind="health", reason="诊断是健康信息")
    made = offered(clinic, domains={"诊断": {"keys": ["甲", "乙"]}})
    assert (made.level, made.approved, (made.expires - clinic.clock.now().date()).days < 95) == (4, False, True)
    assert refused(lambda: private.ask(clinic.analyst, T, count())) == "private_not_offered"
    assert refused(lambda: private.ask(clinic.steward, T, count())) == "offer_not_in_force"
    with pytest.raises(Denied):
        private.approve(clinic.steward, T)
    assert private.approve(clinic.reviewer, T).approved_by == clinic.reviewer.id
    answer = private.ask(clinic.analyst, T, count(by=("诊断",)))
    assert [cell.keys for cell in answer.cells] == [("甲",), ("乙",)]
    clinic.clock.advance(timedelta(days=95))
    assert refused(lambda: private.ask(clinic.analyst, T, count())) == "private_not_offered"
    offered(clinic)
    clinic.protection.correct(clinic.steward, T, "年龄", level="L3", kind="other_personal", reason="更严")
    assert refused(lambda: private.ask(clinic.analyst, T, count())) == "offer_outdated"
    lowered(clinic.protection, clinic.steward, T, "年龄", level="L2", kind="other_personal", reason="还原")
    clinic.protection.restrict(clinic.steward, T, [Filter("院区", FilterOp.EQ, "分院")], reason="只看分院")
    hidden = private.ask(clinic.analyst, T, count(where=(Filter("院区", FilterOp.EQ, "本院"),)))
    assert abs(hidden.cells[0].value) < FAR, "rows that a rule keeps back do not count"  # type: ignore[arg-type]
    clinic.protection.lift(clinic.steward, clinic.protection.rules(clinic.steward, T).rules[0].id, "还原", table=T)
    private.withdraw(clinic.steward, T, "不再提供")
    assert refused(lambda: private.ask(clinic.analyst, T, count())) == "private_not_offered"
    assert private.offers(clinic.analyst) == []
    assert refused(lambda: private.withdraw(clinic.steward, T, "x")) == "private_not_offered"
    acts = {r.action for r in clinic.records(target=T)}
    assert acts >= {"protection.private_offer", "protection.private_approve", "protection.private_withdraw"}


def test_what_does_not_fit_is_refused_before_anything_is_spent(clinic: House) -> None:
    private, who = clinic.private, clinic.analyst
    money = {"low": "0", "high": "10"}
    for code, changes in (
        ("reason_needed", {"reason": " "}),
        ("unknown_column", {"person": "无"}),
        ("unknown_column", {"domains": {"无": money}}),
        ("bad_offer", {"domains": {"身份": {"keys": ["p1"]}}}),
        ("bad_domain", {"domains": {"院区": money}}),
        ("bad_domain", {"domains": {"费用": {"low": "5", "high": "5"}}}),
        ("bad_domain", {"domains": {"费用": {"low": "0", "high": "1e30"}}}),
        ("bad_domain", {"domains": {"费用": {"low": "0", "high": "x"}}}),
        ("bad_domain", {"domains": {"费用": {**money, "step": "0"}}}),
        ("bad_domain", {"domains": {"费用": {"keys": ["1"], **money}}}),
        ("bad_rows_per_person", {"rows_per_person": 21}),
        ("bad_epsilon", {"consumer_epsilon": "5"}),
        ("bad_epsilon", {"total_epsilon": "-1"}),
    ):
        assert refused(lambda c=changes: offered(clinic, **c)) == code, changes
    with pytest.raises(NotFound):
        offered(clinic, domains={"院区": {"code_set": "没有的代码集"}})
    for code, question in (
        ("unknown_column", count(by=("身份",))),
        ("unknown_column", count(where=(Filter("身份", FilterOp.EQ, "p1"),))),
        ("group_unit", count(by=("年龄",))),
        ("measure_type", PrivateQuestion(kind=PrivateKind.SUM, micro=1000)),
        ("measure_type", PrivateQuestion(kind=PrivateKind.SUM, column="院区", micro=1000)),
        ("measure_type", count(column="年龄")),
        ("filter_value", count(where=(Filter("院区", FilterOp.EQ, "别处"),))),
        ("filter_value", count(where=(Filter("年龄", FilterOp.EQ, 30),))),
        ("filter_value", count(where=(Filter("年龄", FilterOp.GT, "x"),))),
        ("bad_epsilon", count(1_000_001)),
        ("bad_epsilon", count(999)),
    ):
        assert refused(lambda q=question: private.ask(who, T, q)) == code, question
    offered(clinic, domains={"院区": {"keys": KEYS}, "诊断": {"keys": ["甲", "乙"]}})
    if clinic.private.shown(clinic.steward, T)[0].needs_approval:
        private.approve(clinic.reviewer, T)
    assert refused(lambda: private.ask(who, T, count(by=("院区", "诊断")))) == "too_many_cells"
    assert private.shown(who, T)[1].spent == 0
    with pytest.raises(Invalid):
        Domain.from_json({})
    assert months_after(datetime(2026, 11, 30, tzinfo=UTC).date(), 3).isoformat() == "2027-02-28"
    assert answering.cells_of(private.shown(who, T)[0], count()) == 1


def test_over_http_and_at_the_terminal(clinic: House) -> None:
    app = FastAPI()

    @app.middleware("http")
    async def who(request: Request, call_next: Any) -> Any:
        request.state.actor = getattr(clinic, request.headers.get("x-actor", "analyst"))
        return await call_next(request)

    @app.exception_handler(BeijiangError)
    async def told(_request: Request, error: BeijiangError) -> JSONResponse:
        return JSONResponse({"code": error.reason, "detail": error.detail}, status_code=error.status)

    app.include_router(routes.private(clinic.private))
    door, url, steward = TestClient(app), f"/api/v1/tables/{T}/private", {"x-actor": "steward"}
    order = {
        "person": "身份",
        "domains": {"院区": {"keys": ["本院"]}, "年龄": {"low": "0", "high": "120"}},
        "reason": "统计",
    }
    made = door.put(url, json=order, headers=steward).json()
    assert (made["level"], made["domains"]["院区"], made["budget"]["left"]) == ("L2", {"keys": ["本院"]}, "4")
    assert door.put(url, json=order).status_code == 404
    assert door.put(url, json={**order, "by": "x"}, headers=steward).status_code == 422
    assert door.get("/api/v1/private").json()["offers"][0]["table"] == T
    asked = {"kind": "mean", "column": "年龄", "by": ["院区"], "epsilon": "1"}
    told_before = door.post(f"{url}/estimate", json=asked).json()
    assert (told_before["cells"], told_before["cost"], told_before["within"] < 1) == (1, "1", True)
    answer = door.post(f"{url}/questions", json=asked).json()
    assert (answer["cost"], answer["cells"][0]["keys"]) == ("1", ["本院"])
    assert door.post(f"{url}/questions", json=asked).json()["cost"] == "0"
    assert door.post(f"{url}/questions", json={**asked, "epsilon": "9"}).json()["code"] == "bad_epsilon"
    assert door.get(f"{url}/questions").json()["questions"][0]["cells"] == answer["cells"]
    assert door.get(url, headers={"x-actor": "member"}).status_code == 403
    reviewer = {"x-actor": "reviewer"}
    assert door.post(f"{url}/approval", headers=reviewer).json()["code"] == "changed_since_seen"
    once = door.get(url, headers=reviewer).json()["seen"]
    assert door.post(f"{url}/approval?seen={once}", headers=reviewer).json()["code"] == "nothing_to_approve"
    clinic.protection.correct(clinic.steward, T, "诊断", level="L4", kind="health", reason="诊断是健康信息")
    grave = {"person": "身份", "domains": {"诊断": {"keys": ["甲", "乙"]}}, "reason": "统计"}
    assert door.put(url, json=grave, headers=steward).json()["approved"] is False
    for seen in ("", once):
        refusal = door.post(f"{url}/approval", params={"seen": seen}, headers=reviewer)
        assert (refusal.status_code, refusal.json()["code"]) == (409, "changed_since_seen")
    shown = door.get(url, headers=reviewer).json()
    assert shown["approved"] is False, "nothing was decided unseen"
    assert door.post(f"{url}/approval?seen={shown['seen']}", headers=reviewer).json()["approved"] is True
    lowered(clinic.protection, clinic.steward, T, "诊断", level="L2", kind="other_personal", reason="还原")

    group = commands.private(lambda: clinic.private, lambda: clinic.access)
    terminal.set_style(as_json=False, language=Language.ZH)
    words = [
        "offer",
        T,
        "--person-column",
        "身份",
        "--domain",
        "院区=本院,分院",
        "--domain",
        "费用=0..100/0.5",
        "--reason",
        "x",
    ]
    done = CliRunner().invoke(group, words)
    assert done.exit_code == 0, done.output
    assert "院区、费用" in done.stdout
    assert T in CliRunner().invoke(group, ["list"]).stdout
    ask = ["ask", T, "--kind", "sum", "--column", "费用", "--by", "院区", "--where", "费用__gte=1", "--epsilon", "0.5"]
    assert "599" in CliRunner().invoke(group, [*ask, "--estimate"]).stdout
    assert "花费 ε 0.5" in CliRunner().invoke(group, ask).output
    assert "花费 ε 0。" in CliRunner().invoke(group, ask).output
    assert "sum 费用 by 院区 费用__gte=1" in CliRunner().invoke(group, ["ledger", T]).stdout
    terminal.set_style(as_json=True, language=Language.ZH)
    assert json.loads(CliRunner().invoke(group, ask).stdout)[0]["cost"] == "0"
    assert CliRunner().invoke(group, ["withdraw", T, "--reason", "结束"]).exit_code == 0
