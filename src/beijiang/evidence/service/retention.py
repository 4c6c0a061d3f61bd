"""Erase the text of old records, never before the clock of the law: the commitments stay, and with them every proof."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from beijiang.evidence.models import Clock, EvidenceRight, Kept, before, clocks
from beijiang.evidence.models.retention import Rule, spoken
from beijiang.evidence.store import ERASE, EvidenceStore, HoldStore
from beijiang.kit import Conflict, Invalid

if TYPE_CHECKING:
    from beijiang.db import Database
    from beijiang.evidence.service.log import Evidence
    from beijiang.evidence.service.reader import AccessCheck
    from beijiang.kit import Actor
    from beijiang.kit import Clock as Time
    from beijiang.kit.errors import JsonValue

__all__ = ["Retention"]

_PIECE: Final = 5000
"""Records that one transaction erases at most."""


class Retention:
    """Minimum clocks on the evidence (Cybersecurity Law art. 21: six months; transfer and processing records: three years)."""

    def __init__(
        self, db: Database, evidence: Evidence, access: AccessCheck, time: Time, rule: Callable[[str], Rule]
    ) -> None:
        self._db = db
        self._evidence = evidence
        self._access = access
        self._time = time
        self._rule = rule

    def kept(self, actor: Actor) -> Sequence[Kept]:
        """Return each clock, and how many records are past it: what an erasure would take."""
        self._access.require(actor, EvidenceRight.TREE)
        self._evidence.flush()
        return [self._kept(clock, None) for clock in clocks()]

    def erase(self, actor: Actor, reason: str, *, until: datetime | None = None, subject: str | None = None) -> int:
        """Erase text and salt of records that are past their clocks; return how many.

        Args:
            actor: the security administrator.
            reason: why, which the log keeps.
            until: erase what is older than this; None means all that its clock lets go.
            subject: only what this person or key did.

        Raises:
            Conflict: a record older than ``until`` must still be kept (``retention_running``), or a legal hold names ``subject`` (``legal_hold``).
            Invalid: no reason is given (``reason_missing``).

        """
        self._access.require(actor, EvidenceRight.ERASE)
        if not reason.strip():
            raise Invalid("请写明删除的理由。", "Say why the records are erased.", code="reason_missing")
        self._require_free(subject)
        self._evidence.seal()
        plans = [self._kept(clock, subject) for clock in clocks()]
        if until is not None:
            for kept in plans:
                if until > kept.until and len(self._due(kept.clock, until, subject)) > kept.due:
                    raise _running(kept)
        found = [s for kept in plans for s in self._due(kept.clock, min(until or kept.until, kept.until), subject)]
        found.sort()
        said = reason.strip()[:500]
        return sum(self._erase_piece(actor, found[at : at + _PIECE], said) for at in range(0, len(found), _PIECE))

    def _require_free(self, subject: str | None) -> None:
        with self._db.read() as connection:
            held = HoldStore(connection).held()
        if subject in held.people:
            raise Conflict(
                "该人员的操作记录已被证据保全，解除保全前不得删除。",
                "What this person did is under a legal hold and must be kept until the hold is lifted.",
                code="legal_hold",
                detail={"subject": subject},
            )

    def _erase_piece(self, actor: Actor, sequences: Sequence[int], reason: str) -> int:
        with self._db.begin() as tx:
            # Asked again here: a hold that was set since the plan was made is kept to.
            sequences = EvidenceStore(tx.connection).free(sequences, HoldStore(tx.connection).held())
            if not sequences:
                return 0
            if self._db.is_sqlite:
                tx.execute(text("PRAGMA secure_delete = ON"))  # what was erased is overwritten, not only unlinked
            EvidenceStore(tx.connection).erase(sequences)
            detail: dict[str, JsonValue] = {"records": [list(pair) for pair in ranges(sequences)], "reason": reason}
            self._evidence.record(tx, actor, ERASE, target="log", detail=detail)
        return len(sequences)

    def _kept(self, clock: Clock, subject: str | None) -> Kept:
        rule = self._rule(clock.rule)
        until = before(self._time.now(), rule)
        return Kept(clock, spoken(rule), rule.basis, until, len(self._due(clock, until, subject)))

    def _due(self, clock: Clock, until: datetime, subject: str | None) -> list[int]:
        others = [] if clock.actions else [action for other in clocks() for action in other.actions]
        with self._db.read() as connection:
            store = EvidenceStore(connection)
            return store.free(store.due(until, clock.actions or ("",), others, subject), HoldStore(connection).held())


def ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return sorted numbers as runs."""
    made: list[tuple[int, int]] = []
    for number in numbers:
        if made and made[-1][1] == number - 1:
            made[-1] = (made[-1][0], number)
        else:
            made.append((number, number))
    return made


def _running(kept: Kept) -> Conflict:
    day = kept.until.date()
    return Conflict(
        f"{kept.clock.text.zh}依法至少保存 {kept.limit.zh}（{kept.basis}），{day} 以后的不得删除。请把截止日期改到该日或更早。",
        f"{kept.clock.text.en[0].upper()}{kept.clock.text.en[1:]} must be kept for {kept.limit.en} ({kept.basis}): nothing since {day} may be erased. Choose that day or an earlier one.",
        code="retention_running",
        detail={"rule": kept.clock.rule, "until": day.isoformat()},
    )
