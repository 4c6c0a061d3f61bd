"""Subscriptions, and the use of APIs by the hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from beijiang.apps.models import Plan, Subscription, SubscriptionState, Use
from beijiang.apps.store.subscription_schema import app_subscription, app_subscription_wish, app_use

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["SubscriptionStore"]

_S = app_subscription.c
_U = app_use.c


class SubscriptionStore:
    """Read and write on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, client_id: str | None = None) -> Sequence[Subscription]:
        """Return the subscriptions of an application, or all, and other plans that were asked for, the newest first."""
        found = []
        for table in (app_subscription, app_subscription_wish):
            query = select(table)
            if client_id is not None:
                query = query.where(table.c.client_id == client_id)
            found += [_subscription(row) for row in self._connection.execute(query)]
        return sorted(sorted(found, key=lambda one: one.id), key=lambda one: one.at, reverse=True)

    def get(self, subscription_id: str) -> Subscription | None:
        """Return one subscription, or another plan that was asked for."""
        for table in (app_subscription, app_subscription_wish):
            row = self._connection.execute(select(table).where(table.c.id == subscription_id)).one_or_none()
            if row is not None:
                return _subscription(row)
        return None

    def of(self, client_id: str, api: str) -> Subscription | None:
        """Return the subscription of an application to an API."""
        here = (_S.client_id == client_id) & (_S.api == api)
        row = self._connection.execute(select(app_subscription).where(here)).one_or_none()
        return None if row is None else _subscription(row)

    def put(self, new: Subscription) -> None:
        """Add a subscription in place of an earlier one to the same API; one that is in force stays while another plan waits."""
        before = self.of(new.client_id, new.api)
        waits = new.state is not SubscriptionState.ACTIVE
        beside = waits and before is not None and before.state is SubscriptionState.ACTIVE
        for table in (app_subscription_wish,) if beside else (app_subscription_wish, app_subscription):
            here = (table.c.client_id == new.client_id) & (table.c.api == new.api)
            self._connection.execute(delete(table).where(here))
        values = {name: getattr(new, name) for name in new.__slots__}
        self._connection.execute(insert(app_subscription_wish if beside else app_subscription).values(**values))

    def set(self, changed: Subscription) -> None:
        """Write where a subscription stands; another plan that is approved takes the place of the one before."""
        values = {name: getattr(changed, name) for name in ("plan", "state", "decided_by", "note")}
        for table in (app_subscription, app_subscription_wish):
            self._connection.execute(update(table).where(table.c.id == changed.id).values(**values))
        wished = select(app_subscription_wish).where(app_subscription_wish.c.id == changed.id)
        row = self._connection.execute(wished).one_or_none()
        if row is not None and changed.state is SubscriptionState.ACTIVE:
            self.put(_subscription(row))

    def add_use(self, use: Use) -> None:
        """Add to what is counted of an hour."""
        here = (_U.client_id == use.client_id) & (_U.api == use.api) & (_U.hour == use.hour)
        row = self._connection.execute(select(app_use).where(here)).one_or_none()
        whole = use if row is None else use.plus(_use(row))
        values = {name: getattr(whole, name) for name in whole.__slots__} | {"bins": list(whole.bins)}
        if row is None:
            self._connection.execute(insert(app_use).values(**values))
        else:
            self._connection.execute(update(app_use).where(here).values(**values))

    def use(self, client_id: str, since: datetime, api: str | None = None) -> Sequence[Use]:
        """Return what an application asked, by the hour, in order."""
        query = select(app_use).where(_U.client_id == client_id, _U.hour >= since).order_by(_U.hour, _U.api)
        if api is not None:
            query = query.where(_U.api == api)
        return [_use(row) for row in self._connection.execute(query)]


def _subscription(row: Row[Any]) -> Subscription:
    facts = dict(row._mapping)  # noqa: SLF001 - its documented name
    return Subscription(**{**facts, "plan": Plan(row.plan), "state": SubscriptionState(row.state)})


def _use(row: Row[Any]) -> Use:
    return Use(**{**row._mapping, "bins": tuple(row.bins)})  # noqa: SLF001 - its documented name
