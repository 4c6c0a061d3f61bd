"""Subscriptions that are pushed, and their deliveries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, or_, select, update

from beijiang.exchange.models.pushes import (
    Push,
    PushDelivery,
    PushDeliveryState,
    PushMode,
    PushQuery,
    PushState,
)
from beijiang.exchange.store.schema import exchange_push, exchange_push_delivery
from beijiang.ingest import Timing
from beijiang.kit import Text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select

__all__ = ["PushStore", "push_of", "pushes_asked"]

_P, _D = exchange_push.c, exchange_push_delivery.c
_SAME = (
    "id", "grant_id", "org_id", "provider_id", "resource_name", "name", "kind", "target", "options", "secrets", "owner_id",
    "owner_name", "created_at", "sequence", "version", "shape", "delivered_at", "next_at", "slow", "lease", "lease_until",
    "place", "owner_key", "revision",
)  # fmt: skip
_SAME_DELIVERY = (
    "id", "push_id", "sequence", "before", "version", "shape", "attempts", "sent", "next_at", "error", "rows", "gone", "moved",
    "receipt", "proof", "created_at", "ended_at",
)  # fmt: skip
_OPEN = (PushDeliveryState.WAITING.value, PushDeliveryState.RUNNING.value)
_LIVE = (PushState.ACTIVE.value, PushState.HELD.value)


class PushStore:
    """Read and write subscriptions and deliveries on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, made: Push) -> None:
        """Add a subscription."""
        self._connection.execute(insert(exchange_push).values(**_push_values(made)))

    def get(self, push_id: str) -> Push | None:
        """Return one subscription."""
        row = self._connection.execute(select(exchange_push).where(_P.id == push_id)).one_or_none()
        return None if row is None else push_of(row)

    def find(self, query: PushQuery, orgs: Collection[str], *, every: bool) -> tuple[list[Push], int]:
        """Return the subscriptions of or from some departments, newest first, and how many there are."""
        wanted = pushes_asked(query, orgs, every=every)
        count = self._connection.execute(select(func.count()).select_from(wanted.subquery())).scalar_one()
        rows = self._connection.execute(wanted.order_by(_P.created_at.desc(), _P.id).limit(query.limit))
        return [push_of(row) for row in rows], count

    def organisations(self) -> set[str]:
        """Return the departments that push or are pushed to."""
        return set(self._connection.execute(select(_P.provider_id).union(select(_P.org_id))).scalars())

    def every(self) -> list[Push]:
        """Return all subscriptions."""
        return [push_of(row) for row in self._connection.execute(select(exchange_push).order_by(_P.id))]

    def live(self) -> list[Push]:
        """Return the subscriptions that are active, or rest only for now."""
        rows = self._connection.execute(select(exchange_push).where(_P.state.in_(_LIVE)).order_by(_P.id))
        return [push_of(row) for row in rows]

    def change(self, push: Push, values: Mapping[str, Any]) -> bool:
        """Change a subscription for a person; False where somebody was faster."""
        told = {**_plain(values), "revision": push.revision + 1}
        same = update(exchange_push).where(_P.id == push.id, _P.revision == push.revision)
        return self._connection.execute(same.values(**told)).rowcount == 1

    def note(self, push_id: str, values: Mapping[str, Any], lease: str | None = None) -> bool:
        """Write what the platform found, while it holds the lease where one is named."""
        wanted = update(exchange_push).where(_P.id == push_id)
        if lease is not None:
            wanted = wanted.where(_P.lease == lease)
        return self._connection.execute(wanted.values(**_plain(values))).rowcount == 1

    def come(self, push: Push, far: Mapping[str, Any]) -> bool:
        """Write how far a subscription has come, unless it goes elsewhere, or begins anew, since it was read."""
        wanted = update(exchange_push).where(_P.id == push.id, _P.place == push.place)
        return self._connection.execute(wanted.values(**_plain(far))).rowcount == 1

    def stand(self, push: Push, values: Mapping[str, Any]) -> bool:
        """Write how a subscription stands, unless a person changed it since it was read."""
        wanted = update(exchange_push).where(_P.id == push.id, _P.revision == push.revision)
        return self._connection.execute(wanted.values(**_plain(values))).rowcount == 1

    def claim(self, push_id: str, lease: str, now: datetime, until: datetime) -> bool:
        """Take the work on a subscription, unless somebody has it or it does not go on."""
        free = or_(_P.lease == "", _P.lease_until.is_(None), _P.lease_until <= now)
        wanted = update(exchange_push).where(_P.id == push_id, free, _P.state.in_(_LIVE))
        return self._connection.execute(wanted.values(lease=lease, lease_until=until)).rowcount == 1

    # Deliveries

    def add_delivery(self, made: PushDelivery) -> None:
        """Add a delivery."""
        self._connection.execute(insert(exchange_push_delivery).values(**_delivery_values(made)))

    def delivery(self, delivery_id: str) -> PushDelivery | None:
        """Return one delivery."""
        row = self._connection.execute(
            select(exchange_push_delivery).where(_D.id == delivery_id)
        ).one_or_none()  # fmt: skip
        return None if row is None else _delivery(row)

    def open_delivery(self, push_id: str) -> PushDelivery | None:
        """Return the delivery that is to be made or on its way, of which there is one at most."""
        wanted = select(exchange_push_delivery).where(_D.push_id == push_id, _D.state.in_(_OPEN))
        row = self._connection.execute(wanted.order_by(_D.sequence.desc()).limit(1)).one_or_none()
        return None if row is None else _delivery(row)

    def open_deliveries(self) -> dict[str, PushDelivery]:
        """Return the open delivery of every subscription that has one."""
        rows = self._connection.execute(select(exchange_push_delivery).where(_D.state.in_(_OPEN)))
        return {row.push_id: _delivery(row) for row in rows}

    def deliveries(self, push_id: str, limit: int = 100) -> list[PushDelivery]:
        """Return the newest deliveries of a subscription."""
        wanted = select(exchange_push_delivery).where(_D.push_id == push_id)
        return [
            _delivery(row) for row in self._connection.execute(wanted.order_by(_D.sequence.desc()).limit(limit))
        ]  # fmt: skip

    def dead(self) -> list[PushDelivery]:
        """Return all dead letters, newest first."""
        wanted = select(exchange_push_delivery).where(_D.state == PushDeliveryState.DEAD.value)
        return [_delivery(row) for row in self._connection.execute(wanted.order_by(_D.ended_at.desc(), _D.id))]

    def unsettled(self, push_id: str) -> list[PushDelivery]:
        """Return the deliveries since the last that arrived, of which something may be at the far side; newest first."""
        last = select(func.coalesce(func.max(_D.sequence), 0)).where(
            _D.push_id == push_id, _D.state == PushDeliveryState.DONE.value
        )
        wanted = select(exchange_push_delivery).where(
            _D.push_id == push_id, _D.sent.is_(True), _D.sequence > last.scalar_subquery()
        )
        return [_delivery(row) for row in self._connection.execute(wanted.order_by(_D.sequence.desc()))]

    def move(self, delivery_id: str, values: Mapping[str, Any]) -> None:
        """Write what became of a delivery."""
        self._connection.execute(
            update(exchange_push_delivery).where(_D.id == delivery_id).values(**_plain(values))
        )  # fmt: skip

    def merge_dead(self, push_id: str, at: datetime) -> None:
        """Say of dead letters that a later delivery brought what they held."""
        dead = update(exchange_push_delivery).where(_D.push_id == push_id, _D.state == PushDeliveryState.DEAD.value)
        self._connection.execute(dead.values(state=PushDeliveryState.MERGED.value, ended_at=at))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    told = dict(values)
    for name in ("state", "mode"):
        if name in told:
            told[name] = told[name].value
    if isinstance(told.get("why"), Text):
        told["why"] = {"zh": told["why"].zh, "en": told["why"].en}
    if isinstance(told.get("timing"), Timing):
        told["timing"] = told["timing"].to_json()
    return told


def _push_values(push: Push) -> dict[str, Any]:
    values = {name: getattr(push, name) for name in _SAME}
    return {
        **values,
        **_plain({"why": push.why, "timing": push.timing, "state": push.state, "mode": push.mode}),
        "table_name": push.table,
        "options": {**push.options},
        "secrets": {**push.secrets},
    }


def pushes_asked(query: PushQuery, orgs: Collection[str], *, every: bool) -> Select[Any]:
    """Return the query for subscriptions of or from some departments."""
    wanted = select(exchange_push)
    if not every:
        wanted = wanted.where(or_(_P.org_id.in_(orgs), _P.provider_id.in_(orgs)))
    if query.grant_id:
        wanted = wanted.where(_P.grant_id == query.grant_id)
    if query.state is not None:
        wanted = wanted.where(_P.state == query.state.value)
    if query.words:
        named = [c.contains(query.words, autoescape=True) for c in (_P.name, _P.resource_name, _P.table_name)]
        wanted = wanted.where(or_(_P.id == query.words, *named))
    return wanted


def push_of(row: Row[Any]) -> Push:
    """Make a subscription of its row."""
    return Push(
        **{name: getattr(row, name) for name in _SAME},
        table=row.table_name,
        mode=PushMode(row.mode),
        timing=None if row.timing is None else Timing.from_json(row.timing),
        state=PushState(row.state),
        why=None if row.why is None else Text(row.why["zh"], row.why["en"]),
    )


def _delivery_values(one: PushDelivery) -> dict[str, Any]:
    return {**{name: getattr(one, name) for name in _SAME_DELIVERY}, "mode": one.mode.value, "state": one.state.value}


def _delivery(row: Row[Any]) -> PushDelivery:
    values = {name: getattr(row, name) for name in _SAME_DELIVERY}
    return PushDelivery(**values, mode=PushMode(row.mode), state=PushDeliveryState(row.state))
