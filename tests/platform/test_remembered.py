"""What is remembered of the database never outlives a change, whoever made it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beijiang.db import Database, Remembered
from beijiang.kit import Invalid

NOTE = sa.Table("note", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("value", sa.Integer))


class Desk:
    """One process: its own connections and its own memory."""

    def __init__(self, url: str) -> None:
        self.db = Database(url)
        self.reads = 0
        self.known: Remembered[int | None] = Remembered(self.db, 2)

    def look(self, key: int) -> int | None:
        def read(connection: sa.Connection) -> int | None:
            self.reads += 1
            found: int | None = connection.execute(sa.select(NOTE.c.value).where(NOTE.c.id == key)).scalar_one_or_none()
            return found

        return self.known.get(key, read)

    def write(self, key: int, value: int | None) -> None:
        with self.db.begin() as tx:
            tx.execute(sa.delete(NOTE).where(NOTE.c.id == key))
            if value is not None:
                tx.execute(sa.insert(NOTE).values(id=key, value=value))


@pytest.fixture(params=["sqlite", "postgres"])
def desks(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Desk, Desk]]:
    url = f"sqlite:///{tmp_path / 'metadata.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    one, two = Desk(url), Desk(url)
    one.db.create_all()
    with one.db.begin() as tx:
        NOTE.create(tx.connection)
    yield one, two
    one.db.close()
    two.db.close()


STEPS = st.lists(
    st.tuples(st.booleans(), st.integers(0, 3), st.one_of(st.just("look"), st.none(), st.integers(0, 9))), max_size=30
)


@given(STEPS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_look_shows_the_last_change_of_either_process(
    desks: tuple[Desk, Desk], steps: list[tuple[bool, int, str | int | None]]
) -> None:
    truth: dict[int, int | None] = {}
    for key in range(4):
        desks[0].write(key, None)
    for first, key, what in steps:
        desk = desks[0 if first else 1]
        if isinstance(what, str):
            assert desk.look(key) == truth.get(key)
        else:
            desk.write(key, what)
            truth[key] = what


def test_a_change_that_was_rolled_back_changes_nothing_and_the_log_is_not_counted(desks: tuple[Desk, Desk]) -> None:
    one, two = desks
    one.write(1, 7)
    assert [two.look(1) for _ in range(3)] == [7, 7, 7]
    assert two.reads == 1
    with pytest.raises(sa.exc.IntegrityError), one.db.begin() as tx:
        tx.execute(sa.insert(NOTE).values([{"id": 1, "value": 8}]))
    with one.db.begin(counted=False) as tx:
        tx.execute(sa.insert(NOTE).values(id=9, value=0))
    assert (two.look(1), two.reads) == (7, 1)
    one.write(2, 1)
    assert (two.look(1), two.reads) == (7, 2)


def test_a_snapshot_is_one_connection_and_leaves_nothing_old_behind(desks: tuple[Desk, Desk]) -> None:
    """What is remembered inside of a snapshot counts as read when it was opened, however late it was looked at."""
    one, two = desks
    one.write(1, 7)
    with two.db.snapshot():
        with two.db.read() as first, two.db.snapshot(), two.db.read() as second:
            assert first is second
        one.write(1, 8)
        assert two.look(1) in {7, 8}  # PostgreSQL shows each statement what is committed
    assert two.look(1) == 8
    with two.db.read() as after:
        assert after is not first


def test_a_number_that_cannot_be_kept_is_the_senders_fault(desks: tuple[Desk, Desk]) -> None:
    with pytest.raises(Invalid, match="too large") as told, desks[0].db.begin() as tx:
        tx.execute(sa.insert(NOTE).values(id=1, value=1 << 80))
    assert (told.value.reason, told.value.status) == ("number_too_large", 422)


def test_readers_beside_a_writer_never_see_less_than_was_there_when_they_asked(desks: tuple[Desk, Desk]) -> None:
    writer, reader = desks
    committed, done, late = [0], threading.Event(), []

    def look() -> None:
        while not done.is_set():
            least = committed[0]
            found = reader.look(1) or 0
            if found < least:
                late.append((found, least))

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for value in range(1, 60):
        writer.write(1, value)
        committed[0] = value
    done.set()
    for thread in threads:
        thread.join()
    assert late == []
    assert reader.look(1) == 59


def test_nobody_writes_past_the_unit_of_work_which_counts_the_changes() -> None:
    root = Path(__file__).parents[2] / "src" / "beijiang"
    past = [p for p in root.rglob("*.py") if "db" not in p.relative_to(root).parts[:1] and "db.engine" in p.read_text()]
    assert past == []
