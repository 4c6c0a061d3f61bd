"""SDMX 2.1 over HTTP, below ``/sdmx/v1``: structures and data of the indicators that are public; whoever asks gets what anybody gets."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from beijiang.assess.sdmx import AGENCY, KINDS, Wanted, as_csv, as_json, as_xml, selected, structure
from beijiang.kit import ANONYMOUS, Language, Malformed, NotAcceptable, NotFound

if TYPE_CHECKING:
    from beijiang.assess.models import OpenFigure
    from beijiang.assess.service import PublicFigures

__all__ = ["SDMX", "protocol_error", "sdmx_router"]

SDMX: Final = "/sdmx/v1"
CSV2: Final = "application/vnd.sdmx.data+csv;version=2.0.0"
CSV1: Final = "application/vnd.sdmx.data+csv;version=1.0.0"
JSON1: Final = "application/vnd.sdmx.data+json;version=1.0.0-wd"
SPECIFIC: Final = "application/vnd.sdmx.structurespecificdata+xml;version=2.1"
XML: Final = "application/vnd.sdmx.structure+xml;version=2.1"
DATA: Final = {
    CSV2: CSV2, "application/vnd.sdmx.data+csv": CSV2, "text/csv": CSV2, "*/*": CSV2, "text/*": CSV2, "application/*": CSV2,
    CSV1: CSV1, JSON1: JSON1, "application/vnd.sdmx.data+json": JSON1, "application/json": JSON1,
    SPECIFIC: SPECIFIC, "application/vnd.sdmx.structurespecificdata+xml": SPECIFIC, "application/xml": SPECIFIC, "text/xml": SPECIFIC,
}  # fmt: skip
STRUCTURES: Final = {
    XML: XML, "application/vnd.sdmx.structure+xml": XML, "application/xml": XML, "text/xml": XML, "*/*": XML, "application/*": XML,
    "text/*": XML,
}  # fmt: skip
REFERENCES: Final = (
    "none", "all", "children", "descendants", "parents", "parentsandsiblings", "datastructure", "codelist", "conceptscheme", "dataflow",
)  # fmt: skip
_HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, X-Request-ID",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "public, max-age=60",
    "Vary": "Accept, Accept-Language",
}
_UNPROCESSABLE: Final = 422


def protocol_error(status: int, body: dict[str, Any], error: Exception) -> tuple[int, dict[str, Any]]:
    """Return status and body of an error as SDMX-JSON has them."""
    del error
    status = 400 if status == _UNPROCESSABLE else status
    told = {"code": status, "id": body["code"], "title": body["message"], "request_id": body["request_id"]}
    return status, {"errors": [told]}


def sdmx_router(service: PublicFigures) -> APIRouter:
    """Return the addresses."""
    routes = APIRouter(prefix=SDMX, include_in_schema=False)
    areas = {one.code: one.name for one in service.standards.regions()}

    @routes.get("/data/{flow}")
    def all_data(request: Request, flow: str) -> Response:
        return _data(request, service, flow, "all", areas)

    @routes.get("/data/{flow}/{key}")
    def data(request: Request, flow: str, key: str) -> Response:
        return _data(request, service, flow, key, areas)

    @routes.get("/data/{flow}/{key}/{provider}")
    def provided(request: Request, flow: str, key: str, provider: str) -> Response:
        if provider not in {"all", AGENCY}:
            raise _nothing()
        return _data(request, service, flow, key, areas)

    @routes.get("/{kind}")
    def kind_(request: Request, kind: str) -> Response:
        return _structure(request, service, Wanted(kind=kind), areas)

    @routes.get("/{kind}/{agency}")
    def agency_(request: Request, kind: str, agency: str) -> Response:
        return _structure(request, service, Wanted(kind=kind, agency=agency), areas)

    @routes.get("/{kind}/{agency}/{id_}")
    def one(request: Request, kind: str, agency: str, id_: str) -> Response:
        return _structure(request, service, Wanted(kind=kind, agency=agency, id=id_), areas)

    @routes.get("/{kind}/{agency}/{id_}/{version}")
    def version_(request: Request, kind: str, agency: str, id_: str, version: str) -> Response:
        return _structure(request, service, Wanted(kind=kind, agency=agency, id=id_, version=version), areas)

    return routes


def _data(request: Request, service: PublicFigures, flow: str, key: str, areas: dict[str, str]) -> Response:
    media = _chosen(request, DATA)
    found = selected(_meant(service, flow), key, _words(request))
    if not found.series:
        raise _nothing()
    language: Language = request.state.language
    if media == JSON1:
        return _answered(request, orjson.dumps(as_json(found, language, areas)), media)
    if media == SPECIFIC:
        return _answered(request, as_xml(found), media)
    return _answered(request, as_csv(found, first_edition=media == CSV1), f"{media};charset=utf-8")


def _meant(service: PublicFigures, said: str) -> OpenFigure:
    """Return the dataflow that is said as ``ID`` or ``AGENCY,ID,VERSION``."""
    match said.split(","):
        case [id_]:
            agency, version = "all", "latest"
        case [agency, id_]:
            version = "latest"
        case [agency, id_, version]:
            pass
        case _:
            raise _nothing()
    if id_ != id_.upper():
        raise _nothing()
    try:
        found = service.one(ANONYMOUS, id_.lower())
    except NotFound:
        raise _nothing() from None
    if not Wanted(kind="dataflow", id=id_, agency=agency, version=version).means(found.flow, found.version):
        raise _nothing()
    return found


def _structure(request: Request, service: PublicFigures, wanted: Wanted, areas: dict[str, str]) -> Response:
    if wanted.kind not in KINDS:
        raise _nothing()
    media = _chosen(request, STRUCTURES)
    words = _words(request)
    unknown = next((name for name in words if name not in {"references", "detail"}), None)
    references = words.get("references", "none")
    if unknown is not None or references not in REFERENCES:
        raise Malformed(
            f"参数只有 references（{'、'.join(REFERENCES)}）与 detail。",
            f"The parameters are references ({', '.join(REFERENCES)}) and detail.",
            code="bad_parameter",
        )
    asked = Wanted(
        kind=wanted.kind, id=wanted.id, agency=wanted.agency, version=wanted.version,
        references="all" if references in KINDS else references,
    )  # fmt: skip
    content = structure(service.every(ANONYMOUS), asked, areas)
    if content is None:
        raise _nothing()
    return _answered(request, content, media)


def _answered(request: Request, content: bytes, media: str) -> Response:
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {**_HEADERS, "ETag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers={**headers, "Content-Type": media})


def _words(request: Request) -> dict[str, str]:
    words: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in words:
            raise Malformed(f"参数 {name[:80]} 只能给一次。", f"Give {name[:80]} once only.", code="bad_parameter")
        if name != "lang":
            words[name] = value
    return words


def _chosen(request: Request, offered: dict[str, str]) -> str:
    """Return the form that the reader likes best of what is offered."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(request.headers.get("accept", "*/*").split(",")):
        media, *words = (word.strip().lower() for word in part.split(";"))
        weight = next((word[2:] for word in words if word.startswith("q=")), "1")
        kept = [word.replace(" ", "") for word in words if word.startswith("version=")]
        form = offered.get(";".join([media, *kept]))
        if form and weight.replace(".", "", 1).isdecimal() and float(weight) > 0:
            wanted.append((-float(weight), place, form))
    if not wanted:
        names: Sequence[str] = list(dict.fromkeys(offered.values()))
        raise NotAcceptable(
            f"没有这种格式。可选：{'、'.join(names)}。",
            f"There is no such format. Use one of: {', '.join(names)}.",
            code="unknown_format",
        )
    return min(wanted)[2]


def _nothing() -> NotFound:
    return NotFound(
        "没有符合条件的公开指标或数值。", "No public indicator or value is meant by this.", code="no_results"
    )
