"""Sheets with their marks and facts, weights, appeals."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from beijiang.assess.models import (
    Appeal,
    AppealState,
    Book,
    BookState,
    Fact,
    Mark,
    MarkState,
    Period,
    PeriodKind,
    Sheet,
    Subject,
)
from beijiang.assess.store.schema import assess_appeal, assess_book, assess_fact, assess_mark, assess_sheet
from beijiang.kit import Text

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["MarkStore"]

_S, _M, _F, _A, _B = assess_sheet.c, assess_mark.c, assess_fact.c, assess_appeal.c, assess_book.c
_MARK = ("id", "org_id", "indicator", "revision", "a", "b", "facts", "score", "appeal")
_APPEAL = (
    "id", "sheet_id", "org_id", "indicator", "mark_id", "words", "by", "by_name", "at", "decided_by", "decided_name",
    "decided_at", "decision", "mark_after",
)  # fmt: skip
_BOOK = (
    "version", "fewest", "since", "reason", "by", "by_name", "at", "decided_by", "decided_name", "decided_at", "decision",
)  # fmt: skip


class MarkStore:
    """Read and write assessments on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Sheets

    def sheet(self, period: Period) -> Sheet | None:
        """Return the assessment of a period."""
        row = self._connection.execute(select(assess_sheet).where(_S.period == str(period))).one_or_none()
        return None if row is None else _sheet(row)

    def sheets(self, kind: PeriodKind | None = None) -> list[Sheet]:
        """Return all assessments, of one kind of period if named, the newest period first."""
        query = select(assess_sheet).order_by(_S.first.desc(), _S.kind)
        if kind is not None:
            query = query.where(_S.kind == kind.value)
        return [_sheet(row) for row in self._connection.execute(query)]

    def put_sheet(self, sheet: Sheet, marks: Iterable[tuple[Mark, Sequence[Fact]]]) -> bool:
        """Write an assessment in place of the one of its period; False where that is frozen by now."""
        old = self.sheet(sheet.period)
        if old is not None:
            if old.frozen_at is not None:
                return False
            mine = select(_M.id).where(_M.sheet_id == old.id)
            self._connection.execute(delete(assess_fact).where(_F.mark_id.in_(mine)))
            self._connection.execute(delete(assess_mark).where(_M.sheet_id == old.id))
            self._connection.execute(delete(assess_sheet).where(_S.id == old.id, _S.frozen_at.is_(None)))
        values = {
            "id": sheet.id,
            "period": str(sheet.period),
            "kind": sheet.period.kind.value,
            "first": sheet.period.first,
            "computed_at": sheet.computed_at,
            "by": sheet.by,
            "book": sheet.book,
            "missing": {name: {"zh": text.zh, "en": text.en} for name, text in sheet.missing.items()},
            "frozen_at": sheet.frozen_at,
            "frozen_by": sheet.frozen_by,
            "digest": sheet.digest,
        }
        self._connection.execute(insert(assess_sheet).values(values))
        for mark, facts in marks:
            self.add_mark(sheet.id, mark, facts)
        return True

    def freeze(self, sheet: Sheet) -> bool:
        """Close an assessment; False where it is closed, or computed anew, already."""
        values = {"frozen_at": sheet.frozen_at, "frozen_by": sheet.frozen_by, "digest": sheet.digest}
        which = update(assess_sheet).where(_S.id == sheet.id, _S.frozen_at.is_(None))
        return self._connection.execute(which.values(values)).rowcount == 1

    def digest(self, sheet_id: str) -> str:
        """Return the SHA-256 of all current marks and facts of a sheet, in one canonical text."""
        hashed = hashlib.sha256()
        for mark in sorted(self.marks(sheet_id), key=lambda m: (m.org_id, m.indicator)):
            facts = [
                [f.subject.value, f.ref, f.name, f.a, f.b, f.counted, f.why.zh, f.at.isoformat() if f.at else None]
                for f in self.facts(mark)
            ]
            told = [mark.org_id, mark.indicator, mark.revision, mark.a, mark.b, mark.score, facts]
            hashed.update(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        return hashed.hexdigest()

    # Marks

    def add_mark(self, sheet_id: str, mark: Mark, facts: Sequence[Fact]) -> None:
        """Add a mark with its facts; an older one of the same department and indicator is kept and no longer current."""
        same = (_M.sheet_id == sheet_id, _M.org_id == mark.org_id, _M.indicator == mark.indicator)
        self._connection.execute(update(assess_mark).where(*same).values(is_current=False))
        values = {name: getattr(mark, name) for name in _MARK}
        self._connection.execute(
            insert(assess_mark).values(**values, sheet_id=sheet_id, state=mark.state.value, is_current=True)
        )
        rows = [
            {
                "mark_id": mark.id,
                "place": place,
                "subject": fact.subject.value,
                "ref": fact.ref[:400],
                "name": fact.name[:600],
                "a": fact.a,
                "b": fact.b,
                "why": {"zh": fact.why.zh, "en": fact.why.en},
                "counted": fact.counted,
                "at": fact.at,
            }
            for place, fact in enumerate(facts)
        ]
        if rows:
            self._connection.execute(insert(assess_fact), rows)

    def marks(self, sheet_id: str) -> list[Mark]:
        """Return the current marks of a sheet."""
        query = select(assess_mark).where(_M.sheet_id == sheet_id, _M.is_current).order_by(_M.org_id, _M.indicator)
        return [_mark(row) for row in self._connection.execute(query)]

    def marks_of(self, sheet_ids: Sequence[str], org_id: str) -> dict[str, list[Mark]]:
        """Return the current marks of one department by sheet."""
        query = select(assess_mark).where(_M.sheet_id.in_(sheet_ids), _M.org_id == org_id, _M.is_current)
        found: dict[str, list[Mark]] = {sheet_id: [] for sheet_id in sheet_ids}
        for row in self._connection.execute(query.order_by(_M.indicator)):
            found[row.sheet_id].append(_mark(row))
        return found

    def mark(self, mark_id: str) -> Mark | None:
        """Return one mark, current or not."""
        row = self._connection.execute(select(assess_mark).where(_M.id == mark_id)).one_or_none()
        return None if row is None else _mark(row)

    def facts(self, mark: Mark) -> list[Fact]:
        """Return the facts of a mark, in order."""
        query = select(assess_fact).where(_F.mark_id == mark.id).order_by(_F.place)
        return [
            Fact(
                org_id=mark.org_id,
                subject=Subject(row.subject),
                ref=row.ref,
                name=row.name,
                a=row.a,
                b=row.b,
                why=Text(row.why["zh"], row.why["en"]),
                counted=row.counted,
                at=row.at,
            )
            for row in self._connection.execute(query)
        ]

    # Weights

    def books(self) -> list[Book]:
        """Return the weights that were ever proposed, the newest first."""
        return [_book(row) for row in self._connection.execute(select(assess_book).order_by(_B.version.desc()))]

    def add_book(self, book: Book) -> None:
        """Add proposed weights."""
        values = {name: getattr(book, name) for name in _BOOK}
        self._connection.execute(
            insert(assess_book).values(**values, weights=dict(book.weights), state=book.state.value)
        )

    def next_book(self) -> int:
        """Return the version of the next weights."""
        return int(self._connection.execute(select(func.max(_B.version))).scalar_one() or 0) + 1

    def decide_book(self, book: Book) -> bool:
        """Write the decision on proposed weights; False where there is one already."""
        values = {name: getattr(book, name) for name in ("decided_by", "decided_name", "decided_at", "decision")}
        waiting = update(assess_book).where(_B.version == book.version, _B.state == BookState.PROPOSED.value)
        return self._connection.execute(waiting.values(**values, state=book.state.value)).rowcount == 1

    # Appeals

    def appeal(self, appeal_id: str) -> Appeal | None:
        """Return one appeal."""
        row = self._connection.execute(select(assess_appeal).where(_A.id == appeal_id)).one_or_none()
        return None if row is None else _appeal(row)

    def appeals(self, period: Period | None = None) -> list[Appeal]:
        """Return appeals, of one period if named: open ones first, then the newest."""
        query = select(assess_appeal).order_by(_A.standing.is_(None), _A.at.desc(), _A.id)
        if period is not None:
            query = query.where(_A.period == str(period))
        return [_appeal(row) for row in self._connection.execute(query)]

    def add_appeal(self, appeal: Appeal) -> None:
        """Add an appeal; one of a period, department and indicator may be open at a time."""
        self._connection.execute(insert(assess_appeal).values(**_appeal_values(appeal)))

    def decide_appeal(self, appeal: Appeal) -> bool:
        """Write the answer to an open appeal; False where there is one already."""
        waiting = update(assess_appeal).where(_A.id == appeal.id, _A.state == AppealState.OPEN.value)
        return self._connection.execute(waiting.values(**_appeal_values(appeal))).rowcount == 1


def _appeal_values(appeal: Appeal) -> dict[str, Any]:
    open_ = appeal.state is AppealState.OPEN
    return {
        **{name: getattr(appeal, name) for name in _APPEAL},
        "period": str(appeal.period),
        "state": appeal.state.value,
        "standing": f"{appeal.period}/{appeal.org_id}/{appeal.indicator}" if open_ else None,
    }


def _sheet(row: Row[Any]) -> Sheet:
    return Sheet(
        id=row.id,
        period=Period.parse(row.period),
        computed_at=row.computed_at,
        by=row.by,
        book=row.book,
        missing={name: Text(text["zh"], text["en"]) for name, text in row.missing.items()},
        frozen_at=row.frozen_at,
        frozen_by=row.frozen_by,
        digest=row.digest,
    )


def _mark(row: Row[Any]) -> Mark:
    return Mark(**{name: getattr(row, name) for name in _MARK}, state=MarkState(row.state))


def _book(row: Row[Any]) -> Book:
    return Book(**{name: getattr(row, name) for name in _BOOK}, weights=row.weights, state=BookState(row.state))


def _appeal(row: Row[Any]) -> Appeal:
    return Appeal(
        **{name: getattr(row, name) for name in _APPEAL}, period=Period.parse(row.period), state=AppealState(row.state)
    )
