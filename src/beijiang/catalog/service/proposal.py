"""The first draft of an entry: as much of the thirteen metadata as the table itself tells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from beijiang.catalog.models import Entry, Item, ShareMethod
from beijiang.catalog.models.entry import NAME_LIMIT, SUMMARY_LIMIT
from beijiang.standards import Standards

if TYPE_CHECKING:
    from beijiang.access import Organisation
    from beijiang.tables import TableWritten

_LETTERS = {
    "text": "C",
    "integer": "I",
    "decimal": "N",
    "double": "B",
    "boolean": "L",
    "date": "D",
    "timestamp": "T",
    "geometry": "G",
}
_MEMO = ("经营范围", "备注", "说明", "简介", "内容", "摘要", "意见")
_SOURCE_FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "txt",
    ".xlsx": "xlsx",
    ".xls": "xls",
    ".json": "json",
    ".ndjson": "jsonl",
    ".jsonl": "jsonl",
    ".geojson": "geojson",
    ".parquet": "parquet",
    ".dbf": "dbf",
}
_OFFERED = ("csv", "xlsx", "json", "parquet", "rest_json")
"""What the platform offers of any released table, whatever came in."""
_YEAR = re.compile(r"(?<!\d)(19[5-9]\d|20[0-4]\d)(?!\d)")
_NAMED_IN_SUMMARY = 8
_ALREADY_DATA = ("数据", "信息", "名录", "资料", "目录", "名单")


def proposed_item(column: str, kind: str, comment: str, standards: Standards) -> Item:
    """Describe one column by its type, its comment and the standards that know its name."""
    element = standards.element_for_column(column)
    codes = standards.code_set_for_column(column)
    length = int(element.length) if element is not None and element.length.isdigit() else None
    letter = _LETTERS.get(kind, "C")
    if letter == "C" and any(word in column for word in _MEMO):
        letter = "M"
    return Item(
        column=column,
        name=column[:NAME_LIMIT],
        type=letter,
        length=length if letter == "C" else None,
        description=comment,
        element_id=f"{element.library}.{element.field}" if element else None,
        code_set=codes.id if codes else None,
    )


def proposed_entry(event: TableWritten, provider: Organisation | None, standards: Standards) -> Entry:
    """Draft the entry of a table that was written for the first time; what only a person knows stays open."""
    items = items_of(event, standards)
    category = standards.guess_category([event.table, *event.columns])
    region = standards.region_by_name(event.table)
    span = time_span(event)
    return Entry(
        name=event.table[:NAME_LIMIT],
        summary=summary(event, provider.name_zh if provider else "", span),
        provider_id=event.org_id,
        provider_name=provider.name_zh if provider else event.org_id,
        provider_code=(provider.uscc or "") if provider else "",
        categories=(category,) if category else (),
        formats=formats_of(event.sources),
        items=items,
        share_method=ShareMethod.DATABASE,
        region_code=region.code if region else (provider.region_code if provider else None),
        keywords=_keywords(event, category, standards),
        time_span=span,
    )


def items_of(event: TableWritten, standards: Standards) -> tuple[Item, ...]:
    """Describe every visible column of the table."""
    kinds = dict(zip(event.columns, event.column_types, strict=False))
    comments = dict(zip(event.columns, event.column_comments, strict=False))
    return tuple(
        proposed_item(column, kinds.get(column, "text"), comments.get(column, ""), standards)
        for column in event.columns
    )


def formats_of(sources: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """Return the formats that were handed in, then those that the platform offers."""
    suffixes = (PurePath(source.get("name", "")).suffix.lower() for source in sources)
    given = (_SOURCE_FORMATS[suffix] for suffix in suffixes if suffix in _SOURCE_FORMATS)
    return tuple(dict.fromkeys((*given, *_OFFERED)))


def time_span(event: TableWritten) -> str:
    """Return the years that the table's name, its columns and its files speak of (``2010-2025``)."""
    names = (event.table, *event.columns, *(source.get("name", "") for source in event.sources))
    years = sorted({int(year) for name in names for year in _YEAR.findall(name)})
    if not years:
        return ""
    return str(years[0]) if len(years) == 1 else f"{years[0]}-{years[-1]}"


def summary(event: TableWritten, provider: str, span: str) -> str:
    """Say in one sentence what the table holds."""
    named = "、".join(event.columns[:_NAMED_IN_SUMMARY])
    more = "等" if len(event.columns) > _NAMED_IN_SUMMARY else ""
    whose = f"{provider}提供的" if provider else ""
    when = f"，时间范围 {span} 年" if span else ""
    what = event.table if event.table.endswith(_ALREADY_DATA) else f"{event.table}数据"
    text = f"{whose}{what}，共 {event.rows:,} 条{when}，包含{named}{more} {len(event.columns)} 个数据项。"
    return text if len(text) <= SUMMARY_LIMIT else text[: SUMMARY_LIMIT - 1] + "…"


def _keywords(event: TableWritten, category: str | None, standards: Standards) -> tuple[str, ...]:
    if category is None:
        return ()
    words = [*standards.category(category).keywords, *standards.category(category[:3]).keywords]
    text = event.table + "".join(event.columns)
    return tuple(dict.fromkeys(word for word in words if word in text))[:8]


__all__ = ["items_of", "proposed_entry", "proposed_item"]
