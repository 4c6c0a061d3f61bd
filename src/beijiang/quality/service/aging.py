"""Time as a judge: rules that a day alone can break are held against a version again when nothing new comes."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import IntegrityError

from beijiang.kit import SYSTEM, NotFound, Text, new_id
from beijiang.quality.models import Trigger
from beijiang.quality.service.checking import Checking
from beijiang.quality.store import RuleStore, RunStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from beijiang.jobs import JobRun
    from beijiang.kit.errors import JsonValue
    from beijiang.quality.models import Run

__all__ = ["AGING_JOB", "Aging"]

log = logging.getLogger(__name__)

AGING_JOB: Final = "quality.aging"


@dataclass(frozen=True, slots=True)
class _Again:
    """A run that time changed: the one that it was made from, what it says now, and how many rules were counted."""

    before: str
    run: Run
    rules: int


class Aging(Checking):
    """Looks once a day whether freshness, validity and other rules about today still hold; counts those rules only."""

    _looked: date | None = None
    """The day for which nothing was left to look at: a rule that comes later begins with its own first check."""

    def watch(self) -> None:
        """Queue the day's look, once, where a table waits for it; called by the dispatcher every minute."""
        today = self._day(self.clock.now())
        if self._looked == today:
            return
        if self._waiting():
            self.jobs.submit(SYSTEM, AGING_JOB, {}, key=AGING_JOB)
        else:
            self._looked = today

    def aging_work(self, job: JobRun, _arguments: dict[str, JsonValue]) -> JsonValue:
        """Judge what waits, table by table; one that was killed goes on where it stood. Registered in connected.py."""
        waiting, changed = self._waiting(), 0
        for done, table in enumerate(waiting):
            job.progress(done, len(waiting), Text(f"正在复评 {table}", f"judging {table} again"))
            changed += self._age(table)
        return {"tables": len(waiting), "changed": changed}

    def _waiting(self) -> Sequence[str]:
        """Return the tables with rules that age for which nobody reckoned with today."""
        today = self._day(self.clock.now())
        with self.db.read() as connection:
            tables = {rule.table for rule in RuleStore(connection).aging()}
            seen = RunStore(connection).aged() if tables else {}
        return sorted(table for table in tables if seen.get(table) != today)

    def _age(self, table: str) -> bool:
        """Judge a table for today, and write down that it was done with what came of it; tell whether anything did."""
        today = self._day(self.clock.now())
        try:
            found = self._judged_again(table, today)
        except NotFound:
            log.info("table %s went away before it was judged again", table)
            found = None
        except Exception:  # whatever it is, the tables after this one are judged all the same
            log.exception("table %s could not be judged again; it is tried tomorrow", table)
            found = None
        try:
            with self.db.begin() as tx:
                store = RunStore(tx.connection)
                if not store.age(table, today):
                    return False
                if found is None or not store.succeed(found.before):
                    return False  # nothing to say, or a check that ended meanwhile says what holds today
                self._keep(tx, SYSTEM, found.run, found.rules)
        except IntegrityError:  # another process of the same home was faster
            return False
        self._tell_owner(found.run)
        return True

    def _judged_again(self, table: str, today: date) -> _Again | None:
        """Return the newest run with what the rules that age say now, None where that is what it says already.

        A version that was judged today, or that is new and waits to be judged, is left alone.
        """
        with self.db.read() as connection:
            newest, rules = RunStore(connection).newest(table), RuleStore(connection).of_table(table)
        aging = [rule for rule in rules if rule.ages]
        if newest is None or self._day(newest.at) == today:
            return None
        measured = self.runner.version(table)
        if measured.version != newest.version:
            return None
        counted, seconds = self.runner.judge(measured, aging)
        facts = {fact.rule_id: fact for fact in counted}
        known = {fact.rule_id: fact for fact in newest.facts}
        if all(known.get(rule_id) == fact for rule_id, fact in facts.items()):
            return None
        standing = {rule.id for rule in rules} | {None}
        kept = tuple(facts.pop(f.rule_id, f) for f in newest.facts if f.rule_id in standing)
        again = replace(
            newest,
            id=new_id("qrun"),
            at=self.clock.now(),
            trigger=Trigger.TIME,
            by=SYSTEM.id,
            seconds=seconds,
            facts=(*kept, *facts.values()),
        )
        return _Again(newest.id, again, len(aging))

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self.runner.zone).date()
