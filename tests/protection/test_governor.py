"""The governor and the answers that are kept: turns are fair, bounded and told; nothing is shared that must not be."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beijiang.engine import Stop
from beijiang.kit import (
    Actor,
    ActorKind,
    BeijiangError,
    Conflict,
    Invalid,
    Refused,
    SystemClock,
    Throttled,
    Unavailable,
)
from beijiang.protection import Audience, QueryClass, QueryOrder
from beijiang.protection.models.results import export_rows
from beijiang.protection.models.walls import function_words, parse, timeless
from beijiang.protection.service.answers import Answers
from beijiang.protection.service.governor import Governor
from beijiang.settings import Settings
from beijiang.tables import Filter, FilterOp

sys.path.insert(0, str(Path(__file__).parent))
if TYPE_CHECKING:
    from conftest import House

FIRMS = "企业登记信息"


def somebody(name: str) -> Actor:
    return Actor(name, name, ActorKind.PERSON, "health", frozenset({"analyst"}))


def governor(tmp_path: Path, **changes: Any) -> Governor:
    return Governor(
        Settings.for_tests(tmp_path, **{"query_at_once": 2, "query_wait_seconds": 5.0, **changes}), SystemClock()
    )


def test_a_full_queue_is_told_at_once_and_a_long_wait_in_time(tmp_path: Path) -> None:
    rules = governor(tmp_path, query_at_once=1, query_queue=1, query_wait_seconds=0.2)
    with ExitStack() as open_:
        first = open_.enter_context(rules.admit(somebody("a"), QueryOrder()))
        open_.enter_context(first.turn())
        second = open_.enter_context(rules.admit(somebody("b"), QueryOrder()))
        with pytest.raises(Throttled) as full, rules.admit(somebody("c"), QueryOrder()):
            pass
        assert (full.value.reason, full.value.status) == ("query_queue_full", 429)
        assert int(str(full.value.detail["retry_after"])) >= 1
        with pytest.raises(Unavailable) as late, second.turn():
            pass
        assert (late.value.reason, late.value.status) == ("query_busy", 503)
    assert not rules.open()
    with rules.admit(somebody("c"), QueryOrder()) as third, third.turn():
        assert [one.state.value for one in rules.open()] == ["running"]


def test_nobody_takes_all_places_and_pages_come_before_the_background(tmp_path: Path) -> None:
    rules = governor(tmp_path, query_person_at_once=1, query_queue=40, query_wait_seconds=240.0)
    turns: list[tuple[float, str]] = []
    lock, running, peak = threading.Lock(), {"greedy": 0}, {"greedy": 0}
    gate = threading.Event()

    def query(name: str, door: QueryClass) -> None:
        with rules.admit(somebody(name), QueryOrder(door=door)) as ticket, ticket.turn():
            with lock:
                turns.append((ticket.since, f"{name} {door}"))
                running[name] = running.get(name, 0) + 1
                peak[name] = max(peak.get(name, 0), running[name])
            gate.wait(240)
            with lock:
                running[name] -= 1

    with ThreadPoolExecutor(20) as pool:
        held = [pool.submit(query, name, QueryClass.BACKGROUND) for name in ("x", "y")]
        while len([one for one in rules.open() if one.state.value == "running"]) < 2:
            time.sleep(0.01)
        waiting = [pool.submit(query, f"p{i}", QueryClass.BACKGROUND) for i in range(3)]
        waiting += [pool.submit(query, "greedy", QueryClass.BACKGROUND) for _ in range(4)]
        while len(rules.open()) < 9:
            time.sleep(0.01)
        waiting += [pool.submit(query, f"q{i}", QueryClass.INTERACTIVE) for i in range(4)]
        while len(rules.open()) < 13:
            time.sleep(0.01)
        gate.set()
        for one in [*held, *waiting]:
            one.result(240)
    order = [name for _, name in sorted(turns)]  # as places were given, whenever the threads woke up
    assert peak["greedy"] == 1
    first = [name for name in order[2:] if "interactive" in name]
    assert len(first) == 4
    assert max(order.index(name) for name in first) <= 8, "four turns of five are theirs"
    assert any("background" in name for name in order[2:8]), "and the background is not starved"


def test_quotas_count_seconds_and_a_stop_reaches_who_waits(tmp_path: Path) -> None:
    rules = governor(tmp_path, query_at_once=1, query_person_seconds=0.05, query_wait_seconds=240.0)
    who, other = somebody("a"), somebody("b")
    with rules.admit(who, QueryOrder()) as ticket, ticket.turn():
        time.sleep(0.1)
    with pytest.raises(Throttled) as spent, rules.admit(who, QueryOrder()):
        pass
    assert spent.value.reason == "sql_quota"
    with (
        rules.admit(other, QueryOrder()) as busy,
        busy.turn(),
        rules.admit(somebody("c"), QueryOrder(id="stop-me")) as late,
    ):
        with pytest.raises(Conflict), rules.admit(somebody("d"), QueryOrder(id="stop-me")):
            pass
        threading.Timer(0.1, rules.stop, args=("stop-me",)).start()
        with pytest.raises(Conflict) as stopped, late.turn():
            pass
        assert stopped.value.reason == "query_cancelled"
        assert not rules.stop("nobody")


@dataclass(frozen=True)
class Thing:
    key: int
    nbytes: int


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 30_000)), max_size=40), st.integers(0, 60_000))
def test_kept_answers_are_never_anothers_and_never_too_many(asked: list[tuple[int, int]], size: int) -> None:
    answers: Answers[Thing] = Answers(size)
    made: dict[int, int] = {}
    for key, nbytes in asked:
        found, kept = answers.get(key, lambda key=key, nbytes=nbytes: Thing(key, nbytes), Stop())  # type: ignore[misc]
        assert found.key == key
        assert not kept or made[key] == found.nbytes
        made[key] = found.nbytes
        assert sum(max(4096, one.nbytes) for one in answers._held.values()) <= size


def test_of_many_who_ask_at_once_one_makes_the_answer() -> None:
    answers: Answers[Thing] = Answers(1 << 20)
    made, gate = [], threading.Event()

    def make() -> Thing:
        made.append(1)
        gate.wait(90)
        return Thing(1, 10)

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(answers.get, 1, make, Stop()) for _ in range(8)]
        time.sleep(0.2)
        gate.set()
        assert sorted(one.result(90)[1] for one in asked) == [False] + [True] * 7
    assert len(made) == 1

    def fail() -> Thing:
        gate.wait(90)
        raise Invalid("坏", "bad", code="query_failed")

    gate.clear()
    with ThreadPoolExecutor(4) as pool:
        failing = [pool.submit(answers.get, 2, fail, Stop()) for _ in range(4)]
        time.sleep(0.2)
        gate.set()
        for one in failing:
            assert isinstance(one.exception(90), Invalid)
    stop, begun, held = Stop(), threading.Event(), threading.Event()

    def hold() -> Thing:
        begun.set()
        assert held.wait(90)
        return Thing(3, 1)

    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(answers.get, 3, hold, Stop())
        assert begun.wait(90)
        follower = pool.submit(answers.get, 3, lambda: Thing(3, 2), stop)
        time.sleep(0.1)
        stop.ask()
        error = follower.exception(90)
        assert isinstance(error, BeijiangError)
        assert error.reason == "query_cancelled"
        held.set()
        assert leader.result(90)[0].nbytes == 1


@pytest.mark.threat("TM-03")
def test_readers_under_different_obligations_never_share_an_answer(house: House) -> None:
    """Every audience, mask and row rule makes a key of its own; the same obligations make the same one."""
    house.write_firms(60)
    house.publish(FIRMS)
    sql = f"SELECT 盟市, 法定代表人, 注册资本 FROM {FIRMS} ORDER BY 注册资本 NULLS LAST, 法定代表人"
    readers = [house.analyst, house.analyst_own, house.reviewer, house.steward]
    alone: dict[str, Any] = {}
    for reader in readers:
        found = house.sql.run(reader, sql)
        assert not found.cached or str(found.rows.to_pydict()) in alone.values(), reader.id
        alone[reader.id] = str(found.rows.to_pydict())
        again = house.sql.run(reader, sql)
        assert again.cached
        assert again.receipt != found.receipt
        assert str(again.rows.to_pydict()) == alone[reader.id]
    keys = set()
    bind = house.sql._binder.bind
    from beijiang.tables import Exit

    for changes in range(4):
        if changes == 1:
            house.protection.restrict(
                house.steward, FIRMS, [Filter("盟市", FilterOp.EQ, "包头市")], audience=None, reason="x"
            )
        elif changes == 2:
            house.protection.restrict(
                house.steward, FIRMS, [Filter("注册资本", FilterOp.GT, 5)], audience=Audience.SHARED, reason="x"
            )
        elif changes == 3:
            house.protection.correct(house.steward, FIRMS, "盟市", level="L3", kind=None, reason="x")
        key = bind(house.analyst, sql if changes < 3 else f"SELECT 注册资本 FROM {FIRMS}", "", Exit.SQL).key
        assert bind(house.analyst, sql if changes < 3 else f"SELECT 注册资本 FROM {FIRMS}", "", Exit.SQL).key == key
        keys.add(key)
    assert len(keys) == 4
    with pytest.raises(Invalid) as gone:
        house.sql.run(house.analyst, sql)
    assert gone.value.reason == "query_unbound", "a column that was taken away is not found in a kept answer"


def test_what_a_grade_lets_leave_as_a_file() -> None:
    from datetime import date

    today = date(2026, 3, 1)
    assert export_rows("L1", today, 500) == 500
    assert export_rows("L3", today, 100_000) == 10_000
    for grade, day in (("L4", today), ("L1", date(2020, 1, 1)), ("L9", today)):
        with pytest.raises(Refused) as refused:
            export_rows(grade, day, 500)
        assert refused.value.reason == "export_graded"


def test_every_function_that_is_offered_is_allowed() -> None:
    shapes = ("", "a", "a, b", "a, 3", "a, 3, 'x'", "a, b, c", "DATE a", "year FROM a", "'day', a", "'day', a, b")

    def allowed(word: str) -> bool:
        for shape in shapes:
            try:
                parse(f"SELECT {word}({shape})")
            except Refused:
                continue
            return True
        return False

    assert [word for word in function_words() if not allowed(word)] == []
    assert timeless(parse("SELECT a"))
    assert not timeless(parse("SELECT age(a)"))
