"""Two processes seal one log on PostgreSQL: whoever waited for the other goes on where it ended, also at a turn of the year."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from beijiang.evidence import Evidence
from waiting import until

from .conftest import STEWARD
from .test_tree import Sealed

COUNT = 5
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


class Two:
    """Two sealers of one log, and somebody who writes to it and seals nothing."""

    def __init__(self, folder: Path, url: str) -> None:
        self.one, self.other = Sealed(folder, url), Sealed(folder, url)
        self.one.db.create_all()
        self.clock = self.other.sealer.clock = self.one.clock
        self.writer = Evidence(self.one.db, self.clock, folder / "evidence")
        _ = self.one.sealer.keys.signers, self.other.sealer.keys.signers  # made before either begins

    def note(self) -> None:
        for number in range(COUNT):
            self.writer.note(STEWARD, "catalog.note", target=f"表{number}", detail={"n": number})
        self.writer.flush()

    def seal_at_once(self) -> None:
        """Let one seal; before it commits, the other begins to, and stands behind it."""
        behind = threading.Thread(target=self.other.sealer.seal)
        with self.one.db.begin(counted=False) as tx:
            assert self.one.sealer._seal_piece(tx) >= COUNT
            behind.start()
            until(self._one_waits)
        behind.join()

    def _one_waits(self) -> bool:
        with self.one.db.read() as connection:
            return bool(connection.execute(WAITING).scalar())

    def shards(self) -> list[tuple[str, int]]:
        report = self.one.evidence.check()
        assert report.ok, report.problems
        with self.one.db.read() as connection:
            return [
                tuple(row) for row in connection.execute(text("SELECT name, first FROM evidence_shard ORDER BY first"))
            ]  # type: ignore[misc]

    def close(self) -> None:
        self.writer.close()
        self.other.close()
        self.one.close()


@pytest.fixture
def two(tmp_path: Path, postgres_url: str) -> Iterator[Two]:
    made = Two(tmp_path, postgres_url)
    yield made
    made.close()


def test_the_first_shard_is_begun_once(two: Two) -> None:
    two.note()
    two.seal_at_once()
    assert two.shards() == [("2026", 1)]


def test_a_new_year_is_begun_once(two: Two) -> None:
    two.note()
    sealed = two.one.sealer.seal()
    two.clock.at = datetime(2027, 1, 1, tzinfo=UTC)
    two.note()
    two.seal_at_once()
    assert two.shards() == [("2026", 1), ("2027", sealed + 1)]
