"""Writes of rows: what a program sends is landed as it came and taken in by a run, like a file that a person hands in."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any, Final

from beijiang.ingest import RunMode
from beijiang.kit import Conflict, Denied, Invalid, NotFound
from beijiang.opendata.ckan import rowquestions
from beijiang.opendata.ckan.intake import Handed, moved_on, rows_told
from beijiang.opendata.ckan.parameters import Parameters, missing, wrong
from beijiang.opendata.ckan.reading import not_found
from beijiang.protection import files
from beijiang.tables import NUMBER, STATE_COLUMNS, VALID_TO, Filter, FilterOp, Sift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.kit import Actor
    from beijiang.opendata.ckan.datastore import Datastore, Opened
    from beijiang.opendata.ckan.intake import Accepted, Intake
    from beijiang.tables import TableInfo, Tables

__all__ = ["RowWrites"]

MOST: Final = 32_000
"""Records of one call."""
_AGAIN: Final = 0.2
"""Seconds after which it is looked again whether the newest version may be read."""
_CREATE: Final = frozenset(
    ["resource_id", "resource", "fields", "records", "primary_key", "force", "aliases", "indexes"]
)
_UPSERT: Final = frozenset(["resource_id", "records", "method", "force"])
_DELETE: Final = frozenset(["resource_id", "filters", "force"])
_MODES: Final = {"upsert": RunMode.MERGE, "insert": RunMode.APPEND}


class RowWrites:
    """Take rows in as CKAN's clients write them; checks, quarantine and review are those of every other run."""

    def __init__(self, intake: Intake, tables: Tables, rows: Datastore) -> None:
        self.intake = intake
        self._tables = tables
        self._rows = rows

    def datastore_create(self, actor: Actor, asked: Parameters) -> dict[str, Any] | Accepted:
        """Take in the first rows of an entry: its table is made, and what is published is decided by review, not by a key.

        Raises:
            NotFound: there is no such entry that this actor may see.
            Denied: no key, or one that may not hand in rows for the department.
            Invalid: no records, or what they say does not fit.
            Conflict: the entry has a table already, or the run was stopped.

        """
        self.intake.signed_in(actor)
        asked.only(_CREATE, code="unexpected_field")
        found = self.intake.found(actor, _target(asked))
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
        handed = Handed(_lines(records), key, RunMode.MERGE if key else RunMode.APPEND)
        run = self.intake.first(actor, asked, found, handed)
        return self.intake.told(found, run, rows_told(found, run, columns, "insert"))

    def datastore_upsert(self, actor: Actor, asked: Parameters) -> dict[str, Any] | Accepted:
        """Take rows in: ``upsert`` replaces those of the same key by whole rows, ``insert`` adds to a table without a key.

        Raises:
            NotFound: there is no such entry that this actor may see, or it has no table.
            Denied: no key, or one that may not hand in rows for the department.
            Invalid: no records, a method that there is not, a column that the table does not have, or of a row that is to
                be replaced one that was not sent.
            Conflict: the method does not fit the table, or the run was stopped.

        """
        self.intake.signed_in(actor)
        asked.only(_UPSERT, code="unexpected_field")
        method = asked.text("method", "upsert")
        if method not in _MODES:
            raise wrong(
                "method",
                "可用 upsert 与 insert；update 不支持，请用 upsert 写完整的行。",
                "Must be upsert or insert; update is not supported, send whole rows by upsert",
            )
        found = self.intake.found(actor, asked.needed("resource_id"))
        if found.table is None or not found.facts.version:
            raise not_found("resource")
        records = _records(asked)
        table = self._tables.get(actor, found.table)
        if method == "upsert" and not table.key:
            raise wrong("method", "数据表没有主键，请用 insert。", "The table has no key; use insert", "no_key")
        own = STATE_COLUMNS if table.history else ()  # what a table that keeps its history says by itself
        columns = [column.name for column in table.columns if column.name not in own]
        _fits(columns, records, whole=method == "upsert")
        mode = RunMode.HISTORY if table.history and method == "upsert" else _MODES[method]
        run = self.intake.take(actor, asked, found, Handed(_lines(records), table.subject, mode))
        return self.intake.told(found, run, rows_told(found, run, _columns(asked, records), method))

    def datastore_delete(self, actor: Actor, asked: Parameters) -> dict[str, Any] | Accepted:
        """Take out the rows that fit ``filters``, as a run and a version of its own; the version before still has them.

        Rows are told by what the actor sees of them, as in ``datastore_search``, and leave by their keys.

        Raises:
            NotFound: there is no such entry that this actor may see, or it has no rows for them.
            Denied: no key, or one that may not hand in rows for the department.
            Invalid: no filters, or of another form; or more rows fit than a call may take out.
            Conflict: the table has no key, or this actor sees it masked; or it was written to meanwhile, or the run was stopped.

        """
        self.intake.signed_in(actor)
        asked.only(_DELETE, code="unexpected_field")
        found = self.intake.found(actor, asked.needed("resource_id"))
        if found.table is None or not found.facts.version:
            raise not_found("resource")
        if not asked.json("filters"):
            raise wrong(
                "filters",
                "请写明条件 filters。整表不由接口清空：撤下数据集用 package_delete，换一份文件用 resource_update。",
                "Say which rows by filters. A table is not emptied by a call: package_delete takes a data set offline, "
                "resource_update puts another file in its place",
                "filters_needed",
            )
        self.intake.may_hand_in(actor, found.provider_id)
        table = self._tables.get(actor, found.table)
        key = table.subject
        _named_by_key(asked, key)
        try:
            opened = self._current(actor, asked, table.name)
        except NotFound:
            raise Denied(
                "您或此密钥不能读取这张表，无法按条件找出要删除的行。请为密钥加上 protection:rows:read_own。",
                "You, or this key, may not read the table, so rows cannot be found by filters. Give the key protection:rows:read_own.",
                code="may_not_read",
            ) from None
        _told_apart(opened, (*key, VALID_TO) if table.history else key)
        rows = self._leaving(opened, table, asked)
        named: dict[str, Any] = {"resource_id": asked.needed("resource_id"), "filters": asked.json("filters")}
        if not rows:
            return {**named, "package_id": found.id, "deleted": 0, "run": None}
        handed = Handed(_lines(rows), key, RunMode.REMOVE, upon=opened.governed.version)
        run = self.intake.take(actor, asked, found, handed)
        return self.intake.told(found, run, {**named, "deleted": run.report.get("rows_removed")})

    def _current(self, actor: Actor, asked: Parameters, table: str) -> Opened:
        """Open the newest version of a table: one that was written a moment ago is graded before anybody reads it.

        Raises:
            NotFound: this actor may not read it.
            Conflict: others keep writing to it (``table_moved_on``).

        """
        until = asked.came + self.intake.patience
        while True:
            newest = self._tables.get(actor, table).version
            opened = self._rows.opened(actor, asked.needed("resource_id"))
            if opened.governed.version >= newest:
                return opened
            if time.monotonic() >= until:
                raise moved_on()
            time.sleep(_AGAIN)

    def _leaving(self, opened: Opened, table: TableInfo, asked: Parameters) -> list[dict[str, Any]]:
        """Return the keys of the rows that fit, of their states the one that holds; the receipt learns what was read."""
        fits = rowquestions.question(asked).filters
        if table.history:
            fits = (*fits, Filter(VALID_TO, FilterOp.ISNULL))
        sift = Sift(filters=fits, columns=table.subject, distinct=True, size=MOST + 1)
        found = opened.governed.sift(sift)
        if found.rows.num_rows > MOST:
            raise wrong(
                "filters",
                f"符合条件的超过 {MOST:,} 行，请缩小条件分次删除，或用 resource_update 换一份文件。",
                f"More than {MOST:,} rows fit. Narrow the filters and go by parts, or put another file in place by resource_update",
                "too_many_records",
            )
        records = files.records(found.rows, self._rows.zone)
        rows = [{name: value for name, value in one.items() if name != NUMBER} for one in records]
        content = _lines(rows)
        asked_for = json.dumps(asked.json("filters"), ensure_ascii=False, sort_keys=True).encode()
        digests = {"request": hashlib.sha256(asked_for).hexdigest(), "response": hashlib.sha256(content).hexdigest()}
        opened.governed.delivered(digests, len(content))
        return rows


def _named_by_key(asked: Parameters, key: Sequence[str]) -> None:
    """Refuse to take rows out by their places: each write moves them, so that others leave than those that were seen."""
    filters = asked.json("filters")
    if isinstance(filters, dict) and NUMBER in filters:
        names = "、".join(key)[:200]
        raise wrong(
            "filters",
            f"{NUMBER} 是行在某一版中的位置，每次写入都会变动，不能据此删除。请按主键写条件{f'（{names}）' if names else ''}。",
            f"{NUMBER} is the place of a row in one version and moves with every write, so nothing is taken out by it. "
            f"Name the rows by the key{f' ({names})' if names else ''}",
            "row_number",
        )


def _told_apart(opened: Opened, key: Sequence[str]) -> None:
    """Return if the rows can be named by keys that this reader has as they are."""
    if not key:
        raise Conflict(
            "数据表没有主键，不能按条件删除行。请用 resource_update 换一份不含这些行的文件。",
            "The table has no key, so rows cannot be taken out by filters. Put a file without them in its place by resource_update.",
            code="no_key",
        )
    plain = {column.name for column in opened.governed.columns if not column.masked}
    hidden = [name for name in key if name not in plain]
    if hidden:
        raise Conflict(
            f"主键列“{hidden[0][:60]}”对您脱敏或不可见，不能由您按条件删除行。请由本部门的汇聚人员处理。",
            f"You see the key column {hidden[0][:60]} masked or not at all, so you cannot name rows to take out. "
            "Ask those who hand in data for the department.",
            code="key_hidden",
        )


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
        return "".join(json.dumps(one, ensure_ascii=False, default=str) + "\n" for one in records).encode()
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
