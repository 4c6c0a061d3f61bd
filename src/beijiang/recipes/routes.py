"""The JSON API of recipes: steps, previews, recipes, runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor, Text
from beijiang.recipes.models import STEPS, OnFault, RecipeDraft, Step, StepKind
from beijiang.web.bounds import Whole
from beijiang.web.values import plain_value

if TYPE_CHECKING:
    from beijiang.recipes.models import Recipe, RecipeRun, Way
    from beijiang.recipes.service import Faulty, Preview, Recipes, StepSuggestion

__all__ = ["router"]


class StepOrder(BaseModel):
    """One step; see ``GET /api/v1/recipes/steps`` for what each kind takes."""

    model_config = ConfigDict(extra="forbid")

    kind: StepKind
    columns: list[str] = Field(default=[], max_length=200)
    params: dict[str, str] = {}
    on_fault: OnFault = OnFault.EMPTY

    def step(self) -> Step:
        """Return the order as a step."""
        return Step(kind=self.kind, columns=tuple(self.columns), params=dict(self.params), on_fault=self.on_fault)


class RecipeOrder(BaseModel):
    """A recipe: steps over ``source``, or ``sql`` over any tables of the department."""

    model_config = ConfigDict(extra="forbid")

    target: str = Field(default="", max_length=200)
    source: str = Field(default="", max_length=200)
    steps: list[StepOrder] = Field(default=[], max_length=100)
    sql: str = Field(default="", max_length=20_000)
    name: str = Field(default="", max_length=200)
    on_write: bool = True
    reason: str = Field(default="", max_length=1000)

    def draft(self) -> RecipeDraft:
        """Return the order as a draft."""
        return RecipeDraft(
            target=self.target,
            source=self.source,
            steps=tuple(step.step() for step in self.steps),
            sql=self.sql,
            name=self.name,
            on_write=self.on_write,
        )


def router(service: Recipes) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["recipes"])

    @routes.get("/recipes/steps", summary="The kinds of steps and what each takes")
    def steps(request: Request) -> dict[str, Any]:
        service.recipes(_actor(request))  # whoever may see recipes may see what they are made of
        return {"steps": [_kind(kind) for kind in StepKind], "on_fault": {f.value: _words(f.text) for f in OnFault}}

    @routes.get("/recipes", summary="The recipes in force, by the tables that they fill")
    def all_(request: Request) -> dict[str, Any]:
        return {"recipes": [_recipe(one) for one in service.recipes(_actor(request))]}

    @routes.post("/recipes/preview", summary="Try a recipe on real rows and keep nothing")
    def preview(request: Request, order: RecipeOrder) -> dict[str, Any]:
        return _preview(service.preview(_actor(request), order.draft()))

    @routes.post("/recipes", status_code=201, summary="Put a recipe in force; it fills a table of its own")
    def save(request: Request, order: RecipeOrder) -> dict[str, Any]:
        return _recipe(service.save(_actor(request), order.draft(), order.reason))

    @routes.get("/recipes/{recipe}", summary="A recipe, by its id or the table that it fills")
    def one(request: Request, recipe: str) -> dict[str, Any]:
        found = service.recipe(_actor(request), recipe)
        return {**_recipe(found), "way": _way(service.way(_actor(request), found.id))}

    @routes.get("/recipes/{recipe}/history", summary="All revisions of a recipe")
    def history(request: Request, recipe: str) -> dict[str, Any]:
        return {"history": [_recipe(one) for one in service.history(_actor(request), recipe)]}

    @routes.put("/recipes/{recipe}", summary="Make a new revision of a recipe, with a reason")
    def change(request: Request, recipe: str, order: RecipeOrder) -> dict[str, Any]:
        return _recipe(service.change(_actor(request), recipe, order.draft(), order.reason))

    @routes.delete("/recipes/{recipe}", status_code=204, summary="Let a recipe run no more; its table stays")
    def retire(request: Request, recipe: str, reason: Annotated[str, Query(min_length=1, max_length=1000)]) -> None:
        service.retire(_actor(request), recipe, reason)

    @routes.post("/recipes/{recipe}/run", status_code=202, summary="Have a recipe run now")
    def run(request: Request, recipe: str) -> dict[str, Any]:
        return {"job": service.run(_actor(request), recipe)}

    @routes.get("/recipes/{recipe}/runs", summary="The runs of a recipe, newest first")
    def runs(request: Request, recipe: str) -> dict[str, Any]:
        return {"runs": [_run(one) for one in service.runs(_actor(request), recipe)]}

    @routes.get("/recipe-runs/{run}/steps/{step}/rows", summary="Rows that a step could not read, through the gate")
    def faulty(request: Request, run: str, step: Whole) -> dict[str, Any]:
        return _faulty(service.faulty(_actor(request), run, step))

    @routes.get("/tables/{name}/recipe-suggestions", summary="Steps that a table seems to need")
    def suggest(request: Request, name: str) -> dict[str, Any]:
        return {"table": name, "suggestions": [_suggestion(one) for one in service.suggest(_actor(request), name)]}

    return routes


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _words(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _kind(kind: StepKind) -> dict[str, Any]:
    spec = STEPS[kind]
    return {
        "kind": kind.value,
        "name": _words(kind.text),
        "columns": {"least": spec.columns[0], "most": spec.columns[1]},
        "can_fail": spec.can_fail,
        "params": [
            {
                "name": param.name,
                "type": param.type.value,
                "required": param.required,
                "default": param.default,
                "choices": {key: _words(text) for key, text in param.choices.items()},
                "words": _words(param.text),
            }
            for param in spec.params
        ],
    }


def _recipe(one: Recipe) -> dict[str, Any]:
    return {
        "id": one.id,
        "revision": one.revision,
        "kind": one.kind.value,
        "name": one.name,
        "org_id": one.org_id,
        "target": one.target,
        "source": one.source,
        "sources": list(one.sources),
        "steps": [step.to_json() for step in one.steps],
        "sql": one.sql,
        "on_write": one.on_write,
        "retired": one.retired,
        "reason": one.reason,
        "by": one.owner.id,
        "at": one.at.isoformat(),
    }


def _preview(found: Preview) -> dict[str, Any]:
    return {
        "columns": dict(found.columns),
        "rows": found.rows,
        "aside": found.aside,
        "counts": [{"changed": c.changed, "faulty": c.faulty} for c in found.counts],
        "masked": list(found.masked),
        "sample": [
            {
                "after": {name: plain_value(value) for name, value in one.after.items()},
                "before": {name: plain_value(value) for name, value in one.before.items() if one.changed(name)},
                "aside": one.aside,
            }
            for one in found.samples
        ],
    }


def _run(run: RecipeRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "revision": run.revision,
        "at": run.at.isoformat(),
        "trigger": run.trigger.value,
        "seconds": round(run.seconds, 3),
        "version": run.version,
        "rows": run.rows,
        "aside": run.aside,
        "sources": dict(run.sources),
        "counts": [{"changed": c.changed, "faulty": c.faulty} for c in run.counts],
        "error": None if run.error is None else _words(run.error),
        "making": run.making.value,
        "why": None if run.why is None else _words(run.why),
        "worked": run.worked,
    }


def _way(way: Way) -> dict[str, Any]:
    return {
        "making": way.making.value,
        "why": _words(way.why),
        "key": list(way.key),
        "groups": list(way.groups),
    }


def _faulty(found: Faulty) -> dict[str, Any]:
    return {
        "run": found.run.id,
        "step": found.recipe.steps[found.step].to_json(),
        "found": found.found,
        "rows": [{name: plain_value(value) for name, value in row.items()} for row in found.rows.to_pylist()],
        "masked": [c.name for c in found.governed.columns if c.masked],
        "receipt": found.governed.receipt,
    }


def _suggestion(one: StepSuggestion) -> dict[str, Any]:
    return {"step": one.step.to_json(), "why": _words(one.why), "values": one.values, "of": one.of}
