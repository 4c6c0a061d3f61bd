"""``/data.json``: DCAT-US 1.1, the non-federal part of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

from beijiang.catalog import OpenType
from beijiang.opendata.exports.dcat import FORMS
from beijiang.opendata.exports.described import Described, period_of

__all__ = ["catalog", "dataset"]

_SCHEMA: Final = "https://project-open-data.cio.gov/v1.1/schema"
_LEVELS: Final = {
    OpenType.UNCONDITIONAL: "public", OpenType.CONDITIONAL: "restricted public", OpenType.NOT_OPEN: "non-public",
}  # fmt: skip
_CYCLES: Final = {
    "1": "R/PT1S", "2": "R/P1D", "3": "R/P1W", "4": "R/P1M", "5": "R/P3M", "6": "R/P1Y", "7": "R/P10D", "8": "R/P6M",
    "9": "irregular",
}  # fmt: skip
_RIGHTS: Final = 255
"""Characters that the schema gives to ``rights``."""


def catalog(datasets: Iterable[Described], base: str, mail: str, address: str = "/data.json") -> dict[str, Any]:
    """Return a catalog, or the part of it that stands at an address."""
    return {
        "@context": f"{_SCHEMA}/catalog.jsonld",
        "@id": f"{base}{address}",
        "@type": "dcat:Catalog",
        "conformsTo": _SCHEMA,
        "describedBy": f"{_SCHEMA}/catalog.json",
        "dataset": [dataset(one, base, mail) for one in datasets],
    }


def dataset(one: Described, base: str, mail: str) -> dict[str, Any]:
    """Return one data set; what is empty is left out, for an empty text fails."""
    ds = one.dataset
    page = f"{base}/datasets/{quote(ds.id)}"
    period = period_of(ds.time_span)
    changed = one.changed.isoformat(timespec="seconds") if one.changed else None
    found: dict[str, Any] = {
        "@type": "dcat:Dataset",
        "identifier": page,
        "title": ds.title,
        "description": ds.summary or ds.title,
        "keyword": list(ds.keywords) or [t.category.zh for t in ds.themes] or [ds.title],
        "modified": changed or "R/P1Y",
        "publisher": {"@type": "org:Organization", "name": ds.provider.zh},
        "contactPoint": {
            "@type": "vcard:Contact",
            "fn": ds.contact or ds.inner_office or ds.provider.zh,
            "hasEmail": f"mailto:{mail}",
        },
        "accessLevel": _LEVELS[ds.open_type],
        "rights": ds.open_condition[:_RIGHTS],
        "license": ds.licence.url if ds.licence else "",
        "spatial": ds.region.zh if ds.region else "",
        "temporal": f"{period.begin}/{period.end}" if period and period.end else "",
        "issued": ds.published_at.isoformat(timespec="seconds") if ds.published_at else "",
        "accrualPeriodicity": _CYCLES.get(ds.promise.cycle, ""),
        "language": ["zh-CN"],
        "theme": [t.category.zh for t in ds.themes],
        "landingPage": page,
        "distribution": _distributions(one, base) if ds.readable else [],
    }
    return {name: value for name, value in found.items() if value not in ("", [], None)}


def _distributions(one: Described, base: str) -> list[dict[str, str]]:
    api = f"{base}/api/v1/datasets/{quote(one.dataset.id)}"
    files = [
        {
            "@type": "dcat:Distribution",
            "title": f"{one.dataset.title} · {label}",
            "downloadURL": f"{api}/download?format={form}",
            "mediaType": media,
            "format": label,
        }
        for form, label, media in FORMS
    ]
    rows = {
        "@type": "dcat:Distribution",
        "title": f"{one.dataset.title} · API",
        "accessURL": f"{api}/rows",
        "format": "API",
    }
    return [*files, rows]
