"""A look at a source that breaks off does not wait for rows to be typed of which nothing comes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from beijiang.ingest import Sync, SyncMode
from beijiang.ingest.connectors import Feed
from beijiang.ingest.service.fetching import Landed, Since, fetch
from beijiang.kit import Text, Unavailable

SCHEMA = pa.schema([("k", pa.int64())])
SYNC = Sync(
    id="syn_1",
    source_id="src_1",
    source_name="源",
    org_id="education",
    feed="t",
    table="表",
    mode=SyncMode.FULL,
    key=(),
    columns=(),
    cursor="",
    overlap="",
    deletes=False,
    deletes_every=1,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


class Breaking:
    """A source that gives its rows and is gone before it has counted them."""

    schema = SCHEMA
    consistent = True

    @contextmanager
    def open(self, _wanted: Any) -> Iterator[Any]:
        yield self

    @contextmanager
    def twin(self) -> Iterator[Any]:
        yield self

    def position(self) -> None:
        return None

    def batches(self) -> Iterator[pa.RecordBatch]:
        yield pa.record_batch([pa.array([1, 2])], schema=SCHEMA)

    def fingerprint(self) -> Any:
        raise Unavailable("断了", "gone", code="source_unreachable")


def test_what_is_typed_meanwhile_stops_when_the_source_is_gone(tmp_path: Path) -> None:
    source: Any = Breaking()
    stopped: list[bool] = []

    def meanwhile(landed: Landed) -> dict[str, Any]:
        landed.tick(0, Text("", ""))
        stopped.append(landed.given_up.wait(60))
        with pytest.raises(CancelledError):
            landed.tick(1, Text("", ""))
        return {}

    with pytest.raises(Unavailable):
        fetch(
            source,
            SYNC,
            Feed(name="t"),
            since=Since(),
            folder=tmp_path,
            tally=lambda *_: pytest.fail("nothing is counted here"),
            held=None,
            tick=lambda *_: None,
            meanwhile=meanwhile,
        )
    assert stopped == [True]
