"""Parcels of granted data on their way between nodes."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text, delete, func, insert, select, update

from beijiang.db import UtcDateTime, metadata
from beijiang.federation.models.travels import Parcel, ParcelForm, ParcelState
from beijiang.kit import Text as Words

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

__all__ = ["ParcelStore"]

parcels = Table(
    "federation_parcel",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("node_id", String(40), nullable=False),
    Column("theirs", String(40), nullable=False),
    Column("request_id", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("form", String(10), nullable=False),
    Column("key", Text, nullable=False),
    Column("by", String(60), nullable=False),
    Column("by_name", String(200), nullable=False),
    Column("file_name", String(200), nullable=False),
    Column("receipt", String(60), nullable=False),
    Column("grade", String(10), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("reason_zh", Text),
    Column("reason_en", Text),
    Column("at", UtcDateTime, nullable=False),
    Column("moved_at", UtcDateTime, nullable=False),
    Index("ix_federation_parcel_request", "request_id", "at"),
)

parts = Table(
    "federation_parcel_part",
    metadata,
    Column("parcel_id", String(40), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

places = Table(
    "federation_place",
    metadata,
    Column("resource_id", String(40), primary_key=True),
    Column("node_id", String(40), nullable=False),
    Column("theirs", String(40), nullable=False),
    Column("by", String(60), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""Entries whose data are another node's, as somebody here stated."""

_P, _C, _L = parcels.c, parts.c, places.c
_SAME: Final = tuple(one.name for one in fields(Parcel) if one.name not in {"state", "form", "reason"})


class ParcelStore:
    """Read and write parcels on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, made: Parcel) -> None:
        """Add a parcel."""
        self._connection.execute(insert(parcels).values(**_values(made)))

    def get(self, parcel_id: str) -> Parcel | None:
        """Return one parcel."""
        row = self._connection.execute(select(parcels).where(_P.id == parcel_id)).one_or_none()
        return None if row is None else _parcel(row)

    def change(self, changed: Parcel, *was: ParcelState) -> bool:
        """Write a parcel that stands where it ``was``; False where somebody was faster."""
        where = (_P.id == changed.id, _P.state.in_([one.value for one in was]))
        return bool(self._connection.execute(update(parcels).where(*where).values(**_values(changed))).rowcount)

    def of_request(self, request_id: str) -> list[Parcel]:
        """Return the parcels of a request, newest first."""
        query = select(parcels).where(_P.request_id == request_id).order_by(_P.at.desc(), _P.id)
        return [_parcel(row) for row in self._connection.execute(query)]

    def left(self, before: datetime) -> list[Parcel]:
        """Return what was wanted here before a moment, or arrived before it, and waits still."""
        waits = _P.state.in_([ParcelState.WANTED.value, ParcelState.ARRIVED.value])
        query = select(parcels).where(_P.theirs == "", waits, _P.moved_at < before)
        return [_parcel(row) for row in self._connection.execute(query)]

    def keyed(self) -> list[Parcel]:
        """Return the parcels whose secret half is kept here."""
        query = select(parcels).where(_P.theirs == "", _P.key != "")
        return [_parcel(row) for row in self._connection.execute(query)]

    def place(self, resource_id: str) -> tuple[str, str] | None:
        """Return at which node the data of an entry are, and the entry's id there; None where nobody stated it."""
        row = self._connection.execute(select(places).where(_L.resource_id == resource_id)).one_or_none()
        return None if row is None else (row.node_id, row.theirs)

    def set_place(self, resource_id: str, where: tuple[str, str] | None, by: str, at: datetime) -> None:
        """Write where the data of an entry are; None for here."""
        self._connection.execute(delete(places).where(_L.resource_id == resource_id))
        if where is not None:
            values = {"resource_id": resource_id, "node_id": where[0], "theirs": where[1], "by": by, "at": at}
            self._connection.execute(insert(places).values(**values))

    def add_part(self, parcel_id: str, number: int, content: bytes) -> int:
        """Keep a part; return how many are there now, 0 where it was there before."""
        same = select(_C.number).where(_C.parcel_id == parcel_id, _C.number == number)
        if self._connection.execute(same).first() is not None:
            return 0
        self._connection.execute(insert(parts).values(parcel_id=parcel_id, number=number, content=content))
        count = select(func.count()).select_from(parts).where(_C.parcel_id == parcel_id)
        return int(self._connection.execute(count).scalar_one())

    def content(self, parcel_id: str) -> bytes:
        """Return the sealed bytes of a parcel."""
        query = select(_C.content).where(_C.parcel_id == parcel_id).order_by(_C.number)
        return b"".join(self._connection.execute(query).scalars())

    def forget(self, parcel_id: str) -> None:
        """Remove the sealed bytes of a parcel."""
        self._connection.execute(delete(parts).where(_C.parcel_id == parcel_id))


def _values(one: Parcel) -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in _SAME},
        "state": one.state.value,
        "form": one.form.value,
        "reason_zh": None if one.reason is None else one.reason.zh,
        "reason_en": None if one.reason is None else one.reason.en,
    }


def _parcel(row: Row[Any]) -> Parcel:
    reason = None if row.reason_zh is None else Words(row.reason_zh, row.reason_en or "")
    named = {name: getattr(row, name) for name in _SAME}
    return Parcel(**named, state=ParcelState(row.state), form=ParcelForm(row.form), reason=reason)
