"""Writes of rows: what a program sends is landed as it came and taken in by a run, like a file that a person hands in."""

from __future__ import annotations

import io
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.catalog import tidy_name
from beijiang.ingest import IngestRequest, RunMode, RunState
from beijiang.kit import BeijiangError, Conflict, Denied, Invalid, NotFound, new_id
from beijiang.opendata.ckan.dicts import ROWS
from beijiang.opendata.ckan.parameters import Parameters, missing, wrong
from beijiang.opendata.ckan.reading import not_found

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.access import Access
    from beijiang.catalog import Catalog, Resource
    from beijiang.ingest import Ingest, Run
    from beijiang.kit import Actor
    from beijiang.tables import Tables

__all__ = ["Accepted", "RowWrites"]

MOST: Final = 32_000
"""Records of one call."""
PATIENCE: Final = 20.0
"""Seconds from the moment a call came until it is answered, whether its run has ended by then or not."""
_CREATE: Final = frozenset(
    ["resource_id", "resource", "fields", "records", "primary_key", "force", "aliases", "indexes"]
)
_UPSERT: Final = frozenset(["resource_id", "records", "method", "force"])
_MODES: Final = {"upsert": RunMode.MERGE, "insert": RunMode.APPEND}


@dataclass(frozen=True, slots=True)
class Accepted:
    """Rows that were landed and wait for their run; the result tells which one to look at."""

    result: Mapping[str, Any]


class RowWrites:
    """Take rows in as CKAN's clients write them; checks, quarantine and review are those of every other run."""

    def __init__(self, catalog: Catalog, ingest: Ingest, tables: Tables, access: Access) -> None:
        self._catalog = catalog
        self._ingest = ingest
        self._tables = tables
        self._access = access
        self.patience = PATIENCE

    def datastore_create(self, actor: Actor, asked: Parameters) -> dict[str, Any] | Accepted:
        """Take in the first rows of an entry: its table is made, and what is published is decided by review, not by a key.

        Raises:
            NotFound: there is no such entry that this actor may see.
            Denied: no key, or one that may not hand in rows for the department.
            Invalid: no records, or what they say does not fit.
            Conflict: the entry has a table already, or the run was stopped.

        """
        self._signed_in(actor)
        asked.only(_CREATE, code="unexpected_field")
        found = self._found(actor, _target(asked))
        if found.facts.version:
            raise Conflict(
                "这条目录已有数据表，请用 datastore_upsert 写入。",
                "This entry has its table already; write by datastore_upsert.",
                code="table_there",
            )
        records = _records(asked)
        key = tuple(dict.fromkeys(asked.texts("primary_key")))
        columns = _columns(asked, records)
        records = [dict.fromkeys(columns) | one for one in records]
        unknown = [name for name in key if name not in columns]
        if unknown:
            raise wrong("primary_key", f"没有列“{unknown[0][:60]}”。", f"There is no column {unknown[0][:60]}")
        for right in (Permission.INGEST_FILE_LAND, Permission.INGEST_RUN_SUBMIT, Permission.JOBS_JOB_SUBMIT):
            self._access.require(actor, right, found.provider_id)
        table = found.table or tidy_name(found.entry.name)
        self._catalog.bind(actor, found.id, table)
        try:
            run = self._take(actor, asked, found, table, records, key, RunMode.MERGE if key else RunMode.APPEND)
        except BeijiangError:
            if found.table is None:
                self._catalog.unbind(actor, found.id, table)
            raise
        return self._told(found, run, columns, "insert")

    def datastore_upsert(self, actor: Actor, asked: Parameters) -> dict[str, Any] | Accepted:
        """Take rows in: ``upsert`` replaces those of the same key by whole rows, ``insert`` adds to a table without a key.

        Raises:
            NotFound: there is no such entry that this actor may see, or it has no table.
            Denied: no key, or one that may not hand in rows for the department.
            Invalid: no records, a method that there is not, a column that the table does not have, or of a row that is to
                be replaced one that was not sent.
            Conflict: the method does not fit the table, or the run was stopped.

        """
        self._signed_in(actor)
        asked.only(_UPSERT, code="unexpected_field")
        method = asked.text("method", "upsert")
        if method not in _MODES:
            raise wrong(
                "method",
                "可用 upsert 与 insert；update 不支持，请用 upsert 写完整的行。",
                "Must be upsert or insert; update is not supported, send whole rows by upsert",
            )
        found = self._found(actor, asked.needed("resource_id"))
        if found.table is None or not found.facts.version:
            raise not_found("resource")
        records = _records(asked)
        table = self._tables.get(actor, found.table)
        key = tuple(table.key)
        if method == "upsert" and not key:
            raise wrong("method", "数据表没有主键，请用 insert。", "The table has no key; use insert", "no_key")
        _fits([column.name for column in table.columns], records, whole=method == "upsert")
        run = self._take(actor, asked, found, found.table, records, key, _MODES[method])
        return self._told(found, run, _columns(asked, records), method)

    def _signed_in(self, actor: Actor) -> None:
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        if actor.is_anonymous:
            raise Denied("请携带密钥。", "Send a key to write.", code="unauthenticated")

    def _found(self, actor: Actor, resource_id: str) -> Resource:
        try:
            return self._catalog.get(actor, resource_id.removesuffix(f"-{ROWS}"))
        except NotFound:
            raise not_found("resource") from None

    def _take(
        self,
        actor: Actor,
        asked: Parameters,
        found: Resource,
        table: str,
        records: Sequence[dict[str, Any]],
        key: tuple[str, ...],
        mode: RunMode,
    ) -> Run:
        """Land the records as they came and wait a while for the run that takes them in.

        Equal rows that are added by two calls are two rows: the second call is neither refused nor taken for the first.
        """
        landed = self._ingest.land(actor, io.BytesIO(_lines(records)), f"ckan-{found.id}.ndjson", found.provider_id)
        adds = mode is RunMode.APPEND
        request = IngestRequest(
            files=(landed.sha256,),
            into=table,
            org_id=found.provider_id,
            key=key,
            mode=mode,
            reason=f"CKAN datastore {new_id('call')}" if adds else "CKAN datastore",
            again=adds,
        )
        submitted = self._ingest.submit(actor, request)
        run = self._ingest.watch(actor, submitted, max(0.0, asked.came + self.patience - time.monotonic()))
        if run.ended and run.state is not RunState.COMMITTED:
            said = run.error or {}
            raise Conflict(
                f"这批数据没有入库（批次 {run.id}）：{said.get('zh') or '未通过的行太多，已隔离'}。请到“批次”页查看并修正后重试。",
                f"The rows were not taken in (run {run.id}): {said.get('en') or 'too many did not pass and are in quarantine'}. "
                "Look at the run, mend them and send again.",
                code="run_stopped",
                detail={"field": "records", "run": run.id},
            )
        return run

    def _told(self, found: Resource, run: Run, columns: Sequence[str], method: str) -> dict[str, Any] | Accepted:
        told = {
            "resource_id": f"{found.id}-{ROWS}",
            "package_id": found.id,
            "method": method,
            "fields": [{"id": name} for name in columns],
            "primary_key": list(run.key),
            "run": {"id": run.id, "state": run.state.value, "version": run.version, "report": dict(run.report)},
        }
        if run.ended:
            return told
        waits = (
            f"这批数据已收下，批次 {run.id} 还没有执行完。请勿重发，稍后查看 /api/v1/ingest/runs/{run.id}。",
            f"The rows were handed in; run {run.id} has not ended yet. Do not send them again, look at /api/v1/ingest/runs/{run.id} later.",
        )
        return Accepted({**told, "message": list(waits)})


def _target(asked: Parameters) -> str:
    """Return the entry meant: ``resource_id``, or ``resource`` with its ``package_id``."""
    resource = asked.json("resource")
    if isinstance(resource, dict) and isinstance(resource.get("package_id"), str):
        return str(resource["package_id"])
    return asked.needed("resource_id")


def _records(asked: Parameters) -> list[dict[str, Any]]:
    found = asked.json("records")
    if not found:
        raise missing("records")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise wrong("records", "records 应是由对象组成的列表。", "Must be a list of objects")
    if len(found) > MOST:
        raise Invalid(
            f"一次最多 {MOST:,} 行，请分批。",
            f"At most {MOST:,} records a call; send them in parts.",
            code="too_many_records",
            detail={"field": "records"},
        )
    return [{key: value for key, value in one.items() if key != "_id"} for one in found]


def _columns(asked: Parameters, records: Sequence[dict[str, Any]]) -> list[str]:
    """Return the columns in the order in which they were declared, then in that of the records."""
    listed = asked.json("fields") if "fields" in asked else None
    if not isinstance(listed or [], list) or not all(_names(one) for one in listed or []):
        raise wrong(
            "fields",
            "fields 应是由对象组成的列表，每个对象的 id 是列名。",
            "Must be a list of objects, each with a name as id",
        )
    return list(dict.fromkeys([*(one["id"] for one in listed or []), *(key for one in records for key in one)]))


def _names(one: object) -> bool:
    return isinstance(one, dict) and isinstance(one.get("id"), str) and bool(one["id"].strip())


def _lines(records: Sequence[dict[str, Any]]) -> bytes:
    """Return the records as they are landed, one a line."""
    try:
        return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records).encode()
    except (ValueError, RecursionError):  # half of a pair of UTF-16, or nested without end
        raise wrong(
            "records", "records 中有无法保存的文字或嵌套过深。", "Holds text that is no Unicode, or is nested too deep"
        ) from None


def _fits(columns: Sequence[str], records: Sequence[dict[str, Any]], *, whole: bool) -> None:
    """Refuse a column that the table does not have, and a row without one of them: a run would make it, or empty it."""
    listed = frozenset(columns)
    for number, one in enumerate(records, 1):
        sent = {key.strip() for key in one}
        strange = next((key for key in sent if key not in listed), None)
        if strange is not None:
            raise wrong(
                "records",
                f"第 {number} 条记录的列“{strange[:60]}”不在数据表中；表的列为：{'、'.join(columns)[:400]}。请更正列名，新列请通过平台的导入添加。",
                f"Record {number} has the column {strange[:60]}, which the table does not have; it has {', '.join(columns)[:400]}. "
                "Mend the name; new columns come by the platform's ingest",
                "unknown_column",
            )
        lacking = next((name for name in columns if whole and name not in sent), None)
        if lacking is not None:
            raise wrong(
                "records",
                f"第 {number} 条记录缺少列“{lacking[:60]}”。upsert 按整行替换，请写全所有列；要清空的列请写 null。",
                f"Record {number} lacks the column {lacking[:60]}. Upsert replaces whole rows: send every column, null for what is to be empty",
                "column_not_sent",
            )
