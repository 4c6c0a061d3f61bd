"""Recipes with all their revisions, and their runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from beijiang.db import Revisions
from beijiang.kit import Actor, Text
from beijiang.recipes.models import Making, Recipe, RecipeRun, RunTrigger, Step, StepCount
from beijiang.recipes.store.schema import recipe, recipe_run

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["RecipeStore"]

_R = recipe.c
_RUN = recipe_run.c


class RecipeStore(Revisions[Recipe]):
    """Read and write recipes on one connection."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, recipe, _recipe)

    def add(self, new: Recipe) -> None:
        """Add a revision; it is the one in force from now on."""
        self.put(
            {
                "id": new.id,
                "revision": new.revision,
                "retired": new.retired,
                "name": new.name,
                "org_id": new.org_id,
                "target": new.target,
                "sources": list(new.sources),
                "steps": [step.to_json() for step in new.steps],
                "sql": new.sql,
                "on_write": new.on_write,
                "reason": new.reason,
                "owner": new.owner.to_json(),
                "set_at": new.at,
            }
        )

    def all(self) -> list[Recipe]:
        """Return the recipes in force, by the tables that they fill."""
        return self.in_force(by=(_R.target,))

    def filling(self, target: str) -> Recipe | None:
        """Return the recipe in force that fills a table."""
        return next(iter(self.in_force(_R.target == target)), None)

    def once_filled(self, target: str, org_id: str) -> bool:
        """Tell whether recipes of an organisation have filled a table, in force or retired."""
        query = select(_R.id).where(_R.target == target, _R.org_id == org_id).limit(1)
        return self._connection.execute(query).first() is not None

    def add_run(self, run: RecipeRun) -> None:
        """Add a run, or replace one that was cut short after it was noted."""
        self._connection.execute(recipe_run.delete().where(_RUN.id == run.id))
        self._connection.execute(
            insert(recipe_run).values(
                id=run.id,
                recipe_id=run.recipe_id,
                revision=run.revision,
                at=run.at,
                trigger=run.trigger.value,
                by=run.by,
                seconds=run.seconds,
                version=run.version,
                rows=run.rows,
                aside=run.aside,
                sources=dict(run.sources),
                counts=[[count.changed, count.faulty] for count in run.counts],
                error=_words(run.error),
                making=run.making.value,
                why=_words(run.why),
                worked=run.worked,
            )
        )

    def runs(self, recipe_id: str, limit: int) -> Sequence[RecipeRun]:
        """Return runs, newest first."""
        query = select(recipe_run).where(_RUN.recipe_id == recipe_id).order_by(_RUN.at.desc(), _RUN.id.desc())
        return [_run(row) for row in self._connection.execute(query.limit(limit))]

    def run(self, run_id: str) -> RecipeRun | None:
        """Return one run."""
        row = self._connection.execute(select(recipe_run).where(_RUN.id == run_id)).one_or_none()
        return None if row is None else _run(row)

    def last_written(self, recipe_id: str) -> RecipeRun | None:
        """Return the newest run that wrote a version."""
        query = select(recipe_run).where(_RUN.recipe_id == recipe_id, _RUN.version.is_not(None))
        row = self._connection.execute(query.order_by(_RUN.at.desc(), _RUN.id.desc()).limit(1)).one_or_none()
        return None if row is None else _run(row)


def _recipe(row: Row[Any]) -> Recipe:
    steps = tuple(Step.from_json(step) for step in row.steps)
    return Recipe(
        id=row.id,
        revision=row.revision,
        retired=row.retired,
        name=row.name,
        org_id=row.org_id,
        target=row.target,
        source="" if row.sql else row.sources[0],
        sources=tuple(row.sources),
        steps=steps,
        sql=row.sql,
        on_write=row.on_write,
        reason=row.reason,
        owner=Actor.from_json(row.owner),
        at=row.set_at,
    )


def _run(row: Row[Any]) -> RecipeRun:
    return RecipeRun(
        id=row.id,
        recipe_id=row.recipe_id,
        revision=row.revision,
        at=row.at,
        trigger=RunTrigger(row.trigger),
        by=row.by,
        seconds=row.seconds,
        version=row.version,
        rows=row.rows,
        aside=row.aside,
        sources={name: int(version) for name, version in row.sources.items()},
        counts=tuple(StepCount(*pair) for pair in row.counts),
        error=_text(row.error),
        making=Making(row.making),
        why=_text(row.why),
        worked=row.worked,
    )


def _words(text: Text | None) -> dict[str, str] | None:
    return None if text is None else {"zh": text.zh, "en": text.en}


def _text(words: dict[str, str] | None) -> Text | None:
    return None if words is None else Text(words["zh"], words["en"])
