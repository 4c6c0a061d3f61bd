"""The pages of the portal. Every link and form works without JavaScript; htmx only saves the reload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from beijiang.catalog import Facet, SearchPage, SearchQuery
from beijiang.exchange import opening_purposes
from beijiang.kit import Invalid, Language, Refused, Text
from beijiang.opendata import charts, examples, listing, maps, tableview
from beijiang.opendata.answers import chart_words, download_addresses
from beijiang.opendata.charts import ChartType
from beijiang.opendata.exports import schema_org
from beijiang.opendata.exports.offered import faces
from beijiang.opendata.models import Dataset, RowPage
from beijiang.opendata.ogc.telling import PREFIX as GIS
from beijiang.opendata.routes.api import PREFIX, actor, asked
from beijiang.opendata.routes.exports import rdf_wanted
from beijiang.opendata.routes.portal_door import portal_at, portal_of
from beijiang.opendata.service import OpenData, Reading
from beijiang.protection import rowquery
from beijiang.tables import Exit, FilterOp

if TYPE_CHECKING:
    from beijiang.web import Pages

ROWS = 50
PLACES = 200
"""Places listed beside a map; the drawing has more."""


def router(opendata: OpenData, site: Pages) -> APIRouter:
    """Return the pages."""
    pages = APIRouter(include_in_schema=False)
    _general(pages, opendata, site)
    _dataset(pages, opendata, site)
    return pages


def _general(pages: APIRouter, opendata: OpenData, site: Pages) -> None:
    @pages.get("/")
    def home(request: Request) -> Response:
        words = _words(request)
        return site.render(
            request,
            "opendata/home.html",
            page=opendata.home(actor(request), portal_of(request)),
            region=opendata.region.in_language(words),
        )

    @pages.get("/datasets")
    def datasets(request: Request) -> Response:
        query, notice = _listing_query(request)
        results = opendata.search(actor(request), query, portal_of(request))
        path = f"{portal_at(request)}/datasets"
        return site.render(request, "opendata/datasets.html", notice=notice, **_results(request, query, results, path))

    @pages.get("/departments")
    def departments(request: Request) -> Response:
        return site.render(
            request, "opendata/departments.html", departments=opendata.departments(actor(request), portal_of(request))
        )

    @pages.get("/departments/{org_id}")
    def department(request: Request, org_id: str) -> Response:
        query, _ = _listing_query(request)
        page = opendata.department(actor(request), org_id, query, portal_of(request))
        found = _results(request, query, page.results, f"{portal_at(request)}/departments/{org_id}")
        boxes = tuple(b for b in found["listing"].boxes if b.facet is not Facet.DEPARTMENT)
        title = page.name.in_language(_words(request))
        chips = tuple(c for c in found["listing"].chips if c[1] and not _is_own(c[0], title))
        found["listing"] = replace(found["listing"], boxes=boxes, chips=chips)
        return site.render(request, "opendata/department.html", page=page, **found)

    @pages.get("/about")
    def about(request: Request) -> Response:
        words = _words(request)
        licences = opendata.licences(actor(request))
        return site.render(
            request,
            "opendata/about.html",
            region=opendata.region.in_language(words),
            licences=licences,
            portals=opendata.portals(actor(request)),
        )


def _dataset(pages: APIRouter, opendata: OpenData, site: Pages) -> None:
    @pages.get("/datasets/{dataset_id}")
    def data(request: Request, dataset_id: str) -> Response:
        suffix = rdf_wanted(request)
        if suffix:
            return RedirectResponse(f"{examples.address('/datasets', dataset_id)}.{suffix}", status_code=303)
        reading, dataset = opendata.look(actor(request), dataset_id, Exit.PAGE)
        common = frame(request, opendata, dataset, "data")
        if reading is None:
            return site.render(request, "opendata/dataset/data.html", **common)
        return site.render(request, "opendata/dataset/data.html", **{**common, **_rows(request, reading)})

    @pages.get("/datasets/{dataset_id}/filter")
    def filter_(request: Request, dataset_id: str) -> Response:
        pairs = asked(request)
        form = {name: value for name, value in pairs if name in {"column", "op", "value"}}
        rest = [(name, value) for name, value in pairs if name not in {"column", "op", "value"}]
        found = tableview.added(rest, form.get("column", ""), form.get("op", ""), form.get("value", ""))
        path = examples.address("/datasets", dataset_id)
        return RedirectResponse(tableview.address(path, found), status_code=303)

    @pages.get("/datasets/{dataset_id}/chart")
    def chart(request: Request, dataset_id: str) -> Response:
        reading, dataset = opendata.look(actor(request), dataset_id, Exit.CHART)
        common = frame(request, opendata, dataset, "chart")
        if reading is None:
            return site.render(request, "opendata/dataset/chart.html", **common)
        return site.render(request, "opendata/dataset/chart.html", **{**common, **_chart(request, reading)})

    @pages.get("/datasets/{dataset_id}/map")
    def map_(request: Request, dataset_id: str) -> Response:
        reading, view = opendata.map(actor(request), dataset_id)
        common = frame(request, opendata, reading.dataset, "map")
        return site.render(request, "opendata/dataset/map.html", **common, **_map(request, reading.dataset, view))

    @pages.get("/datasets/{dataset_id}/fields")
    def fields(request: Request, dataset_id: str) -> Response:
        dataset = opendata.dataset(actor(request), dataset_id)
        return site.render(request, "opendata/dataset/fields.html", **frame(request, opendata, dataset, "fields"))

    @pages.get("/datasets/{dataset_id}/versions")
    def versions(request: Request, dataset_id: str) -> Response:
        who = actor(request)
        dataset, found = opendata.dataset(who, dataset_id), opendata.versions(who, dataset_id)
        common = frame(request, opendata, dataset, "versions")
        return site.render(request, "opendata/dataset/versions.html", **common, versions=found)

    @pages.get("/datasets/{dataset_id}/api")
    def api(request: Request, dataset_id: str) -> Response:
        dataset = opendata.dataset(actor(request), dataset_id)
        address = f"{opendata.base}{PREFIX}/{dataset.id}"
        column = next((f.column for f in dataset.open_fields if f.type == "text"), None)
        shown = examples.examples(address, column, opendata.region.zh[:2]) if dataset.readable else ()
        return site.render(
            request,
            "opendata/dataset/api.html",
            **frame(request, opendata, dataset, "api"),
            api=address,
            gis=f"{opendata.base}{GIS}",
            faces=faces(dataset, opendata.base),
            examples=shown,
            api_operators=["exact", *(op.value for op in FilterOp if op is not FilterOp.EQ)],
        )


def _words(request: Request) -> Language:
    language: Language = request.state.language
    return language


def _listing_query(request: Request) -> tuple[SearchQuery, str | None]:
    """Read the list's address; one that cannot be read shows everything and says what was wrong."""
    try:
        return listing.parse(asked(request)), None
    except Invalid as error:
        return SearchQuery(), error.message(_words(request))


def _is_own(chip: str, title: str) -> bool:
    return chip.endswith(f": {title}")


def _results(request: Request, query: SearchQuery, results: SearchPage, path: str) -> dict[str, Any]:
    return {
        "query": query,
        "results": results,
        "listing": listing.listing(query, results, _words(request), path),
        "clear": listing.address(SearchQuery(text=query.text, sort=query.sort, size=query.size), path),
    }


def frame(request: Request, opendata: OpenData, dataset: Dataset, tab: str) -> dict[str, Any]:
    """Return what every page of a data set shows: head, tabs, and the facts at the side."""
    language = _words(request)
    zone = ZoneInfo(opendata.zone)
    day = dataset.published_at.astimezone(zone).strftime("%Y-%m-%d") if dataset.published_at else None
    return {
        "ds": dataset,
        "recalls": opendata.recalls(actor(request), dataset),
        "echo": opendata.echo(actor(request), dataset),
        "glimpse": opendata.glimpse(actor(request), dataset),
        "tab": tab,
        "tabs": _tabs(dataset, language),
        "downloads": download_addresses("", dataset.id),
        "held": opendata.held(actor(request), dataset),
        "held_purposes": opening_purposes(),
        "json_ld": Markup(schema_org.script(dataset, opendata.base, opendata.title)),  # noqa: S704 - escaped for a script block
        "facts": tableview.metadata(dataset, language, day),
        "filtered": False,
        "problem": None,
    }


def _tabs(dataset: Dataset, language: Language) -> list[tuple[str, str, str, int | None]]:
    path = f"/datasets/{dataset.id}"
    every = [
        ("data", Text("数据", "Rows"), path, None, True),
        ("explore", Text("探索", "Explore"), f"{path}/explore", None, dataset.readable),
        ("chart", Text("图表", "Chart"), f"{path}/chart", None, dataset.readable),
        ("map", Text("地图", "Map"), f"{path}/map", None, dataset.placed),
        ("fields", Text("字段", "Fields"), f"{path}/fields", len(dataset.items), True),
        ("quality", Text("质量与更新", "Quality"), f"{path}/quality", None, dataset.readable),
        ("versions", Text("版本", "Versions"), f"{path}/versions", None, dataset.readable),
        ("api", Text("接口", "API"), f"{path}/api", None, dataset.readable),
    ]
    return [(key, name.in_language(language), address, badge) for key, name, address, badge, shown in every if shown]


def _rows(request: Request, reading: Reading) -> dict[str, Any]:
    """Return the table of rows; conditions that cannot be met are told, above the unfiltered rows."""
    language = _words(request)
    path = f"/datasets/{reading.dataset.id}"
    query, page, problem = _page_of(request, reading)
    shown = replace(query, size=rowquery.DEFAULT_PAGE, count=False)
    return {
        "page": page,
        "rows": tableview.cells(page, language),
        "heads": tableview.heads(page.columns, shown, path),
        "chips": tableview.chips(shown, path, language),
        "carried": tableview.carried(shown),
        "operators": [(op.value, name.in_language(language)) for op, name in tableview.OPERATORS.items()],
        "following": path + shown.at(page.next).encoded(),
        "first": path + shown.at(None).encoded() if shown.after else None,
        "filtered": bool(query.filters),
        "downloads": download_addresses("", reading.dataset.id, query.filters),
        "problem": problem,
    }


def _page_of(request: Request, reading: Reading) -> tuple[rowquery.RowQuery, RowPage, str | None]:
    """Return the page asked for; else the first page and what was wrong; else no row and why none may leave."""
    language = _words(request)
    plain = rowquery.RowQuery(size=ROWS)
    try:
        try:
            found = rowquery.parse(asked(request))
            query = replace(found, size=ROWS, count=found.after is None)  # counted once a walk, not on every page
            return query, reading.page(query), None
        except Invalid as error:
            return plain, reading.page(plain), error.message(language)
    except Refused as error:
        nothing = RowPage(columns=reading.columns, rows=(), next=None, version=reading.version)
        return plain, nothing, error.message(language)


def _chart(request: Request, reading: Reading) -> dict[str, Any]:
    """Return the chart that the form asks for; one that cannot be drawn is told, and the form stays."""
    language = _words(request)
    base: dict[str, Any] = {
        "columns": [c for c in reading.columns if c.type not in charts.UNDRAWABLE],
        "units": [(u.value, name.in_language(language)) for u, name in charts.UNIT_NAMES.items()],
        "measures": [(m.value, name.in_language(language)) for m, name in charts.MEASURE_NAMES.items()],
        "forms": [(f.value, f.text.in_language(language)) for f in ChartType],
        "carried": [],
        "chart": None,
        "spec": None,
        "chosen_form": dict(asked(request)).get("_type", ""),
    }
    try:
        words, filters = chart_words(asked(request))
        found = reading.aggregate(charts.parse(_without_idle_unit(words, reading), reading.columns, filters))
    except (Invalid, Refused) as error:
        return {**base, "problem": error.message(language)}
    spec = found.spec
    measure = spec.measure_name(language)
    heading = Text(f"{measure}，按{spec.x}", f"{measure} by {spec.x}").in_language(language)
    pairs = [*spec.pairs(), *rowquery.filter_pairs(filters)]
    return {
        **base,
        "carried": rowquery.filter_pairs(filters),
        "chart": found,
        "spec": spec,
        "heading": heading,
        "drawing": charts.drawing(found, language),
        "measure_name": measure,
        "measured": next((f.description for f in reading.dataset.items if f.column == spec.y), ""),
        "scatter": spec.form is ChartType.SCATTER,
        "points": [_point(p, spec, language) for p in found.points],
        "chart_api": tableview.address(f"{PREFIX}/{reading.dataset.id}/chart", pairs),
    }


def _without_idle_unit(words: Mapping[str, str], reading: Reading) -> dict[str, str]:
    """Drop the unit of dates when the axis is no date: the form always sends one, also for an axis it says nothing of."""
    moments = {column.name for column in reading.columns if column.type in charts.MOMENTS}
    return {name: value for name, value in words.items() if name != "_unit" or words.get("_x", "") in {"", *moments}}


def _point(point: tuple[Any, ...], spec: charts.ChartSpec, language: Language) -> list[str]:
    values = (charts.shown(value, spec.fn) for value in point[1:])
    return [charts.label(point[0], spec.unit, language), *(tableview.printed(v, language) for v in values)]


def _map(request: Request, dataset: Dataset, view: maps.MapView | None) -> dict[str, Any]:
    """Return the map and the list beside it; a region links to its rows."""
    language = _words(request)
    if view is None:
        return {"view": None}
    rows = Text("行数", "Rows").in_language(language)
    by = view.plan.columns[0]
    points = view.plan.kind is maps.MapKind.POINTS
    heading = Text("地点分布", "Where the places are") if points else Text(f"行数，按{by}", f"Rows by {by}")
    common = {
        "view": view,
        "heading": heading.in_language(language),
        "drawing": maps.drawing(view, language),
        "row_links": {},
        "unlisted": len(view.points) > PLACES,
    }
    if points:
        heads = [Text("地点", "Place"), Text("经度", "Longitude"), Text("纬度", "Latitude")]
        places = [[p.label or "—", f"{p.longitude:g}", f"{p.latitude:g}", f"{p.rows:,}"] for p in view.points[:PLACES]]
        return {**common, "place_heads": [*(h.in_language(language) for h in heads), rows], "places": places}
    column = view.plan.columns[0]
    names = [(r.name if language is Language.ZH else r.name_en, r) for r in view.regions]
    links = {
        name: tableview.address(f"/datasets/{dataset.id}", [(f"{column}__exact", value)])
        for name, r in names
        if (value := view.values.get(r.code)) is not None
    }
    heads = [Text("区域", "Region"), Text("代码", "Code")]
    places = [[name, r.code, f"{r.rows:,}"] for name, r in names]
    return {
        **common,
        "place_heads": [*(h.in_language(language) for h in heads), rows],
        "places": places,
        "row_links": links,
    }
