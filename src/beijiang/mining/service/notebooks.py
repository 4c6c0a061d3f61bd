"""Notebooks: kept with versions, shared inside an organisation, run cell by cell through the gateway."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.kit import BeijiangError, new_id
from beijiang.mining.errors import no_notebook, notebook_moved
from beijiang.mining.models.notebooks import (
    Cell,
    CellKind,
    CellOutcome,
    CellState,
    DataWish,
    Notebook,
    NotebookDraft,
    Sharing,
)
from beijiang.mining.store.notebooks import NotebookStore
from beijiang.protection import QueryClass, Spoken, numbered

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.mining.models.notebooks import Requests
    from beijiang.mining.service.bench import Workbench
    from beijiang.protection import SqlResult

__all__ = ["Notebooks"]


class Notebooks:
    """Keep and run notebooks; a shared one shows its text, and every row is what whoever runs it may see."""

    def __init__(self, bench: Workbench, requests: Requests) -> None:
        self.bench = bench
        self.requests = requests

    def notebooks(self, actor: Actor) -> Sequence[Notebook]:
        """Return the actor's own notebooks and those that the own organisation shares, by name."""
        self.bench.access.require(actor, Permission.PROTECTION_SQL_RUN)
        with self.bench.db.read() as connection:
            return NotebookStore(connection).visible(actor)

    def notebook(self, actor: Actor, notebook_id: str, revision: int | None = None) -> Notebook:
        """Return a notebook as it is now, or one of its versions.

        Raises:
            NotFound: unknown, removed, or neither the actor's own nor shared with his organisation.

        """
        self.bench.access.require(actor, Permission.PROTECTION_SQL_RUN)
        with self.bench.db.read() as connection:
            found = NotebookStore(connection).get(notebook_id)
        if found is None or found.retired or not _may_see(actor, found):
            raise no_notebook()
        if revision is None or revision == found.revision:
            return found
        older = next((one for one in self.versions(actor, notebook_id) if one.revision == revision), None)
        if older is None:
            raise no_notebook()
        return older

    def versions(self, actor: Actor, notebook_id: str) -> Sequence[Notebook]:
        """Return all versions, oldest first; others than the owner see those that were shared."""
        self.notebook(actor, notebook_id)
        with self.bench.db.read() as connection:
            found = NotebookStore(connection).history(notebook_id)
        return [one for one in found if _may_see(actor, one)]

    def save(self, actor: Actor, draft: NotebookDraft) -> Notebook:
        """Keep a notebook for the actor; also one that came as a file.

        Raises:
            Invalid: it cannot be kept (``notebook_unfit``).

        """
        self.bench.access.require(actor, Permission.PROTECTION_SQL_RUN)
        draft.check()
        made = Notebook(
            id=new_id("nb"),
            revision=1,
            retired=False,
            name=draft.name,
            description=draft.description,
            parameters=draft.parameters,
            cells=draft.cells,
            sharing=draft.sharing,
            note=draft.note,
            owner_id=actor.id,
            owner=actor.name,
            org_id=actor.org_id,
            by=actor.id,
            by_name=actor.name,
            at=self.bench.clock.now(),
        )
        return self._put(actor, made, "mining.notebook_save")

    def change(self, actor: Actor, notebook_id: str, draft: NotebookDraft, base: int) -> Notebook:
        """Make a new version out of version ``base``; whom it is shared with is its owner's to say.

        Raises:
            NotFound: unknown, or the actor may not change it.
            Conflict: ``base`` is not the newest (``notebook_moved``).
            Invalid: it cannot be kept.

        """
        before = self._mine(actor, notebook_id)
        draft.check()
        if before.revision != base:
            raise notebook_moved(before.revision)
        return self._next(actor, before, draft, "mining.notebook_change")

    def restore(self, actor: Actor, notebook_id: str, revision: int) -> Notebook:
        """Make an older version the newest one, as a version of its own."""
        before = self._mine(actor, notebook_id)
        older = self.notebook(actor, notebook_id, revision)
        noted = replace(older, note=f"← v{older.revision}")
        return self._next(actor, before, noted, "mining.notebook_restore")

    def compare(self, actor: Actor, notebook_id: str, older: int, newer: int) -> Sequence[str]:
        """Return how two versions differ, line by line."""
        return self.notebook(actor, notebook_id, older).compared(self.notebook(actor, notebook_id, newer))

    def remove(self, actor: Actor, notebook_id: str) -> None:
        """Take one's own notebook out of use; its versions stay on record."""
        before = self._mine(actor, notebook_id)
        if before.owner_id != actor.id:
            raise no_notebook()
        gone = replace(_version(before, before, actor, self.bench), retired=True)
        self._put(actor, gone, "mining.notebook_remove")

    def run(
        self,
        actor: Actor,
        notebook_id: str,
        said: Mapping[str, str] | None = None,
        *,
        purpose: str = "",
        door: QueryClass = QueryClass.INTERACTIVE,
    ) -> Iterator[CellOutcome]:
        """Run all cells in order and hand each over as it comes out; the first one that fails is the last.

        Raises:
            Invalid: a value is not of its parameter's type.

        """
        found = self.notebook(actor, notebook_id)
        values = found.values(said or {})
        return self._outcomes(actor, found, values, purpose, door)

    def run_cell(
        self,
        actor: Actor,
        notebook_id: str,
        cell_id: str,
        said: Mapping[str, str] | None = None,
        *,
        purpose: str = "",
        door: QueryClass = QueryClass.INTERACTIVE,
    ) -> CellOutcome:
        """Run one cell; a chart runs the query that it draws."""
        found = self.notebook(actor, notebook_id)
        cell = _cell(found, cell_id)
        values = found.values(said or {})
        return self._outcome(actor, found, cell, values, {}, (purpose, door))

    def ask(
        self,
        actor: Actor,
        notebook_id: str,
        cell_id: str,
        said: Mapping[str, str] | None = None,
        *,
        purpose: str,
        use: str,
    ) -> str:
        """Ask the owners of the data for what a query would give, instead of taking it; return the request's id.

        The query is planned and no row is read: the request names its tables, its columns and their grades. ``purpose`` is a
        code of the list of purposes, ``use`` says it in words.

        Raises:
            Invalid: not a query, or what exchange asks of a request is missing.

        """
        found = self.notebook(actor, notebook_id)
        cell = _cell(found, cell_id)
        if cell.kind is not CellKind.SQL:
            raise no_notebook()
        text, spoken = _bound(cell, found.values(said or {}))
        told = self.bench.sql.explain(actor, text, spoken=spoken)
        tables = "、".join(one.table for one in told.reads)
        columns = "、".join(f"{one.name}（{one.grade}）" for one in told.columns)
        title = f"{found.name}：{cell.title or cell.id}"[:200]
        wish = DataWish(title, f"数据表：{tables}；数据项：{columns}；结果级别：{told.grade}", purpose, use)
        made = self.requests(actor, wish)
        with self.bench.db.begin() as tx:
            detail: dict[str, JsonValue] = {"cell": cell.id, "revision": found.revision, "request": made}
            self.bench.evidence.record(tx, actor, "mining.notebook_ask", target=found.id, detail=detail)
        return made

    def snippet(self, actor: Actor, notebook_id: str, cell_id: str, said: Mapping[str, str] | None = None) -> str:
        """Return Python that asks the same under a person's own key: values stand apart from the text there too."""
        found = self.notebook(actor, notebook_id)
        cell = _cell(found, cell_id)
        if cell.kind is not CellKind.SQL:
            raise no_notebook()
        text, spoken = _bound(cell, found.values(said or {}))
        url = self.bench.settings.public_url.rstrip("/")
        host = url.split("://")[-1].split("/")[0].split(":")[0]
        lines = ["import os", f"SQL = {text!r}"]
        if not spoken.values:
            lines += [
                "from beijiang.client import Client",
                f"URL = {url!r}",
                "with Client(URL, key=os.environ['BEIJIANG_KEY']) as client:",
                "    answer = client.sql(SQL, purpose='...')",
                "    print(answer.grade, answer.rows)",
            ]
        else:
            lines += [
                f"VALUES = {[_plain(value) for value in spoken.values]!r}",
                "import adbc_driver_flightsql.dbapi as flight",
                "options = {'adbc.flight.sql.authorization_header': f\"Bearer {os.environ['BEIJIANG_KEY']}\"}",
                f"PLACE = 'grpc+tls://{host}:{self.bench.settings.flight_port}'",
                "with flight.connect(PLACE, autocommit=True, db_kwargs=options) as client, client.cursor() as cursor:",
                "    cursor.execute(SQL, VALUES)",
                "    print(cursor.fetch_arrow_table())",
            ]
        return "\n".join(lines) + "\n"

    # Inside

    def _mine(self, actor: Actor, notebook_id: str) -> Notebook:
        found = self.notebook(actor, notebook_id)
        if found.owner_id != actor.id and not (found.sharing is Sharing.EDIT and found.org_id == actor.org_id):
            raise no_notebook()
        return found

    def _next(self, actor: Actor, before: Notebook, draft: NotebookDraft, what: str) -> Notebook:
        mine = before.owner_id == actor.id and what != "mining.notebook_restore"
        made = _version(draft, before, actor, self.bench)
        return self._put(actor, replace(made, sharing=draft.sharing if mine else before.sharing), what)

    def _put(self, actor: Actor, made: Notebook, what: str) -> Notebook:
        with self.bench.db.begin() as tx:
            NotebookStore(tx.connection).add(made)
            detail: dict[str, JsonValue] = {
                "revision": made.revision,
                "sharing": made.sharing.value,
                "cells": len(made.cells),
            }
            self.bench.evidence.record(tx, actor, what, target=made.id, detail=detail)
        return made

    def _outcomes(
        self, actor: Actor, found: Notebook, values: Mapping[str, object], purpose: str, door: QueryClass
    ) -> Iterator[CellOutcome]:
        results: dict[str, SqlResult] = {}
        for cell in found.cells:
            outcome = self._outcome(actor, found, cell, values, results, (purpose, door))
            if cell.kind is CellKind.SQL and outcome.result is not None:
                results[cell.id] = outcome.result
            yield outcome
            if outcome.state is CellState.FAILED:
                return

    def _outcome(
        self,
        actor: Actor,
        found: Notebook,
        cell: Cell,
        values: Mapping[str, object],
        results: Mapping[str, SqlResult],
        how: tuple[str, QueryClass],
    ) -> CellOutcome:
        if cell.kind is CellKind.NOTE:
            return CellOutcome(cell, CellState.DONE)
        query = _cell(found, cell.source) if cell.kind is CellKind.CHART else cell
        try:
            result = results.get(query.id)
            if result is None:
                text, spoken = _bound(query, values)
                result = self.bench.run(actor, text, how[0], door=how[1], spoken=spoken)
        except BeijiangError as error:
            if error.status in {401, 403}:
                raise
            at = error.detail.get("line", 0)
            return CellOutcome(cell, CellState.FAILED, None, error.text, error.reason, at if isinstance(at, int) else 0)
        return CellOutcome(cell, CellState.DONE, result)


def _may_see(actor: Actor, one: Notebook) -> bool:
    shared = one.sharing is not Sharing.PRIVATE and one.org_id is not None and one.org_id == actor.org_id
    return one.owner_id == actor.id or shared


def _cell(found: Notebook, cell_id: str) -> Cell:
    cell = found.cell(cell_id)
    if cell is None:
        raise no_notebook()
    return cell


def _bound(cell: Cell, values: Mapping[str, object]) -> tuple[str, Spoken]:
    """Return a query with numbers for its parameters, and their values in that order."""
    from sqlglot.errors import SqlglotError

    try:
        text, names = numbered(cell.text)
    except SqlglotError:
        return cell.text, Spoken()  # the gateway says what is wrong with it
    return text, Spoken([values[name] for name in names if name in values])


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _version(draft: NotebookDraft, of: Notebook, actor: Actor, bench: Workbench) -> Notebook:
    """Return the next version of a notebook with what a draft says; whose it is and who has it stay."""
    return replace(
        of,
        revision=of.revision + 1,
        name=draft.name,
        description=draft.description,
        parameters=draft.parameters,
        cells=draft.cells,
        note=draft.note,
        by=actor.id,
        by_name=actor.name,
        at=bench.clock.now(),
    )
