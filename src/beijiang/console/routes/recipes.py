"""Recipes: the list, a recipe with its runs, the editor with its trial, SQL models, rows that a step could not read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, language, number, person
from beijiang.kit import BeijiangError, Invalid, NotFound, Text, Word
from beijiang.recipes import STEPS, OnFault, RecipeDraft, RecipeKind, Step, StepKind, StepParamType

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from beijiang.build import Platform
    from beijiang.kit import Actor, Language
    from beijiang.recipes import Preview, Recipe

PATIENCE = 3.0
"""Seconds that a page waits for a run that was asked for."""
_STEPS_TEXT = 200_000


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of recipes."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    @pages.get("/recipes")
    def list_(request: Request) -> HTMLResponse:
        who = person(request)
        found = platform.recipes.recipes(who)
        last = {one.id: next(iter(platform.recipes.runs(who, one.id)), None) for one in found}
        names = {o.id: o.short for o in platform.access.organisations()}
        return frame.page(request, "recipes.html", found=found, last=last, names=names, sources=_sources(platform, who))

    @pages.get("/recipes/{recipe}")
    def one(request: Request, recipe: str) -> HTMLResponse:
        who = person(request)
        found = platform.recipes.recipe(who, recipe)
        return frame.page(
            request,
            "recipe.html",
            recipe=found,
            way=platform.recipes.way(who, found.id),
            runs=platform.recipes.runs(who, found.id),
            history=platform.recipes.history(who, found.id),
            steps=[_card(step, language(request)) for step in found.steps],
            made=found.target in platform.tables.names(who),
            may=_rights(platform, who, found.org_id),
        )

    @pages.post("/recipes/{recipe}/run")
    def run(request: Request, recipe: str) -> RedirectResponse:
        who, back = person(request), f"/console/recipes/{quote(recipe)}"
        return frame.attempt(request, back, lambda: (back, _run(platform, who, recipe)))

    @pages.post("/recipes/{recipe}/retire")
    def retire(request: Request, recipe: str, reason: Annotated[str, Form(max_length=1000)] = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            ended = platform.recipes.retire(person(request), recipe, reason)
            words = Text(
                f"配方“{ended.name}”已停用，结果表保留。", f'Recipe "{ended.name}" is retired; its table stays.'
            )
            return "/console/recipes", words

        return frame.attempt(request, f"/console/recipes/{quote(recipe)}", step)

    @pages.get("/recipe-runs/{run}/steps/{step}")
    def rows(request: Request, run: str, step: int) -> HTMLResponse:
        found = platform.recipes.faulty(person(request), run, step)
        named = set(found.recipe.steps[step].columns)
        first = [c for c in found.governed.columns if c.name in named]
        others = [c for c in found.governed.columns if c.name not in named]
        return frame.page(
            request,
            "recipe_rows.html",
            found=found,
            named=named,
            columns=[*first, *others],
            card=_card(found.recipe.steps[step], language(request)),
        )

    _add_editor(pages, frame, platform)
    return pages


def _add_editor(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/recipes-new")
    def new(request: Request, source: Annotated[str, Query(max_length=200)] = "") -> HTMLResponse:
        who = person(request)
        if not source:
            names = _sources(platform, who)
            return frame.page(request, "recipe_source.html", sources=names)
        draft = RecipeDraft(target=f"{source}_净", source=source)
        return _editor(frame, platform, request, draft)

    @pages.get("/recipes/{recipe}/edit")
    def edit(request: Request, recipe: str) -> HTMLResponse:
        found = platform.recipes.recipe(person(request), recipe)
        platform.access.require(person(request), Permission.RECIPES_RECIPE_MANAGE, found.org_id)
        return _editor(frame, platform, request, found, recipe=found)

    @pages.get("/recipes-sql")
    def sql(request: Request) -> HTMLResponse:
        return _editor(frame, platform, request, RecipeDraft(target="", sql="SELECT "))

    @pages.post("/recipes-edit")
    async def change(request: Request) -> Response:
        form = await request.form()
        return await run_in_threadpool(_done, frame, platform, request, form)


@dataclass(frozen=True, slots=True)
class _Desk:
    """The steps as they are after a button was pressed, and the one whose form is open."""

    steps: tuple[Step, ...]
    open: Step | None = None
    at: int | None = None
    """Which of the steps it is; None for one that is to be added."""


def _done(frame: Frame, platform: Platform, request: Request, form: FormData) -> Response:
    """Do what a button of the editor says; what is wrong is said above the form as it was filled in."""
    who = person(request)
    verb, _, place = str(form.get("do") or "preview").partition(":")
    recipe = platform.recipes.recipe(who, str(form.get("recipe"))[:40]) if form.get("recipe") else None
    draft = _draft(form)
    desk = _Desk(draft.steps)
    try:
        if verb == "save":
            return _saved(frame, platform, request, draft, recipe, str(form.get("reason") or "")[:1000])
        if verb == "suggest":
            found = platform.recipes.suggest(who, draft.source)
            desk = _Desk((*draft.steps, *(one.step for one in found)))
        else:
            desk = _moved(verb, number(place), draft.steps, form)
        if verb in {"add", "put"}:
            platform.recipes.columns(who, replace(draft, steps=desk.steps))
            desk = _Desk(desk.steps)
    except BeijiangError as error:
        if error.status in {401, 403, 404}:
            raise
        return _editor(
            frame, platform, request, draft, recipe=recipe, fault=error.text, desk=replace(desk, steps=draft.steps)
        )
    return _editor(frame, platform, request, replace(draft, steps=desk.steps), recipe=recipe, desk=desk)


def _moved(verb: str, at: int, steps: tuple[Step, ...], form: FormData) -> _Desk:
    """Return the steps after one was opened, added, changed, removed or moved up."""
    found = _Desk(steps)
    if verb == "kind":
        found = _Desk(steps, Step(kind=_word(StepKind, form.get("add"))))
    elif verb == "add":
        made = _step(form)
        found = _Desk((*steps, made), made)
    elif at < len(steps):
        before, this, after = steps[:at], steps[at], steps[at + 1 :]
        if verb == "edit":
            found = _Desk(steps, this, at)
        elif verb == "put":
            made = _step(form)
            found = _Desk((*before, made, *after), made, at)
        elif verb == "remove":
            found = _Desk((*before, *after))
        elif verb == "up" and before:
            found = _Desk((*before[:-1], this, before[-1], *after))
    return found


def _saved(
    frame: Frame, platform: Platform, request: Request, draft: RecipeDraft, recipe: Recipe | None, reason: str
) -> RedirectResponse:
    who = person(request)
    if recipe is None:
        made = platform.recipes.save(who, draft, reason)
    else:
        made = platform.recipes.change(who, recipe.id, draft, reason)
    back = f"/console/recipes/{quote(made.id)}"
    try:
        return frame.after(request, back, _run(platform, who, made.id))
    except BeijiangError as error:
        words = Text(
            f"配方已保存，但运行没有完成：{error.text.zh}", f"The recipe is saved; its run did not end: {error.text.en}"
        )
        return frame.after(request, back, words, "bad")


def _run(platform: Platform, who: Actor, recipe: str) -> Text:
    job = platform.jobs.wait(platform.recipes.run(who, recipe), timeout=PATIENCE)
    if not job.ended:
        return Text("正在运行，稍后刷新本页看结果。", "It is running; reload this page in a moment.")
    if job.error is not None:
        raise Invalid(str(job.error["zh"]), str(job.error["en"]), code=str(job.error["code"]))
    return Text("运行完成，结果表已更新。", "It has run; the table is up to date.")


def _editor(
    frame: Frame,
    platform: Platform,
    request: Request,
    draft: RecipeDraft,
    *,
    recipe: Recipe | None = None,
    fault: Text | None = None,
    desk: _Desk | None = None,
) -> HTMLResponse:
    """Show the steps, the form of one, and what they make of real rows; a trial that fails says why."""
    who, tongue = person(request), language(request)
    open_step, open_at = (None, None) if desk is None else (desk.open, desk.at)
    tried: Preview | None = None
    columns: Sequence[tuple[str, str]] = ()
    empty = draft.kind is RecipeKind.SQL and draft.sql.strip().upper() == "SELECT"
    try:
        if not empty:
            tried = platform.recipes.preview(who, draft)
        if draft.kind is RecipeKind.STEPS:
            below = draft.steps if open_at is None else draft.steps[:open_at]
            columns = list(platform.recipes.columns(who, replace(draft, steps=tuple(below))).items())
    except BeijiangError as error:
        if error.status in {401, 403, 404}:
            raise
        fault = fault or error.text
    counts = list(tried.counts) if tried is not None else []
    return frame.page(
        request,
        "recipe_edit.html",
        recipe=recipe,
        draft=draft,
        is_sql=draft.kind is RecipeKind.SQL,
        steps=[(_card(step, tongue), counts[n] if n < len(counts) else None) for n, step in enumerate(draft.steps)],
        packed=json.dumps([step.to_json() for step in draft.steps], ensure_ascii=False),
        kinds=[(kind.value, kind.text.in_language(tongue)) for kind in StepKind],
        tried=tried,
        shown=[] if tried is None else _touched_first(tried),
        fault=fault,
        open=open_step,
        open_at=open_at,
        spec=None if open_step is None else STEPS[open_step.kind],
        fields=[] if open_step is None else _fields(platform, who, open_step, columns, tongue),
        columns=columns,
        faults=[(f.value, f.text.in_language(tongue)) for f in OnFault],
    )


def _touched_first(tried: Preview) -> list[tuple[str, str]]:
    """Return the columns that come out, those first that are new or differ from the source in the sample."""
    touched = {n for one in tried.samples for n in one.after if n not in one.before or one.changed(n)}
    return sorted(tried.columns.items(), key=lambda column: column[0] not in touched)


def _fields(
    platform: Platform, who: Actor, step: Step, columns: Sequence[tuple[str, str]], tongue: Language
) -> list[dict[str, Any]]:
    """Return the parameters of a step as fields: a choice with its options, or a text."""
    found: list[dict[str, Any]] = []
    for param in STEPS[step.kind].params:
        options: list[tuple[str, str]] | None = None
        if param.type is StepParamType.CHOICE:
            options = [(key, text.in_language(tongue)) for key, text in param.choices.items()]
        elif param.type is StepParamType.COLUMN:
            options = [("", "—"), *((name, name) for name, _ in columns)]
        elif param.type is StepParamType.CODE_SET:
            sets = platform.standards.code_sets()
            options = [("", "—"), *((s.id, f"{s.name.in_language(tongue)} · {s.standard}") for s in sets)]
        elif param.type is StepParamType.TABLE:
            options = [(name, name) for name in _sources(platform, who)]
        area = param.type in {StepParamType.PAIRS, StepParamType.EXPRESSION}
        value = step.params.get(param.name, "") or param.default
        found.append({"param": param, "options": options, "area": area, "value": value, "name": f"p_{param.name}"})
    return found


def _draft(form: FormData) -> RecipeDraft:
    try:
        packed = json.loads(str(form.get("steps") or "[]")[:_STEPS_TEXT])
        steps = tuple(Step.from_json(step) for step in packed)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _bad_form() from None
    return RecipeDraft(
        target=str(form.get("target") or "").strip()[:200],
        source=str(form.get("source") or "")[:200],
        steps=steps,
        sql=str(form.get("sql") or "")[:20_000],
        name=str(form.get("name") or "").strip()[:200],
        on_write=form.get("on_write") == "yes",
    )


def _step(form: FormData) -> Step:
    """Read the open step from its fields."""
    kind = _word(StepKind, form.get("kind"))
    chosen = tuple(str(value)[:400] for value in form.getlist("column"))
    given = {p.name: str(form.get(f"p_{p.name}") or "")[:20_000] for p in STEPS[kind].params}
    params = {name: value.replace("\r\n", "\n") for name, value in given.items() if value}
    return Step(kind=kind, columns=chosen, params=params, on_fault=_word(OnFault, form.get("on_fault") or "empty"))


W = TypeVar("W", bound=Word)


def _word(words: type[W], value: object) -> W:
    try:
        return words(str(value))
    except ValueError:
        raise _bad_form() from None


def _bad_form() -> Invalid:
    return Invalid("表单不完整，请重新填写。", "The form is not complete; fill it in again.", code="bad_form")


def _card(step: Step, tongue: Language) -> dict[str, Any]:
    """Return a step in words."""
    words = []
    for param in STEPS[step.kind].params:
        value = step.params.get(param.name, "")
        if value and value != param.default:
            shown = param.choices[value].in_language(tongue) if value in param.choices else value
            words.append(f"{param.text.in_language(tongue)}：{shown.replace(chr(10), '；')}")
    can_fail = STEPS[step.kind].can_fail
    fault = step.on_fault.text.in_language(tongue) if can_fail and step.on_fault is not OnFault.EMPTY else ""
    return {"name": step.kind.text, "columns": step.columns, "words": words, "fault": fault, "can_fail": can_fail}


def _sources(platform: Platform, who: Actor) -> list[str]:
    """Return the tables that a person may make others of."""
    allows = platform.access.allows
    try:
        tables = platform.tables.list(who)
    except NotFound:
        return []
    return [one.name for one in tables if allows(who, Permission.RECIPES_RECIPE_MANAGE, one.org_id)]


def _rights(platform: Platform, who: Actor, org_id: str) -> dict[str, bool]:
    allows = platform.access.allows
    return {
        "manage": allows(who, Permission.RECIPES_RECIPE_MANAGE, org_id),
        "rows": allows(who, Permission.QUALITY_ROWS_READ, org_id),
    }
