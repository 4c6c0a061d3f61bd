"""Offers and the ledger of differential privacy, in and out of the metadata database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from beijiang.protection.models.private import Cell, Domain, PrivateOffer, Spend
from beijiang.protection.store.schema import private_offer, private_spend

__all__ = ["PrivateStore"]


class PrivateStore:
    """Read and write offers and spends on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def offers(self) -> list[PrivateOffer]:
        """Return the offers that were not ended, by table."""
        query = select(private_offer).where(private_offer.c.ended_at.is_(None)).order_by(private_offer.c.table_name)
        return [_offer(row) for row in self._connection.execute(query)]

    def offer(self, table: str, *, locked: bool = False) -> PrivateOffer | None:
        """Return the offer of a table that was not ended; locked, so that spends on it come one after another."""
        query = select(private_offer).where(private_offer.c.table_name == table, private_offer.c.ended_at.is_(None))
        row = self._connection.execute(query.with_for_update() if locked else query).one_or_none()
        return None if row is None else _offer(row)

    def add_offer(self, offer: PrivateOffer) -> None:
        """Add an offer."""
        self._connection.execute(
            insert(private_offer).values(
                id=offer.id,
                table_name=offer.table,
                org_id=offer.org_id,
                person_column=offer.person,
                rows_per_person=offer.rows_per_person,
                domains={name: domain.to_json() for name, domain in offer.domains.items()},
                consumer_micro=offer.consumer_micro,
                total_micro=offer.total_micro,
                level=offer.level,
                needs_approval=offer.needs_approval,
                reason=offer.reason,
                set_by=offer.by,
                set_at=offer.at,
                expires=offer.expires,
            )
        )

    def approve(self, offer_id: str, by: str) -> bool:
        """Note who agreed; tell whether the offer waited for it."""
        waiting = (
            (private_offer.c.id == offer_id)
            & private_offer.c.ended_at.is_(None)
            & private_offer.c.approved_by.is_(None)
        )
        return self._connection.execute(update(private_offer).where(waiting).values(approved_by=by)).rowcount == 1

    def end(self, table: str, at: datetime) -> bool:
        """End the offer of a table; tell whether there was one."""
        living = (private_offer.c.table_name == table) & private_offer.c.ended_at.is_(None)
        return self._connection.execute(update(private_offer).where(living).values(ended_at=at)).rowcount == 1

    def same(self, table: str, version: int, digest: str) -> list[Spend]:
        """Return what was spent on exactly this question, newest first."""
        query = select(private_spend).where(
            private_spend.c.table_name == table, private_spend.c.version == version, private_spend.c.digest == digest
        )
        return [
            _spend(row)
            for row in self._connection.execute(query.order_by(private_spend.c.at.desc(), private_spend.c.id.desc()))
        ]

    def reserve(self, spend: Spend) -> None:
        """Write a line of the ledger; from its commit on it is spent."""
        self._connection.execute(
            insert(private_spend).values(
                id=spend.id,
                table_name=spend.table,
                version=spend.version,
                digest=spend.digest,
                consumer=spend.consumer,
                period=spend.period,
                micro=spend.micro,
                question=dict(spend.question),
                by=spend.by,
                at=spend.at,
            )
        )

    def answer(self, spend_id: str, cells: Sequence[Cell]) -> None:
        """Keep the noisy answer with its line."""
        said = [[list(cell.keys), cell.value, cell.low, cell.high] for cell in cells]
        self._connection.execute(update(private_spend).where(private_spend.c.id == spend_id).values(answer=said))

    def spent(self, table: str, period: date) -> dict[str, int]:
        """Return what each consumer spent on a table in a period."""
        query = (
            select(private_spend.c.consumer, func.sum(private_spend.c.micro).label("micro"))
            .where(private_spend.c.table_name == table, private_spend.c.period == period)
            .group_by(private_spend.c.consumer)
        )
        return {row.consumer: int(row.micro) for row in self._connection.execute(query)}

    def ledger(self, table: str, consumer: str | None, limit: int) -> list[Spend]:
        """Return the newest lines about a table, of one consumer or of all."""
        query = select(private_spend).where(private_spend.c.table_name == table)
        if consumer is not None:
            query = query.where(private_spend.c.consumer == consumer)
        query = query.order_by(private_spend.c.at.desc(), private_spend.c.id.desc()).limit(limit)
        return [_spend(row) for row in self._connection.execute(query)]


def _offer(row: Row[Any]) -> PrivateOffer:
    return PrivateOffer(
        id=row.id,
        table=row.table_name,
        org_id=row.org_id,
        person=row.person_column,
        rows_per_person=row.rows_per_person,
        domains={name: Domain.from_json(one) for name, one in row.domains.items()},
        consumer_micro=row.consumer_micro,
        total_micro=row.total_micro,
        level=row.level,
        needs_approval=row.needs_approval,
        reason=row.reason,
        by=row.set_by,
        at=row.set_at,
        expires=row.expires,
        approved_by=row.approved_by,
        ended_at=row.ended_at,
    )


def _spend(row: Row[Any]) -> Spend:
    cells = None if row.answer is None else tuple(Cell(tuple(keys), *rest) for keys, *rest in row.answer)
    return Spend(
        id=row.id,
        table=row.table_name,
        version=row.version,
        digest=row.digest,
        consumer=row.consumer,
        period=row.period,
        micro=row.micro,
        question=row.question,
        cells=cells,
        by=row.by,
        at=row.at,
    )
