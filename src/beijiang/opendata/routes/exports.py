"""The machine-readable faces over HTTP: DCAT-AP, DCAT-US, Croissant, Data Package, files by digest, the catalog as a table."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from beijiang.catalog import SearchQuery
from beijiang.kit import ANONYMOUS, Invalid, Malformed, NotAcceptable, NotFound
from beijiang.opendata import listing
from beijiang.opendata.exports import croissant, data_package, dcat, dcat_us
from beijiang.opendata.exports.sheet import sheet
from beijiang.opendata.exports.writing import site_of
from beijiang.opendata.portals import narrowed
from beijiang.opendata.routes.api import ANY_SITE, asked
from beijiang.opendata.routes.portal_door import portal_of
from beijiang.protection import files
from beijiang.standards import SheetFormat
from beijiang.web import content_disposition, request_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beijiang.opendata.exports.described import CatalogPage, Described
    from beijiang.opendata.exports.service import Exports
    from beijiang.opendata.service import OpenData

__all__ = ["answered", "rdf_wanted", "router"]

FOR_A_WHILE: Final = "public, max-age=60"
SHEETS: Final = {"csv": SheetFormat.CSV, "xlsx": SheetFormat.XLSX}
PACKED_FROM: Final = 1024
_NOT_HERE: Final = frozenset({"sort", "size"})


def router(opendata: OpenData, exports: Exports) -> APIRouter:
    """Return the addresses; whoever asks gets what anybody gets."""
    faces = APIRouter(include_in_schema=False)
    _catalogs(faces, opendata, exports)
    _datasets(faces, opendata, exports)
    return faces


def _catalogs(faces: APIRouter, opendata: OpenData, exports: Exports) -> None:
    @faces.get("/catalog.{suffix}")
    def catalog(request: Request, suffix: str) -> Response:
        _known(suffix, (*dcat.MEDIA_TYPES, *SHEETS))
        query, since = _asked(request)
        if suffix in SHEETS:
            content = sheet(exports.every(ANONYMOUS, query), opendata.base, SHEETS[suffix], request.state.language)
            return answered(request, content, SHEETS[suffix].media_type, name=f"公共数据开放目录.{suffix}")
        return _rdf_page(request, opendata, exports.page(ANONYMOUS, query, since), suffix)

    @faces.get("/departments/{org_id}/catalog.{suffix}")
    def department(request: Request, org_id: str, suffix: str) -> Response:
        _known(suffix, (*dcat.MEDIA_TYPES,))
        query, since = _asked(request)
        return _rdf_page(request, opendata, exports.department(ANONYMOUS, org_id, query, since), suffix)

    def told(request: Request, found: Iterable[Described], address: str) -> Response:
        body = dcat_us.catalog(found, opendata.base, opendata.mail, address)
        return answered(request, _json(body), "application/json")

    @faces.get("/data.json")
    def data_json(request: Request) -> Response:
        query, since = _asked(request)
        if "page" not in request.query_params:
            return told(request, exports.every(ANONYMOUS, query, since), "/data.json")
        sets, more = exports.part(ANONYMOUS, query, since)
        address = f"/data.json?page={query.page}"
        response = told(request, sets, address)
        if more:
            kept = [pair for pair in asked(request) if pair[0] != "page"]
            onward = urlencode([*kept, ("page", str(query.page + 1))])
            response.headers["Link"] = f'<{opendata.base}/data.json?{onward}>; rel="next"'
        return response

    @faces.get("/departments/{org_id}/data.json")
    def department_json(request: Request, org_id: str) -> Response:
        query, since = _asked(request)
        address = f"/departments/{quote(org_id)}/data.json"
        return told(request, exports.every_of(ANONYMOUS, org_id, query, since), address)


def _datasets(faces: APIRouter, opendata: OpenData, exports: Exports) -> None:
    @faces.get("/datasets/{dataset_id}.{suffix}")
    def dataset(request: Request, dataset_id: str, suffix: str) -> Response:
        _known(suffix, (*dcat.MEDIA_TYPES,))
        one = exports.one(ANONYMOUS, dataset_id, files.DownloadFormat.CSV)
        content = dcat.written(dcat.single(one, site_of(opendata)), suffix)
        return answered(request, content, dcat.MEDIA_TYPES[suffix], changed=one.changed)

    @faces.get("/datasets/{dataset_id}/croissant.jsonld")
    def croissant_(request: Request, dataset_id: str) -> Response:
        one = exports.one(ANONYMOUS, dataset_id, files.DownloadFormat.CSV)
        if not one.files:
            raise _no_files()
        told = croissant.dataset(one, opendata.base)
        return answered(request, _json(told), "application/ld+json", changed=one.changed)

    @faces.get("/datasets/{dataset_id}/datapackage.json")
    def package(request: Request, dataset_id: str) -> Response:
        one = exports.one(ANONYMOUS, dataset_id, files.DownloadFormat.CSV)
        if not one.files:
            raise _no_files()
        return answered(
            request, _json(data_package.package(one, opendata.base)), "application/json", changed=one.changed
        )

    @faces.get("/datasets/{dataset_id}/files/{name}")
    def file(request: Request, dataset_id: str, name: str) -> Response:
        face = exports.head(ANONYMOUS, dataset_id, name)
        tag = f'"{face.sha256}"'
        headers = {
            "ETag": tag,
            "Content-Disposition": content_disposition(name),
            "Cache-Control": "no-cache",
            **ANY_SITE,
        }
        if _has(request, tag):
            return Response(status_code=304, headers=headers)
        media = files.MEDIA_TYPES[files.DownloadFormat(face.form)]
        headers["Content-Length"] = str(face.bytes)
        if request.state.head:
            return Response(headers=headers, media_type=media)
        _, found = exports.file(ANONYMOUS, dataset_id, name, request_line(request))
        return StreamingResponse(found.content, media_type=media, headers=headers)


def rdf_wanted(request: Request) -> str | None:
    """Return the ending of the syntax that a request prefers to a page; None where it wants a page."""
    wanted: list[tuple[float, str]] = []
    for part in request.headers.get("accept", "").split(","):
        media, *words = (word.strip().lower() for word in part.split(";"))
        suffix = next((s for s, m in dcat.MEDIA_TYPES.items() if m == media), "html" if media == "text/html" else None)
        weight = next((word[2:] for word in words if word.startswith("q=")), "1")
        if suffix and weight.replace(".", "", 1).isdecimal():
            wanted.append((-float(weight), suffix))
    best = min(wanted, key=lambda w: w[0], default=(0.0, "html"))[1]
    return None if best == "html" else best


def answered(
    request: Request, content: bytes, media: str, *, changed: datetime | None = None, name: str = ""
) -> Response:
    """Return a document that caches may keep, packed if the reader can unpack it; 304 where it has it already.

    The tag is of the bytes, so it moves with anything that anybody may see, and with nothing else.
    """
    packed = len(content) > PACKED_FROM and "gzip" in request.headers.get("accept-encoding", "")
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}{"-gz" if packed else ""}"'
    headers = {"ETag": tag, "Cache-Control": FOR_A_WHILE, "Vary": "Accept-Encoding, Accept-Language", **ANY_SITE}
    if changed:
        headers["Last-Modified"] = format_datetime(changed.astimezone(UTC), usegmt=True)
    if name:
        headers["Content-Disposition"] = content_disposition(name)
    if _has(request, tag):
        return Response(status_code=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
        content = gzip.compress(content, 6, mtime=0)
    return Response(content, media_type=media, headers=headers)


def _has(request: Request, tag: str) -> bool:
    known = request.headers.get("if-none-match", "")
    return tag in {part.strip().removeprefix("W/") for part in known.split(",")}


def _rdf_page(request: Request, opendata: OpenData, page: CatalogPage, suffix: str) -> Response:
    kept = [pair for pair in asked(request) if pair[0] != "page"]
    content = dcat.written(dcat.catalog(page, site_of(opendata, portal_of(request)), suffix, kept), suffix)
    return answered(request, content, dcat.MEDIA_TYPES[suffix], changed=page.changed)


def _asked(request: Request) -> tuple[SearchQuery, datetime | None]:
    """Read the page, the text and the facets, and since when; what is not understood is refused with 400."""
    pairs = [(name, value) for name, value in asked(request) if name != "modified_since"]
    since = request.query_params.get("modified_since")
    try:
        unknown = next((name for name, _ in pairs if name in _NOT_HERE), None)
        pairs = [("", unknown), *pairs] if unknown else pairs
        return narrowed(listing.parse(pairs), portal_of(request)), _moment(since) if since else None
    except Invalid as error:
        raise Malformed(error.text.zh, error.text.en, code=error.reason, detail=error.detail) from None


def _moment(words: str) -> datetime:
    try:
        found = datetime.fromisoformat(words.replace(" ", "+"))
    except ValueError:
        raise Invalid(
            "modified_since 应为日期或时间，如 2026-10-01 或 2026-10-01T08:00:00+08:00。",
            "modified_since is a date or moment, such as 2026-10-01 or 2026-10-01T08:00:00+08:00.",
            code="bad_moment",
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _known(suffix: str, offered: tuple[str, ...]) -> None:
    if suffix not in offered:
        raise NotAcceptable(
            f"没有这种格式。可选：{'、'.join(offered)}。",
            f"There is no such format. Choose one of: {', '.join(offered)}.",
            code="unknown_format",
            detail={"offered": [*offered]},
        )


def _no_files() -> NotFound:
    return NotFound(
        "这个数据集没有向公众开放的数据文件。",
        "This data set has no files that are open to the public.",
        code="no_open_rows",
    )


def _json(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False, indent=1).encode()
