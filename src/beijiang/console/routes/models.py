"""Models (数据挖掘): feature views, training sets, models with their cards, tables of scores and how far the data moved."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.console.learned import HIGH, WIDE, bars, compared, curves, drift
from beijiang.console.routes.frame import Frame, Seen, number, person
from beijiang.kit import Invalid, Text
from beijiang.mining import (
    PARAMETERS,
    Algorithm,
    Feature,
    FeatureKind,
    ModelDraft,
    ModelState,
    Rhythm,
    ScoreDraft,
    SetDraft,
    ShiftLevel,
    Split,
    Task,
    ViewDraft,
    ViewUse,
    drift_limits,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import FormData

    from beijiang.kit import Actor
    from beijiang.platform import Platform

HERE: Final = "/console/models"
LEADING: Final = {
    Task.CLASSES: ("auc", "accuracy"),
    Task.AMOUNT: ("r_squared",),
    Task.GROUPS: ("silhouette",),
    Task.OUTLIERS: (),
}
FIGURES: Final = {
    "accuracy": Text("判对的比例", "accuracy"),
    "log_loss": Text("对数损失（越小越好）", "log loss (less is better)"),
    "precision": Text("查准率", "precision"),
    "recall": Text("查全率", "recall"),
    "f1": Text("F1", "F1"),
    "auc": Text("AUC", "AUC"),
    "mean_absolute": Text("平均绝对误差", "mean absolute error"),
    "mean_squared": Text("均方误差", "mean squared error"),
    "root_mean_squared": Text("均方根误差", "root mean squared error"),
    "r_squared": Text("决定系数 R²", "R squared"),
    "groups": Text("分组数", "groups"),
    "silhouette": Text("轮廓系数", "silhouette"),
    "mean": Text("平均异常分", "mean score"),
    "spread": Text("异常分波动", "spread of scores"),
    "greatest": Text("最大异常分", "greatest score"),
}
_Said = Annotated[str, Form(max_length=1000)]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of models."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_lists(pages, frame, platform)
    _add_model(pages, frame, platform)
    _add_steps(pages, frame, platform)
    _add_forms(pages, frame, platform)
    _add_scores(pages, frame, platform)
    return pages


def _rights(platform: Platform, who: Actor, org_id: str | None) -> dict[str, bool]:
    allows = platform.access.allows
    return {
        "build": allows(who, Permission.MINING_MODEL_BUILD, org_id),
        "approve": allows(who, Permission.MINING_MODEL_APPROVE, org_id),
        "retire": allows(who, Permission.MINING_MODEL_RETIRE, org_id),
        "score": allows(who, Permission.MINING_MODEL_BUILD, org_id)
        and allows(who, Permission.TABLES_TABLE_WRITE, org_id),
    }


def _add_lists(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    learning = platform.learning

    @pages.get("/models")
    def models(request: Request, show: Annotated[str, Query(max_length=20)] = "") -> HTMLResponse:
        who = person(request)
        found = learning.to_approve(who) if show == "waiting" else learning.models(who)
        return _list(request, "models", models=found, leading=LEADING, show=show)

    @pages.get("/training-sets")
    def sets(request: Request) -> HTMLResponse:
        return _list(request, "sets", sets=learning.training_sets(person(request)))

    @pages.get("/feature-views")
    def views(request: Request) -> HTMLResponse:
        return _list(request, "views", views=learning.views(person(request)))

    @pages.get("/scores")
    def scores(request: Request) -> HTMLResponse:
        who = person(request)
        found = [learning.runs(who, one.id) for one in learning.plans(who)]
        return _list(request, "scores", scores=[(plan, next(iter(runs), None)) for plan, runs in found])

    def _list(request: Request, tab: str, **facts: Any) -> HTMLResponse:
        who = person(request)
        return frame.page(
            request, "models.html", tab=tab, words=FIGURES, may=_rights(platform, who, who.org_id), **facts
        )

    @pages.get("/feature-views/{view}")
    def view(request: Request, view: str) -> HTMLResponse:
        who = person(request)
        found = learning.view(who, view)
        return frame.page(
            request,
            "feature_view.html",
            view=found,
            revisions=learning.view_revisions(who, view),
            may=_rights(platform, who, found.org_id),
        )

    @pages.post("/feature-views/{view}/retire")
    def retire_view(request: Request, view: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            learning.retire_view(person(request), view)
            return "/console/feature-views", Text("特征视图已停用。", "The feature view is out of use.")

        return frame.attempt(request, f"/console/feature-views/{quote(view)}", step)

    @pages.get("/training-sets/{set_id}")
    def one_set(request: Request, set_id: str) -> HTMLResponse:
        who = person(request)
        found, trained = learning.training_set(who, set_id), learning.compared(who, set_id)
        tasks = {one.draft.algorithm.task for one in trained}
        figure = next((f for task in tasks for f in LEADING[task] if any(f in m.figures for m in trained)), "")
        return frame.page(
            request,
            "training_set.html",
            set=found,
            models=trained,
            figure=figure,
            bars=compared(trained, figure),
            words=FIGURES,
            algorithms=[one for one in Algorithm if _fits(one, found)],
            splits=Split,
            parameters=PARAMETERS,
            may=_rights(platform, who, found.org_id),
        )


def _fits(algorithm: Algorithm, found: Any) -> bool:
    if algorithm.task is Task.CLASSES:
        return bool(found.classes)
    return (algorithm.task is Task.AMOUNT) == bool(
        found.label_column and not found.classes
    ) or not algorithm.task.has_label


def _add_model(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    learning = platform.learning

    @pages.get("/models/{model}")
    def one(request: Request, model: str) -> HTMLResponse:
        who = person(request)
        found = learning.model(who, model)
        made = learning.training_set(who, found.draft.training_set)
        plans = [learning.runs(who, one.id) for one in learning.plans(who) if one.draft.model == found.id]
        newest = [(plan, next(run for run in runs if run.worst)) for plan, runs in plans if any(r.worst for r in runs)]
        return frame.page(
            request,
            "model.html",
            model=found,
            set=made,
            plans=plans,
            moved=[(plan, run) for plan, run in newest if run.worst and run.worst.level is ShiftLevel.MOVED],
            weights=bars([(one.name, one.mean) for one in found.weights]),
            curves=curves(found.curves, chances=found.draft.algorithm.task is Task.CLASSES),
            words=FIGURES,
            labelled=found.draft.algorithm.task.has_label,
            states=ModelState,
            rhythms=Rhythm,
            wide=WIDE,
            high=HIGH,
            may=_rights(platform, who, found.org_id),
            own=who.id in {found.by_id, *(one.by_id for one in found.history[-1:])},
        )


def _add_steps(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    learning = platform.learning

    @pages.post("/models/{model}/submit")
    def submit(request: Request, model: str, note: _Said = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            learning.submit_model(person(request), model, note)
            return f"{HERE}/{quote(model)}", Text("已提交审核。", "The model is handed in for review.")

        return frame.attempt(request, f"{HERE}/{quote(model)}", step)

    @pages.post("/models/{model}/decide")
    def decide(
        request: Request,
        model: str,
        do: Annotated[str, Form(pattern="^(approve|return)$")],
        note: _Said = "",
        seen: Seen = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            learning.decide_model(person(request), model, approve=do == "approve", note=note, seen=seen)
            good = Text("模型已批准。", "The model is approved.")
            return f"{HERE}/{quote(model)}", good if do == "approve" else Text(
                "模型已退回。", "The model is sent back."
            )

        return frame.attempt(request, f"{HERE}/{quote(model)}", step)

    @pages.post("/models/{model}/retire")
    def retire(request: Request, model: str, note: _Said = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            learning.retire_model(person(request), model, note)
            return f"{HERE}/{quote(model)}", Text("模型已退役。", "The model is retired.")

        return frame.attempt(request, f"{HERE}/{quote(model)}", step)

    @pages.post("/models/{model}/scores")
    async def plan(request: Request, model: str) -> RedirectResponse:
        form = await request.form()

        def step() -> tuple[str, Text]:
            draft = _draft(
                ScoreDraft,
                model=model,
                table=_text(form, "table"),
                keep=_listed(_text(form, "keep")),
                target=_text(form, "target"),
                time=_text(form, "time"),
                where=_lines(_text(form, "where")),
                rhythm=_text(form, "rhythm") or Rhythm.HAND,
            )
            made = learning.plan_scores(person(request), draft)
            words = Text("评分计划已设立，可以立即评分。", "The plan is set up; have the scores made now.")
            return f"/console/scores/{made.id}", words

        return await run_in_threadpool(frame.attempt, request, f"{HERE}/{quote(model)}", step)


def _add_forms(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    learning = platform.learning

    def chosen(request: Request, table: str, template: str, **facts: Any) -> HTMLResponse:
        who = person(request)
        platform.access.require(who, Permission.MINING_MODEL_BUILD, who.org_id)
        columns = platform.workbench.columns(who, table).columns if table else ()
        tables = () if table else platform.workbench.tables(who)
        return frame.page(request, template, table=table, tables=tables, columns=columns, **facts)

    @pages.get("/feature-views-new")
    def new_view(request: Request, table: Annotated[str, Query(max_length=200)] = "") -> HTMLResponse:
        return chosen(request, table, "feature_view_new.html", kinds=FeatureKind)

    @pages.post("/feature-views-new")
    async def add_view(request: Request) -> Response:
        form = await request.form()
        table = _text(form, "table")

        def step() -> tuple[str, Text]:
            draft = _draft(
                ViewDraft,
                name=_text(form, "name"),
                name_en=_text(form, "name_en"),
                table=table,
                keys=_listed(_text(form, "keys")),
                event_time=_text(form, "event_time"),
                features=_features(form),
            )
            made = learning.declare_view(person(request), draft)
            return f"/console/feature-views/{made.id}", Text("特征视图已声明。", "The feature view is declared.")

        back = f"/console/feature-views-new?table={quote(table)}"
        return await run_in_threadpool(frame.attempt, request, back, step)

    @pages.get("/training-sets-new")
    def new_set(request: Request, table: Annotated[str, Query(max_length=200)] = "") -> HTMLResponse:
        return chosen(request, table, "training_set_new.html", views=learning.views(person(request)))

    @pages.post("/training-sets-new")
    async def add_set(request: Request) -> Response:
        form = await request.form()
        table = _text(form, "table")

        def step() -> tuple[str, Text]:
            made, _ = learning.make_set(person(request), _set_draft(form))
            words = Text("训练集正在制作，刷新可看进展。", "The training set is being made; look again in a moment.")
            return f"/console/training-sets/{made.id}", words

        back = f"/console/training-sets-new?table={quote(table)}"
        return await run_in_threadpool(frame.attempt, request, back, step)

    @pages.post("/training-sets/{set_id}/train")
    async def train(request: Request, set_id: str) -> RedirectResponse:
        form = await request.form()

        def step() -> tuple[str, Text]:
            draft = _draft(
                ModelDraft,
                training_set=set_id,
                **{name: _text(form, name) for name in ("name", "name_en", "algorithm", "purpose", "limits", "split")},
                seed=number(_text(form, "seed"), 1),
                parameters=_parameters(_text(form, "parameters")),
            )
            made, _ = learning.train(person(request), draft)
            words = Text("模型正在训练，刷新可看进展。", "The model is being trained; look again in a moment.")
            return f"{HERE}/{made.id}", words

        back = f"/console/training-sets/{quote(set_id)}"
        return await run_in_threadpool(frame.attempt, request, back, step)


def _add_scores(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    learning = platform.learning

    @pages.get("/scores/{plan}")
    def one(request: Request, plan: str) -> HTMLResponse:
        who = person(request)
        found, runs = learning.runs(who, plan)
        limits = drift_limits(datetime.now(UTC).date())
        line, points, top = drift(runs, (limits.watch, limits.moved))
        return frame.page(
            request,
            "scores.html",
            plan=found,
            model=learning.model(who, found.draft.model),
            runs=runs,
            limits=limits,
            line=line,
            points=points,
            top=top,
            wide=WIDE,
            high=HIGH,
            may=_rights(platform, who, found.org_id),
        )

    @pages.post("/scores/{plan}/run")
    def run(request: Request, plan: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            learning.score(person(request), plan)
            return f"/console/scores/{quote(plan)}", Text(
                "正在评分，刷新可看结果。", "Scores are being made; look again soon."
            )

        return frame.attempt(request, f"/console/scores/{quote(plan)}", step)

    @pages.post("/scores/{plan}/end")
    def end(request: Request, plan: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            learning.end_plan(person(request), plan)
            return "/console/scores", Text("评分计划已停止，评分表保留。", "The plan has ended; its table stays.")

        return frame.attempt(request, f"/console/scores/{quote(plan)}", step)


def _draft(kind: Callable[..., Any], /, **values: Any) -> Any:
    """Make a draft of what a form says.

    Raises:
        Invalid: something in it does not fit.

    """
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "-"
        raise Invalid(
            f"表单中的“{where}”没有填好。",
            f'"{where}" in the form is not filled in as it should be.',
            code="learning_unfit",
        ) from None


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _listed(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.replace("，", ",").replace("、", ",").split(",") if one.strip())


def _features(form: FormData) -> tuple[Feature, ...]:
    """Read one line a column: how it serves, under which name, over which window."""
    made = []
    for place in range(number(_text(form, "many"))):
        kind = _text(form, f"kind_{place}")
        if kind:
            column = _text(form, f"column_{place}")
            name = _text(form, f"name_{place}") or column or kind
            days = number(_text(form, f"days_{place}"))
            made.append(
                _draft(Feature, name=name, kind=kind, column=column, other=_text(form, f"other_{place}"), days=days)
            )
    return tuple(made)


def _set_draft(form: FormData) -> SetDraft:
    views = [one for one in form.getlist("view") if isinstance(one, str)]
    uses = tuple(_draft(ViewUse, view=one, on=_listed(_text(form, f"on_{one}"))) for one in views)
    try:
        day = _text(form, "as_of")
        as_of = datetime.combine(date.fromisoformat(day), datetime.max.time(), UTC) if day else None
    except ValueError:
        raise Invalid("截止日期不对。", "The as-of day is no day.", code="learning_unfit") from None
    made: SetDraft = _draft(
        SetDraft,
        **{name: _text(form, name) for name in ("name", "name_en", "table", "label", "time", "group", "purpose")},
        positive=_listed(_text(form, "positive")),
        as_of=as_of,
        views=uses,
        where=_lines(_text(form, "where")),
    )
    return made


def _parameters(text: str) -> dict[str, float]:
    """Read ``name=value`` between commas.

    Raises:
        Invalid: it is written otherwise.

    """
    found = {}
    for one in _listed(text):
        name, _, value = one.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise Invalid(
                "参数请写成 名称=数值，用逗号隔开。",
                "Write parameters as name=number, parted by commas.",
                code="learning_unfit",
            ) from None
    return found
