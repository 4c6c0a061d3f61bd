"""Statistical indicators: the list against targets, one indicator over time and by region, reporting, release, files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from beijiang.access import Permission
from beijiang.assess import (
    REGION,
    Better,
    FigureDraft,
    Operator,
    Period,
    PeriodKind,
    Stage,
    Target,
    ValueDraft,
    ValueKind,
    ValueState,
)
from beijiang.console.routes.frame import Frame, language, person
from beijiang.console.routes.tickets import handed_out
from beijiang.kit import Text
from beijiang.standards import SheetFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.assess import FigureView, Value
    from beijiang.build import Platform
    from beijiang.kit import Actor

HERE: Final = "/console/figures"
_Short = Annotated[str, Form(max_length=300)]
_Said = Annotated[str, Form(max_length=4000)]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of statistical indicators."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_list(pages, frame, platform)
    _add_defining(pages, frame, platform)
    _add_one(pages, frame, platform)
    _add_steps(pages, frame, platform)
    return pages


def _may(platform: Platform, who: Actor, org: str | None) -> dict[str, bool]:
    allows = platform.access.allows
    return {
        "manage": allows(who, Permission.ASSESS_FIGURE_MANAGE, org),
        "approve": allows(who, Permission.ASSESS_FIGURE_APPROVE, org),
        "all": allows(who, Permission.ASSESS_FIGURE_MANAGE),
    }


def _add_list(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    figures = platform.figures

    @pages.get("/figures")
    def all_(request: Request) -> HTMLResponse:
        who = person(request)
        return frame.page(
            request,
            "figures.html",
            rows=figures.figures(who),
            names={o.id: o.short for o in platform.access.organisations()},
            may=_may(platform, who, who.org_id),
        )

    @pages.get("/figures-file")
    def file(
        request: Request, code: Annotated[str, Query(max_length=60)] = "", form: SheetFormat = SheetFormat.XLSX
    ) -> Response:
        return handed_out(figures.export(person(request), form, language(request), code))

    @pages.post("/figures-file")
    def import_(request: Request, file: UploadFile, reason: _Said = "") -> RedirectResponse:
        content = file.file.read()

        def step() -> tuple[str, Text]:
            made = figures.import_values(person(request), file.filename or "", content, reason)
            return HERE, Text(
                f"已填报 {len(made)} 个数值，等待审批。", f"{len(made)} values are reported and wait for release."
            )

        return frame.attempt(request, HERE, step)

    @pages.post("/figures-plan")
    def load(request: Request) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            added = len(figures.load_plan(person(request)))
            return HERE, Text(f"新增 {added} 项指标。", f"{added} indicators added.")

        return frame.attempt(request, HERE, step)


def _add_defining(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    figures = platform.figures

    @pages.get("/figures-new")
    def ask(request: Request, code: Annotated[str, Query(max_length=60)] = "") -> HTMLResponse:
        who = person(request)
        figure = figures.figure(who, code).figure if code else None
        platform.access.require(who, Permission.ASSESS_FIGURE_MANAGE, figure.org_id if figure else who.org_id)
        tongue = language(request)
        orgs = [
            (o.id, o.short)
            for o in platform.access.organisations()
            if platform.access.allows(who, Permission.ASSESS_FIGURE_MANAGE, o.id)
        ]
        return frame.page(
            request,
            "figure_edit.html",
            figure=figure,
            orgs=orgs,
            kinds=[(k.value, k.text.in_language(tongue)) for k in ValueKind],
            every=[(k.value, k.text.in_language(tongue)) for k in PeriodKind],
            betters=[(k.value, k.text.in_language(tongue)) for k in Better],
        )

    @pages.post("/figures-new")
    def define(
        request: Request,
        code: _Short,
        name_zh: _Short,
        unit_zh: _Short,
        org_id: _Short,
        period_kind: Annotated[PeriodKind, Form()],
        value_kind: Annotated[ValueKind, Form()],
        better: Annotated[Better, Form()],
        name_en: _Short = "",
        unit_en: _Short = "",
        definition: _Said = "",
        source: _Short = "",
        basis: _Said = "",
        dimensions: _Said = "",
        formula: _Said = "",
        reason: _Said = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            groups = tuple(dict.fromkeys(w.strip() for w in dimensions.replace("；", ";").split(";") if w.strip()))
            draft = FigureDraft(
                code=code.strip(), name_zh=name_zh.strip()[:200], name_en=name_en.strip()[:200], definition=definition.strip(),
                unit_zh=unit_zh.strip()[:60], unit_en=unit_en.strip()[:60], period_kind=period_kind, value_kind=value_kind,
                better=better, org_id=org_id, source=source.strip(), basis=basis.strip(), dimensions=groups[:50], formula=formula.strip(),
            )  # fmt: skip
            made = figures.define(person(request), draft, reason)
            return f"{HERE}/{made.code}", Text(f"第 {made.version} 版已保存。", f"Version {made.version} is kept.")

        return frame.attempt(request, f"{HERE}-new", step)


def _add_one(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    figures = platform.figures

    @pages.get("/figures/{code}")
    def one(request: Request, code: str, place: Annotated[str, Query(max_length=12)] = REGION) -> HTMLResponse:
        who = person(request)
        view = figures.figure(who, code)
        names = {r.code: r.name for r in platform.standards.regions()}
        known = sorted({REGION, *(v.region for v in view.values), *(t.region for t in view.targets)})
        return frame.page(
            request,
            "figure.html",
            view=view,
            figure=view.figure,
            seen=view.seen,
            opening=platform.public_figures.opening(who, code),
            sdmx=f"{platform.settings.public_url.rstrip('/')}/sdmx/v1/data/{code.upper()}",
            series=_series(view, request, place),
            chosen=place,
            charted=[(one, names.get(one, one)) for one in known],
            departments=[(o.id, o.short) for o in platform.access.organisations()],
            forecasts=platform.forecasts.of_indicator(who, code),
            may_forecast=platform.access.allows(who, Permission.MINING_FORECAST_MANAGE, view.figure.org_id),
            regions=_regions(view.values, names),
            waiting=[v for v in view.revisions if v.state is ValueState.PROPOSED],
            places=[(r.code, r.name) for r in platform.standards.regions() if r.level < 3],  # noqa: PLR2004 - region, cities
            region_names=names,
            stages=[(s.value, s.text.in_language(language(request))) for s in Stage],
            operators=[(o.value, o.value) for o in Operator],
            own=REGION,
            names={o.id: o.short for o in platform.access.organisations()},
            may=_may(platform, who, view.figure.org_id),
        )


def _add_steps(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    figures = platform.figures

    @pages.post("/figures/{code}/values")
    def report(
        request: Request,
        code: str,
        period: _Short,
        value: _Short,
        region: _Short = REGION,
        dimension: _Short = "",
        stage: Annotated[Stage, Form()] = Stage.FINAL,
        source: _Short = "",
        reason: _Said = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            draft = ValueDraft(
                code=code, period=Period.parse(period), value=value, region=region, dimension=dimension, stage=stage, source=source
            )  # fmt: skip
            figures.report(person(request), [draft], reason)
            return f"{HERE}/{code}", Text("数值已填报，等待另一人审批。", "Reported; somebody else releases it.")

        return frame.attempt(request, f"{HERE}/{code}", step)

    @pages.post("/figures/{code}/compute")
    def compute(request: Request, code: str, period: _Short, reason: _Said = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = figures.compute(person(request), code, Period.parse(period), Stage.FINAL, reason)
            return f"{HERE}/{code}", Text(
                f"查询得到 {len(made)} 个数值，等待另一人审批。",
                f"The query gave {len(made)} values; somebody else releases them.",
            )

        return frame.attempt(request, f"{HERE}/{code}", step)

    @pages.post("/figures/{code}/decide")
    def decide(
        request: Request,
        code: str,
        answer: Annotated[str, Form(max_length=10)],
        value: Annotated[list[str] | None, Form()] = None,
        words: _Said = "",
        seen: Annotated[list[str] | None, Form()] = None,
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            tokens = dict(one.split("=", 1) for one in seen or () if "=" in one)
            done = figures.decide(person(request), value or (), approve=answer == "approve", words=words, seen=tokens)
            return f"{HERE}/{code}", Text(f"已处理 {len(done)} 个数值。", f"{len(done)} values are decided.")

        return frame.attempt(request, f"{HERE}/{code}", step)

    @pages.post("/figures/{code}/target")
    def target(
        request: Request,
        code: str,
        period: _Short,
        operator: Annotated[Operator, Form()],
        value: _Short,
        basis: _Said = "",
        region: _Short = REGION,
        org_id: _Short = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = Target(
                code=code,
                region=region,
                period=Period.parse(period),
                operator=operator,
                value=value,
                basis=basis,
                org_id=org_id,
            )
            figures.set_target(person(request), made)
            return f"{HERE}/{code}", Text("目标已设定。", "The target is set.")

        return frame.attempt(request, f"{HERE}/{code}", step)

    @pages.post("/figures/{code}/open")
    def open_(request: Request, code: str, reason: _Said = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.public_figures.open(person(request), code, reason)
            return f"{HERE}/{code}", Text("指标已公开。", "Everybody may read it now.")

        return frame.attempt(request, f"{HERE}/{code}", step)

    @pages.post("/figures/{code}/close")
    def close(request: Request, code: str, reason: _Said = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.public_figures.close(person(request), code, reason)
            return f"{HERE}/{code}", Text("指标不再公开。", "Not public any more.")

        return frame.attempt(request, f"{HERE}/{code}", step)

    @pages.post("/figures/{code}/retire")
    def retire(request: Request, code: str, reason: _Said = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            figures.retire(person(request), code, reason)
            return HERE, Text("指标已停用，数值保留。", "Out of use; its values stay.")

        return frame.attempt(request, f"{HERE}/{code}", step)


def _series(view: FigureView, request: Request, region: str) -> dict[str, Any] | None:
    """Return a region's values over time with targets beside, for a chart."""
    own = {str(v.period): float(v.number) for v in view.values if v.region == region and not v.dimension}
    wanted = {str(t.period): float(t.value) for t in view.targets if t.region == region}
    periods = sorted({*own, *wanted})
    if not own:
        return None
    tongue = language(request)
    return {
        "type": "line" if len(periods) > 1 else "bar",
        "x": periods,
        "series": [
            {"name": Text("实际", "actual").in_language(tongue), "values": [own.get(p) for p in periods]},
            {"name": Text("目标", "target").in_language(tongue), "values": [wanted.get(p) for p in periods]},
        ],
        "unit": view.figure.unit.in_language(tongue),
    }


def _regions(values: Sequence[Value], names: dict[str, str]) -> dict[str, Any] | None:
    """Return the newest period that regions have values of, region by region, for a chart."""
    below = [v for v in values if v.region != REGION and not v.dimension]
    if not below:
        return None
    newest = max(v.period for v in below)
    mine = sorted((v for v in below if v.period == newest), key=lambda v: -v.number)
    return {
        "period": newest,
        "spec": {
            "type": "bar",
            "x": [names.get(v.region, v.region) for v in mine],
            "series": [{"name": str(newest), "values": [float(v.number) for v in mine]}],
        },
    }
