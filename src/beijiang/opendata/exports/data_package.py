"""A Frictionless Data Package of one data set: files of one version by digest and size, with the schema of their columns."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote

from beijiang.opendata.exports.described import Described
from beijiang.opendata.models import Dataset, DatasetField, FileFace

__all__ = ["package"]

_TYPES: Final = {
    "integer": "integer", "decimal": "number", "double": "number", "boolean": "boolean", "date": "date",
    "timestamp": "datetime",
}  # fmt: skip
_OTHER: Final = re.compile(r"[^a-z0-9._-]+")


def package(one: Described, base: str) -> dict[str, Any]:
    """Return the package; a data set without open rows is one without files, which the format does not know."""
    ds = one.dataset
    page = f"{base}/datasets/{quote(ds.id)}"
    found: dict[str, Any] = {
        "profile": "data-package",
        "name": _name(ds.id),
        "id": page,
        "title": ds.title,
        "description": ds.summary,
        "homepage": page,
        "version": f"{one.files[0].version}.0.0",
        "created": ds.published_at.isoformat(timespec="seconds") if ds.published_at else "",
        "keywords": list(ds.keywords),
        "licenses": _licences(ds, base),
        "sources": [{"title": ds.provider.zh, "path": f"{base}/departments/{quote(ds.provider_id)}"}],
        "resources": [_resource(ds, page, file) for file in one.files],
    }
    return {name: value for name, value in found.items() if value not in ("", [])}


def _resource(ds: Dataset, page: str, file: FileFace) -> dict[str, Any]:
    return {
        "profile": "tabular-data-resource",
        "name": _name(f"{ds.id}-{file.form}"),
        "title": ds.title,
        "path": f"{page}/files/{file.name}",
        "scheme": "https" if page.startswith("https:") else "http",
        "format": file.form,
        "mediatype": "text/csv" if file.form == "csv" else "application/json",
        "encoding": "utf-8",
        "bytes": file.bytes,
        "hash": f"sha256:{file.sha256}",
        **({"dialect": {"delimiter": ",", "doubleQuote": True, "lineTerminator": "\n"}} if file.form == "csv" else {}),
        "schema": {"fields": [_field(f) for f in ds.open_fields], "missingValues": [""]},
    }


def _field(field: DatasetField) -> dict[str, Any]:
    found = {
        "name": field.column,
        "type": _TYPES.get(field.type, "string"),
        "title": field.name,
        "description": field.description,
        **({"format": "any"} if field.type == "timestamp" else {}),
    }
    return {name: value for name, value in found.items() if value}


def _licences(ds: Dataset, base: str) -> list[dict[str, str]]:
    if ds.licence is None:
        return []
    return [{"name": ds.licence.id, "path": ds.licence.url or f"{base}/about", "title": ds.licence.name.zh}]


def _name(value: str) -> str:
    return _OTHER.sub("-", value.lower()).strip("-")
