"""Have one key of the log follow another: for a while both sign, then nobody can sign with the old one any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from beijiang.evidence.models import EvidenceRight, handover_note
from beijiang.evidence.store import KeyRow, TreeStore
from beijiang.evidence.verifier import Key
from beijiang.kit import SYSTEM, Conflict, Invalid

if TYPE_CHECKING:
    from beijiang.db import Database
    from beijiang.evidence.service.keys import LogKeys
    from beijiang.evidence.service.log import Evidence
    from beijiang.evidence.service.reader import AccessCheck
    from beijiang.kit import Actor, Clock

__all__ = ["LogKey", "Succession"]

_LOG: Final = "log"
_DAYS: Final = 90
_MOST_DAYS: Final = 730


@dataclass(frozen=True, slots=True)
class LogKey:
    """A public key of this installation: what it is for, since when, and until when it signs."""

    role: str
    key: Key
    made_at: datetime
    retires_at: datetime | None
    signs: bool
    handover: str
    """The note, signed by it and by the key before, that named it; empty for the first."""


class Succession:
    """Renews the keys that sign for this log, and under which it witnesses others."""

    def __init__(self, db: Database, keys: LogKeys, evidence: Evidence, access: AccessCheck, clock: Clock) -> None:
        self._db = db
        self._keys = keys
        self._evidence = evidence
        self._access = access
        self._clock = clock

    def all(self, actor: Actor) -> Sequence[LogKey]:
        """Return every key there was, of a role the oldest first; what an old one signed is checked with it for ever."""
        self._access.require(actor, EvidenceRight.RECEIPT)
        now = self._clock.now()
        with self._db.read() as connection:
            rows = TreeStore(connection).all_keys()
        return [LogKey(r.role, r.public, r.made_at, r.retires_at, r.signs(now), r.handover) for r in rows]

    def begin(self, actor: Actor, role: str = _LOG, days: int = _DAYS) -> LogKey:
        """Make the key that follows the present one of a role; both sign for ``days`` days.

        Args:
            actor: the security administrator.
            role: ``log``, ``log-sm2`` where SM2 signs too, or ``witness``: what signs the logs of others.
            days: from 1 to 730, so long that everybody who checks can learn of the new key.

        Raises:
            Invalid: no such role, or a time that is too short or too long.
            Conflict: the present key follows another that still signs (``handover_running``).

        """
        self._access.require(actor, EvidenceRight.PEERS)
        if not 1 <= days <= _MOST_DAYS:
            raise Invalid(
                f"并行签名的天数应在 1 到 {_MOST_DAYS} 之间。",
                f"Both keys sign for 1 to {_MOST_DAYS} days.",
                code="handover_days",
            )
        self._keys.signers  # noqa: B018  # made before the transaction, because making one needs its own
        now = self._clock.now()
        until = now + timedelta(days=days)
        with self._db.begin() as tx:
            store = TreeStore(tx.connection)
            rows = [row for row in store.all_keys() if row.role == role]
            if not rows:
                raise Invalid(
                    f"没有用于“{role[:20]}”的签名密钥。",
                    f'There is no key that signs as "{role[:20]}".',
                    code="no_such_key_role",
                )
            *before, old = rows
            if any(row.signs(now) for row in before):
                raise Conflict(
                    "上一次换钥还在并行签名期，请等它结束再换。",
                    "The key before still signs beside the present one; wait until it has retired.",
                    code="handover_running",
                )
            new = self._keys.made(role, old.generation + 1, old.public.name)
            signers = {old.public: self._keys.signer(old), new.public: self._keys.signer(new)}
            new = replace(new, handover=handover_note(signers, until, now))
            store.add_key(new)
            store.change_key(replace(old, retires_at=until))
            self._evidence.record(
                tx,
                actor,
                "evidence.key_succeed",
                target=role,
                detail={"old": str(old.public), "new": str(new.public), "until": until.isoformat()},
            )
        return LogKey(role, new.public, new.made_at, None, signs=True, handover=new.handover)

    def watch(self) -> None:
        """Destroy the private halves of keys that have retired."""
        now = self._clock.now()
        with self._db.read() as connection:
            ended = [row for row in TreeStore(connection).all_keys() if row.secret and not row.signs(now)]
        for row in ended:
            self._retire(row)

    def _retire(self, row: KeyRow) -> None:
        with self._db.begin() as tx:
            TreeStore(tx.connection).change_key(replace(row, secret=""))
            self._evidence.record(tx, SYSTEM, "evidence.key_retire", target=row.role, detail={"key": str(row.public)})
