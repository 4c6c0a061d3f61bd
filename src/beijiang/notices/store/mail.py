"""All SQL on mail: proved addresses, the queue of letters, and the sealed password of the mail account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Column, Index, Integer, String, Table, Text, delete, func, insert, select, update

from beijiang.db import UtcDateTime, metadata
from beijiang.notices.models.mail import Letter, Purpose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["MailStore", "notice_letter", "notice_mail_account", "notice_mail_address"]

WAITING: Final = "waiting"

notice_mail_address = Table(
    "notice_mail_address",
    metadata,
    Column("person_id", String(100), primary_key=True),
    Column("sealed", Text, nullable=False),
    Column("language", String(10), nullable=False),
    Column("code_digest", String(64), nullable=False),
    Column("code_until", UtcDateTime),
    Column("tries", Integer, nullable=False),
    Column("verified_at", UtcDateTime),
)

notice_letter = Table(
    "notice_letter",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("person_id", String(100), nullable=False),
    Column("purpose", String(10), nullable=False),
    Column("notice_id", String(40), nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("error", String(60), nullable=False),
    Index("ix_notice_letter_due", "state", "next_at"),
    Index("ix_notice_letter_person", "person_id", "made_at"),
)

notice_mail_account = Table(
    "notice_mail_account",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sealed", Text, nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
)

_A, _L = notice_mail_address.c, notice_letter.c
_ONLY = 1


class MailStore:
    """Read and write on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Addresses

    def address(self, person_id: str) -> Any:
        """Return the row of a person's address, or None."""
        return self._connection.execute(select(notice_mail_address).where(_A.person_id == person_id)).one_or_none()

    def put_address(self, person_id: str, values: Mapping[str, Any]) -> None:
        """Replace a person's address; it is not proved."""
        self.drop_address(person_id)
        fresh = {"code_digest": "", "code_until": None, "tries": 0, "verified_at": None}
        self._connection.execute(insert(notice_mail_address).values(person_id=person_id, **fresh, **values))

    def change_address(self, person_id: str, values: Mapping[str, Any]) -> None:
        """Change some facts of a person's address."""
        self._connection.execute(update(notice_mail_address).where(_A.person_id == person_id).values(**values))

    def drop_address(self, person_id: str) -> None:
        """Forget a person's address, and the letters that wait for it."""
        self._connection.execute(delete(notice_mail_address).where(_A.person_id == person_id))
        self._connection.execute(delete(notice_letter).where(_L.person_id == person_id, _L.state == WAITING))

    def verified(self, person_ids: Sequence[str]) -> set[str]:
        """Return who of these proved an address."""
        query = select(_A.person_id).where(_A.person_id.in_(person_ids), _A.verified_at.is_not(None))
        return set(self._connection.execute(query).scalars())

    def sealed(self) -> list[tuple[str, str]]:
        """Return every sealed address with its owner."""
        return [(row.person_id, row.sealed) for row in self._connection.execute(select(_A.person_id, _A.sealed))]

    # Letters

    def queue(self, letters: Sequence[tuple[str, str, Purpose, str]], at: datetime) -> None:
        """Put letters (id, person, purpose, notice) into the queue."""
        rows = [
            {
                "id": letter_id,
                "person_id": person_id,
                "purpose": purpose.value,
                "notice_id": notice_id,
                "state": WAITING,
                "attempts": 0,
                "made_at": at,
                "next_at": at,
                "error": "",
            }
            for letter_id, person_id, purpose, notice_id in letters
        ]
        if rows:
            self._connection.execute(insert(notice_letter), rows)

    def due(self, now: datetime, limit: int) -> list[Letter]:
        """Return letters whose time has come, oldest first."""
        query = select(notice_letter).where(_L.state == WAITING, _L.next_at <= now).order_by(_L.next_at, _L.id)
        return [
            Letter(
                id=r.id, person_id=r.person_id, purpose=Purpose(r.purpose), notice_id=r.notice_id, attempts=r.attempts
            )
            for r in self._connection.execute(query.limit(limit))
        ]

    def claim(self, letter: Letter, until: datetime) -> bool:
        """Take a letter in hand until then; False if somebody else did."""
        mine = (_L.id == letter.id, _L.state == WAITING, _L.attempts == letter.attempts)
        taken = update(notice_letter).where(*mine).values(attempts=letter.attempts + 1, next_at=until)
        return bool(self._connection.execute(taken).rowcount)

    def end(self, letter_id: str, state: str, at: datetime, error: str = "") -> None:
        """Note that a letter was sent, or is given up, and why."""
        values = {"state": state, "ended_at": at, "error": error[:60]}
        self._connection.execute(update(notice_letter).where(_L.id == letter_id).values(**values))

    def later(self, letter_id: str, at: datetime, error: str) -> None:
        """Note that a letter is tried again at a moment, and why it was not sent."""
        self._connection.execute(update(notice_letter).where(_L.id == letter_id).values(next_at=at, error=error[:60]))

    def asked_since(self, person_id: str, since: datetime) -> int:
        """Count the codes that a person asked for since a moment."""
        here = (_L.person_id == person_id, _L.purpose == Purpose.CODE.value, _L.made_at >= since)
        return int(self._connection.execute(select(func.count()).where(*here)).scalar_one())

    def sent_since(self, person_id: str, since: datetime) -> int:
        """Count the letters about notices that were made for a person since a moment."""
        here = (_L.person_id == person_id, _L.purpose == Purpose.NOTICE.value, _L.made_at >= since)
        return int(self._connection.execute(select(func.count()).where(*here)).scalar_one())

    def sweep(self, until: datetime) -> None:
        """Forget letters that ended before a moment."""
        self._connection.execute(delete(notice_letter).where(_L.ended_at < until))

    def standing(self) -> tuple[dict[str, int], str]:
        """Count the letters by state, and return the newest reason why one was not sent."""
        rows = self._connection.execute(select(_L.state, func.count().label("number")).group_by(_L.state))
        newest = select(_L.error).where(_L.error != "").order_by(_L.made_at.desc(), _L.id.desc()).limit(1)
        return {row.state: int(row.number) for row in rows}, str(self._connection.execute(newest).scalar() or "")

    # The account

    def account(self) -> str:
        """Return the sealed password of the mail account, empty where none was set."""
        return str(self._connection.execute(select(notice_mail_account.c.sealed)).scalar() or "")

    def put_account(self, sealed: str, at: datetime) -> None:
        """Replace the sealed password."""
        self._connection.execute(delete(notice_mail_account))
        if sealed:
            self._connection.execute(insert(notice_mail_account).values(id=_ONLY, sealed=sealed, set_at=at))
