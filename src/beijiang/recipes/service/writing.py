"""Recipes: try, save, change, retire; every revision is kept, and nothing is saved that was not seen on real rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.kit import BeijiangError, Invalid, NotFound, new_id
from beijiang.recipes.errors import circle, taken
from beijiang.recipes.models.compiling import ASIDE, compiled
from beijiang.recipes.models.frame import HIDDEN_MARK
from beijiang.recipes.models.kitchen import BEFORE
from beijiang.recipes.models.recipes import Recipe, RecipeDraft, RecipeKind, StepCount
from beijiang.recipes.service.base import Base
from beijiang.recipes.store import RecipeStore

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import Column

__all__ = ["Preview", "Sample", "Writing"]

NAME_LONGEST: Final = 200
STEPS_MOST: Final = 100
ROWS_SHOWN: Final = 20
PURPOSE: Final = "recipe:preview"


@dataclass(frozen=True, slots=True)
class Sample:
    """One row as it comes out, with what its cells were where the source has a column of that name."""

    after: Mapping[str, Any]
    before: Mapping[str, Any]
    aside: bool

    def changed(self, name: str) -> bool:
        """Tell whether a cell is not what it was."""
        return name in self.before and str(self.before[name]) != str(self.after[name])


@dataclass(frozen=True, slots=True)
class Preview:
    """What a recipe would make of the newest versions; nothing of it is kept."""

    draft: RecipeDraft
    columns: Mapping[str, str]
    """Columns that come out, with the platform's words for their types."""
    samples: Sequence[Sample]
    masked: tuple[str, ...]
    """Columns of the sources that this reader sees masked or not at all, and so does the sample."""
    rows: int | None = None
    aside: int = 0
    counts: Sequence[StepCount] = ()
    """What each step changes and cannot read, counted over all real rows; not of SQL."""


class Writing(Base):
    """Which recipes there are."""

    def recipes(self, actor: Actor) -> Sequence[Recipe]:
        """Return the recipes in force that the actor may see, by the tables that they fill."""
        self.access.require(actor, Permission.RECIPES_RECIPE_READ, actor.org_id)
        with self.db.read() as connection:
            found = RecipeStore(connection).all()
        seen = {
            org: self.access.allows(actor, Permission.RECIPES_RECIPE_READ, org) for org in {r.org_id for r in found}
        }
        return [one for one in found if seen[one.org_id]]

    def recipe(self, actor: Actor, recipe_id: str) -> Recipe:
        """Return a recipe by its id or the table that it fills.

        Raises:
            NotFound: unknown, retired or hidden.

        """
        return self._seen(actor, recipe_id)

    def history(self, actor: Actor, recipe_id: str) -> Sequence[Recipe]:
        """Return all revisions of a recipe, oldest first, with who set them and why."""
        found = self._seen(actor, recipe_id)
        with self.db.read() as connection:
            return RecipeStore(connection).history(found.id)

    def preview(self, actor: Actor, draft: RecipeDraft, *, count: bool = True) -> Preview:
        """Try a recipe on real rows: a sample as the actor may see it, and counts over all rows.

        Raises:
            Invalid: a step cannot be used; ``detail`` names it.
            Refused: the SQL is not a query that is allowed.
            NotFound, Denied: a source is unknown, hidden, or another organisation's.

        """
        names = self._sources(actor, draft)
        if draft.kind is RecipeKind.SQL:
            found = self.sql.run(actor, draft.sql, PURPOSE)
            types = {field.name: str(field.type) for field in found.rows.schema}
            rows = found.rows.slice(0, ROWS_SHOWN).to_pylist()
            return Preview(draft, types, [Sample(row, {}, aside=False) for row in rows], ())
        made = self._compiled(draft)
        samples, masked = self._samples(actor, draft, names)
        counted: dict[str, int] = {}
        if count:
            audited = self._compiled(draft, audit=True)
            try:
                counted = self.measures.count(audited.counts(len(draft.steps)), dict.fromkeys(names))
            except BeijiangError as error:
                raise _unfit(error) from None
        return Preview(
            draft,
            dict(made.types),
            samples,
            masked,
            counted.get("rows"),
            counted.get("aside", 0),
            counts_in(counted, len(draft.steps)),
        )

    def columns(self, actor: Actor, draft: RecipeDraft) -> Mapping[str, str]:
        """Return the columns that come out of some steps, with the platform's words for their types."""
        self._sources(actor, draft)
        return dict(self._compiled(draft).types)

    def save(self, actor: Actor, draft: RecipeDraft, reason: str = "") -> Recipe:
        """Put a recipe in force; it fills a table of its own, of the organisation of its sources.

        Raises:
            Invalid: it cannot be used as it is; see ``preview``.
            Conflict: the table is filled from elsewhere, or recipes would go in a circle.

        """
        names = self._sources(actor, draft)
        org_id = self._owned(actor, names[0])
        draft = self._complete(draft)
        self._free(actor, draft.target, names, org_id)
        made = self._revision(actor, draft, new_id("rcp"), 1, org_id, names, reason)
        return self._put(actor, made, "add")

    def change(self, actor: Actor, recipe_id: str, draft: RecipeDraft, reason: str) -> Recipe:
        """Make a new revision of a recipe; the table that it fills stays the same.

        Raises:
            Invalid: no reason, or it cannot be used as it is.

        """
        before = self._seen(actor, recipe_id, Permission.RECIPES_RECIPE_MANAGE)
        if not reason.strip():
            raise Invalid("请说明修改的理由。", "A reason is needed.", code="reason_needed")
        draft = self._complete(replace(draft, target=before.target))
        names = self._sources(actor, draft)
        if self._owned(actor, names[0]) != before.org_id:
            raise taken(before.target)
        self._straight(draft.target, names)
        made = self._revision(actor, draft, before.id, before.revision + 1, before.org_id, names, reason)
        return self._put(actor, made, "change")

    def retire(self, actor: Actor, recipe_id: str, reason: str) -> Recipe:
        """Let a recipe run no more; its table and its history stay.

        Raises:
            Invalid: no reason.

        """
        before = self._seen(actor, recipe_id, Permission.RECIPES_RECIPE_MANAGE)
        if not reason.strip():
            raise Invalid("请说明停用的理由。", "A reason is needed.", code="reason_needed")
        ended = replace(
            before,
            revision=before.revision + 1,
            retired=True,
            reason=reason.strip()[:1000],
            owner=actor,
            at=self.clock.now(),
        )
        return self._put(actor, ended, "retire")

    def _samples(
        self, actor: Actor, draft: RecipeDraft, names: Sequence[str]
    ) -> tuple[Sequence[Sample], tuple[str, ...]]:
        def build(shown: Mapping[str, Sequence[Column]]) -> Any:
            return compiled(draft.steps, self._surroundings(draft.source, shown), audit=True).sample(ROWS_SHOWN)

        try:
            found = self.sql.rehearse(actor, names, build, PURPOSE, ROWS_SHOWN)
        except BeijiangError as error:
            raise _unfit(error) from None
        return [_sample(row) for row in found.rows.to_pylist()], found.masked

    def _complete(self, draft: RecipeDraft) -> RecipeDraft:
        """Return a draft that can be compiled, with a name."""
        if len(draft.steps) > STEPS_MOST:
            raise Invalid(
                f"一个配方最多 {STEPS_MOST} 步。", f"A recipe has at most {STEPS_MOST} steps.", code="too_many_steps"
            )
        self._tree(draft)
        name = " ".join(draft.name.split())[:NAME_LONGEST] or draft.target
        return replace(draft, name=name, target=draft.target.strip())

    def _free(self, actor: Actor, target: str, names: Sequence[str], org_id: str) -> None:
        """Return if a recipe may fill a table: a new one, or one that a recipe filled which is retired now."""
        with self.db.read() as connection:
            store = RecipeStore(connection)
            filled, ours = store.filling(target) is not None, store.once_filled(target, org_id)
        try:
            foreign = self.tables.get(actor, target).org_id != org_id or not ours
        except NotFound:
            foreign = False
        if filled or foreign or not target or self.tables.writers_of(target):
            raise taken(target)
        self._straight(target, names)

    def _straight(self, target: str, names: Sequence[str]) -> None:
        """Return if no source is made of the target, however indirectly."""
        with self.db.read() as connection:
            made_of = {one.target: one.sources for one in RecipeStore(connection).all()}
        todo, seen = list(names), set[str]()
        while todo:
            name = todo.pop()
            if name == target:
                raise circle(target)
            if name not in seen:
                seen.add(name)
                todo += made_of.get(name, ())

    def _revision(
        self,
        actor: Actor,
        draft: RecipeDraft,
        recipe_id: str,
        number: int,
        org_id: str,
        names: tuple[str, ...],
        reason: str,
    ) -> Recipe:
        return Recipe(
            id=recipe_id,
            revision=number,
            org_id=org_id,
            name=draft.name,
            target=draft.target,
            source=draft.source,
            sources=names,
            steps=draft.steps,
            sql=draft.sql.strip(),
            on_write=draft.on_write,
            reason=reason.strip()[:1000],
            owner=actor,
            at=self.clock.now(),
        )

    def _put(self, actor: Actor, made: Recipe, what: str) -> Recipe:
        with self.db.begin() as tx:
            store = RecipeStore(tx.connection)
            other = store.filling(made.target)
            if other is not None and other.id != made.id:
                raise taken(made.target)
            store.add(made)
            detail: dict[str, JsonValue] = {
                "recipe": made.id,
                "revision": made.revision,
                "sources": list(made.sources),
                "steps": [step.kind.value for step in made.steps],
                "reason": made.reason,
            }
            self.evidence.record(tx, actor, f"recipes.recipe_{what}", target=made.target, detail=detail)
        return made


def counts_in(counted: Mapping[str, int], steps: int) -> Sequence[StepCount]:
    """Return what was counted for each step."""
    return [StepCount(counted.get(f"c{n}"), counted.get(f"f{n}")) for n in range(steps)] if counted else []


def _sample(row: Mapping[str, Any]) -> Sample:
    before = {name.removeprefix(BEFORE): value for name, value in row.items() if name.startswith(BEFORE)}
    after = {name: value for name, value in row.items() if not name.startswith(HIDDEN_MARK)}
    return Sample(after, {name: value for name, value in before.items() if name in after}, aside=bool(row[ASIDE]))


def _unfit(error: BeijiangError) -> BeijiangError:
    """Return an error of a trial; what the engine could not do is the recipe's fault here."""
    if error.reason not in {"query_failed", "query_unbound"}:
        return error
    return Invalid(
        "配方无法在这张表上计算，请检查各步所选列的类型与算式。",
        "The recipe cannot be computed on this table; check the types of columns and the expressions of its steps.",
        code="recipe_not_computable",
    )
