"""What was committed is told to everybody: by the thread that did, and before ``deliver_waiting`` returns, whoever tells it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from beijiang.db import Database
from beijiang.kit import Event


@dataclass(frozen=True)
class Happened(Event):
    name: str


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'metadata.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    made = Database(url)
    made.create_all()
    yield made
    made.close()


def publish(database: Database, name: str) -> None:
    with database.begin() as tx:
        tx.publish(Happened(name))


def test_whoever_asks_waits_for_what_another_thread_tells_just_now(database: Database) -> None:
    told: list[str] = []
    telling, may_end = threading.Event(), threading.Event()

    def hear(fact: Happened) -> None:
        telling.set()
        assert may_end.wait(60)
        told.append(fact.name)

    database.subscribe(Happened, "hearer", hear)
    teller = threading.Thread(target=publish, args=(database, "one"))
    teller.start()
    assert telling.wait(60)
    seen: list[list[str]] = []
    asker = threading.Thread(target=lambda: (database.deliver_waiting(), seen.append([*told])))
    asker.start()
    asker.join(0.3)
    assert asker.is_alive(), "it came back before the other thread had told"
    may_end.set()
    asker.join(60)
    teller.join(60)
    assert seen == [["one"]], "told once, and before whoever asked came back"
    assert database.deliver_waiting() == 0


def test_one_who_is_told_may_ask_without_waiting_for_himself(database: Database) -> None:
    told: list[str] = []

    def hear(fact: Happened) -> None:
        told.append(fact.name)
        assert database.deliver_waiting() == 1, "this one, which is being told"

    database.subscribe(Happened, "hearer", hear)
    publish(database, "one")
    assert told == ["one"]
    assert database.deliver_waiting() == 0


def test_what_failed_is_told_again_at_the_second_look(database: Database) -> None:
    told: list[str] = []
    works: list[bool] = []

    def hear(fact: Happened) -> None:
        if not works:
            msg = "not yet"
            raise RuntimeError(msg)
        told.append(fact.name)

    database.subscribe(Happened, "hearer", hear)
    publish(database, "one")
    works.append(True)
    known = database.deliver_again(frozenset())
    assert (len(known), told) == (1, []), "it might be at the hands of whoever committed it this moment"
    assert database.deliver_again(known) == known
    assert told == ["one"]
    assert database.deliver_again(known) == frozenset()


def test_what_is_written_inside_of_a_snapshot_is_told_at_once(database: Database) -> None:
    told: list[str] = []
    database.subscribe(Happened, "hearer", lambda fact: told.append(fact.name))
    with database.snapshot():
        publish(database, "inside")
        assert told == ["inside"]
