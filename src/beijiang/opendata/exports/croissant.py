"""Croissant 1.0 of one data set: the file of one version by its digest, and what its columns hold."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from beijiang.opendata.exports.described import Described
from beijiang.opendata.exports.schema_org import description

__all__ = ["dataset"]

_CONTEXT: Final[dict[str, Any]] = {
    "@language": "zh", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs", "column": "cr:column",
    "conformsTo": "dct:conformsTo", "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/", "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract",
    "field": "cr:field", "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject", "fileSet": "cr:fileSet",
    "format": "cr:format", "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath",
    "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path", "recordSet": "cr:recordSet",
    "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace",
    "sc": "https://schema.org/", "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField",
    "transform": "cr:transform",
}  # fmt: skip
"""The keys of the specification's context; ``sha256`` stays schema.org's."""
_TYPES: Final = {
    "integer": "sc:Integer", "decimal": "sc:Float", "double": "sc:Float", "boolean": "sc:Boolean", "date": "sc:Date",
    "timestamp": "sc:DateTime",
}  # fmt: skip


def dataset(one: Described, base: str) -> dict[str, Any]:
    """Return the description; the file's address is that of these bytes and no others."""
    ds, file = one.dataset, one.files[0]
    page = f"{base}/datasets/{quote(ds.id)}"
    published = ds.published_at.isoformat(timespec="seconds") if ds.published_at else ""
    found: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": ds.title,
        "description": description(ds),
        "url": page,
        "license": (ds.licence.url or f"{base}/about") if ds.licence else f"{base}/about",
        "version": f"{file.version}.0.0",
        "datePublished": published,
        "creator": {
            "@type": "sc:Organization",
            "name": ds.provider.zh,
            "url": f"{base}/departments/{quote(ds.provider_id)}",
        },
        "keywords": list(ds.keywords),
        "citeAs": f"{ds.provider.zh}：{ds.title}，第 {file.version} 版，{published[:10]}，{page}",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": file.name,
                "name": file.name,
                "contentUrl": f"{page}/files/{file.name}",
                "contentSize": f"{file.bytes} B",
                "encodingFormat": "text/csv",
                "sha256": file.sha256,
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "rows",
                "name": "rows",
                "field": [
                    {
                        "@type": "cr:Field",
                        "@id": f"rows/{quote(f.column, safe='')}",
                        "name": f.column,
                        "description": f.description or f.name,
                        "dataType": _TYPES.get(f.type, "sc:Text"),
                        "source": {"fileObject": {"@id": file.name}, "extract": {"column": f.column}},
                    }
                    for f in ds.open_fields
                ],
            }
        ],
    }
    return {name: value for name, value in found.items() if value not in ("", [])}
