"""Put together what a visitor sees of one published entry: the entry as published, its release, and what the gate lets out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from beijiang.catalog import Entry, Item, OpenType, Published
from beijiang.kit import NotFound, Text
from beijiang.opendata import maps
from beijiang.opendata.models import Dataset, DatasetField, DataVersion, FieldState, Related, Theme
from beijiang.opendata.placing import chosen
from beijiang.standards import Licence, Standards
from beijiang.tables import HIDDEN, GovernedColumn, StepKind, TableVersion, WriteMode

__all__ = ["Parts", "data_versions", "dataset", "type_names"]

MEANINGS = 60
"""Permitted values listed in the dictionary; a longer code set is named only."""
COLUMN_TYPES = {
    "text": Text("文本", "text"),
    "integer": Text("整数", "integer"),
    "decimal": Text("小数", "decimal"),
    "double": Text("浮点数", "floating number"),
    "boolean": Text("是否", "yes or no"),
    "date": Text("日期", "date"),
    "timestamp": Text("日期时间", "date and time"),
    "geometry": Text("几何图形", "geometry"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a data set is made from; ``rows`` is the row count of the released version."""

    published: Published
    provider: Text
    related: tuple[Related, ...]
    rows: int
    columns: Sequence[GovernedColumn] | None
    """The columns that the gate lets this reader have; None when it lets none."""
    rows_held: bool


def dataset(parts: Parts, standards: Standards) -> Dataset:
    """Return the view of one published entry."""
    found = parts.published
    entry = found.version.entry
    return Dataset(
        id=found.resource_id,
        title=entry.name,
        summary=entry.summary,
        codes=found.version.codes,
        version=found.version.number,
        provider_id=entry.provider_id,
        provider=parts.provider,
        provider_code=entry.provider_code,
        inner_office=entry.inner_office,
        contact=entry.contact,
        themes=_themes(entry, standards),
        formats=_formats(entry, standards),
        share_type=entry.share_type.text if entry.share_type else None,
        share_condition=entry.share_condition or entry.no_share_basis,
        open_type=entry.open_type or OpenType.NOT_OPEN,
        open_condition=entry.open_condition,
        update_cycle=found.promise.cycle_name,
        promise=found.promise,
        licence=_licence(entry.licence, standards),
        region=_region(entry.region_code, standards),
        region_code=entry.region_code,
        time_span=entry.time_span,
        keywords=entry.keywords,
        related=parts.related,
        level=_level(entry, parts.columns),
        published_at=found.version.published_at,
        data_at=found.promise.data_at,
        table=found.table,
        table_version=found.table_version if parts.columns is not None else None,
        rows=parts.rows,
        items=_fields(entry, parts.columns, standards),
        readable=parts.columns is not None,
        rows_held=parts.rows_held,
        placed=maps.plan(parts.columns or ()) is not None,
        on_earth=chosen(parts.columns or ()) is not None,
        extensions=found.extensions,
    )


def _level(entry: Entry, columns: Sequence[GovernedColumn] | None) -> str | None:
    """Return the highest grade of the columns that go out; of a closed entry, that of all its items."""
    if columns:
        return max(c.grade for c in columns)
    return max((i.level for i in entry.items if i.level), default=None)


def _themes(entry: Entry, standards: Standards) -> tuple[Theme, ...]:
    """Return the groups (three digits) that the entry hangs under, the primary one first."""
    found: dict[str, Theme] = {}
    for code in entry.categories:
        group = code[:3]
        try:
            category = standards.category(group)
            found.setdefault(group, Theme(group, category.plain, 0, category.name))
        except NotFound:
            found.setdefault(group, Theme(group, Text(group, group), 0))
    return tuple(found.values())


def _formats(entry: Entry, standards: Standards) -> tuple[str, ...]:
    labels = {f.id: f.label for f in standards.formats()}
    return tuple(labels.get(name, name) for name in entry.formats)


def _licence(name: str, standards: Standards) -> Licence | None:
    try:
        return standards.licence(name) if name else None
    except NotFound:
        return None


def _region(code: str | None, standards: Standards) -> Text | None:
    try:
        region = standards.region(code) if code else None
    except NotFound:
        return None
    return Text(region.name, region.name_en) if region else None


def _fields(entry: Entry, columns: Sequence[GovernedColumn] | None, standards: Standards) -> tuple[DatasetField, ...]:
    """Return the dictionary in the order of the published items, with what this reader gets of each."""
    governed = {c.name: c for c in columns or ()}
    return tuple(_field(item, governed.get(item.column), standards) for item in entry.items)


def _field(item: Item, column: GovernedColumn | None, standards: Standards) -> DatasetField:
    kinds = {t.code: t.column_type for t in standards.item_types()}
    kind = column.type if column else kinds.get(item.type, item.type)
    state = FieldState.WITHHELD if column is None else FieldState.MASKED if column.masked else FieldState.OPEN
    return DatasetField(
        column=item.column,
        name=item.name,
        type=column.type if column else item.type,
        type_name=COLUMN_TYPES.get(kind, Text(kind, kind)),
        description=item.description or (column.comment if column else ""),
        level=column.grade if column else item.level,
        kind=column.kind if column else item.kind,
        mask=column.mask if column and column.masked else None,
        state=state,
        code_set=item.code_set,
        meanings=_meanings(item.code_set, standards),
    )


def _meanings(code_set: str | None, standards: Standards) -> tuple[tuple[str, Text], ...]:
    if not code_set:
        return ()
    try:
        values = standards.code_set(code_set).values
    except NotFound:
        return ()
    return tuple((v.code, v.name) for v in values[:MEANINGS])


def data_versions(history: Sequence[TableVersion], released: int, visible: frozenset[str]) -> tuple[DataVersion, ...]:
    """Return the row versions up to the released one, newest first; a compaction changes no row and is left out.

    Only what concerns visible columns is told, and neither who wrote it nor from which file.
    """
    return tuple(
        _version(v, visible, current=v.version == released)
        for v in history
        if v.version <= released and (v.mode is not WriteMode.COMPACT or v.version == released)
    )


def _version(version: TableVersion, visible: frozenset[str], *, current: bool) -> DataVersion:
    steps = version.schema_change.steps if version.schema_change else ()
    seen = [s for s in steps if s.column in visible and s.column not in HIDDEN]
    return DataVersion(
        number=version.version,
        at=version.at,
        rows=version.rows,
        rows_added=version.rows_added,
        rows_changed=version.rows_changed,
        rows_removed=version.rows_removed,
        columns_added=tuple(s.column for s in seen if s.kind is StepKind.ADD),
        columns_removed=tuple(s.column for s in seen if s.kind is StepKind.DROP),
        current=current,
        notes=(MODE_NAMES[version.mode],) if version.mode in MODE_NAMES else (),
    )


MODE_NAMES: Mapping[WriteMode, Text] = {
    WriteMode.APPEND: Text("追加", "rows appended"),
    WriteMode.MERGE: Text("按主键合并", "merged by key"),
    WriteMode.HISTORY: Text("按主键更新，保留历史", "changed by key, earlier states kept"),
    WriteMode.REPLACE: Text("整表替换", "replaced as a whole"),
    WriteMode.ROLLBACK: Text("回滚到较早版本", "rolled back to an earlier version"),
    WriteMode.COMPACT: Text("整理存储，数据未变", "storage tidied, no row changed"),
}


def type_names() -> Mapping[str, Text]:
    """Return the column types in words."""
    return COLUMN_TYPES
