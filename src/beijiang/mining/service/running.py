"""Running: through the gateway, with a line in the person's history, and a stop that other processes can ask for."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.kit import BeijiangError, new_id
from beijiang.mining.errors import id_taken, no_run
from beijiang.mining.models import QueryRun, RunState
from beijiang.mining.service.base import Base
from beijiang.mining.store import RunStore
from beijiang.protection import QueryClass, QueryOrder, QueryState, Queued

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.protection import Described, Spoken, SqlResult

__all__ = ["Running"]

LOOK_SECONDS: Final = 1.0
"""How often a process with open runs looks whether another one wants them stopped."""
FORGET_SECONDS: Final = 3600.0
SLACK_SECONDS: Final = 60.0
PAGE_MOST: Final = 500
_UNTOLD: Final = frozenset({"sql_failures", "sql_concurrency", "sql_quota", "query_queue_full", "query_id_taken"})
"""Refusals before a text was looked at; they are no runs."""


class Running(Base):
    """Run, stop, look back."""

    def run(
        self,
        actor: Actor,
        text: str,
        purpose: str = "",
        *,
        door: QueryClass = QueryClass.INTERACTIVE,
        query_id: str = "",
        spoken: Spoken | None = None,
    ) -> SqlResult:
        """Run one SELECT and note it in the actor's history; see ``SqlGateway.run`` for what it raises."""
        self.access.require(actor, Permission.PROTECTION_SQL_RUN)
        return self._run(actor, text, purpose, QueryOrder(door=door, id=query_id), spoken)

    def explain(self, actor: Actor, text: str) -> Described:
        """Return what a query reads and how the columns of its answer are graded; nothing is run.

        Raises:
            Refused: the text is not allowed, or names a table that is unknown or hidden.

        """
        return self.sql.explain(actor, text)

    def history(
        self, actor: Actor, words: str = "", limit: int = 50, before: datetime | None = None
    ) -> Sequence[QueryRun]:
        """Return the actor's own runs, newest first, whose text holds ``words``."""
        self.access.require(actor, Permission.PROTECTION_SQL_RUN)
        with self.db.read() as connection:
            found = RunStore(connection).of_person(actor.id, words.strip(), min(limit, PAGE_MOST), before)
        horizon = self._horizon()
        return [
            replace(one, state=RunState.LOST) if one.state is RunState.OPEN and one.asked_at < horizon else one
            for one in found
        ]

    def past(self, actor: Actor, run_id: str) -> QueryRun:
        """Return one run of the actor's own.

        Raises:
            NotFound: no such run, or another person's.

        """
        self.access.require(actor, Permission.PROTECTION_SQL_RUN)
        with self.db.read() as connection:
            found = RunStore(connection).get(run_id)
        if found is None or found.person_id != actor.id:
            raise no_run()
        return found

    def queue(self, actor: Actor) -> Sequence[Queued]:
        """Return the queries that have not ended, of this and of other processes; everybody's for who keeps the queue.

        Who, since when and in which state; never what is asked.
        """
        here = list(self.sql.queue(actor))
        with self.db.read() as connection:
            others = RunStore(connection).open_elsewhere(self.process, self._horizon())
        manages = self.access.allows(actor, Permission.PROTECTION_QUEUE_MANAGE)
        now = self.clock.now()
        return here + [
            Queued(
                id=one.id,
                person_id=one.person_id,
                person=one.person,
                org_id=one.org_id,
                door=one.door,
                state=QueryState.ELSEWHERE,
                since=one.asked_at,
                seconds=(now - one.asked_at).total_seconds(),
            )
            for one in others
            if manages or one.person_id == actor.id
        ]

    def stop(self, actor: Actor, query_id: str) -> None:
        """Stop a query of one's own, or anybody's for who keeps the queue; another process does it within a second.

        Raises:
            NotFound: none of this id is open, or it is another person's.

        """
        if self.sql.stop(actor, query_id):
            return
        if all(one.id != query_id for one in self.queue(actor)):
            raise no_run()
        with self.db.begin() as tx:
            RunStore(tx.connection).ask_to_stop(query_id)
            self.evidence.record(tx, actor, "protection.query_stop", target=query_id, detail={})

    def _run(self, actor: Actor, text: str, purpose: str, order: QueryOrder, spoken: Spoken | None = None) -> SqlResult:
        if order.id:
            with self.db.read() as connection:
                if RunStore(connection).get(order.id) is not None:
                    raise id_taken()
        run = QueryRun(
            id=order.id or new_id("query"),
            person_id=actor.id,
            person=actor.name,
            org_id=actor.org_id,
            door=order.door,
            exit=order.exit,
            text=text,
            purpose=purpose,
            asked_at=self.clock.now(),
            process=self.process,
        )
        noted = threading.Event()

        def waits() -> None:
            """Let other processes see it, once it is no matter of a moment."""
            with self.db.begin() as tx:
                RunStore(tx.connection).add(run)
            noted.set()
            self._look_for_stops()

        begun = time.monotonic()
        try:
            result = self.sql.run(actor, text, purpose, replace(order, id=run.id, waits=waits), spoken)
        except BeijiangError as error:
            if error.reason not in _UNTOLD and error.status not in {401, 403}:
                stopped = error.reason == "query_cancelled"
                state = RunState.STOPPED if stopped else RunState.FAILED
                ended = replace(run, state=state, error=error.reason, seconds=time.monotonic() - begun)
                self._note(ended, known=noted.is_set())
            raise
        ended = replace(
            run,
            state=RunState.DONE,
            seconds=time.monotonic() - begun,
            rows=result.rows.num_rows,
            truncated=result.truncated,
            cached=result.cached,
            grade=result.grade,
            receipt=result.receipt,
            tables=result.tables,
        )
        self._note(ended, known=noted.is_set())
        return result

    def _note(self, run: QueryRun, *, known: bool) -> None:
        old = self.forgot_at is None or time.monotonic() - self.forgot_at > FORGET_SECONDS
        with self.db.begin() as tx:
            store = RunStore(tx.connection)
            store.end(run) if known else store.add(run)
            if old:
                store.forget(self.clock.now() - timedelta(days=self.settings.query_history_days))
                self.forgot_at = time.monotonic()

    def _horizon(self) -> datetime:
        """Return the moment before which nothing that is still open can have begun."""
        longest = max(self.settings.query_seconds, self.settings.query_export_seconds)
        return self.clock.now() - timedelta(seconds=longest + self.settings.query_wait_seconds + SLACK_SECONDS)

    def _look_for_stops(self) -> None:
        """Have one thread look for wishes of other processes as long as queries are open here."""
        if self.looking.acquire(blocking=False):
            threading.Thread(target=self._look, name="beijiang-stops", daemon=True).start()

    def _look(self) -> None:
        try:
            while self.sql.governor.open():
                time.sleep(LOOK_SECONDS)
                with self.db.read() as connection:
                    wanted = RunStore(connection).to_be_stopped(self.process)
                for query_id in wanted:
                    self.sql.governor.stop(query_id)
        finally:
            self.looking.release()
