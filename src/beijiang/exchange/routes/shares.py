"""Delta Sharing on the wire, and the profiles by which clients connect.

The protocol's clients decide what stands here: lists are one line of JSON, tables are lines of JSON, the token of a file's
link is named ``X-Amz-Signature``, errors are ``{"errorCode", "message"}``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
from fastapi import APIRouter, Body, Query, Request
from fastapi.responses import Response, StreamingResponse

from beijiang.exchange.models.hints import hints_of
from beijiang.exchange.models.shares import Place, TableQuery, schema_text
from beijiang.exchange.routes.sharing import actor_of
from beijiang.kit import BeijiangError, Invalid
from beijiang.protection import files
from beijiang.web import entered, request_line

if TYPE_CHECKING:
    from beijiang.exchange.models.shares import Profile, Shared, SharedFile, SharedTable, SharedVersion
    from beijiang.exchange.service import Shares
    from beijiang.kit import Actor

__all__ = ["profile_answer", "profiles", "protocol_error", "shares"]

ROOT: Final = "/share"
PAGE: Final = 100
"""Items of a list that is asked for without a number."""
CAPABILITIES: Final = "delta-sharing-capabilities"
_STORED: Final = 2**31
_CODES: Final = {
    400: "INVALID_PARAMETER_VALUE",
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "RESOURCE_DOES_NOT_EXIST",
    429: "RESOURCE_EXHAUSTED",
}
_Most = Annotated[int, Query(alias="maxResults", ge=0, le=_STORED)]
_Mark = Annotated[str, Query(alias="pageToken", max_length=100)]
_Number = Annotated[int | None, Query(ge=0, le=_STORED)]
_When = Annotated[str, Query(max_length=60)]


def protocol_error(status: int, body: dict[str, Any], error: Exception) -> tuple[int, dict[str, Any]]:
    """Return status and body of an error as the protocol's clients read them; a quota of the day is no reason to try again."""
    if status == 429 and str(body["code"]).startswith("grant_"):  # noqa: PLR2004 - clients repeat a 429 ten times
        status = 403
    elif status not in _CODES and status < 500:  # noqa: PLR2004 - what else is wrong with a request is one thing here
        status = 400
    said = f"{error.text.zh} {error.text.en}" if isinstance(error, BeijiangError) else body["message"]
    told = {"reason": body["code"], "request_id": body["request_id"]}
    return status, {"errorCode": _CODES.get(status, "INTERNAL_ERROR"), "message": said, "details": [told]}


def profiles(service: Shares) -> APIRouter:
    """Return the endpoints under ``/api/v1/exchange/profiles``."""
    routes = APIRouter(prefix="/api/v1/exchange/profiles", tags=["exchange"])

    @routes.get("", summary="Your API keys that may have a Delta Sharing profile")
    def all_(request: Request) -> dict[str, Any]:
        found = service.profiles(actor_of(request))
        return {"keys": [{"id": key, "name": name, "issued": issued} for key, (name, issued) in found.items()]}

    @routes.post("/{key_id}", summary="Issue the Delta Sharing profile of one of your API keys; shown this once")
    def issue(request: Request, key_id: str) -> Response:
        return profile_answer(service.issue_profile(actor_of(request), key_id))

    return routes


def profile_answer(profile: Profile) -> Response:
    """Return a profile as a file that nobody keeps on the way."""
    headers = {
        "Content-Disposition": f'attachment; filename="{profile.key_id}.share"',
        "Cache-Control": "no-store",
    }
    return Response(orjson.dumps(profile.to_json()), media_type="application/json", headers=headers)


def shares(service: Shares) -> APIRouter:
    """Return the endpoints of the protocol."""
    routes = APIRouter(prefix=ROOT, include_in_schema=False)
    _add_lists(routes, service)
    _add_tables(routes, service)
    _add_files(routes, service)
    return routes


def _add_lists(routes: APIRouter, service: Shares) -> None:
    @routes.get("/shares")
    def all_(request: Request, most: _Most = PAGE, mark: _Mark = "") -> Response:
        names = dict.fromkeys(one.share for one in service.tables(_reader(request, service)))
        return _list([{"name": name, "id": name} for name in names], most, mark)

    @routes.get("/shares/{share}")
    def one(request: Request, share: str) -> Response:
        name = service.tables(_reader(request, service), share)[0].share
        return _line({"share": {"name": name, "id": name}})

    @routes.get("/shares/{share}/schemas")
    def schemas(request: Request, share: str, most: _Most = PAGE, mark: _Mark = "") -> Response:
        found = service.tables(_reader(request, service), share)
        names = dict.fromkeys((table.schema, table.share) for table in found)
        return _list([{"name": schema, "share": name} for schema, name in names], most, mark)

    @routes.get("/shares/{share}/schemas/{schema}/tables")
    def tables(request: Request, share: str, schema: str, most: _Most = PAGE, mark: _Mark = "") -> Response:
        found = service.tables(_reader(request, service), share, schema)
        return _list([_table(table) for table in found], most, mark)

    @routes.get("/shares/{share}/all-tables")
    def all_tables(request: Request, share: str, most: _Most = PAGE, mark: _Mark = "") -> Response:
        return _list([_table(table) for table in service.tables(_reader(request, service), share)], most, mark)


def _add_tables(routes: APIRouter, service: Shares) -> None:
    here = "/shares/{share}/schemas/{schema}/tables/{table}"

    def version_of(request: Request, place: Place, since: str) -> Response:
        version = service.version(_reader(request, service), place, _moment(since))
        return Response(status_code=200, headers=_numbered(version))

    @routes.get(here + "/version")
    def version(
        request: Request,
        share: str,
        schema: str,
        table: str,
        since: Annotated[str, Query(alias="startingTimestamp")] = "",
    ) -> Response:
        return version_of(request, Place(share, schema, table), since)

    @routes.get(here)
    def version_as_it_was(request: Request, share: str, schema: str, table: str) -> Response:
        return version_of(request, Place(share, schema, table), "")

    @routes.get(here + "/metadata")
    def metadata(
        request: Request, share: str, schema: str, table: str, version: _Number = None, timestamp: _When = ""
    ) -> Response:
        query = TableQuery(version=version, timestamp=_moment(timestamp))
        found = service.metadata(_reader(request, service), Place(share, schema, table), query)
        form = _Form(request)
        return form.answer(found.version, form.head(found))

    @routes.post(here + "/query")
    def query(
        request: Request, share: str, schema: str, table: str, body: Annotated[dict[str, Any] | None, Body()] = None
    ) -> Response:
        form, told = _Form(request), body or {}
        found = service.query(_reader(request, service), Place(share, schema, table), _query(told))
        lines = [*form.head(found.version), *(form.file(found, file) for file in found.files)]
        return form.answer(found.version.version, form.ended(lines, [found]), [found])

    @routes.get(here + "/changes")
    def changes(
        request: Request,
        share: str,
        schema: str,
        table: str,
        first: Annotated[int | None, Query(alias="startingVersion", ge=0, le=_STORED)] = None,
        last: Annotated[int | None, Query(alias="endingVersion", ge=0, le=_STORED)] = None,
        since: Annotated[str, Query(alias="startingTimestamp", max_length=60)] = "",
        until: Annotated[str, Query(alias="endingTimestamp", max_length=60)] = "",
    ) -> Response:
        begin = first if first is not None else _moment(since)
        if begin is None:
            raise Invalid(
                "请给出 startingVersion 或 startingTimestamp。",
                "Name a startingVersion or a startingTimestamp.",
                code="share_span",
            )
        form, place = _Form(request), Place(share, schema, table)
        found = service.changes(_reader(request, service), place, (begin, last if last is not None else _moment(until)))
        lines = [*form.head(found[0].version, begin if isinstance(begin, int) else found[0].version.version)]
        lines += [form.change(one, file) for one in found for file in one.files]
        return form.answer(found[-1].version.version, form.ended(lines, found), found)


def _add_files(routes: APIRouter, service: Shares) -> None:
    @routes.get("/files/{file_id}")
    def file(
        request: Request, file_id: str, token: Annotated[str, Query(alias="X-Amz-Signature", max_length=2000)] = ""
    ) -> Response:
        ranged = request.headers.get("range", "")
        found = service.fetch(file_id, token, ranged, head=request.state.head)
        headers = {
            "Accept-Ranges": "bytes",
            "Cache-Control": "private, no-store",
            "Content-Type": "application/octet-stream",
            "ETag": f'"{found.file}"',
            **({"X-Beijiang-Receipt": found.receipt} if found.receipt else {}),
        }
        if found.first >= found.size or (not found.whole and not found.count):
            return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{found.size}"})
        headers["Content-Length"] = str(found.count)
        if not found.whole:
            headers["Content-Range"] = f"bytes {found.first}-{found.first + found.count - 1}/{found.size}"
        status = 200 if found.whole else 206
        return StreamingResponse(found.content, status_code=status, headers=headers)


def _reader(request: Request, service: Shares) -> Actor:
    actor: Actor = service.actor_for(request.headers.get("authorization", ""))
    entered(request, actor)
    return actor


def _line(body: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json; charset=utf-8")


def _list(items: Sequence[Mapping[str, Any]], most: int, mark: str) -> Response:
    """Return one page of a list; a mark is the place of the first item of the next one."""
    begin = 0
    if mark:
        try:
            begin = int(base64.urlsafe_b64decode(mark.encode()))
        except (ValueError, binascii.Error):
            raise Invalid("翻页标记无效。", "The page token is not valid.", code="page_token") from None
    page = items[begin : begin + most]
    more = begin + most < len(items)
    following = {"nextPageToken": base64.urlsafe_b64encode(str(begin + most).encode()).decode()} if more else {}
    return _line({"items": page, **following})


def _table(one: SharedTable) -> dict[str, Any]:
    return {"name": one.name, "schema": one.schema, "share": one.share, "shareId": one.share, "id": one.id}


def _numbered(version: int) -> dict[str, str]:
    return {"Delta-Table-Version": str(version), "Cache-Control": "no-store"}


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(
            f"无法识别时刻“{text[:40]}”。写法：2026-01-31T08:00:00Z。",
            f'"{text[:40]}" is no moment. Write it as 2026-01-31T08:00:00Z.',
            code="bad_moment",
        ) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _query(told: Mapping[str, Any]) -> TableQuery:
    if told.get("startingVersion") is not None or told.get("endingVersion") is not None:
        raise Invalid(
            "不提供流式查询，请用 changes。", "Streaming queries are not offered; use changes.", code="share_streaming"
        )
    return TableQuery(
        version=_whole(told, "version"),
        timestamp=_moment(str(told.get("timestamp") or "")),
        limit=_whole(told, "limitHint"),
        hints=hints_of(told.get("predicateHints"), told.get("jsonPredicateHints")),
    )


def _whole(told: Mapping[str, Any], name: str) -> int | None:
    value = told.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _STORED:
        raise Invalid(f"{name} 须为非负整数。", f"{name} is a whole number, zero or above.", code="share_number")
    return value


class _Form:
    """In which of the protocol's two formats a client is answered: Parquet, unless it reads the other one only."""

    def __init__(self, request: Request) -> None:
        said = request.headers.get(CAPABILITIES, "").lower().replace(" ", "")
        asked = dict(part.partition("=")[::2] for part in said.split(";") if part)
        self._asked = request_line(request)
        formats = [word for word in asked.get("responseformat", "").split(",") if word]
        self._delta = "delta" in formats and "parquet" not in formats
        self._ends = asked.get("includeendstreamaction") == "true"

    def head(self, found: SharedVersion, since: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield the first two lines; of changes, the columns hold from the version on that was asked for."""
        version = found.version if since is None else since
        facts: dict[str, Any] = {
            "id": found.at.id,
            "format": {"provider": "parquet"},
            "schemaString": orjson.dumps(schema_text(found)).decode(),
            "partitionColumns": [],
            "configuration": {} if since is None else {"enableChangeDataFeed": "true"},
        }
        if not self._delta:
            yield {"protocol": {"minReaderVersion": 1}}
            yield {"metaData": {**facts, "version": version}}
            return
        yield {"protocol": {"deltaProtocol": {"minReaderVersion": 1, "minWriterVersion": 2 if since is None else 4}}}
        kept = {} if since is None else {"delta.enableChangeDataFeed": "true"}
        facts |= {"format": {"provider": "parquet", "options": {}}, "configuration": kept, "createdTime": _ms(found)}
        yield {"metaData": {"version": version, "deltaMetadata": facts}}

    def file(self, found: Shared, file: SharedFile) -> dict[str, Any]:
        """Return the line of a file of a version."""
        part, until = file.part, int(file.expires_at.timestamp() * 1000)
        stats = {"numRecords": part.rows, "minValues": part.low, "maxValues": part.high, "nullCount": part.nulls}
        told = {"partitionValues": {}, "size": part.bytes, "stats": orjson.dumps(stats).decode()}
        if not self._delta:
            return {"file": {"url": file.url, "id": file.id, **told, "expirationTimestamp": until}}
        add = {"path": file.url, **told, "modificationTime": _ms(found.version), "dataChange": True}
        return {"file": {"id": file.id, "expirationTimestamp": until, "deltaSingleAction": {"add": add}}}

    def change(self, found: Shared, file: SharedFile) -> dict[str, Any]:
        """Return the line of a file of what changed in a version."""
        until = int(file.expires_at.timestamp() * 1000)
        when = {"version": found.version.version, "timestamp": _ms(found.version), "expirationTimestamp": until}
        told: dict[str, Any] = {"partitionValues": {}, "size": file.part.bytes}
        if not self._delta:
            return {"cdf": {"url": file.url, "id": file.id, **told, **when}}
        return {
            "file": {
                "id": file.id,
                **when,
                "deltaSingleAction": {"cdc": {"path": file.url, **told, "dataChange": False}},
            }
        }

    def ended(self, lines: Sequence[dict[str, Any]], found: Sequence[Shared]) -> Iterable[dict[str, Any]]:
        """Add the line that says that nothing is missing, for clients that asked for it: others do not know it."""
        yield from lines
        if self._ends:
            until = [int(file.expires_at.timestamp() * 1000) for one in found for file in one.files]
            yield {"endStreamAction": {"minUrlExpirationTimestamp": min(until)} if until else {}}

    def answer(self, version: int, lines: Iterable[dict[str, Any]], found: Sequence[Shared] = ()) -> Response:
        """Return lines with the headers that clients look for; their digest goes into the receipts."""
        said = [f"responseformat={'delta' if self._delta else 'parquet'}"]
        said += ["includeendstreamaction=true"] if self._ends else []
        headers = {**_numbered(version), CAPABILITIES: ";".join(said)}
        if found:
            headers["X-Beijiang-Receipt"] = found[-1].receipt
            headers |= {"X-Data-Contract": found[-1].contract} if found[-1].contract else {}
        body = b"".join(orjson.dumps(line) + b"\n" for line in lines)
        for one in found:
            one.delivered(files.digests(self._asked, body), len(body))
        return Response(body, media_type="application/x-ndjson; charset=utf-8", headers=headers)


def _ms(found: SharedVersion) -> int:
    return int(found.written_at.timestamp() * 1000)
