"""The JSON API of encrypted packages and of tracing files that got out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Header, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from beijiang.exchange.models import PackageCipher
from beijiang.exchange.routes.sharing import PURPOSE, actor_of
from beijiang.kit import Invalid
from beijiang.protection import files, read_where
from beijiang.web import content_disposition
from beijiang.web.described import BINARY, ZIP, files_of

if TYPE_CHECKING:
    from beijiang.exchange.models import Package, TraceReport
    from beijiang.exchange.service import Packages, Tracing

__all__ = ["packages", "tracing"]


class PackageOrder(BaseModel):
    """Which file stands in the package, and of which rows."""

    model_config = ConfigDict(extra="forbid")

    format: str = Field(default="csv", max_length=20, description="csv, xlsx, json or parquet")
    encoding: str = Field(default="utf-8-sig", max_length=20, description="Of a CSV: utf-8, utf-8-sig or gb18030")
    where: Annotated[list[str], Field(max_length=30, description="COLUMN=VALUE or COLUMN__op=VALUE")] = []
    cipher: PackageCipher = Field(default=PackageCipher.AES, description="aes (zip, opened by 7-Zip and WPS) or sm4")


def packages(service: Packages) -> APIRouter:
    """Return the endpoints under ``/api/v1/exchange/packages`` and beside the tables."""
    routes = APIRouter(prefix="/api/v1/exchange", tags=["exchange"])

    @routes.post(
        "/tables/{table}/package",
        status_code=201,
        summary="Have an encrypted package made of what your grant gives; the password is told this once",
    )
    def make(
        request: Request, table: str, order: PackageOrder, purpose: Annotated[str, Header(alias=PURPOSE)] = ""
    ) -> dict[str, Any]:
        wanted = files.DownloadOrder(
            form=files.parse_format(order.format),
            encoding=files.parse_encoding(order.encoding),
            filters=tuple(read_where(text) for text in order.where),
            request=f"POST {request.url.path}",
        )
        made = service.make(actor_of(request), table, wanted, purpose, order.cipher)
        return {**_package(made.package), "password": made.password}

    @routes.get("/packages", summary="Packages that wait for you")
    def waiting(request: Request) -> dict[str, Any]:
        return {"packages": [_package(one) for one in service.waiting(actor_of(request))]}

    @routes.get(
        "/packages/{package_id}",
        summary="The package itself, while the grant behind it holds",
        response_class=StreamingResponse,
        responses=files_of(ZIP, BINARY),
    )
    def fetch(request: Request, package_id: str) -> StreamingResponse:
        if request.state.head:
            raise Invalid("下载不支持 HEAD。", "A download has no HEAD.", code="no_head")
        made = service.fetch(actor_of(request), package_id)
        headers = {
            "Content-Disposition": content_disposition(made.file_name),
            "X-Beijiang-Receipt": made.receipt,
            "Cache-Control": "no-store",
        }
        return StreamingResponse(made.content, media_type=made.media_type, headers=headers)

    return routes


def tracing(service: Tracing) -> APIRouter:
    """Return ``POST /api/v1/exchange/trace``."""
    routes = APIRouter(prefix="/api/v1/exchange", tags=["exchange"])

    @routes.post("/trace", summary="From which hand-over a file that got out most likely came")
    def trace(
        request: Request, content: Annotated[bytes, Body(media_type="application/octet-stream")]
    ) -> dict[str, Any]:
        return _report(service.trace(actor_of(request), content))

    return routes


def _package(one: Package) -> dict[str, Any]:
    return {
        "id": one.id,
        "table": one.table,
        "version": one.version,
        "grant": one.grant_id,
        "receipt": one.receipt,
        "file_name": one.file_name,
        "bytes": one.bytes,
        "sm3": one.sm3,
        "at": one.at.isoformat(),
        "until": one.until.isoformat(),
        "url": f"/api/v1/exchange/packages/{one.id}",
    }


def _report(one: TraceReport) -> dict[str, Any]:
    return {
        "rows": one.rows,
        "known": one.known,
        "compared": one.compared,
        "words": {"zh": one.words.zh, "en": one.words.en},
        "suspects": [
            {
                "receipt": s.mark.receipt,
                "grant": s.mark.grant_id,
                "table": s.mark.table,
                "version": s.mark.version,
                "org_id": s.mark.org_id,
                "by": s.mark.by_name,
                "at": s.mark.at.isoformat(),
                "how": s.how.value,
                "confidence": s.confidence,
                "pairs": s.pairs,
                "agreeing": s.agreeing,
            }
            for s in one.suspects
        ],
    }
