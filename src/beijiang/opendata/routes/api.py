"""``/api/v1/datasets``: search, metadata, rows, files, charts and maps of open data. No account is needed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from beijiang.catalog import Facet, SearchPage, SearchQuery
from beijiang.kit import Actor
from beijiang.opendata import listing
from beijiang.opendata.answers import chart_words, dataset_json, hit_json, rows_json
from beijiang.opendata.charts import WORDS as CHART_WORDS
from beijiang.opendata.routes.portal_door import portal_at, portal_of
from beijiang.opendata.service import OpenData
from beijiang.protection import files, rowquery
from beijiang.tables import Exit
from beijiang.web import content_disposition, request_line
from beijiang.web.described import CSV, JSON, PARQUET, XLSX, files_of

PREFIX = "/api/v1/datasets"
CONTRACT_HEADER = "X-Data-Contract"
RECEIPT_HEADER = "X-Beijiang-Receipt"
RESERVED = frozenset({"lang"})
FILE_WORDS = ("format", "encoding")
VARY = "Accept-Language, Authorization, Cookie"
ANY_SITE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Link, X-Beijiang-Receipt, X-Data-Contract, X-Data-In-Doubt, X-Request-ID",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""Open data may be read by pages of other sites; never with a cookie, which the star forbids."""
ROWS_TEXT = (
    "Filters are written `column__op=value` and hold together; operators: exact, ne, contains, startswith, endswith, gt, gte, "
    "lt, lte, in, notin, isnull, notnull. `_sort` or `_sort_desc` names one column, `_size` is 1 to 1000, `_next` is the mark "
    "given with the page before, `_col` picks columns (repeat it), `_count=on` also counts. Filters and order act on masked values."
)


def router(opendata: OpenData) -> APIRouter:
    """Return the endpoints below ``/api/v1/datasets``."""
    api = APIRouter(prefix=PREFIX, tags=["datasets"])

    @api.get("", summary="Search the published data sets, with facets", description=SEARCH_TEXT)
    def search(request: Request) -> Response:
        query = listing.parse(asked(request))
        results = opendata.search(actor(request), query, portal_of(request))
        return answer(request, _results(opendata, request, query, results))

    @api.get("/{dataset_id}", summary="One data set: metadata, dictionary, versions, promise, downloads")
    def show(request: Request, dataset_id: str) -> Response:
        who = actor(request)
        dataset = opendata.dataset(who, dataset_id)
        withdrawn = [
            {"versions": [*one.versions], "reason": one.reason, "at": one.at, "served": one.served}
            for one in opendata.recalls(who, dataset)
        ]
        told = dataset_json(dataset, opendata.versions(who, dataset_id), opendata.base)
        held = opendata.held(who, dataset)
        conditions = None if held is None else held.to_json()
        return answer(request, {**told, "recalls": withdrawn, "opening_conditions": conditions})

    @api.get("/{dataset_id}/rows", summary="Rows, page by page", description=ROWS_TEXT)
    def rows(request: Request, dataset_id: str) -> Response:
        reading = opendata.read(actor(request), dataset_id, Exit.ROW_API)
        query = rowquery.parse(asked(request))
        tag = f'W/"{reading.tag(query)}"'  # weak: the mark of the next page is sealed anew each time
        if _matches(request, tag):
            return _unchanged(tag)
        page = reading.page(query)
        following = f"{opendata.base}{PREFIX}/{dataset_id}/rows{query.at(page.next).encoded()}" if page.next else None
        response = answer(request, rows_json(reading.id, page, following), tag=tag)
        reading.sent(request_line(request), bytes(response.body))
        response.headers.update(under(reading.contract) | with_receipt(reading.receipt))
        if following:
            response.headers["Link"] = f'<{following}>; rel="next"'
        return response

    @api.get(
        "/{dataset_id}/download",
        summary="All rows as CSV, Excel, JSON or Parquet",
        description=FILE_TEXT,
        response_class=Response,
        responses=files_of(CSV, XLSX, JSON, PARQUET),
    )
    def download(
        request: Request,
        dataset_id: str,
        format: Annotated[str, Query(description="csv, xlsx, json or parquet")] = "csv",  # noqa: A002 - the promised name
        encoding: Annotated[str, Query(description="Of a CSV: utf-8, utf-8-sig or gb18030")] = "utf-8",
    ) -> Response:
        order = files.DownloadOrder(
            form=files.parse_format(format),
            encoding=files.parse_encoding(encoding),
            filters=rowquery.parse([p for p in asked(request) if p[0] not in FILE_WORDS]).filters,
            request=request_line(request),
        )
        make = opendata.download_head if request.state.head else opendata.download
        return sent(make(actor(request), dataset_id, order))

    @api.get("/{dataset_id}/chart", summary="A summary by one column", description=CHART_TEXT)
    def chart(request: Request, dataset_id: str) -> Response:
        words, filters = chart_words(asked(request))
        _, found = opendata.chart(actor(request), dataset_id, words, filters)
        return answer(request, found.as_json())

    @api.get("/{dataset_id}/map", summary="Rows per place: points or regions")
    def map_(request: Request, dataset_id: str) -> Response:
        filters = rowquery.parse(asked(request)).filters
        _, view = opendata.map(actor(request), dataset_id, filters)
        return answer(request, view.as_json() if view else {"kind": None, "columns": []})

    return api


SEARCH_TEXT = (
    f"`q` is a text (names, fields, pinyin or initials); {', '.join(f'`{facet}`' for facet in Facet)} narrow the result "
    "and may be repeated; `sort` is relevance, updated, newest or name; `page` counts from 1, `size` is 1 to 100."
)
FILE_TEXT = (
    "Filters as for rows. A CSV in utf-8-sig or gb18030 is for spreadsheets: text that looks like a formula gets an apostrophe. "
    "A CSV in utf-8 is for programs and is left as it is."
)
CHART_TEXT = f"Words: {', '.join(CHART_WORDS)}; filters as for rows. What is left out is proposed from the columns."


def actor(request: Request) -> Actor:
    """Return who asks."""
    found: Actor = request.state.actor
    return found


def asked(request: Request) -> Sequence[tuple[str, str]]:
    """Return the query string's pairs, without the words that the site itself takes."""
    return [(name, value) for name, value in request.query_params.multi_items() if name not in RESERVED]


def answer(request: Request, body: dict[str, Any], tag: str | None = None) -> Response:
    """Return JSON with an entity tag, or 304 where the caller has it already; what is not public is never stored."""
    content = orjson.dumps(body, default=files.plain)
    tag = tag or f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    if _matches(request, tag):
        return _unchanged(tag)
    headers = {"ETag": tag, "Vary": VARY, **ANY_SITE} if actor(request).is_anonymous else {"Vary": VARY}
    return Response(content, media_type="application/json", headers=headers)


def _matches(request: Request, tag: str) -> bool:
    if not actor(request).is_anonymous:
        return False
    known = request.headers.get("if-none-match", "")
    return tag.removeprefix("W/") in {part.strip().removeprefix("W/") for part in known.split(",")}


def _unchanged(tag: str) -> Response:
    return Response(status_code=304, headers={"ETag": tag, "Vary": VARY})


def under(contract: str) -> dict[str, str]:
    """Return the header that names the data contract of a delivery."""
    return {CONTRACT_HEADER: contract} if contract else {}


def with_receipt(receipt: str) -> dict[str, str]:
    """Return the header by which the reader fetches the receipt: ``/api/v1/evidence/receipts/{id}``."""
    return {RECEIPT_HEADER: receipt} if receipt else {}


def sent(file: files.Download) -> Response:
    """Return a file as a stream under its own name."""
    headers = {
        "Content-Disposition": content_disposition(file.file_name),
        "Vary": VARY,
        **under(file.contract),
        **with_receipt(file.receipt),
    }
    return StreamingResponse(file.content, media_type=file.media_type, headers=headers)


def _results(opendata: OpenData, request: Request, query: SearchQuery, results: SearchPage) -> dict[str, Any]:
    path = portal_at(request) + PREFIX
    links = listing.listing(query, results, request.state.language, path)
    base = opendata.base
    return {
        "total": results.total,
        "page": query.page,
        "size": query.size,
        "pages": links.pages,
        "match": results.kind.value,
        "suggestion": results.suggestion,
        "hits": [hit_json(hit, base) for hit in results.hits],
        "facets": {
            facet.value: [
                {
                    "value": c.value,
                    "label": {"zh": c.label.zh, "en": c.label.en},
                    "count": c.count,
                    "selected": c.selected,
                }
                for c in counts
            ]
            for facet, counts in results.facets.items()
        },
        "links": {
            "self": base + listing.address(query, path),
            "previous": base + links.previous if links.previous else None,
            "next": base + links.next if links.next else None,
        },
    }
