"""Serving copies: made by a job for every sight of a table that readers page through, removed as soon as nobody has it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.exchange.models.serving import CopyState, Serving, ServingCopy, ServingView
from beijiang.exchange.service.base import Base
from beijiang.exchange.store import ServingStore
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Invalid, NotFound, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.exchange.service.base import SharingParts
    from beijiang.jobs import JobRun, Jobs
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.protection import CopyShelf, Sought

__all__ = ["SERVING_JOB", "Servings"]

log = logging.getLogger(__name__)
SERVING_JOB: Final = "serving"
_MOST: Final = 20
"""Columns that one table may be looked up by, beside its key."""


class Servings(Base):
    """What tables have serving copies (服务副本). A copy only makes quicker what the gate has decided to show."""

    def __init__(self, parts: SharingParts, shelf: CopyShelf, jobs: Jobs) -> None:
        super().__init__(parts)
        self._shelf = shelf
        self._jobs = jobs

    # The owner

    def ask(self, actor: Actor, table: str, columns: Sequence[str] = ()) -> ServingView:
        """Have copies made for every reader of a table, indexed on its key and some columns; they follow its releases.

        Raises:
            NotFound: no such table.
            Conflict: readers have nothing of it (``serving_unreleased``).
            Invalid: an unknown column, or too many.

        """
        stored, provider = self._own(actor, table)
        sights = self.parts.gate.served(stored)
        if not sights:
            raise Conflict(
                "这张表没有可供调用的数据：请先发布目录条目或完成授权，再设置服务副本。",
                "Readers have nothing of this table yet: publish its entry or give a grant first, then ask for serving copies.",
                code="serving_unreleased",
            )
        shown = {column.name for sight in sights for column in sight.governed.columns}
        wanted = tuple(dict.fromkeys(columns))
        unknown = [name for name in wanted if name not in shown]
        if unknown or len(wanted) > _MOST:
            raise Invalid(
                f"没有读者能看到“{unknown[0][:60]}”这一列。" if unknown else f"最多按 {_MOST} 列查找。",
                f"No reader sees a column “{unknown[0][:60]}”."
                if unknown
                else f"At most {_MOST} columns are looked up by.",
                code="serving_columns",
                detail={"columns": [*unknown]},
            )
        made = Serving(
            table=stored,
            table_id=sights[0].governed.table_id,
            provider_id=provider,
            columns=wanted,
            by=actor.id,
            by_name=actor.name,
            at=self.clock.now(),
        )
        with self.db.begin() as tx:
            store = ServingStore(tx.connection)
            store.put(made)
            store.forget(stored)
            detail: dict[str, JsonValue] = {"columns": [*wanted], "provider": provider}
            self.parts.evidence.record(tx, actor, "exchange.serving_ask", target=stored, detail=detail)
        return replace(self._view(made), job=self._submit(made))

    def end(self, actor: Actor, table: str) -> None:
        """Have no copies of a table any more; the files are removed at once.

        Raises:
            NotFound: no such table, or nobody asked for copies of it.

        """
        found = self._wanted(actor, table)
        with self.db.begin() as tx:
            store = ServingStore(tx.connection)
            store.remove(found.table)
            store.forget(found.table)
            self.parts.evidence.record(tx, actor, "exchange.serving_end", target=found.table)
        self._shelf.keep(found.table_id, ())

    def refresh(self, actor: Actor, table: str) -> ServingView:
        """Make what is missing now, what failed before included.

        Raises:
            NotFound: no such table, or nobody asked for copies of it.

        """
        found = self._wanted(actor, table)
        with self.db.begin() as tx:
            store = ServingStore(tx.connection)
            known = store.copies(found.table)
            store.forget(found.table, [one.print for one in known.values() if one.state is not CopyState.FAILED])
        return replace(self._view(found), job=self._submit(found))

    def view(self, actor: Actor, table: str) -> ServingView:
        """Return the copies of a table as they should be and are.

        Raises:
            NotFound: no such table, or nobody asked for copies of it.

        """
        return self._view(self._wanted(actor, table))

    def views(self, actor: Actor) -> Sequence[ServingView]:
        """Return every table with copies that the actor looks after."""
        self.access.require(actor, Permission.EXCHANGE_SERVING_MANAGE, actor.org_id)
        with self.db.read() as connection:
            found = ServingStore(connection).all()
        mine = [one for one in found if self.access.allows(actor, Permission.EXCHANGE_SERVING_MANAGE, one.provider_id)]
        return [self._view(one) for one in mine]

    # The machinery

    def work(self, run: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Make the missing copies of a table, one after the other, and remove those that nobody has any more."""
        with self.db.read() as connection:
            found = ServingStore(connection).get(str(arguments["table"]))
        if found is None:
            return {"made": 0, "failed": 0}
        self._shelf.begin(found.table_id)
        wanted = self._tidied(found)
        with self.db.read() as connection:
            known = ServingStore(connection).copies(found.table)
        missing = [sight for print_, (sight, _) in wanted.items() if self._lacks(found, print_, known)]
        ended = [self._make(run, found, sight, done, len(missing)) for done, sight in enumerate(missing)]
        self._tidied(found)  # what was revoked or recalled while it was made
        made = sum(one.state is CopyState.READY for one in ended)
        return {"made": made, "failed": len(ended) - made}

    def watch(self) -> None:
        """Follow releases, grants and masks; called by the dispatcher every minute."""
        with self.db.read() as connection:
            found = ServingStore(connection).all()
        self._shelf.only({one.table_id for one in found})
        for one in found:
            try:
                wanted = self._tidied(one)
                with self.db.read() as connection:
                    known = ServingStore(connection).copies(one.table)
                if any(self._lacks(one, print_, known) for print_ in wanted):
                    self._submit(one)
            except BeijiangError:
                log.exception("the serving copies of a table could not be followed; it will be tried again")

    def _lacks(self, wanted: Serving, print_: str, known: dict[str, ServingCopy]) -> bool:
        copy = known.get(print_)
        if copy is not None and copy.state is CopyState.FAILED:
            return False
        return copy is None or self._shelf.get(wanted.table_id, print_) is None

    def _make(self, run: JobRun, wanted: Serving, sight: Sought, done: int, of: int) -> ServingCopy:
        governed = sight.governed
        note = Text(f"服务副本 {done + 1}/{of}：已写 {{}} 行", f"serving copy {done + 1} of {of}: {{}} rows written")
        total = max(1, sight.rows)

        def tell(rows: int) -> None:
            share = done * total + min(rows, total)
            run.progress(share, of * total, Text(note.zh.format(rows), note.en.format(rows)))

        names = {column.name for column in governed.columns}
        indexes = [name for name in (*sight.key, *wanted.columns) if name in names]
        base = ServingCopy(
            print=governed.print,
            table=wanted.table,
            version=governed.version,
            state=CopyState.FAILED,
            at=self.clock.now(),
        )
        try:
            whole = governed.write_copy(indexes, tell)
        except BeijiangError as error:
            ended = replace(base, note=error.text)
        else:
            ended = replace(
                base,
                state=CopyState.READY,
                indexes=whole.indexes,
                rows=whole.rows,
                bytes=whole.bytes,
                at=self.clock.now(),
            )
        detail: dict[str, JsonValue] = {
            "print": ended.print,
            "version": ended.version,
            "audience": str(sight.audience),
            "state": ended.state.value,
            "rows": ended.rows,
            "bytes": ended.bytes,
            "indexes": [*ended.indexes],
        }
        with self.db.begin() as tx:
            ServingStore(tx.connection).note(ended)
            self.parts.evidence.record(tx, run.actor, "exchange.serving_make", target=wanted.table, detail=detail)
        return ended

    def _tidied(self, wanted: Serving) -> dict[str, tuple[Sought, tuple[str, ...]]]:
        """Remove the copies that no reader has any more; return the sights that readers have, by print."""
        sights = self._sights(wanted)
        gone = self._shelf.keep(wanted.table_id, sights)
        with self.db.begin() as tx:
            ServingStore(tx.connection).forget(wanted.table, [*sights])
            for print_ in gone:
                self.parts.evidence.record(
                    tx, SYSTEM, "exchange.serving_remove", target=wanted.table, detail={"print": print_}
                )
        return sights

    def _sights(self, wanted: Serving) -> dict[str, tuple[Sought, tuple[str, ...]]]:
        found: dict[str, tuple[Sought, tuple[str, ...]]] = {}
        for sight in self.parts.gate.served(wanted.table):
            print_ = sight.governed.print
            first, whose = found.get(print_, (sight, ()))
            found[print_] = (first, (*whose, sight.grant or str(sight.audience)))
        return found

    def _view(self, wanted: Serving) -> ServingView:
        with self.db.read() as connection:
            known = ServingStore(connection).copies(wanted.table)
        copies = []
        for print_, (sight, whose) in self._sights(wanted).items():
            waiting = ServingCopy(
                print=print_, table=wanted.table, version=sight.governed.version, state=CopyState.WAITING
            )
            copy = known.get(print_, waiting)
            there = copy.state is not CopyState.READY or self._shelf.get(wanted.table_id, print_) is not None
            copies.append((copy if there else waiting, whose))
        return ServingView(serving=wanted, copies=tuple(copies))

    def _submit(self, wanted: Serving) -> str:
        arguments: dict[str, Any] = {"table": wanted.table}
        key = f"{SERVING_JOB}:{wanted.table_id}"
        return self._jobs.submit(SYSTEM, SERVING_JOB, arguments, key=key, org_id=wanted.provider_id)

    def _own(self, actor: Actor, table: str) -> tuple[str, str]:
        stored = self.parts.gate.find(table)
        resource = self.parts.catalog.resource_for_table(stored)
        provider = None if resource is None else resource.provider_id
        if provider is not None and self.access.allows(actor, Permission.EXCHANGE_SERVING_MANAGE, provider):
            return stored, provider
        self.access.require(actor, Permission.EXCHANGE_SERVING_MANAGE, actor.org_id)
        raise NotFound(
            f"没有名为“{table[:60]}”的表，或者它不归您管。",
            f'There is no table "{table[:60]}", or it is not yours to look after.',
            code="table_not_found",
        )

    def _wanted(self, actor: Actor, table: str) -> Serving:
        stored, _ = self._own(actor, table)
        with self.db.read() as connection:
            found = ServingStore(connection).get(stored)
        if found is None:
            raise NotFound(
                "这张表没有设置服务副本。", "Nobody asked for serving copies of this table.", code="no_serving"
            )
        return found
