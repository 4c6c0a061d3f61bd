"""Events wait in the same transaction as the change that caused them, and are delivered after it.

A handler may see an event twice (it failed, or the process died before the mark was written), so handlers are idempotent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from beijiang.db.schema import outbox
from beijiang.kit import Event

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscriber of one kind of event."""

    event_type: type[Event]
    name: str
    handler: Callable[[Any], None]


class Subscriptions:
    """Who wants to know of what, in the order of delivery."""

    def __init__(self) -> None:
        self._all: list[Subscription] = []

    def add(self, event_type: type[Event], name: str, handler: Callable[[Any], None]) -> None:
        """Subscribe ``handler`` under a stable ``name``, which is stored with each waiting delivery."""
        if any(s.name == name and s.event_type is event_type for s in self._all):
            msg = f"two subscriptions to {event_type.__name__} are named {name}"
            raise ValueError(msg)
        self._all.append(Subscription(event_type, name, handler))

    def of(self, event: Event) -> list[Subscription]:
        """Return the subscriptions to this event, in order."""
        return [s for s in self._all if type(event) is s.event_type]

    def find(self, event_name: str, subscriber: str) -> Subscription | None:
        """Return the subscription that a waiting delivery names, if this program still has it."""
        return next((s for s in self._all if s.name == subscriber and s.event_type.__name__ == event_name), None)


def enqueue(connection: Connection, event: Event, subscriptions: Subscriptions) -> list[int]:
    """Store one delivery per subscriber; return their ids."""
    ids: list[int] = []
    for subscription in subscriptions.of(event):
        row = {
            "event": type(event).__name__,
            "subscriber": subscription.name,
            "payload": asdict(event),
            "published_at": datetime.now(UTC),
            "attempts": 0,
        }
        ids.append(connection.execute(insert(outbox).values(**row).returning(outbox.c.id)).scalar_one())
    return ids


def waiting(connection: Connection, limit: int = 1000) -> list[int]:
    """Return the ids of undelivered events, oldest first."""
    query = select(outbox.c.id).where(outbox.c.delivered_at.is_(None)).order_by(outbox.c.id).limit(limit)
    return [int(i) for i in connection.execute(query).scalars()]


def load(connection: Connection, delivery: int, subscriptions: Subscriptions) -> tuple[Subscription, Event] | None:
    """Return the handler and the event of a waiting delivery, or None if it is done or unknown to this program."""
    row = connection.execute(select(outbox).where(outbox.c.id == delivery)).one_or_none()
    if row is None or row.delivered_at is not None:
        return None
    subscription = subscriptions.find(row.event, row.subscriber)
    if subscription is None:
        return None
    return subscription, subscription.event_type(**row.payload)


def mark(connection: Connection, delivery: int, error: str | None) -> None:
    """Note a delivery as done, or as failed with its reason."""
    row = update(outbox).where(outbox.c.id == delivery).values(attempts=outbox.c.attempts + 1, last_error=error)
    connection.execute(row if error else row.values(delivered_at=datetime.now(UTC)))
