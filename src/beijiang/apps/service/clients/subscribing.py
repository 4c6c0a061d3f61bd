"""Subscriptions of applications to APIs: asked for, decided on, held to their plan at every call, and counted."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.apps.errors import no_subscription, not_subscribed, over_plan, own_client, wrong_client_state
from beijiang.apps.models import (
    BINS,
    OTHER_API,
    Plan,
    Subscription,
    SubscriptionState,
    Use,
    api_of,
    bin_of,
)
from beijiang.apps.service.clients.signing_on import CLIENT_MARK
from beijiang.apps.service.viewers import VIEWER_MARK
from beijiang.apps.store import SubscriptionStore
from beijiang.kit import new_id

if TYPE_CHECKING:
    from beijiang.apps.service.clients.api_names import ApiNames
    from beijiang.apps.service.clients.registry import Clients
    from beijiang.kit import Actor

__all__ = ["Subscriptions"]

_FLUSH: Final = timedelta(seconds=5)
_REMEMBERED: Final = timedelta(seconds=1)
"""How long a change by another process may stay unseen."""
_TOO_MANY: Final = 429
_BAD: Final = 400
_MINUTE: Final = 60


@dataclass(slots=True)
class _Pace:
    """What an application asked of an API in this minute and this day."""

    minute: datetime
    in_minute: int
    day: datetime
    in_day: int
    looked_at: datetime
    plan: Plan | None


class Subscriptions:
    """Which application may call which API, and how often."""

    def __init__(self, clients: Clients, names: ApiNames) -> None:
        self.clients = clients
        self.access = clients.access
        self._names = names
        self._paces: dict[tuple[str, str], _Pace] = {}
        self._waiting: dict[tuple[str, str, datetime], Use] = {}
        self._flushed_at = clients.clock.now()
        self._turn = threading.Lock()

    def subscriptions(self, actor: Actor, client_id: str) -> Sequence[Subscription]:
        """Return the subscriptions of an application that the actor has to do with."""
        self.clients.client(actor, client_id)
        with self.clients.db.read() as connection:
            return SubscriptionStore(connection).all(client_id)

    def ask(self, actor: Actor, client_id: str, api: str, plan: Plan) -> Subscription:
        """Subscribe an application to an API; the trial plan holds at once, a larger one, or one after an end, is reviewed.

        A plan that holds goes on until another one is approved, and after another one was refused.

        Raises:
            NotFound: the API is not there, or not the actor's to see.
            Conflict: the application is not active (``client_state``).

        """
        client, _ = self.clients.client(actor, client_id)
        self.access.require(actor, Permission.APPS_CLIENT_REGISTER, client.org_id)
        api = f"relay:{client_id}" if api == "relay" else api
        name = self._names.name(actor, api)
        if api.startswith("relay:") and api != f"relay:{client_id}":
            raise not_subscribed(api)
        if not client.serves:
            raise wrong_client_state("应用还没有审核通过。", "The application is not active.")
        with self.clients.db.read() as connection:
            earlier = SubscriptionStore(connection).of(client_id, api)
        at_once = plan is Plan.TRIAL and (earlier is None or earlier.state is SubscriptionState.ACTIVE)
        state = SubscriptionState.ACTIVE if at_once else SubscriptionState.ASKED
        made = Subscription(
            id=new_id("sub"),
            client_id=client_id,
            api=api,
            name=name[:300],
            plan=plan,
            state=state,
            by_id=actor.id,
            by=actor.name,
            at=self.clients.clock.now(),
        )
        with self.clients.db.begin() as tx:
            SubscriptionStore(tx.connection).put(made)
            detail = {"api": api, "plan": plan.value}
            self.clients.evidence.record(tx, actor, "apps.client_subscribe", target=client_id, detail=detail)
        self._forget(client_id)
        return made

    def decide(self, actor: Actor, subscription_id: str, *, approve: bool, note: str) -> Subscription:
        """Approve a subscription that waits, or refuse it.

        Raises:
            Denied: the actor asked for it (``client_self_approval``).
            Conflict: it does not wait (``client_state``).

        """
        self.access.require(actor, Permission.APPS_CLIENT_REVIEW)
        with self.clients.db.begin() as tx:
            store = SubscriptionStore(tx.connection)
            found = store.get(subscription_id)
            if found is None:
                raise no_subscription()
            if found.by_id == actor.id:
                raise own_client()
            if found.state is not SubscriptionState.ASKED:
                raise wrong_client_state("这项订阅不在待审核状态。", "The subscription does not wait for review.")
            state = SubscriptionState.ACTIVE if approve else SubscriptionState.REFUSED
            decided = replace(found, state=state, decided_by=actor.name, note=note.strip()[:1000])
            store.set(decided)
            detail = {"api": found.api, "plan": found.plan.value, "state": state.value, "note": decided.note}
            self.clients.evidence.record(tx, actor, "apps.client_subscription", target=found.client_id, detail=detail)
        self._forget(found.client_id)
        return decided

    def end(self, actor: Actor, subscription_id: str) -> Subscription:
        """End a subscription: one's department's own, or any by the authority.

        Raises:
            NotFound: unknown, or none of the actor's business.

        """
        with self.clients.db.read() as connection:
            found = SubscriptionStore(connection).get(subscription_id)
        if found is None:
            raise no_subscription()
        self.clients.client(actor, found.client_id)
        ended = replace(found, state=SubscriptionState.ENDED, decided_by=actor.name)
        with self.clients.db.begin() as tx:
            SubscriptionStore(tx.connection).set(ended)
            detail = {"api": found.api, "state": ended.state.value}
            self.clients.evidence.record(tx, actor, "apps.client_subscription", target=found.client_id, detail=detail)
        self._forget(found.client_id)
        return ended

    def use(self, actor: Actor, client_id: str, days: int = 14) -> Sequence[Use]:
        """Return by the hour what an application asked in the last days, for its department and the authority."""
        self.clients.client(actor, client_id)
        self.flush()
        since = self.clients.clock.now() - timedelta(days=max(1, min(days, 366)))
        with self.clients.db.read() as connection:
            return SubscriptionStore(connection).use(client_id, since)

    # At the door

    def admit(self, who: Actor, path: str) -> None:
        """Let a call of an application pass, if it subscribed to the API and is within its plan.

        Raises:
            Denied: there is no subscription that holds (``client_not_subscribed``).
            Throttled: the plan is used up (``client_quota``).

        """
        client_id, api = _client_of(who), api_of(path)
        if path.startswith("/console") and (who.session_id or "").startswith((CLIENT_MARK, VIEWER_MARK)):
            raise not_subscribed("console")  # pages for people, whose buttons would go past the subscriptions
        if client_id and api != OTHER_API:
            self.admit_api(client_id, api)

    def admit_api(self, client_id: str, api: str) -> None:
        """Let a call pass, if the application subscribed to the API and is within its plan; see ``admit``."""
        now = self.clients.clock.now()
        with self._turn:
            pace = self._pace(client_id, api, now)
            if pace.plan is None:
                self._paces.pop((client_id, api), None)  # made-up names fill no memory
                raise not_subscribed(api)
            if pace.in_minute >= pace.plan.per_minute:
                raise over_plan(_MINUTE - now.second)
            if pace.in_day >= pace.plan.per_day:
                raise over_plan(int((pace.day + timedelta(days=1) - now).total_seconds()) + 1)
            pace.in_minute += 1
            pace.in_day += 1

    def done(self, who: Actor, path: str, status: int, seconds: float) -> None:
        """Count a call of an application; what is counted is written every few seconds."""
        client_id = _client_of(who)
        if client_id:
            self.done_api(client_id, api_of(path), status, seconds)

    def done_api(self, client_id: str, api: str, status: int, seconds: float) -> None:
        """Count a call of an API by an application."""
        now = self.clients.clock.now()
        refused = status == _TOO_MANY or status == 403  # noqa: PLR2004, PLR1714 - over a limit, or not allowed
        bins = [0] * (len(BINS) + 1)
        bins[bin_of(seconds * 1000)] = 1
        one = Use(
            client_id=client_id,
            api=api,
            hour=now.replace(minute=0, second=0, microsecond=0),
            calls=1,
            errors=int(status >= _BAD and not refused),
            refused=int(refused),
            bins=tuple(bins),
        )
        with self._turn:
            if (client_id, api) not in self._paces:  # nor do they fill the statistics
                one = replace(one, api=OTHER_API)
            key = (client_id, one.api, one.hour)
            before = self._waiting.get(key)
            self._waiting[key] = one if before is None else before.plus(one)
            due = now - self._flushed_at >= _FLUSH
        if due:
            self.flush()

    def flush(self) -> None:
        """Write what was counted."""
        with self._turn:
            waiting, self._waiting = self._waiting, {}
            self._flushed_at = self.clients.clock.now()
        if waiting:
            with self.clients.db.begin(counted=False) as tx:
                store = SubscriptionStore(tx.connection)
                for use in waiting.values():
                    store.add_use(use)

    def _pace(self, client_id: str, api: str, now: datetime) -> _Pace:
        """Return the counters of an application at an API; the caller has the turn."""
        minute = now.replace(second=0, microsecond=0)
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        pace = self._paces.get((client_id, api))
        if pace is None or pace.day != day:
            with self.clients.db.read() as connection:
                before = sum(use.calls - use.refused for use in SubscriptionStore(connection).use(client_id, day, api))
            pace = self._paces[client_id, api] = _Pace(minute, 0, day, before, now - _REMEMBERED, None)
        if now - pace.looked_at >= _REMEMBERED:
            with self.clients.db.read() as connection:
                found = SubscriptionStore(connection).of(client_id, api)
            holds = found is not None and found.state is SubscriptionState.ACTIVE
            pace.plan, pace.looked_at = (found.plan if found is not None and holds else None), now
        if pace.minute != minute:
            pace.minute, pace.in_minute = minute, 0
        return pace

    def _forget(self, client_id: str) -> None:
        """Have the plans of an application read anew; what it asked this minute and day still counts."""
        with self._turn:
            for (client, _), pace in self._paces.items():
                if client == client_id:
                    pace.looked_at -= _REMEMBERED


def _client_of(who: Actor) -> str:
    """Return the application that asks, by itself or for a person; nothing if none does."""
    proof = who.session_id or ""
    return proof.partition(".")[0] if proof.startswith(CLIENT_MARK) else ""
