"""Forecasts: the list, a new one, one with its series and runs, one series with chart, back-test and what came true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, language, person
from beijiang.kit import BeijiangError, Invalid, NotFound, Text
from beijiang.mining import (
    BENCHMARKS,
    Band,
    Effort,
    ForecastDraft,
    Method,
    SourceKind,
    WhyNot,
    forecast_drawn,
    read_periods,
)
from beijiang.tables import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.build import Platform
    from beijiang.kit import Actor
    from beijiang.mining import Declared, Forecast, SeriesLine, SeriesView
    from beijiang.tables import GovernedColumn

HERE = "/console/forecasts"
PATIENCE = 3.0
"""Seconds that a page waits for a run that was asked for."""
PAST_SHOWN = 60
LINES_SHOWN = 200
ROWS_LOOKED_AT = 20
_Card = Annotated[str, Form(max_length=2000)]
_Short = Annotated[str, Form(max_length=300)]
_Show = Annotated[str, Query(max_length=20)]
_Column = Annotated[str, Query(max_length=200)]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of forecasts."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_looking(pages, frame, platform)
    _add_new(pages, frame, platform)
    _add_steps(pages, frame, platform)
    return pages


def _add_looking(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    forecasts = platform.forecasts

    @pages.get("/forecasts")
    def list_(request: Request, show: _Show = "") -> HTMLResponse:
        who = person(request)
        found = forecasts.to_approve(who) if show == "waiting" else forecasts.forecasts(who)
        last = {one.id: next(iter(forecasts.runs(who, one.id)), None) for one in found}
        names = {o.id: o.short for o in platform.access.organisations()}
        may = bool(_tables(platform, who) or forecasts.known_indicators(who))
        decides = platform.access.allows(who, Permission.MINING_MODEL_APPROVE, who.org_id)
        return frame.page(
            request, "forecasts.html", found=found, last=last, names=names, may=may, show=show, decides=decides
        )

    @pages.get("/forecasts/{forecast}")
    def one(
        request: Request,
        forecast: str,
        words: Annotated[str, Query(max_length=100)] = "",
        run: Annotated[int, Query(ge=0, le=10**9)] = 0,
    ) -> HTMLResponse:
        who = person(request)
        found = forecasts.forecast(who, forecast)
        made, lines = forecasts.series(who, found.id, run)
        fitting = [line for line in lines if words in " ".join(line.key)]
        return frame.page(
            request,
            "forecast.html",
            forecast=found,
            run=made,
            lines=[(line, _href(found, line.key, run), _naive(line)) for line in fitting[:LINES_SHOWN]],
            found=len(fitting),
            all=len(lines),
            words_asked=words,
            runs=forecasts.runs(who, found.id),
            history=forecasts.history(who, found.id),
            methods={method.value: method.text for method in Method},
            reasons={why.value: why.text for why in WhyNot},
            efforts=_efforts(request),
            may=platform.access.allows(who, Permission.MINING_FORECAST_MANAGE, found.org_id),
            may_decide=platform.access.allows(who, Permission.MINING_MODEL_APPROVE, found.org_id),
            card=forecasts.card(who, found.id),
            keys=_keys(found),
        )

    @pages.get("/forecasts/{forecast}/series")
    def series(
        request: Request,
        forecast: str,
        key: Annotated[list[Annotated[str, Query(max_length=400)]], Query(max_length=6)] = [],  # noqa: B006 - pydantic copies it
        run: Annotated[int, Query(ge=0, le=10**9)] = 0,
    ) -> HTMLResponse:
        view = forecasts.one_series(person(request), forecast, key, run)
        title = _title(view)
        return frame.page(
            request,
            "forecast_series.html",
            view=view,
            title=title,
            drawing=_drawing(
                view, Text(f"{title}：实际与预测", f"{title}: actual and forecast").in_language(language(request))
            ),
            shown=view.past[-PAST_SHOWN:],
            here=_href(view.forecast, view.line.key, 0),
            runs=sorted({one.forecast.run for one in view.kept} | {view.run.number}, reverse=True),
            benchmarks=BENCHMARKS,
        )


def _add_new(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/forecasts-new")
    def new(
        request: Request, kind: SourceKind = SourceKind.TABLE, source: Annotated[str, Query(max_length=200)] = ""
    ) -> HTMLResponse:
        who = person(request)
        if not source:
            indicators = platform.forecasts.known_indicators(who)
            return frame.page(request, "forecast_source.html", tables=_tables(platform, who), indicators=indicators)
        columns = _columns(platform, who, source) if kind is SourceKind.TABLE else ()
        return _form(frame, platform, request, _guessed(platform, who, kind, source, columns), None)

    @pages.post("/forecasts-new")
    def make(
        request: Request,
        source: _Short,
        kind: Annotated[SourceKind, Form()],
        do: _Short = "check",
        name: _Short = "",
        target: _Short = "",
        series: Annotated[list[str], Form(max_length=6)] = [],  # noqa: B006 - pydantic copies it
        period: _Short = "",
        value: _Short = "",
        definition: _Short = "",
        horizon: Annotated[int, Form(ge=0, le=24)] = 0,
        effort: Annotated[Effort, Form()] = Effort.USUAL,
        on_write: _Short = "",
    ) -> Any:
        who, forecasts = person(request), platform.forecasts
        draft = ForecastDraft(
            name=name, source=source, target=target, kind=kind, series=tuple(filter(None, series)), period=period, value=value,
            definition=definition, horizon=horizon, effort=effort, on_write=bool(on_write),
        )  # fmt: skip
        try:
            if do != "save":
                return _form(frame, platform, request, draft, forecasts.check(who, draft))
            made = forecasts.save(who, draft)
            return frame.after(request, f"{HERE}/{made.id}", _run(platform, who, made.id))
        except BeijiangError as error:
            if error.status in {401, 403, 404}:
                raise
            return _form(frame, platform, request, draft, None, error.text)


def _add_steps(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    forecasts = platform.forecasts

    @pages.post("/forecasts/{forecast}/run")
    def run(request: Request, forecast: str) -> RedirectResponse:
        who, back = person(request), f"{HERE}/{quote(forecast)}"
        return frame.attempt(request, back, lambda: (back, _run(platform, who, forecast)))

    @pages.post("/forecasts/{forecast}/change")
    def change(
        request: Request,
        forecast: str,
        reason: Annotated[str, Form(max_length=1000)] = "",
        horizon: Annotated[int, Form(ge=0, le=24)] = 0,
        effort: Annotated[Effort, Form()] = Effort.USUAL,
        on_write: _Short = "",
    ) -> RedirectResponse:
        who, back = person(request), f"{HERE}/{quote(forecast)}"

        def step() -> tuple[str, Text]:
            before = forecasts.forecast(who, forecast)
            plain = {name: getattr(before, name) for name in ForecastDraft.__dataclass_fields__}
            wanted = ForecastDraft(**{**plain, "horizon": horizon, "effort": effort, "on_write": bool(on_write)})
            forecasts.change(who, forecast, wanted, reason)
            return back, _run(platform, who, forecast)

        return frame.attempt(request, back, step)

    @pages.post("/forecasts/{forecast}/card")
    def describe(request: Request, forecast: str, purpose: _Card = "", limits: _Card = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            forecasts.describe(person(request), forecast, purpose, limits)
            return f"{HERE}/{quote(forecast)}#card", Text("模型卡已提交审核。", "The card waits for review.")

        return frame.attempt(request, f"{HERE}/{quote(forecast)}", step)

    @pages.post("/forecasts/{forecast}/card-decide")
    def decide(
        request: Request, forecast: str, do: _Short = "", note: _Card = "", seen: _Short = ""
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            forecasts.decide_card(person(request), forecast, approve=do == "approve", note=note, seen=seen)
            return f"{HERE}/{quote(forecast)}#card", Text("已办理。", "It is decided.")

        return frame.attempt(request, f"{HERE}/{quote(forecast)}", step)

    @pages.post("/forecasts/{forecast}/retire")
    def retire(request: Request, forecast: str, reason: Annotated[str, Form(max_length=1000)] = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            ended = forecasts.retire(person(request), forecast, reason)
            words = Text(
                f"预测“{ended.name}”已停用，结果表保留。", f'Forecast "{ended.name}" is retired; its tables stay.'
            )
            return HERE, words

        return frame.attempt(request, f"{HERE}/{quote(forecast)}", step)


def _run(platform: Platform, who: Actor, forecast: str) -> Text:
    job = platform.jobs.wait(platform.forecasts.run(who, forecast), timeout=PATIENCE)
    if not job.ended:
        return Text(
            "正在预测与检验，稍后刷新本页看结果。", "It is being made and tested; reload this page in a moment."
        )
    if job.error is not None:
        raise Invalid(str(job.error["zh"]), str(job.error["en"]), code=str(job.error["code"]))
    return Text("预测已更新。", "The forecast is up to date.")


def _tables(platform: Platform, who: Actor) -> list[str]:
    """Return the tables over which a person may declare a forecast."""
    try:
        tables = platform.tables.list(who)
    except NotFound:
        return []
    allows = platform.access.allows
    return [one.name for one in tables if allows(who, Permission.MINING_FORECAST_MANAGE, one.org_id)]


def _columns(platform: Platform, who: Actor, table: str) -> Sequence[GovernedColumn]:
    return platform.tables.open(who, table, "forecast", Exit.PREVIEW).columns


def _guessed(
    platform: Platform, who: Actor, kind: SourceKind, source: str, columns: Sequence[GovernedColumn]
) -> ForecastDraft:
    """Return a draft with the columns that look like periods, values and names of series."""
    if kind is SourceKind.INDICATOR:
        facts = platform.forecasts.indicators.facts(who, source)
        return ForecastDraft(name=facts.name.zh, source=source, target=f"{facts.name.zh}_预测", kind=kind)
    rows = platform.tables.open(who, source, "forecast", Exit.PREVIEW).page(limit=ROWS_LOOKED_AT).rows.to_pylist()
    plain = [column for column in columns if not column.masked]
    period = next((c.name for c in plain if rows and _like_periods([row[c.name] for row in rows])), "")
    numbers = [c.name for c in plain if c.type in {"double", "decimal", "integer"} and c.name != period]
    value = numbers[-1] if numbers else ""
    names = [c.name for c in plain if c.type == "text" and c.name not in {period, value}]
    telling = [
        name for name in names if not name.endswith("代码") and any(word in name for word in ("名", "地区", "指标"))
    ]
    definition = next((name for name in names if "口径" in name), "")
    return ForecastDraft(
        name=source,
        source=source,
        target=f"{source}_预测",
        series=tuple(telling[:6]),
        period=period,
        value=value,
        definition=definition,
    )


def _like_periods(values: Sequence[Any]) -> bool:
    found = read_periods(values)
    return found is not None and not found.unread


def _form(
    frame: Frame,
    platform: Platform,
    request: Request,
    draft: ForecastDraft,
    tried: Declared | None,
    fault: Text | None = None,
) -> HTMLResponse:
    columns = _columns(platform, person(request), draft.source) if draft.kind is SourceKind.TABLE else ()
    return frame.page(
        request,
        "forecast_new.html",
        draft=draft,
        columns=columns,
        options=[(c.name, c.name) for c in columns if not c.masked],
        efforts=_efforts(request),
        tried=tried,
        fault=fault,
    )


def _efforts(request: Request) -> list[tuple[str, str]]:
    return [(one.value, one.text.in_language(language(request))) for one in Effort]


def _keys(found: Forecast) -> tuple[Text, ...]:
    if found.kind is SourceKind.INDICATOR:
        return (Text("地区代码", "Region"), Text("分组", "Group"))
    return tuple(Text(name, name) for name in found.series)


def _href(found: Forecast, key: Sequence[str], run: int) -> str:
    query = urlencode([*(("key", part) for part in key), *([("run", run)] if run else [])])
    return f"{HERE}/{quote(found.id)}/series?{query}"


def _naive(line: SeriesLine) -> float | None:
    return min((line.scores[method].mase for method in BENCHMARKS if method in line.scores), default=None)


def _title(view: SeriesView) -> str:
    return " · ".join(part for part in view.line.key if part) or view.forecast.name


def _drawing(view: SeriesView, words: str) -> Markup:
    bands = [Band(e.period, e.middle, e.low80, e.high80, e.low95, e.high95) for e in view.expected]
    first = bands[0].period if bands else "~"
    past = [one for one in view.past if one[0] < first][-PAST_SHOWN:]
    return Markup(forecast_drawn(past, bands, words))  # noqa: S704 - drawn here, every word in it escaped
