"""A log on a real database: SQLite in a folder, and PostgreSQL from the wheel."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from beijiang.db import Database
from beijiang.evidence import Evidence
from beijiang.kit import Actor, ActorKind, FixedClock

STEWARD = Actor(
    id="per_1", name="王丽", kind=ActorKind.PERSON, org_id="bigdata", roles=frozenset({"steward"}), session_id="ses_1"
)


@dataclass
class Log:
    db: Database
    evidence: Evidence
    clock: FixedClock
    folder: Path

    @property
    def head_file(self) -> Path:
        return self.folder / "heads.log"

    def write(self, count: int, action: str = "table.write") -> list[str]:
        """Record ``count`` writes, one transaction each."""
        ids = []
        for number in range(count):
            with self.db.begin() as tx:
                ids.append(
                    self.evidence.record(
                        tx, STEWARD, action, target=f"表{number}", detail={"行": number}, purpose="入库"
                    )
                )
        return ids

    def read_once(self, target: str = "人口") -> str:
        return self.evidence.record_read(
            STEWARD,
            exit="page",
            target=target,
            version=3,
            policy="p" * 64,
            columns=("姓名", "年龄"),
            rows=None,
            grade="L2",
            purpose="核对",
        )


@pytest.fixture(params=["sqlite", "postgres"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    url = f"sqlite:///{tmp_path / 'metadata.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    db = Database(url)
    db.create_all()
    clock = FixedClock(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
    evidence = Evidence(db, clock, tmp_path / "evidence")
    yield Log(db, evidence, clock, tmp_path / "evidence")
    evidence.close()
    db.close()
