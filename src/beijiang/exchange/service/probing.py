"""Probes of services: called with their samples from time to time, in threads of their own, department by department in turn."""

from __future__ import annotations

import logging
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from beijiang.exchange.models import CallOutcome, Probe
from beijiang.exchange.models.calling import bound
from beijiang.exchange.service.offering import Offering
from beijiang.exchange.store import ServiceStore
from beijiang.ingest import AlertKind
from beijiang.kit import Text, Unavailable

if TYPE_CHECKING:
    from beijiang.crypto import Vault
    from beijiang.exchange.models import Service, ServiceVersion
    from beijiang.exchange.service.base import SharingParts
    from beijiang.exchange.service.reaching import Came
    from beijiang.outbound import Outbound

__all__ = ["Probing"]

log = logging.getLogger(__name__)
KEPT: Final = timedelta(days=800)
"""How long probes are kept: two years of assessment."""
TOLD_FOR: Final = timedelta(days=14)
_AT_ONCE: Final = 4
_ROUND: Final = 40
"""Services of one department that wait to be probed at most, those first that waited longest."""


class Probing(Offering):
    """Looks after services by itself. Each department has one probe on its way, so that none that hangs delays the others."""

    def __init__(self, parts: SharingParts, vault: Vault, outbound: Outbound) -> None:
        super().__init__(parts, vault, outbound)
        self._waiting: dict[str, deque[tuple[Service, ServiceVersion]]] = {}
        """By department: what is still to be probed; it is there for as long as one is on its way."""
        self._queueing = threading.Condition()
        self._pool: ThreadPoolExecutor | None = None

    def watch(self) -> None:
        """Begin to probe what is due and wait for none of it; called by the dispatcher every minute."""
        now = self.clock.now()
        self._quiet_changes(now)
        with self.db.begin() as tx:
            ServiceStore(tx.connection).forget_rates(now - timedelta(minutes=5))
        due: dict[str, deque[tuple[Service, ServiceVersion]]] = {}
        for service, version in self._due(now):
            queue = due.setdefault(service.provider_id, deque())
            if len(queue) < _ROUND:
                queue.append((service, version))
        with self._queueing:
            for provider, queue in due.items():
                if provider not in self._waiting:
                    self._waiting[provider] = queue
                    self._hand_out(provider)

    def probe_due(self) -> None:
        """Probe what is due and wait for it."""
        self.watch()
        with self._queueing:
            self._queueing.wait_for(lambda: not self._waiting)

    def stop(self) -> None:
        """Begin no more probes, and wait for those on their way, which end within seconds."""
        with self._queueing:
            pool, self._pool = self._pool, None
            for queue in self._waiting.values():
                queue.clear()
        if pool is not None:
            pool.shutdown(wait=True)

    # Inside

    def _due(self, now: datetime) -> list[tuple[Service, ServiceVersion]]:
        """Return what is to be probed, first what waited longest."""
        with self.db.read() as connection:
            store = ServiceStore(connection)
            found = [
                (one, store.version(one.id, one.live or one.newest), store.last_probe(one.id))
                for one in store.offered()
            ]
        due = []
        for service, version, before in found:
            every = 0 if version is None else version.spec.probe_minutes
            if version is not None and every and (before is None or now - before >= timedelta(minutes=every)):
                due.append((before or service.created_at, service, version))
        due.sort(key=lambda one: (one[0], one[1].id))
        return [(service, version) for _, service, version in due]

    def _hand_out(self, provider: str) -> None:
        """Have the next probe of a department made, behind those of others that wait; called with the turn held."""
        if not self._waiting[provider]:
            del self._waiting[provider]
            self._queueing.notify_all()
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="beijiang-probe")
        self._pool.submit(self._one, provider, *self._waiting[provider].popleft())

    def _one(self, provider: str, service: Service, version: ServiceVersion) -> None:
        try:
            self._probe(service, version)
        except Exception:  # whatever it is, the next one has its turn
            log.exception("a service could not be probed; it will be tried again")
        finally:
            with self._queueing:
                self._hand_out(provider)

    def _probe(self, service: Service, version: ServiceVersion) -> None:
        """Ask once with the sample. A breaker that is open takes no notice until it may try."""
        counts = True
        try:
            self.breakers.admit(service, version.spec)
        except Unavailable:
            counts = False
        spec = version.spec.model_copy(update={"retries": 0, "seconds": min(version.spec.seconds, 10.0)})
        came = self._reach.call(spec, self._opened(version), bound(spec, spec.sample), service.provider_id)
        ok = came.outcome in {CallOutcome.OK, CallOutcome.PARTLY}
        probe = Probe(service_id=service.id, at=self.clock.now(), ok=ok, millis=came.millis, reason=came.reason)
        with self.db.begin() as tx:
            store = ServiceStore(tx.connection)
            store.add_probe(probe)
            store.forget_probes(service.id, probe.at - KEPT)
        if counts:
            self.breakers.settle(service, version.spec, came)
        self._watch_contract(service, came)

    def _watch_contract(self, service: Service, came: Came) -> None:
        """Tell the provider that answers do not fit, and take it back once one fits."""
        if came.outcome in {CallOutcome.BREACH, CallOutcome.PARTLY}:
            what = "；".join(came.fit.told[:5]) or came.reason
            text = Text(
                f"服务接口“{service.name}”的应答与登记的字段不符：{what}。请修正服务，或登记新的版本。",
                f"Answers of the service {service.name} do not fit its declared fields: {what}. Mend it, or declare a new version.",
            )
            self.parts.alerts.say(AlertKind.SERVICE_CONTRACT, service.id, service.provider_id, text)
        elif came.outcome is CallOutcome.OK and came.fit.records:
            self.parts.alerts.clear(AlertKind.SERVICE_CONTRACT, service.id)

    def _quiet_changes(self, now: datetime) -> None:
        """Close the notices of changes that have stood long enough."""
        for (kind, subject), alert in self.parts.alerts.open().items():
            if kind is AlertKind.SERVICE_CHANGED and now - alert.opened_at >= TOLD_FOR:
                self.parts.alerts.clear(kind, subject)
