"""Documents of which every revision is kept: one of them in force, none changed, and no two that follow the same one."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Boolean, Column, Connection, Integer, MetaData, String, Table, create_engine, func, select

from beijiang.db import Revisions
from beijiang.kit import Conflict

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
