"""schema.org's Dataset, as search engines read it out of a page."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote

from beijiang.catalog import OpenType
from beijiang.opendata.exports.dcat import FORMS
from beijiang.opendata.exports.described import period_of
from beijiang.opendata.models import Dataset

__all__ = ["dataset", "script"]

_SHORTEST: Final = 50
_LONGEST: Final = 5000


def dataset(ds: Dataset, base: str, site: str) -> dict[str, Any]:
    """Return a data set with its dictionary and files."""
    page = f"{base}/datasets/{quote(ds.id)}"
    agent = {"@type": "GovernmentOrganization", "name": ds.provider.zh, "alternateName": ds.provider.en,
             "url": f"{base}/departments/{quote(ds.provider_id)}"}  # fmt: skip
    period = period_of(ds.time_span)
    found: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": page,
        "name": ds.title,
        "description": description(ds),
        "url": page,
        "identifier": [ds.id, *ds.codes],
        "version": f"{ds.version}.{ds.table_version}" if ds.table_version else str(ds.version),
        "license": (ds.licence.url or f"{base}/about") if ds.licence else None,
        "creator": agent,
        "publisher": agent,
        "keywords": [*ds.keywords, *(t.category.zh for t in ds.themes)],
        "datePublished": ds.published_at.isoformat(timespec="seconds") if ds.published_at else None,
        "dateModified": ds.data_at.isoformat(timespec="seconds") if ds.data_at else None,
        "isAccessibleForFree": ds.readable,
        "conditionsOfAccess": f"{base}/api/v1/openings/{quote(ds.id)}"
        if ds.open_type is OpenType.CONDITIONAL
        else None,
        "inLanguage": "zh-CN",
        "temporalCoverage": f"{period.begin}/{period.end or '..'}" if period else None,
        "spatialCoverage": {"@type": "Place", "name": ds.region.zh} if ds.region else None,
        "variableMeasured": [
            {"@type": "PropertyValue", "name": f.column, "description": f.description or f.name} for f in ds.open_fields
        ],
        "includedInDataCatalog": {"@type": "DataCatalog", "name": site, "url": f"{base}/"},
        "distribution": _downloads(ds, base) if ds.readable else None,
    }
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def description(ds: Dataset) -> str:
    """Return the summary, with the facts around it where it is shorter than search engines take."""
    words = ds.summary or ds.title
    if len(words) < _SHORTEST:
        fields = "、".join(f.name for f in ds.open_fields[:20])
        words = f"{ds.title}。{words}。由{ds.provider.zh}提供，{ds.update_cycle.zh}更新。{'数据项：' + fields + '。' if fields else ''}"
        words += (
            "" if len(words) >= _SHORTEST else "本条目登记在公共数据开放目录中，可查询其元数据、字段、版本和使用条件。"
        )
    return words[:_LONGEST]


def script(ds: Dataset, base: str, site: str) -> str:
    """Return the data set as the text of a script block: nothing in it can end the block."""
    told = json.dumps(dataset(ds, base, site), ensure_ascii=False)
    return told.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _downloads(ds: Dataset, base: str) -> list[dict[str, str]]:
    api = f"{base}/api/v1/datasets/{quote(ds.id)}"
    return [
        {"@type": "DataDownload", "name": label, "encodingFormat": media, "contentUrl": f"{api}/download?format={form}"}
        for form, label, media in FORMS
    ]
