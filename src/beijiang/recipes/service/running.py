"""Runs: when a source was written and when asked; one version of the target each, or nothing at all."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.kit import BeijiangError, Conflict, Invalid, NotFound, Text
from beijiang.recipes.errors import no_run
from beijiang.recipes.models.recipes import Recipe, RecipeKind, RecipeRun, RunTrigger
from beijiang.recipes.models.spots import Spot
from beijiang.recipes.models.ways import Making
from beijiang.recipes.service.advancing import Advancing, Made, Order
from beijiang.recipes.service.writing import counts_in
from beijiang.recipes.store import RecipeStore
from beijiang.tables import Exit, TableWriter, WriterKind

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from beijiang.jobs import Job, JobRun
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import CommitRequest, GovernedTable, TableVersion, TableWritten

__all__ = ["RECIPE_JOB", "Faulty", "Running"]

RECIPE_JOB: Final = "recipes.run"
RUNS_SHOWN: Final = 50
PLACES_MOST: Final = 500
TRIES: Final = 5
"""How often a run begins again because another process wrote its table meanwhile."""


@dataclass(frozen=True, slots=True)
class Faulty:
    """Rows of the source in which a step could not read a value, as one reader may see them."""

    recipe: Recipe
    run: RecipeRun
    step: int
    governed: GovernedTable
    rows: pa.Table
    found: int


@dataclass(frozen=True, slots=True)
class _Done:
    """What a run came to."""

    version: int
    rows: int
    spot: Spot


class Running(Advancing):
    """Makes the tables."""

    def on_table_written(self, event: TableWritten) -> None:
        """Have the recipes run that read a written table; again is harmless."""
        with self.db.read() as connection:
            mine = [r for r in RecipeStore(connection).all() if r.on_write and event.table in r.sources]
        for found in mine:
            self._submit(found.owner, found, RunTrigger.WRITTEN, f"{event.table}:{event.version}")

    def run(self, actor: Actor, recipe_id: str) -> str:
        """Have a recipe run now as a job; return its id."""
        found = self._seen(actor, recipe_id, Permission.RECIPES_RECIPE_MANAGE)
        return self._submit(actor, found, RunTrigger.ASKED, "asked")

    def run_now(self, actor: Actor, recipe_id: str, on_progress: Callable[[Job], None] | None = None) -> RecipeRun:
        """Run a recipe in this process; for the terminal."""
        job = self.jobs.run_inline(self.run(actor, recipe_id), on_progress)
        if not isinstance(job.result, dict):
            error = job.error or {}
            zh, en = str(error.get("zh") or "运行没有完成。"), str(error.get("en") or "The run did not end.")
            raise Conflict(zh, en, code=str(error.get("code") or "recipe_not_run"))
        return self._run_of(actor, str(job.result["run"]))[1]

    def runs(self, actor: Actor, recipe_id: str) -> Sequence[RecipeRun]:
        """Return the runs of a recipe, newest first."""
        found = self._seen(actor, recipe_id)
        with self.db.read() as connection:
            return RecipeStore(connection).runs(found.id, RUNS_SHOWN)

    def faulty(self, actor: Actor, run_id: str, step: int) -> Faulty:
        """Return the source's rows in which a step of a run could not read a value, through the gate.

        Raises:
            NotFound: no such run or step, or not this actor's to see.
            Invalid: the step reads everything, or what it reads has changed since.

        """
        recipe, run = self._run_of(actor, run_id)
        self.access.require(actor, Permission.QUALITY_ROWS_READ, recipe.org_id)
        if not 0 <= step < len(run.counts) or run.counts[step].faulty is None:
            raise Invalid(
                "这一步没有无法识别的值。", "There is nothing that this step could not read.", code="no_rows_to_blame"
            )
        with self.db.read() as connection:
            then = RecipeStore(connection).get(recipe.id, run.revision) or recipe
        query = self._compiled(then, audit=True, positions=True).faulty(step, PLACES_MOST)
        places = self.measures.places(query, dict(run.sources))
        governed = self.tables.open(actor, then.source, f"recipe:{recipe.id}", Exit.QUALITY, run.sources[then.source])
        return Faulty(then, run, step, governed, governed.rows_at(places), len(places))

    def writer_of(self, table: str) -> TableWriter | None:
        """Return the recipe in force that fills a table; ingest asks before it takes anything in."""
        with self.db.read() as connection:
            found = RecipeStore(connection).filling(table)
        if found is None:
            return None
        kind = WriterKind.SQL if found.kind is RecipeKind.SQL else WriterKind.RECIPE
        return TableWriter(kind, found.id, found.name, found.org_id, found.sources)

    def work(self, job: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Run one recipe; registered in build.py as the work of ``RECIPE_JOB``."""
        with self.db.read() as connection:
            found = RecipeStore(connection).get(str(arguments["recipe"]))
        if found is None or found.retired:
            return {"retired": True}
        trigger = RunTrigger(str(arguments["trigger"]))
        with self.turns[found.id]:
            return self._work(job, found, trigger)

    def _work(self, job: JobRun, recipe: Recipe, trigger: RunTrigger) -> JsonValue:
        if trigger is RunTrigger.WRITTEN and self._up_to_date(recipe):
            return {"nothing": True}
        folder = self.settings.home / "staging" / f"{recipe.id}-{job.id}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        started = time.monotonic()
        try:
            run = self._made(job, recipe, trigger, folder)
        except BeijiangError as error:
            self._note(job, recipe, trigger, seconds=time.monotonic() - started, error=error.text)
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return {"run": run.id, "version": run.version, "rows": run.rows}

    def _made(self, job: JobRun, recipe: Recipe, trigger: RunTrigger, folder: Path) -> RecipeRun:
        started = time.monotonic()
        actor = self.access.current(job.actor)
        self.access.require(actor, Permission.RECIPES_RECIPE_MANAGE, recipe.org_id)
        for left in reversed(range(TRIES)):
            place = folder / f"{left}"
            place.mkdir()
            try:
                done = self._tried(job, self._order(actor, f"recipe-{job.id}", recipe, place))
            except Conflict as error:
                if error.reason != "table_moved_on" or not left:
                    raise
                continue  # another process wrote the result meanwhile, maybe of newer sources: look again
            break
        return self._note(job, recipe, trigger, seconds=time.monotonic() - started, done=done)

    def _tried(self, job: JobRun, order: Order) -> _Done:
        """Bring the table up to date upon the version that it had; raise ``table_moved_on`` where it has another by then."""
        spot = self._noted(order.actor, order.recipe)
        if spot is not None and spot.run == order.run:  # killed after the commit: what it came to stands with the rows
            version = self.tables.history(order.actor, order.recipe.target, 1)[0]
            return _Done(version.version, version.rows, spot)
        job.progress(0, 3, Text("正在清点", "counting"))
        made, version = self._landed(order, spot, lambda: job.progress(1, 3, Text("正在加工", "making rows")))
        job.progress(3, 3, Text("已更新结果表", "the table is up to date"))
        return _Done(version.version, version.rows, made.spot)

    def _order(self, actor: Actor, run: str, recipe: Recipe, folder: Path) -> Order:
        upon = self._newest(recipe.target)
        tree, names = self._tree(recipe)
        pinned = {name: self.measures.version(name).version for name in names}
        way = self._way(recipe)
        mark = self._mark(tree, names[0], way)
        return Order(
            actor=actor,
            recipe=recipe,
            run=run,
            tree=tree,
            pinned=pinned,
            way=way,
            mark=mark,
            folder=folder,
            upon=upon,
        )

    def _newest(self, table: str) -> int:
        try:
            return self.measures.version(table).version
        except NotFound:
            return 0

    def _landed(self, order: Order, spot: Spot | None, working: Callable[[], None]) -> tuple[Made, TableVersion]:
        """Commit what changed, or all rows where that cannot be; both with how far the sources were read."""
        why = self._hindrance(order, spot)
        if why is None and spot is not None:
            working()
            made = self._advanced(order, spot)
            if isinstance(made, Made):
                return made, self.tables.commit(order.actor, made.request)
            why = made
        counted = self._counted(order.recipe, dict(order.pinned))
        working()
        whole = self._whole(order, counted, why)
        request = replace(whole.request, accept_plan=self._accepted(order.actor, order.recipe, whole.request))
        return whole, self.tables.commit(order.actor, request)

    def _whole(self, order: Order, counted: Mapping[str, int], why: Text | None) -> Made:
        """Work all rows."""
        untrusted = order.recipe.kind is RecipeKind.SQL
        place = order.folder / "all-00000.parquet"
        made = self.tables.derive(order.actor, order.tree, dict(order.pinned), place, untrusted=untrusted)
        spot = Spot(
            run=order.run,
            revision=order.recipe.revision,
            mark=order.mark,
            sources=order.pinned,
            counted=counted,
            unique=order.way.making is Making.WHOLE or self._unique(order),
            making=Making.WHOLE,
            why=why,
        )
        return Made(request=self._request(order, made, spot), spot=spot)

    def _counted(self, recipe: Recipe, pinned: dict[str, int]) -> dict[str, int]:
        """Count what the steps change and cannot read; a step that must read everything stops the run here."""
        if recipe.kind is RecipeKind.SQL:
            return {}
        counted = self.measures.count(self._compiled(recipe, audit=True).counts(len(recipe.steps)), dict(pinned))
        self._stop(recipe, counted)
        return counted

    def _accepted(self, actor: Actor, recipe: Recipe, request: CommitRequest) -> str:
        """Return the token that accepts a change of columns: who saved a new revision has seen what comes out of it.

        Where the source made the columns change, nobody has seen it yet, and the run stops.
        """
        with self.db.read() as connection:
            last = RecipeStore(connection).last_written(recipe.id)
        seen = last is None or last.revision < recipe.revision
        return self.tables.plan(actor, request).token if seen else ""

    def _up_to_date(self, recipe: Recipe) -> bool:
        """Tell whether the newest run had this revision and these versions."""
        with self.db.read() as connection:
            last = RecipeStore(connection).last_written(recipe.id)
        if last is None or last.revision != recipe.revision:
            return False
        return all(last.sources.get(name) == self.measures.version(name).version for name in recipe.sources)

    def _note(
        self, job: JobRun, recipe: Recipe, trigger: RunTrigger, *, seconds: float, done: _Done | None = None,
        error: Text | None = None,
    ) -> RecipeRun:  # fmt: skip
        counted = {} if done is None else done.spot.counted
        run = RecipeRun(
            id=f"recipe-{job.id}",
            recipe_id=recipe.id,
            revision=recipe.revision,
            at=self.clock.now(),
            trigger=trigger,
            by=job.actor.id,
            seconds=seconds,
            version=None if done is None else done.version,
            rows=0 if done is None else done.rows,
            aside=counted.get("aside", 0),
            sources={} if done is None else done.spot.sources,
            counts=counts_in(counted, len(recipe.steps)),
            error=error,
            making=Making.WHOLE if done is None else done.spot.making,
            why=None if done is None else done.spot.why,
            worked=None if done is None else done.spot.worked,
        )
        with self.db.begin() as tx:
            RecipeStore(tx.connection).add_run(run)
        return run

    def _submit(self, actor: Actor, recipe: Recipe, trigger: RunTrigger, what: str) -> str:
        arguments: dict[str, JsonValue] = {"recipe": recipe.id, "trigger": trigger.value}
        key = f"{RECIPE_JOB}:{recipe.id}:{recipe.revision}:{what}"
        return self.jobs.submit(actor, RECIPE_JOB, arguments, key=key, org_id=recipe.org_id)

    def _run_of(self, actor: Actor, run_id: str) -> tuple[Recipe, RecipeRun]:
        with self.db.read() as connection:
            run = RecipeStore(connection).run(run_id)
        if run is None:
            self.access.require(actor, Permission.RECIPES_RECIPE_READ)
            raise no_run()
        try:
            return self._seen(actor, run.recipe_id), run
        except NotFound:
            raise no_run() from None
