"""Documents of which every revision is kept: one of them in force, none changed, and no two that follow the same one."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import Boolean, Column, Connection, Integer, MetaData, String, Table, create_engine, func, select, text
from sqlalchemy.exc import IntegrityError

from beijiang.db import Revisions, metadata
from beijiang.kit import Conflict
from waiting import until

paper = Table(
    "paper",
    MetaData(),
    Column("id", String, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("is_current", Boolean, nullable=False),
    Column("retired", Boolean, nullable=False),
    Column("words", String, nullable=False),
)


class Papers(Revisions[str]):
    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, paper, lambda row: f"{row.words}{row.revision}")

    def say(self, name: str, revision: int, words: str, *, retired: bool = False) -> None:
        self.put({"id": name, "revision": revision, "words": words, "retired": retired})


def test_the_newest_is_in_force_and_those_before_stay(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'papers.db'}")
    paper.metadata.create_all(engine)
    with engine.begin() as connection:
        papers = Papers(connection)
        papers.say("b", 1, "old")
        papers.say("a", 1, "first")
        papers.say("b", 2, "new")
        assert papers.in_force() == ["first1", "new2"]
        assert papers.in_force(paper.c.words == "new") == ["new2"]
        assert papers.in_force(by=(paper.c.words.desc(),)) == ["new2", "first1"]
        assert (papers.get("b"), papers.get("b", 1), papers.get("b", 3), papers.get("c")) == (
            "new2",
            "old1",
            None,
            None,
        )
        assert papers.history("b") == ["old1", "new2"]
        papers.say("b", 3, "end", retired=True)
        assert papers.in_force() == ["first1"]
        assert papers.get("b") == "end3", "whoever asks by name is told that it ended"
        current = select(func.count()).where(paper.c.is_current)
        assert connection.execute(current).scalar_one() == 2, "one of each"
    engine.dispose()


@pytest.mark.parametrize("revision", [1, 3])
def test_a_revision_that_does_not_follow_the_newest_is_refused_and_changes_nothing(
    tmp_path: Path, revision: int
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'papers.db'}")
    paper.metadata.create_all(engine)
    with engine.begin() as connection:
        papers = Papers(connection)
        papers.say("a", 1, "mine")
        with pytest.raises(Conflict) as refused:
            papers.say("a", revision, "yours")
        assert refused.value.reason == "changed_meanwhile"
        assert refused.value.text.zh
        assert papers.history("a") == [papers.get("a")] == ["mine1"]
    engine.dispose()


@pytest.mark.parametrize("revision", [1, 2])
def test_of_two_that_change_at_once_the_second_is_told_so(postgres_url: str, revision: int) -> None:
    engine = create_engine(postgres_url)
    paper.metadata.create_all(engine)
    with engine.begin() as connection:
        for number in range(1, revision):
            Papers(connection).say("a", number, "old")
    said: list[str] = []

    def other() -> None:
        with engine.begin() as connection:
            papers = Papers(connection)
            with pytest.raises(Conflict) as refused:
                papers.say("a", revision, "yours")
            said.extend([refused.value.reason, *papers.history("a")])  # its transaction goes on

    waits = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )

    def is_waiting() -> bool:
        with engine.connect() as connection:
            return bool(connection.execute(waits).scalar_one())

    second = threading.Thread(target=other)
    with engine.begin() as connection:
        Papers(connection).say("a", revision, "mine")
        second.start()
        until(is_waiting)
    second.join(90)
    assert said == ["changed_meanwhile", *["old1"][: revision - 1], f"mine{revision}"]
    with engine.connect() as connection:
        assert Papers(connection).get("a") == f"mine{revision}"
    engine.dispose()


def test_another_rule_of_the_table_that_is_broken_is_not_taken_for_a_change(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'papers.db'}")
    paper.metadata.create_all(engine)
    with engine.begin() as connection, pytest.raises(IntegrityError):
        Papers(connection).put({"id": "a", "revision": 1, "words": None, "retired": False})
    engine.dispose()


def test_every_table_of_revisions_keeps_two_of_one_number_apart() -> None:
    """The key of a table is what a second change at once runs into."""
    import beijiang.build  # noqa: F401 - every store declares its tables

    marks = {"id", "revision", "is_current"}
    kept = [table for table in metadata.tables.values() if marks <= {c.name for c in table.c}]
    others = {
        "assess_mark",
        "column_grade",
    }  # whose id is that of one revision, and which are written by stores of their own
    assert len(kept) >= 9 + len(others)
    assert {table.name for table in kept if {c.name for c in table.primary_key} != {"id", "revision"}} == others
