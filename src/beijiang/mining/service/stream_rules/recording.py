"""The history of a stream's alerts as a lake table, so that it is catalogued, graded, shared and drawn like any other."""

from __future__ import annotations

import logging
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.kit import Actor, BeijiangError, Conflict, new_id
from beijiang.mining.models import AlertQuery, AlertState, RuleDraft, RuleKind, Severity
from beijiang.mining.service.stream_rules.base import Base
from beijiang.mining.store import CopyStore, ReadingAlertStore
from beijiang.tables import CommitRequest, Origin, TableWriter, Use, WriteMode, WriterKind

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Recording"]

log = logging.getLogger(__name__)

_ROWS: Final = 10_000
_EVERY: Final = timedelta(seconds=10)
_COMMENTS: Final = {
    "预警编号": "预警的唯一编号",
    "规则": "发出预警的规则",
    "类型": "越限、趋势突变或传感器失联",
    "级别": "提示、预警或严重",
    "传感器": "规则的传感器列的值",
    "触发时间": "触发预警的读数的时间",
    "恢复时间": "读数恢复的时间，空为持续中",
    "触发时数值": "触发时的数值",
    "期间最值": "持续期间最不利的数值",
    "触发值": "规则的触发值",
    "处理状态": "待确认、处理中或已办结",
    "确认时间": "有人确认的时间",
}
_FIGURES: Final = ("触发时数值", "期间最值")


class Recording(Base):
    """Keep a table of alerts up to date."""

    def record_into(self, actor: Actor, stream: str, table: str) -> None:
        """Have the alerts of a stream written into a new table of the department, seconds after something happens to one.

        Names of people are not in it. Its columns are as sensitive as those of the stream that they were made from.

        Raises:
            Conflict: there is a table of that name, or the stream has one (``table_exists``).

        """
        found = self.streams.stream(actor, stream)
        self.access.require(actor, Permission.MINING_RULE_MANAGE, found.org_id)
        self.access.require(actor, Permission.TABLES_TABLE_WRITE, found.org_id)
        name = table.strip()
        with self.db.read() as connection:
            known = CopyStore(connection).copies()
        if any(one.stream_id == found.id or one.table_name == name for one in known) or (
            not name or self.tables.schema(actor, name) is not None or self.tables.writers_of(name)
        ):
            raise Conflict(
                "表名为空、已被使用，或这个数据流的预警已有记录表。",
                "The name is empty or taken, or the alerts of this stream have a table already.",
                code="table_exists",
            )
        with self.db.begin() as tx:
            CopyStore(tx.connection).add(found.id, found.org_id, name, actor, self.clock.now())
            self.evidence.record(tx, actor, "mining.alert_record", target=found.id, detail={"table": name})

    def writer_of(self, table: str) -> TableWriter | None:
        """Tell that a table keeps the alerts of a stream; others ask before they begin to fill it."""
        with self.db.read() as connection:
            found = next((one for one in CopyStore(connection).copies() if one.table_name == table), None)
        return None if found is None else TableWriter(WriterKind.ALERTS, found.stream_id, table, found.org_id)

    def write_records(self, *, at_once: bool = False) -> None:
        """Bring the tables of alerts up to date where something has happened; each at most every ten seconds."""
        now = self.clock.now()
        with self.db.read() as connection:
            copies = CopyStore(connection).copies()
        for copy in copies:
            last = self._recorded.get(copy.stream_id)
            if not at_once and last is not None and timedelta() <= now - last < _EVERY:
                continue
            self._recorded[copy.stream_id] = now
            try:
                self._write(copy)
            except BeijiangError as error:
                log.warning("the alerts of stream %s could not be written into their table: %s", copy.stream_id, error)

    def _write(self, copy: Any) -> None:
        with self.db.read() as connection:
            store = ReadingAlertStore(connection)
            digest = store.digest(copy.stream_id)
            if digest == copy.digest:
                return
            rows = store.find(AlertQuery(stream=copy.stream_id, limit=_ROWS), [copy.org_id])
        if not rows:
            return
        made = _table(rows)
        folder = self.home / "staging" / new_id("ral")
        folder.mkdir(parents=True)
        try:
            import pyarrow.parquet as pq

            pq.write_table(made, folder / "part-00000.parquet", compression="zstd")
            self.tables.commit(
                self.access.current(Actor.from_json(copy.owner)),
                CommitRequest(
                    table=copy.table_name,
                    org_id=copy.org_id,
                    staged=(folder / "part-00000.parquet",),
                    schema=made.schema,
                    mode=WriteMode.REPLACE,
                    run_id=new_id("run"),
                    reason="读数预警有更新",
                    comments=_COMMENTS,
                    derived=_origins(rows),
                ),
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        with self.db.begin() as tx:
            CopyStore(tx.connection).note(copy.stream_id, digest)


def _origins(rows: list[Any]) -> dict[str, tuple[Origin, ...]]:
    """Say which columns of the stream's table the columns of the alerts were made from."""
    table = rows[0].table_name
    keys, values = set(), set()
    for draft in (RuleDraft.from_json(row.draft) for row in rows):  # each alert as its rule was then
        keys.add(draft.key)
        values |= {draft.value} if draft.value else set()
    figures = tuple(Origin(table, name, Use.AGGREGATION) for name in sorted(values))
    found = {"传感器": tuple(Origin(table, name, Use.IDENTITY) for name in sorted(keys))}
    return found | (dict.fromkeys(_FIGURES, figures) if figures else {})


def _table(rows: list[Any]) -> pa.Table:
    import pyarrow as pa

    moment = pa.timestamp("us", "UTC")
    schema = pa.schema(
        [
            (name, moment if name.endswith("时间") else pa.float64() if name in {*_FIGURES, "触发值"} else pa.string())
            for name in _COMMENTS
        ]
    )
    return pa.Table.from_pylist([_record(row) for row in rows], schema=schema)


def _record(row: Any) -> dict[str, Any]:
    draft = RuleDraft.from_json(row.draft)
    return {
        "预警编号": row.id,
        "规则": draft.name,
        "类型": draft.kind.text.zh,
        "级别": Severity(row.severity).text.zh,
        "传感器": row.sensor,
        "触发时间": row.raised_at,
        "恢复时间": row.cleared_at,
        "触发时数值": row.figure,
        "期间最值": row.peak,
        "触发值": None if draft.kind is RuleKind.MISSING else draft.level,
        "处理状态": AlertState(row.state).text.zh,
        "确认时间": row.acknowledged_at,
    }
