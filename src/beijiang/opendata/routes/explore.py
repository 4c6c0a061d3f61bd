"""The explorer over HTTP: the page that is built by clicking, the frame for other sites, and the same view as data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from beijiang.kit import ANONYMOUS, Invalid, Language, Refused
from beijiang.opendata import explorer, tableview
from beijiang.opendata.explorer import building, drawing, taking, telling
from beijiang.opendata.explorer.view import MOMENTS, NUMERIC, PLACED
from beijiang.opendata.routes.api import (
    ANY_SITE,
    PREFIX,
    RECEIPT_HEADER,
    VARY,
    actor,
    answer,
    asked,
    under,
    with_receipt,
)
from beijiang.opendata.routes.pages import frame
from beijiang.opendata.service import OpenData, Reading
from beijiang.protection import files
from beijiang.tables import Exit
from beijiang.web import content_disposition, embeddable, request_line

if TYPE_CHECKING:
    from beijiang.opendata.models import Dataset
    from beijiang.web import Pages

FILES = (files.DownloadFormat.CSV, files.DownloadFormat.XLSX, files.DownloadFormat.JSON)
NOT_MODIFIED = 304
VIEW_TEXT = (
    "The words of the explorer's address: `_form` (table, bar, stacked, line, area, pie, scatter, histogram, heat, regions, points); "
    "`_by`, twice at most: `column`, `column:year` (quarter, month, week, day), `column:bins`, `column:bin1000`; `_measure`: `count`, "
    "`sum:column`, `mean:`, `min:`, `max:`, `median:`, `distinct:`; `_x` and `_y` for a scatter and for points; `_order`: most, least, "
    "first, last; `_top`; filters as for rows. Groups beyond `_top` are told as `others`. With format=csv or xlsx a file."
)


def api(opendata: OpenData) -> APIRouter:
    """Return the address of views as data."""
    routes = APIRouter(prefix=PREFIX, tags=["datasets"])

    @routes.get("/{dataset_id}/view", summary="A view: groups, measures, pivots, points", description=VIEW_TEXT)
    def view(
        request: Request,
        dataset_id: str,
        format: Annotated[str, Query(description="json, csv or xlsx")] = "json",  # noqa: A002 - the promised name
    ) -> Response:
        wanted = explorer.parse([pair for pair in asked(request) if pair[0] != "format"])
        if files.parse_format(format) is not files.DownloadFormat.JSON:
            return _file(request, opendata, dataset_id, wanted, files.parse_format(format))
        reading, found = opendata.view(actor(request), dataset_id, wanted)
        page = f"{opendata.base}/datasets/{quote(dataset_id)}/explore?{explorer.query_string(wanted)}"
        told = taking.as_json(dataset_id, found, page)
        response = answer(request, told, tag=taking.tag(told))
        if response.status_code == NOT_MODIFIED:
            return response
        reading.sent(request_line(request), bytes(response.body))
        response.headers.update(under(reading.contract) | with_receipt(reading.receipt))
        return response

    return routes


def _file(
    request: Request, opendata: OpenData, dataset_id: str, view: explorer.View, form: files.DownloadFormat
) -> Response:
    if form not in FILES:
        raise Invalid(
            "视图可下载为 CSV、Excel 或 JSON；全部行的 Parquet 见数据集的下载。",
            "A view is given as CSV, Excel or JSON; all rows as Parquet are among the data set's downloads.",
            code="unknown_format",
        )
    reading, found = opendata.view(actor(request), dataset_id, view, Exit.DOWNLOAD)
    language: Language = request.state.language
    content = b"".join(taking.as_file(reading.dataset, found, form, opendata.zone, language))
    reading.sent(request_line(request), content)
    name = f"{reading.title}_{telling.heading(found, language)}_v{found.version}.{form.value}"
    headers = {"Content-Disposition": content_disposition(name), "Vary": VARY}
    headers |= under(reading.contract) | with_receipt(reading.receipt)
    if actor(request).is_anonymous:
        headers |= ANY_SITE
    media = files.media_type(files.DownloadOrder(form=form, encoding=files.DownloadEncoding.UTF8_BOM))
    return Response(content, media_type=media, headers=headers)


def pages(opendata: OpenData, site: Pages) -> APIRouter:
    """Return the explorer's page, the door of its forms, and the frame for other sites."""
    routes = APIRouter(include_in_schema=False)

    def shown(request: Request, dataset_id: str, problem: str | None = None) -> Response:
        reading, dataset = opendata.look(actor(request), dataset_id, Exit.CHART)
        shared = frame(request, opendata, dataset, "explore")
        if reading is not None:
            shared |= _explored(request, opendata, reading, problem)
        return site.render(request, "opendata/dataset/explore.html", **shared)

    @routes.get("/datasets/{dataset_id}/explore")
    def explore(request: Request, dataset_id: str) -> Response:
        return shown(request, dataset_id)

    @routes.get("/datasets/{dataset_id}/explore/build")
    def build(request: Request, dataset_id: str) -> Response:
        """Turn what was clicked into a view's address; what cannot be built is told on the page, and the form stays."""
        reading = opendata.read(actor(request), dataset_id, Exit.PREVIEW)
        try:
            view = building.built(asked(request), reading.columns)
        except Invalid as error:
            return shown(request, dataset_id, error.message(request.state.language))
        path = f"/datasets/{quote(dataset_id, safe='')}/explore"
        return RedirectResponse(tableview.address(path, explorer.pairs(view)), status_code=303)

    @routes.get("/datasets/{dataset_id}/embed")
    def embed(request: Request, dataset_id: str) -> Response:
        """Show the view to whoever: always as to a visitor, since another site stands around it."""
        reading = opendata.read(ANONYMOUS, dataset_id, Exit.CHART)
        view = explorer.parse(asked(request))
        shown = _shown(request, reading, view)
        page = f"{opendata.base}/datasets/{quote(dataset_id)}/explore?{explorer.query_string(view)}"
        response = site.render(request, "opendata/embed.html", ds=reading.dataset, page=page, **shown)
        response.headers.update({**embeddable(), RECEIPT_HEADER: reading.receipt})
        return response

    return routes


def _explored(request: Request, opendata: OpenData, reading: Reading, problem: str | None) -> dict[str, Any]:
    """Return the page's parts; a view that does not fit is told, and the form stays to mend it."""
    language: Language = request.state.language
    suggested = explorer.suggestions(reading.columns)
    pairs = [pair for pair in asked(request) if pair[0] not in building.FIELDS]
    view = suggested[0]
    try:
        view = explorer.parse(pairs) if pairs else view
        shown = _shown(request, reading, view)
    except (Invalid, Refused) as error:
        problem = problem or error.message(language)
        shown = {"answer": None, "drawing": None, "grid": None, "heading": "", "sentence": "", "note": "", "source": ""}
    return {
        **shown,
        **_fields(view, reading, language),
        **_addresses(opendata, reading.dataset, view),
        "problem": problem,
        "suggested": [_suggestion(one, reading.dataset, language) for one in suggested],
        "chips": _chips(view, reading.dataset, language),
    }


def _shown(request: Request, reading: Reading, view: explorer.View) -> dict[str, Any]:
    language: Language = request.state.language
    found = reading.view(view)
    return {
        "answer": found,
        "drawing": drawing.drawing(found, language),
        "grid": drawing.grid(found, language),
        "heading": telling.heading(found, language),
        "sentence": telling.sentence(found, language),
        "note": telling.cut_note(found, language),
        "source": taking.source(reading.dataset, found, language),
    }


def _fields(view: explorer.View, reading: Reading, language: Language) -> dict[str, Any]:
    """Return what the forms offer, and what of it is chosen."""
    every = [c for c in reading.columns if c.type != "geometry"]
    by = [*view.by, None, None][:2]
    measures = [*view.measures, None, None, None][:3]
    cuts = [explorer.written_cut(one) if one else "" for one in by]
    return {
        "view": view,
        "placed": view.form in PLACED,
        "forms": [(one.value, one.text.in_language(language)) for one in explorer.Form],
        "orders": [(one.value, one.text.in_language(language)) for one in explorer.Order],
        "functions": telling.function_names(language),
        "cut_names": telling.cut_names(language),
        "columns": every,
        "numbers": [c.name for c in every if c.type in NUMERIC],
        "cuttable": {c.name: c.type in NUMERIC | MOMENTS for c in every},
        "by": [one.column if one else "" for one in by],
        "cuts": cuts,
        "measures": [(m.fn.value, m.column or "") if m else ("", "") for m in measures],
        "carried": explorer.pairs(view),
        "carried_filters": explorer.pairs(replace(explorer.View(), filters=view.filters))[1:],
        "operators": [(op.value, name.in_language(language)) for op, name in tableview.OPERATORS.items()],
    }


def _addresses(opendata: OpenData, dataset: Dataset, view: explorer.View) -> dict[str, Any]:
    query = explorer.query_string(view)
    data = f"{PREFIX}/{dataset.id}/view"
    return {
        "share": f"{opendata.base}/datasets/{dataset.id}/explore?{explorer.readable(view)}",
        "embed": f"{opendata.base}/datasets/{dataset.id}/embed?{explorer.readable(view)}",
        "data_files": [(form.value, f"{data}?format={form.value}&{query}") for form in FILES],
    }


def _suggestion(view: explorer.View, dataset: Dataset, language: Language) -> tuple[str, str]:
    return telling.title(view, language), f"/datasets/{dataset.id}/explore?{explorer.query_string(view)}"


def _chips(view: explorer.View, dataset: Dataset, language: Language) -> list[tuple[str, str]]:
    """Return each condition in words with the address that removes it."""
    found = []
    for i, condition in enumerate(view.filters):
        rest = replace(view, filters=tuple(f for j, f in enumerate(view.filters) if j != i))
        found.append(
            (tableview.told(condition, language), f"/datasets/{dataset.id}/explore?{explorer.query_string(rest)}")
        )
    return found
