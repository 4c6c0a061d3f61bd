"""What the verbs of recipes share: their parts, what a recipe is compiled in, and who may see what."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from sqlglot import exp

from beijiang.access import Permission
from beijiang.kit import Invalid, NotFound
from beijiang.recipes.errors import no_recipe
from beijiang.recipes.models.compiling import Compiled, compiled
from beijiang.recipes.models.kitchen import Surroundings
from beijiang.recipes.models.places import Places
from beijiang.recipes.models.recipes import RecipeDraft, RecipeKind
from beijiang.recipes.models.steps import StepKind
from beijiang.recipes.store import RecipeStore
from beijiang.tables import STATE_COLUMNS

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.jobs import Jobs
    from beijiang.kit import Actor, Clock
    from beijiang.protection import SqlGateway
    from beijiang.recipes.models.recipes import Recipe
    from beijiang.settings import Settings
    from beijiang.standards import Standards
    from beijiang.tables import Column, Measures, Tables

__all__ = ["Base"]


class Base:
    """Holds the parts; asks for access; compiles."""

    def __init__(  # noqa: PLR0913, PLR0917 - wired once, in build.py
        self,
        db: Database,
        tables: Tables,
        measures: Measures,
        sql: SqlGateway,
        standards: Standards,
        access: Access,
        evidence: Evidence,
        jobs: Jobs,
        clock: Clock,
        zone: ZoneInfo,
        settings: Settings,
    ) -> None:
        self.db = db
        self.tables = tables
        self.measures = measures
        self.sql = sql
        self.standards = standards
        self.access = access
        self.evidence = evidence
        self.jobs = jobs
        self.clock = clock
        self.zone = zone
        self.settings = settings
        self.turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        """Runs of one recipe come one after the other."""

    @cached_property
    def places(self) -> Places:
        """Return the names of regions, gathered once."""
        return Places.of(self.standards.regions())

    def _seen(self, actor: Actor, recipe_id: str, permission: Permission = Permission.RECIPES_RECIPE_READ) -> Recipe:
        """Return a recipe in force on which the actor may do this; unknown and hidden look the same.

        It may be named by its id or by the table that it fills.
        """
        with self.db.read() as connection:
            store = RecipeStore(connection)
            found = store.get(recipe_id) or store.filling(recipe_id)
        if (
            found is None
            or found.retired
            or not self.access.allows(actor, Permission.RECIPES_RECIPE_READ, found.org_id)
        ):
            self.access.require(actor, Permission.RECIPES_RECIPE_READ)
            raise no_recipe(recipe_id)
        self.access.require(actor, permission, found.org_id)
        return found

    def _surroundings(self, table: str, columns: Mapping[str, Sequence[Column]] | None = None) -> Surroundings:
        """Return what a recipe over a table is compiled in; ``columns`` are those that a reader is shown, by table."""
        measured = self.measures.version(table)
        shown = measured.columns if columns is None else columns[table]
        own = {column.name: column.comment for column in measured.columns}

        def columns_of(name: str) -> Sequence[Column]:
            return self.measures.version(name).columns if columns is None else columns[name]

        return Surroundings(
            table=table,
            columns=[c for c in shown if c.name in own and not (measured.history and c.name in STATE_COLUMNS)],
            history=measured.history,
            today=self.clock.now().astimezone(self.zone).date(),
            places=lambda: self.places,
            codes=lambda name: [(value.code, value.name.zh) for value in self.standards.code_set(name).values],
            successors=self._successors,
            columns_of=columns_of,
            keeps_history=lambda name: self.measures.version(name).history,
        )

    def _successors(self, code_set: str) -> Mapping[str, Sequence[tuple[str, str]]]:
        found = self.standards.code_replacements(code_set)
        return {code: [(value.code, value.name.zh) for value in values] for code, values in found.items()}

    def _compiled(
        self, draft: RecipeDraft, *, audit: bool = False, positions: bool = False, lineage: bool = False
    ) -> Compiled:
        around = self._surroundings(draft.source)
        return compiled(draft.steps, around, audit=audit, positions=positions, lineage=lineage)

    def _tree(self, draft: RecipeDraft, *, lineage: bool = False) -> tuple[exp.Query, tuple[str, ...]]:
        """Return the query of a recipe over ``lake.<table>`` (or what its lineage is read from), and the tables that it names.

        Raises:
            Invalid: a step cannot be used.
            Refused: the SQL is not a query that is allowed.

        """
        if draft.kind is RecipeKind.SQL:
            return self.sql.bound(draft.sql)
        made = self._compiled(draft, lineage=lineage)
        return made.query(), made.tables

    def _sources(self, actor: Actor, draft: RecipeDraft) -> tuple[str, ...]:
        """Return the tables that a recipe reads, each of which the actor may write."""
        if draft.kind is RecipeKind.SQL:
            _, names = self.sql.bound(draft.sql)
        else:
            looked_up = [s.param("table") for s in draft.steps if s.kind is StepKind.LOOKUP]
            names = tuple(dict.fromkeys([draft.source, *looked_up]))
        if not names or not names[0]:
            raise Invalid("请选择来源表。", "Choose a table to begin with.", code="source_needed")
        for name in names:
            self._owned(actor, name)
        return names

    def _owned(self, actor: Actor, table: str) -> str:
        """Return the organisation of a table whose rows the actor may make others of.

        Raises:
            NotFound: no such table, or it is hidden.
            Denied: it is another organisation's.

        """
        try:
            info = self.tables.get(actor, table)
        except NotFound:
            self.access.require(actor, Permission.RECIPES_RECIPE_READ)
            raise
        self.access.require(actor, Permission.RECIPES_RECIPE_MANAGE, info.org_id)
        return info.org_id
