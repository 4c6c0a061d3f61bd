"""Bringing a derived table up to its source by what changed; whatever stands in the way of that is said, and all rows are worked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.engine.port import LAKE
from beijiang.kit import BeijiangError, Conflict, Text
from beijiang.lineage import columns_of
from beijiang.recipes.models.recipes import Recipe, RecipeDraft, RecipeKind
from beijiang.recipes.models.spots import Spot
from beijiang.recipes.models.steps import OnFault, StepKind
from beijiang.recipes.models.ways import Making, Source, Way, carried, sql_way, steps_way, whole
from beijiang.recipes.service.writing import Writing
from beijiang.recipes.store import RecipeStore
from beijiang.tables import (
    TOUCHED_KEY,
    VALID_TO,
    Changed,
    CommitRequest,
    Derived,
    Following,
    Origin,
    WriteMode,
    subject_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from beijiang.kit import Actor

__all__ = ["Advancing", "Made", "Order"]

_MADE: Final = "bj_made"
_TOUCHED: Final = "bj_touched"
_WHOLE_BECAUSE: Final = frozenset(
    {
        "empty_group",
        "source_columns",
        "source_gone",
        "source_mostly_new",
        "source_rewritten",
        "source_widely_changed",
    }
)
_FIRST: Final = Text("结果表还没有由本配方记下的版本", "the table has no version yet that this recipe has noted")
_REVISED: Final = Text("配方有了新的修订", "the recipe has a new revision")
_ELSE: Final = Text(
    "代码集、区划名录、日期或来源的列有变化",
    "a code set, the names of regions, the date, or columns of the source changed",
)
_LOOKED_UP: Final = Text("关联的表有变化", "a table that is looked up changed")
_AGAIN: Final = Text("来源没有变化，按要求整表重做", "the sources did not change; made anew since it was asked for")
_BACK: Final = Text("来源回到了更早的版本编号", "the source is at an earlier version than what was worked")
_TOUCHED_ELSEWHERE: Final = Text("结果表被回滚或另行写入过", "the table was rolled back or written from elsewhere")
_REPEATED: Final = Text("来源的主键有重复", "the key of the source is not unique")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One run: the recipe with its statement, the versions to read, and where files may be made."""

    actor: Actor
    recipe: Recipe
    run: str
    tree: exp.Query
    pinned: Mapping[str, int]
    way: Way
    mark: str
    folder: Path
    upon: int
    """The version of the result before anything else was read; 0 where there is none yet."""

    @property
    def source(self) -> str:
        """Return the table whose rows are worked."""
        return self.recipe.sources[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a run made and commits, and what it is noted by."""

    request: CommitRequest
    spot: Spot


class Advancing(Writing):
    """Works changes."""

    def way(self, actor: Actor, recipe_id: str) -> Way:
        """Return how a recipe is kept up to date, and why so; one that cannot be compiled any more says that."""
        found = self._seen(actor, recipe_id)
        try:
            return self._way(found)
        except BeijiangError as error:
            return whole(error.text)

    def _way(self, draft: RecipeDraft) -> Way:
        tree, names = self._tree(draft, lineage=True)
        measured = self.measures.version(names[0])
        steps = draft.kind is RecipeKind.STEPS
        key = subject_of(measured.key) if steps and measured.history else measured.key or self._made_by(names[0])
        source = Source(table=names[0], columns=measured.columns, key=key)
        if not steps:
            plain = names if len(names) == 1 else ()
            return sql_way(tree, names, source, self._carried(tree, plain, names[0]))
        dedupe = next((n for n, step in enumerate(draft.steps) if step.kind is StepKind.DEDUPE), None)
        before = None
        if dedupe is not None:
            shorter = replace(draft, steps=draft.steps[:dedupe])
            before = self._carried(*self._tree(shorter, lineage=True), names[0])
        return steps_way(draft.steps, source, self._carried(tree, names, names[0]), before)

    def _made_by(self, table: str) -> tuple[str, ...]:
        """Return what tells the rows of a table apart that a recipe fills: such tables have no key of their own."""
        with self.db.read() as connection:
            filling = RecipeStore(connection).filling(table)
        if filling is None:
            return ()
        try:
            return self._way(filling).by
        except BeijiangError:
            return ()

    def _carried(self, tree: exp.Query, names: Sequence[str], table: str) -> dict[str, str]:
        known = {name: [column.name for column in self.measures.version(name).columns] for name in names}
        return carried(columns_of(tree, known).columns, table) if known else {}

    def _mark(self, tree: exp.Query, source: str, way: Way) -> str:
        columns = [(column.name, column.type) for column in self.measures.version(source).columns]
        words = "\n".join([tree.sql("duckdb"), repr(columns), repr((way.making, way.key, way.groups, way.by))])
        return hashlib.sha256(words.encode()).hexdigest()

    def _noted(self, actor: Actor, recipe: Recipe) -> Spot | None:
        """Return what the newest rows of the table were made of, if it was this recipe that made them."""
        if recipe.target not in self.tables.names(actor):
            return None
        kept = self.tables.positions(actor, recipe.target).get(recipe.id)
        return Spot.from_json(kept) if isinstance(kept, dict) else None

    def _hindrance(self, order: Order, spot: Spot | None) -> Text | None:
        """Return why the table cannot be brought up to its source by changes alone; None where it can be tried."""
        if spot is None:
            return _FIRST
        if order.way.making is Making.WHOLE:
            return order.way.why
        others = [name for name in order.pinned if name != order.source]
        was, now = spot.sources.get(order.source, 0), order.pinned[order.source]
        checks = (
            (spot.revision != order.recipe.revision, _REVISED),
            (any(spot.sources.get(name) != order.pinned[name] for name in others), _LOOKED_UP),
            (spot.mark != order.mark, _ELSE),
            (bool(order.way.key) and not spot.unique, _REPEATED),
            (was == now, _AGAIN),
            (was > now or not was, _BACK),
            (not self._own(order, spot), _TOUCHED_ELSEWHERE),
        )
        return next((why for holds, why in checks if holds), None)

    def _own(self, order: Order, spot: Spot) -> bool:
        """Tell whether the newest rows of the table are those that the noted run made, whatever their files."""
        if self.tables.get(order.actor, order.recipe.target).key:
            return False
        for version in self.tables.history(order.actor, order.recipe.target):
            if version.mode is not WriteMode.COMPACT:
                return version.run_id == spot.run
        return False

    def _advanced(self, order: Order, spot: Spot) -> Made | Text:
        """Make what changed ready, or return why all rows have to be worked."""
        way, name = order.way, order.source
        history = self.measures.version(name).history and order.recipe.kind is RecipeKind.STEPS
        columns = None if way.columns is None else tuple(c for c in way.columns if c != VALID_TO or not history)
        untrusted = order.recipe.kind is RecipeKind.SQL
        how = Following(key=way.key, groups=way.groups, columns=columns, holding=history, light=untrusted)
        span = (spot.sources[name], order.pinned[name])
        try:
            found = self.tables.changes(order.actor, name, span, how, order.folder)
        except Conflict as error:
            if error.reason not in _WHOLE_BECAUSE:
                raise
            return error.text
        counted = self._recounted(order, spot, found)
        made = self.tables.derive(
            order.actor,
            order.tree,
            dict(order.pinned),
            order.folder / "part-00000.parquet",
            untrusted=untrusted,
            staged={name: found.after},
        )
        new = Spot(
            run=order.run,
            revision=order.recipe.revision,
            mark=order.mark,
            sources=order.pinned,
            counted=counted,
            unique=spot.unique,
            making=way.making,
            worked=found.rows,
        )
        request = replace(
            self._request(order, made, new),
            mode=WriteMode.APPEND if found.touched is None else WriteMode.MERGE,
            by=way.by,
            removed=self._gone(order, made, found),
        )
        return Made(request=request, spot=new)

    def _recounted(self, order: Order, spot: Spot, found: Changed) -> dict[str, int]:
        """Return what the steps changed and could not read over all rows: as before, less what was, and what is now."""
        recipe = order.recipe
        if recipe.kind is RecipeKind.SQL or found.before is None:
            return {}
        query = self._compiled(recipe, audit=True).counts(len(recipe.steps))
        sides = ((spot.sources, found.before), (order.pinned, found.after))
        was, now = (self.measures.count(query, dict(versions), staged={order.source: path}) for versions, path in sides)
        self._stop(recipe, now)
        return {name: spot.counted.get(name, 0) - was.get(name, 0) + count for name, count in now.items()}

    def _gone(self, order: Order, made: Derived, found: Changed) -> tuple[Path, ...]:
        """Write the keys of the result whose rows leave: touched, and made no more."""
        if found.touched is None:
            return ()
        same = [
            exp.EQ(
                this=exp.column(exp.to_identifier(name, quoted=True), table="m"),
                expression=exp.column(f"{TOUCHED_KEY}{i}", table="t"),
            )
            for i, name in enumerate(order.way.by)
        ]
        there = exp.select("1").from_(exp.table_(_MADE, db=LAKE, alias="m")).where(exp.and_(*same))
        shown = [
            exp.alias_(exp.column(f"{TOUCHED_KEY}{i}", table="t"), name, quoted=True)
            for i, name in enumerate(order.way.by)
        ]
        query = (
            exp.select(*shown).from_(exp.table_(_TOUCHED, db=LAKE, alias="t")).where(exp.not_(exp.Exists(this=there)))
        )
        gone = self.tables.derive(
            order.actor, query, {}, order.folder / "gone.parquet", staged={_MADE: made.file, _TOUCHED: found.touched}
        )
        return (gone.file,) if gone.rows else ()

    def _request(self, order: Order, made: Derived, spot: Spot) -> CommitRequest:
        recipe = order.recipe
        return CommitRequest(
            table=recipe.target,
            org_id=recipe.org_id,
            staged=(made.file,),
            schema=made.schema,
            mode=WriteMode.REPLACE,
            upon=order.upon,
            run_id=order.run,
            reason=f"配方“{recipe.name}”第 {recipe.revision} 版",
            comments=self._comments(recipe),
            derived=self._origins(recipe, made.schema.names),
            position={recipe.id: spot.to_json()},
        )

    def _unique(self, order: Order) -> bool:
        """Tell whether the key tells the rows of the source apart; it may have been named after they were written."""
        if not order.way.key:
            return True
        name = order.source
        rows = exp.select("1").from_(exp.table_(exp.to_identifier(name, quoted=True), db=LAKE))
        key = [exp.column(exp.to_identifier(one, quoted=True)) for one in order.way.key]
        if self.measures.version(name).history and order.recipe.kind is RecipeKind.STEPS:
            rows = rows.where(exp.Is(this=exp.column(VALID_TO, quoted=True), expression=exp.null()))
        several = exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(1))
        empty = exp.or_(*(exp.Is(this=one.copy(), expression=exp.null()) for one in key))
        bad = rows.group_by(*key).having(exp.or_(several, empty))
        query = exp.select(exp.alias_(exp.Count(this=exp.Star()), "n")).from_(bad.subquery("repeated"))
        return not self.measures.count(query, {name: order.pinned[name]})["n"]

    @staticmethod
    def _stop(recipe: Recipe, counted: Mapping[str, int]) -> None:
        """Stop the run where a step must read everything and did not."""
        for place, step in enumerate(recipe.steps):
            bad = counted.get(f"f{place}", 0)
            if bad and step.on_fault is OnFault.STOP:
                raise Conflict(
                    f"第 {place + 1} 步（{step.kind.text.zh}）有 {bad:,} 行无法识别，按设置停止，结果表未改动。请在配方页预览这些值，修正来源或调整这一步。",
                    f"Step {place + 1} ({step.kind.text.en}) cannot read {bad:,} rows and stops the run; the table stays as it was. Preview the recipe, then mend the source or the step.",
                    code="step_stops",
                )

    def _origins(self, recipe: Recipe, names_made: Sequence[str]) -> Mapping[str, tuple[Origin, ...]]:
        tree, names = self._tree(recipe, lineage=True)
        known = {name: [column.name for column in self.measures.version(name).columns] for name in names}
        return columns_of(tree, known).of(names_made)

    def _comments(self, recipe: Recipe) -> Mapping[str, str]:
        return {} if recipe.kind is RecipeKind.SQL else dict(self._compiled(recipe).comments)
