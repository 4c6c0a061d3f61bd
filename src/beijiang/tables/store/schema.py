"""Which column types a lake table may have, and what must happen to a table's columns to take new rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from beijiang.engine.binding import type_name
from beijiang.kit import Invalid, Text
from beijiang.tables.models import HIDDEN, STATE_COLUMNS, Column, SchemaPlan, SchemaStep, StepKind, WriteMode

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TYPE_MARK", "check_schema", "plan_schema", "result_schema", "visible_columns", "word_of"]

TYPE_MARK: Final = b"beijiang.type"
"""Field metadata that tells a geometry (GeoJSON text) from plain text."""
MAX_NAME: Final = 200
MAX_COLUMNS: Final = 5_000
_CHINESE: Final = {
    "text": "文本",
    "integer": "整数",
    "decimal": "定点数",
    "double": "浮点数",
    "boolean": "布尔",
    "date": "日期",
    "timestamp": "时间",
}


def word_of(field: pa.Field) -> str:
    """Return the platform's word for a column's type."""
    import pyarrow as pa

    kind = field.type
    if (field.metadata or {}).get(TYPE_MARK) == b"geometry":
        return "geometry"
    checks = (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "integer"),
        (pa.types.is_decimal, "decimal"),
        (pa.types.is_floating, "double"),
        (pa.types.is_date, "date"),
        (pa.types.is_timestamp, "timestamp"),
    )
    return next((word for check, word in checks if check(kind)), "text")


def visible_columns(schema: pa.Schema, comments: Mapping[str, str]) -> tuple[Column, ...]:
    """Return the columns that people see, in order, the technical ones left out."""
    return tuple(
        Column(field.name, word_of(field), field.nullable, comments.get(field.name, ""))
        for field in schema
        if field.name not in HIDDEN
    )


def check_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema in lake types (plain text for dictionaries, moments in UTC), or say what cannot be stored.

    Raises:
        Invalid: unknown type, empty or over-long name, names that differ in case only, too many columns, no column.

    """
    import pyarrow as pa

    shown = [field for field in schema if field.name not in HIDDEN]
    if not shown or len(schema) > MAX_COLUMNS:
        raise Invalid(
            f"表需要 1 至 {MAX_COLUMNS} 列，现有 {len(shown)} 列。请检查表头。",
            f"A table needs 1 to {MAX_COLUMNS} columns; there are {len(shown)}. Check the header.",
            code="column_count",
        )
    seen: dict[str, str] = {}
    for field in schema:
        _check_name(field.name, seen)
    return pa.schema([_lake_field(field) for field in schema])


def _check_name(name: str, seen: dict[str, str]) -> None:
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise Invalid(
            f"列名 {name[:40]!r} 不可用：列名需为 1 至 {MAX_NAME} 个可显示字符。请修改表头。",
            f"The column name {name[:40]!r} cannot be used: 1 to {MAX_NAME} printable characters. Change the header.",
            code="column_name",
        )
    other = seen.setdefault(name.casefold(), name)
    if other is not name:
        raise Invalid(
            f"列名 {other} 与 {name} 相同或仅大小写不同，查询时无法区分。请改名后重试。",
            f"The columns {other} and {name} are the same or differ in case only. Rename one and try again.",
            code="column_names_collide",
            detail={"columns": [other, name]},
        )


def _lake_field(field: pa.Field) -> pa.Field:
    import pyarrow as pa

    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind):
        kind = pa.string()
    if pa.types.is_timestamp(kind):
        kind = pa.timestamp("us", "UTC")
    try:
        type_name(kind)
    except TypeError:
        raise Invalid(
            f"列 {field.name} 的类型 {kind} 不能存入数据表。请转换为文本、数值、布尔、日期或时间。",
            f"Column {field.name} has the type {kind}, which tables cannot hold. Make it text, number, boolean, date or time.",
            code="column_type",
            detail={"column": field.name},
        ) from None
    mark = (field.metadata or {}).get(TYPE_MARK)
    return pa.field(field.name, kind, nullable=True, metadata={TYPE_MARK: mark} if mark else None)


def plan_schema(table: str, old: pa.Schema | None, new: pa.Schema, mode: WriteMode) -> SchemaPlan:
    """Describe what a commit of ``new`` would do to the columns ``old``; both in lake types.

    Append and merge never lose anything: they add columns, and cast incoming values to the stored type where that is
    lossless. Replace may also widen; narrowing and dropping stop until the plan is accepted.
    """
    if old is None:
        return _plan(table, (), None)
    new = _stored(new, mode)
    steps: list[SchemaStep] = []
    for field in new:
        if field.name not in old.names:
            steps.append(_add(field))
        elif old.field(field.name).type != field.type:
            steps.append(_change(old.field(field.name), field, mode))
    missing = [field for field in old if field.name not in new.names and field.name not in HIDDEN]
    steps += [_missing(field, mode) for field in missing]
    return _plan(table, steps, _advice(mode) if any(s.stops for s in steps) else None)


def result_schema(old: pa.Schema | None, new: pa.Schema, mode: WriteMode) -> pa.Schema:
    """Return the table's columns after the commit, the moments of states included: the new ones for replace, otherwise the old ones and what is added."""
    new = _stored(new, mode)
    if old is None or mode is WriteMode.REPLACE:
        return new
    for field in new:
        if field.name not in old.names:
            old = old.append(field)
    return old


def _stored(new: pa.Schema, mode: WriteMode) -> pa.Schema:
    """Return the incoming columns with those that the lake adds itself."""
    import pyarrow as pa

    if mode is not WriteMode.HISTORY:
        return new
    return pa.schema([*new, *(pa.field(name, pa.timestamp("us", "UTC")) for name in STATE_COLUMNS)])


def _words(kind: pa.DataType) -> Text:
    """Return a type's name for people."""
    import pyarrow as pa

    word = word_of(pa.field("x", kind))
    shape = f"({kind.precision},{kind.scale})" if pa.types.is_decimal(kind) else ""
    return Text(_CHINESE[word] + shape, word + shape)


def _add(field: pa.Field) -> SchemaStep:
    kind = type_name(field.type)
    word = _words(field.type)
    text = Text(
        f"新增列 {field.name}（{word.zh}），已有的行为空值",
        f"Add column {field.name} ({word.en}); rows so far have no value",
    )
    return SchemaStep(StepKind.ADD, field.name, None, kind, stops=False, text=text)


def _missing(field: pa.Field, mode: WriteMode) -> SchemaStep:
    kind = type_name(field.type)
    if mode is WriteMode.REPLACE:
        text = Text(f"删除列 {field.name}", f"Column {field.name} is dropped")
        return SchemaStep(StepKind.DROP, field.name, kind, None, stops=True, text=text)
    text = Text(
        f"来件没有列 {field.name}，新增的行为空值", f"The new rows lack column {field.name}; they have no value in it"
    )
    return SchemaStep(StepKind.MISSING, field.name, kind, kind, stops=False, text=text)


def _change(old: pa.Field, new: pa.Field, mode: WriteMode) -> SchemaStep:
    before, after = type_name(old.type), type_name(new.type)
    was, will = _words(old.type), _words(new.type)
    zh, en = f"{was.zh} → {will.zh}", f"{was.en} → {will.en}"
    if mode is not WriteMode.REPLACE and _lossless(new.type, old.type):
        text = Text(
            f"列 {new.name} 的来件按已有类型（{was.zh}）存入", f"Column {new.name} is stored as {was.en}, as before"
        )
        return SchemaStep(StepKind.CAST, new.name, before, before, stops=False, text=text)
    if mode is WriteMode.REPLACE and _lossless(old.type, new.type):
        text = Text(f"列 {new.name} 放宽类型：{zh}", f"Column {new.name} takes a wider type: {en}")
        return SchemaStep(StepKind.WIDEN, new.name, before, after, stops=False, text=text)
    text = Text(f"列 {new.name} 改变类型：{zh}", f"Column {new.name} changes its type: {en}")
    return SchemaStep(StepKind.NARROW, new.name, before, after, stops=True, text=text)


def _lossless(source: pa.DataType, target: pa.DataType) -> bool:
    """Tell whether every value of ``source`` has an exact equal in ``target``."""
    import pyarrow as pa

    if pa.types.is_string(target):
        return True
    if pa.types.is_integer(source):
        if pa.types.is_integer(target):
            return bool(source.bit_width <= target.bit_width)
        digits = {8: 3, 16: 5, 32: 10, 64: 19}[source.bit_width]
        return bool(pa.types.is_decimal(target) and target.precision - target.scale >= digits)
    if pa.types.is_decimal(source) and pa.types.is_decimal(target):
        whole = source.precision - source.scale <= target.precision - target.scale
        return bool(whole and source.scale <= target.scale)
    return bool(pa.types.is_float32(source) and pa.types.is_float64(target))


def _advice(mode: WriteMode) -> Text:
    if mode is WriteMode.HISTORY:
        return Text(
            "保留历史的表不能改变已有列的类型。请更正来件中该列的值，或取到一张新表，旧表留作历史。",
            "A table that keeps its history cannot change the type of a column. Mend the column's values, or take the rows into a new table and leave this one as it is.",
        )
    if mode is WriteMode.REPLACE:
        return Text(
            "确认可以接受后，用同样的数据和此方案编号（accept_plan）再次提交。",
            "If this is acceptable, commit the same rows again with this plan's token (accept_plan).",
        )
    return Text(
        "追加与合并不能改变已有列的类型。请更正来件中该列的值，或用 replace 方式以新类型重建整张表。",
        "Append and merge cannot change the type of a column. Mend the column's values, or rebuild the table by replace.",
    )


def _plan(table: str, steps: Sequence[SchemaStep], next_step: Text | None) -> SchemaPlan:
    content = [[s.kind.value, s.column, s.before, s.after] for s in steps]
    token = hashlib.sha256(json.dumps([table, content], ensure_ascii=False).encode()).hexdigest()[:16]
    return SchemaPlan(table, tuple(steps), token, next_step)
