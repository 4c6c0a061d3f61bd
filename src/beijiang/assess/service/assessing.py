"""Assessment: compute a period from the platform's facts, rank, look behind each number, freeze."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.assess.errors import frozen, no_indicator, no_mark, no_sheet
from beijiang.assess.models import (
    Fact,
    Indicator,
    Mark,
    Period,
    PeriodKind,
    Ranking,
    Sheet,
    Standing,
    indicators,
    marked,
    ranked,
)
from beijiang.assess.service.gathering import gather
from beijiang.assess.service.looking import Look
from beijiang.assess.service.weighing import Weighing
from beijiang.assess.store import MarkStore
from beijiang.kit import SYSTEM, Conflict, Text, new_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Assessing"]

TREND: Final = 8
"""Periods that a trend shows."""


class Assessing(Weighing):
    """Scores of departments, with every fact behind them."""

    @staticmethod
    def indicators() -> Mapping[str, Indicator]:
        """Return the indicators, in their order."""
        return indicators()

    def sheets(self, actor: Actor, kind: PeriodKind | None = None) -> Sequence[Sheet]:
        """Return the periods that were computed, the newest first."""
        self.access.require(actor, Permission.ASSESS_SCORE_READ)
        with self.db.read() as connection:
            return MarkStore(connection).sheets(kind)

    def compute(self, actor: Actor, period: Period) -> Sheet:
        """Compute a period from the facts as they are now; an earlier computation that is not frozen is replaced.

        Raises:
            Conflict: the period is frozen (``period_frozen``), or has not begun (``period_ahead``).

        """
        self.access.require(actor, Permission.ASSESS_SCORE_MANAGE)
        if period.first > self.today:
            raise Conflict(f"{period} 尚未开始。", f"{period} has not begun.", code="period_ahead")
        with self.db.read() as connection:
            old = MarkStore(connection).sheet(period)
        if old is not None and old.frozen_at is not None:
            raise frozen(str(period))
        missing: dict[str, Text] = {}
        marks = list(self._marks(period, missing))
        sheet = Sheet(
            id=new_id("asm"),
            period=period,
            computed_at=self.clock.now(),
            by=actor.name,
            book=self._book_for(period).version,
            missing=missing,
        )
        with self.db.begin() as tx:
            if not MarkStore(tx.connection).put_sheet(sheet, marks):
                raise frozen(str(period))
            detail: dict[str, JsonValue] = {
                "period": str(period),
                "weights": sheet.book,
                "marks": len(marks),
                "facts": sum(len(facts) for _, facts in marks),
                "missing": [*sorted(missing)],
            }
            self.evidence.record(tx, actor, "assess.compute", target=sheet.id, detail=detail)
        return sheet

    def freeze(self, actor: Actor, period: Period) -> Sheet:
        """Close the results of a period that is over; from then on an appeal alone changes them.

        Raises:
            NotFound: it was not computed.
            Conflict: it still runs (``period_running``), or is frozen already.

        """
        self.access.require(actor, Permission.ASSESS_SCORE_MANAGE)
        sheet = self._sheet(period)
        if period.last >= self.today:
            raise Conflict(
                f"{period} 还没有结束，{period.last} 之后才能冻结。",
                f"{period} still runs; freeze it after {period.last}.",
                code="period_running",
            )
        with self.db.begin() as tx:
            store = MarkStore(tx.connection)
            closed = replace(sheet, frozen_at=self.clock.now(), frozen_by=actor.name, digest=store.digest(sheet.id))
            if not store.freeze(closed):
                raise frozen(str(period))
            detail: dict[str, JsonValue] = {"period": str(period), "sha256": closed.digest, "weights": sheet.book}
            self.evidence.record(tx, actor, "assess.freeze", target=sheet.id, detail=detail)
        return closed

    def ranking(self, actor: Actor, period: Period) -> Ranking:
        """Return where all departments stand; totals are open to all who work in government.

        Raises:
            NotFound: the period was not computed.

        """
        self.access.require(actor, Permission.ASSESS_SCORE_READ)
        sheet, groups = self._sheet(period), self._groups()
        books = {book.version: book for book in self._books()}
        with self.db.read() as connection:
            store = MarkStore(connection)
            past = [s for s in store.sheets(period.kind) if s.period <= period][:TREND]
            by_sheet = {s.id: ranked(store.marks(s.id), books[s.book], groups) for s in past}
        places = by_sheet[sheet.id]
        before = next((by_sheet[s.id] for s in past if s.period == period.before), [])
        totals = {s.id: {place.org_id: place.total for place in by_sheet[s.id]} for s in past}
        trend = {p.org_id: [(str(s.period), totals[s.id].get(p.org_id)) for s in reversed(past)] for p in places}
        return Ranking(sheet, books[sheet.book], places, {p.org_id: p for p in before}, trend)

    def standing(self, actor: Actor, period: Period, org_id: str) -> Standing:
        """Return how one department stands, indicator by indicator; open to itself and the data authority.

        Raises:
            NotFound: the period was not computed, or the department has no facts in it.

        """
        self.access.require(actor, Permission.ASSESS_SCORE_READ, org_id)
        sheet = self._sheet(period)
        books = {book.version: book for book in self._books()}
        with self.db.read() as connection:
            store = MarkStore(connection)
            past = [s for s in store.sheets(period.kind) if s.period <= period][:TREND]
            own = store.marks_of([s.id for s in past], org_id)
            places = ranked(store.marks(sheet.id), books[sheet.book], self._groups())
        place = next((p for p in places if p.org_id == org_id), None)
        if place is None:
            raise no_mark()
        rates = {s.id: {m.indicator: m.rate if m.rate is not None else m.a for m in own[s.id]} for s in past}
        trend = {
            mark.indicator: [(str(s.period), rates[s.id].get(mark.indicator)) for s in reversed(past)]
            for mark in own[sheet.id]
        }
        return Standing(sheet, books[sheet.book], place, {m.indicator: m for m in own[sheet.id]}, trend)

    def facts(self, actor: Actor, period: Period, org_id: str, indicator: str) -> tuple[Sheet, Mark, Sequence[Fact]]:
        """Return every fact behind a mark, counted or not, with the reason; open to the department and the authority.

        Raises:
            NotFound: the period, the indicator or the mark is not there.

        """
        self.access.require(actor, Permission.ASSESS_SCORE_READ, org_id)
        if indicator not in indicators():
            raise no_indicator(indicator)
        sheet = self._sheet(period)
        with self.db.read() as connection:
            store = MarkStore(connection)
            mark = next((m for m in store.marks_of([sheet.id], org_id)[sheet.id] if m.indicator == indicator), None)
            if mark is None:
                raise no_mark()
            return sheet, mark, store.facts(mark)

    def watch(self) -> None:
        """Compute the period that has just ended, of each kind that people have begun to compute; called every minute."""
        with self.db.read() as connection:
            known = MarkStore(connection).sheets()
        for kind in {sheet.period.kind for sheet in known}:
            ended = Period.holding(self.today, kind).before
            mine = [s for s in known if s.period.kind is kind]
            done = next((s for s in mine if s.period == ended), None)
            over = done is not None and done.computed_at.astimezone(self.zone).date() > ended.last
            if over or (done is not None and done.frozen_at) or not any(s.period <= ended for s in mine):
                continue
            self.compute(SYSTEM, ended)

    # Inside

    def _marks(self, period: Period, missing: dict[str, Text]) -> Iterator[tuple[Mark, Sequence[Fact]]]:
        """Yield the marks of all departments; indicators without a source go into ``missing``."""
        look = Look(self.parts, period, self.clock.now(), self.zone)
        for indicator in indicators().values():
            if indicator.since > period.last:
                missing[indicator.id] = Text("该指标当时尚未施行", "the indicator was not in force then")
                continue
            found = gather(look, indicator)
            if isinstance(found, Text):
                missing[indicator.id] = found
                continue
            by_org: dict[str, list[Fact]] = {}
            for fact in found:
                by_org.setdefault(fact.org_id, []).append(fact)
            for org_id, facts in by_org.items():
                yield self._mark(org_id, indicator, facts), facts

    @staticmethod
    def _mark(org_id: str, indicator: Indicator, facts: Sequence[Fact], revision: int = 1, appeal: str = "") -> Mark:
        a, b, state, score = marked(indicator, facts)
        return Mark(
            id=new_id("mrk"),
            org_id=org_id,
            indicator=indicator.id,
            revision=revision,
            a=a,
            b=b,
            facts=len(facts),
            state=state,
            score=score,
            appeal=appeal,
        )

    def _sheet(self, period: Period) -> Sheet:
        with self.db.read() as connection:
            found = MarkStore(connection).sheet(period)
        if found is None:
            raise no_sheet(str(period))
        return found

    def _groups(self) -> Mapping[str, int]:
        return {one.id: one.admin_tier for one in self.access.organisations()}
