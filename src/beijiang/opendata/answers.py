"""Write the portal's answers as plain data for programs, in one shape with both languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from beijiang.catalog import ExtensionValue, FieldPlace, OpenType, SearchHit
from beijiang.kit import Invalid, Text
from beijiang.opendata import charts
from beijiang.opendata.models import Dataset, DatasetField, DataVersion, RowPage
from beijiang.protection import files, rowquery
from beijiang.tables import Filter

__all__ = ["chart_words", "dataset_json", "download_addresses", "hit_json", "rows_json"]

PREFIX = "/api/v1/datasets"


def _words(text: Text | None) -> dict[str, str] | None:
    return {"zh": text.zh, "en": text.en} if text else None


def hit_json(hit: SearchHit, base: str) -> dict[str, Any]:
    """Return one search result."""
    return {
        "id": hit.id,
        "title": hit.title,
        "summary": "".join(span.text for span in hit.summary),
        "matched_fields": ["".join(span.text for span in spans) for spans in hit.fields],
        "provider": {"id": hit.provider_id, "name": hit.provider_name},
        "themes": list(hit.themes),
        "formats": list(hit.formats),
        "region": hit.region,
        "open_type": hit.open_type.value if hit.open_type else None,
        "update_cycle": hit.update_cycle,
        "grade": hit.level.value if hit.level else None,
        "rows": hit.rows if hit.open_type is OpenType.UNCONDITIONAL else None,
        "columns": hit.columns,
        "published_at": hit.published_at,
        "data_at": hit.data_at,
        "url": f"{base}/datasets/{hit.id}",
        "api": f"{base}{PREFIX}/{hit.id}",
    }


def dataset_json(dataset: Dataset, versions: Sequence[DataVersion], base: str) -> dict[str, Any]:
    """Return everything known of one data set; ``metadata`` holds the thirteen items of the national guide."""
    api = f"{base}{PREFIX}/{dataset.id}"
    return {
        "id": dataset.id,
        "title": dataset.title,
        "summary": dataset.summary,
        "version": dataset.version,
        "published_at": dataset.published_at,
        "metadata": _thirteen(dataset),
        "extension": {
            "inner_office": dataset.inner_office,
            "contact": dataset.contact,
            "region": _words(dataset.region),
            "time_span": dataset.time_span,
            "keywords": list(dataset.keywords),
            "grade": dataset.level,
            "fields": [_extension(one) for one in dataset.extensions if FieldPlace.API in one.field.places],
        },
        "fields": [_field(field) for field in dataset.items],
        "licence": _licence(dataset),
        "promise": {
            "cycle": dataset.promise.cycle,
            "cycle_name": _words(dataset.promise.cycle_name),
            "state": dataset.promise.state.value,
            "data_at": dataset.promise.data_at,
            "next_due": dataset.promise.next_due,
            "days_late": dataset.promise.days_late,
            "text": _words(dataset.promise.text),
        },
        "data": {
            "open": dataset.readable,
            "version": dataset.table_version,
            "rows": dataset.rows,
            "rows_held": dataset.rows_held,
            "columns": len(dataset.open_fields) if dataset.readable else 0,
            "versions": [_version(v) for v in versions],
        },
        "links": {
            "self": api,
            "page": f"{base}/datasets/{dataset.id}",
            "provider": f"{base}/departments/{dataset.provider_id}",
            "rows": f"{api}/rows" if dataset.readable else None,
            "chart": f"{api}/chart" if dataset.readable else None,
            "map": f"{api}/map" if dataset.readable else None,
            "view": f"{api}/view" if dataset.readable else None,
            "downloads": download_addresses(base, dataset.id) if dataset.readable else {},
        },
    }


def _extension(one: ExtensionValue) -> dict[str, Any]:
    field = one.field
    return {
        "key": field.key,
        "name": _words(field.name),
        "kind": field.kind.value,
        "value": one.value,
        "text": _words(one.shown),
    }


def _thirteen(dataset: Dataset) -> dict[str, Any]:
    return {
        "category": [{"id": t.id, "name": _words(t.category)} for t in dataset.themes],
        "name": dataset.title,
        "code": list(dataset.codes),
        "provider": {"id": dataset.provider_id, "name": _words(dataset.provider)},
        "provider_code": dataset.provider_code,
        "summary": dataset.summary,
        "formats": list(dataset.formats),
        "items": [field.name for field in dataset.items],
        "sharing": {"type": _words(dataset.share_type), "condition": dataset.share_condition},
        "opening": {
            "type": dataset.open_type.value,
            "name": _words(dataset.open_type.text),
            "condition": dataset.open_condition,
        },
        "update_cycle": _words(dataset.update_cycle),
        "publish_date": dataset.published_at,
        "related": [{"code": r.code, "id": r.id, "name": r.name} for r in dataset.related],
    }


def _field(field: DatasetField) -> dict[str, Any]:
    return {
        "column": field.column,
        "name": field.name,
        "type": field.type,
        "type_name": _words(field.type_name),
        "description": field.description,
        "grade": field.level,
        "state": field.state.value,
        "mask": field.mask,
        "code_set": field.code_set,
        "meanings": [{"code": code, "name": _words(name)} for code, name in field.meanings],
    }


def _licence(dataset: Dataset) -> dict[str, Any] | None:
    found = dataset.licence
    if found is None:
        return None
    return {
        "id": found.id,
        "name": _words(found.name),
        "summary": _words(found.summary),
        "url": found.url or None,
        "is_open": found.is_open,
    }


def _version(version: DataVersion) -> dict[str, Any]:
    return {
        "version": version.number,
        "at": version.at,
        "rows": version.rows,
        "rows_added": version.rows_added,
        "rows_changed": version.rows_changed,
        "rows_removed": version.rows_removed,
        "columns_added": list(version.columns_added),
        "columns_removed": list(version.columns_removed),
        "notes": [_words(note) for note in version.notes],
        "current": version.current,
    }


def download_addresses(base: str, dataset_id: str, filters: Sequence[Filter] = ()) -> dict[str, str]:
    """Return the address of every file that is offered, for the rows that fit ``filters``."""
    from urllib.parse import urlencode

    def address(form: files.DownloadFormat, encoding: files.DownloadEncoding | None = None) -> str:
        words = [("format", form.value)] + ([("encoding", encoding.value)] if encoding else [])
        return f"{base}{PREFIX}/{dataset_id}/download?{urlencode([*words, *rowquery.filter_pairs(filters)])}"

    return {
        "csv": address(files.DownloadFormat.CSV, files.DownloadEncoding.UTF8_BOM),
        "csv_gb18030": address(files.DownloadFormat.CSV, files.DownloadEncoding.GB18030),
        "csv_plain": address(files.DownloadFormat.CSV, files.DownloadEncoding.UTF8),
        "xlsx": address(files.DownloadFormat.XLSX),
        "json": address(files.DownloadFormat.JSON),
        "parquet": address(files.DownloadFormat.PARQUET),
    }


def rows_json(dataset_id: str, page: RowPage, following: str | None) -> dict[str, Any]:
    """Return one page of rows."""
    return {
        "dataset": dataset_id,
        "version": page.version,
        "columns": [{"name": c.name, "type": c.type, "grade": c.grade, "masked": c.masked} for c in page.columns],
        "rows": list(page.rows),
        "count": page.count,
        "next": page.next,
        "next_url": following,
    }


def chart_words(pairs: Sequence[tuple[str, str]]) -> tuple[dict[str, str], tuple[Filter, ...]]:
    """Part the words of a chart from its filters.

    Raises:
        Invalid: ``repeated_parameter``, ``unknown_parameter``, or as ``rowquery.parse`` does.

    """
    words: dict[str, str] = {}
    rest: list[tuple[str, str]] = []
    for name, value in pairs:
        if name not in charts.WORDS:
            rest.append((name, value))
        elif name in words:
            raise Invalid(f"参数 {name} 只能给一次。", f"Give {name} once only.", code="repeated_parameter")
        else:
            words[name] = value
    return words, rowquery.parse(rest).filters
