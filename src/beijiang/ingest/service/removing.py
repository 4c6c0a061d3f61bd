"""A run that takes rows out: the file names them by their keys, and the version before still has them."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from beijiang.ingest.errors import remove_needs_key
from beijiang.ingest.service.reading import ReadPlan
from beijiang.ingest.service.staging import staged_files
from beijiang.ingest.service.work import Work
from beijiang.ingest.typing import TypedSchema
from beijiang.kit import NotFound
from beijiang.tables import WriteMode

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.ingest.service.work import Shop
    from beijiang.ingest.store import IngestStore
    from beijiang.jobs import JobRun
    from beijiang.tables import TableInfo

__all__ = ["Removal"]


class Removal(Work):
    """One attempt at a run whose files hold the keys of rows that leave; what else they hold is not looked at."""

    def __init__(self, shop: Shop, job: JobRun, run_id: str) -> None:
        super().__init__(shop, job, run_id)
        checks = tuple(check for check in self.request.checks if check.column in self.run.key)
        self.request = replace(self.request, checks=checks)

    @cached_property
    def plan(self) -> ReadPlan:
        """What step one decided, of the key columns alone: rows are typed, told apart and kept by these."""
        plan = ReadPlan.from_json(self.read())
        return replace(plan, schema=TypedSchema(tuple(c for c in plan.schema.columns if c.name in self.run.key)))

    @property
    def mode(self) -> WriteMode:
        """A merge that brings nothing; a table that keeps its history closes the states."""
        return WriteMode.HISTORY if self._there.history else WriteMode.MERGE

    @property
    def _there(self) -> TableInfo:
        if self.table is None or not self.table.subject:
            raise remove_needs_key(self.request.into)
        return self.table

    def _commit_words(self) -> dict[str, Any]:
        schema = self.shop.tables.schema(self.actor, self._there.name)
        if schema is None:
            raise NotFound("没有这张表。", "There is no such table.", code="no_such_table")
        return {"staged": (), "schema": schema, "removed": tuple(staged_files(self.space.folder("settle")))}

    def _ask_release_checks(self, good: int) -> None:
        """Nothing comes in that could be checked."""

    def _resolutions(self) -> dict[str, list[int]]:
        """A row that leaves mends none that was set aside."""
        return {}

    def _pin(self, store: IngestStore, now: datetime) -> None:
        """The columns of the table stay what they are."""

    def _remember(self, store: IngestStore, now: datetime) -> None:
        """A list of keys says nothing of how the next delivery is laid out."""
