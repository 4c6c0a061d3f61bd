"""Circuit breakers of services and their rates: kept in the database, so that restarts and other processes know them too."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beijiang.exchange.models import Breaker, BreakerState
from beijiang.exchange.store import ServiceStore
from beijiang.ingest import AlertKind
from beijiang.kit import Text, Throttled, Unavailable

if TYPE_CHECKING:
    from beijiang.db import Database
    from beijiang.exchange.models import Service, ServiceSpec
    from beijiang.exchange.service.reaching import Came
    from beijiang.ingest import Alerts
    from beijiang.kit import Clock

__all__ = ["Breakers", "Room"]

_GRACE: Final = timedelta(seconds=15)
"""Beyond the time of one call: a try that has not come back by then is given up, and another may be made."""
_TRIES: Final = 5
AT_ONCE: Final = 8
AT_ONCE_PROVIDER: Final = 8
AT_ONCE_ALL: Final = 16
"""Calls that wait for one service, for all of a department, and for all, in one process; a web process has 40 threads."""
AT_ONCE_TESTS: Final = 2
TESTS_PER_MINUTE: Final = 12
"""Tests of one place (host and port), whoever declares a service there: at once in one process, and in all of them."""
_ALL: Final = "*"
_TESTS: Final = "*tests"


class Breakers:
    """Hold calls back from services that do not answer, and from those that are asked too often."""

    def __init__(self, db: Database, alerts: Alerts, clock: Clock) -> None:
        self._db = db
        self._alerts = alerts
        self._clock = clock

    def take(self, service: Service, spec: ServiceSpec, who: str) -> None:
        """Count a call of this minute.

        Raises:
            Throttled: the service or this consumer has had its calls (``service_rate``, ``consumer_rate``).

        """
        minute = self._clock.now().replace(second=0, microsecond=0)
        with self._db.begin() as tx:
            store = ServiceStore(tx.connection)
            if not store.take(service.id, who[:60], minute, spec.consumer_per_minute):
                raise _too_often("consumer_rate", spec.consumer_per_minute)
            if not store.take(service.id, _ALL, minute, spec.per_minute):
                raise _too_often("service_rate", spec.per_minute)

    def take_test(self, place: str) -> None:
        """Count a test of a place in this minute.

        Raises:
            Throttled: it was tested too often (``test_rate``).

        """
        minute = self._clock.now().replace(second=0, microsecond=0)
        known = "place_" + hashlib.sha256(place.encode()).hexdigest()[:32]
        with self._db.begin() as tx:
            if not ServiceStore(tx.connection).take(known, _TESTS, minute, TESTS_PER_MINUTE):
                raise Throttled(
                    f"对同一地址每分钟最多测试 {TESTS_PER_MINUTE} 次，请稍后再试。",
                    f"One place is tested {TESTS_PER_MINUTE} times a minute at most; try again later.",
                    code="test_rate",
                    detail={"per_minute": TESTS_PER_MINUTE},
                )

    def admit(self, service: Service, spec: ServiceSpec) -> None:
        """Return if a call may go out; after the time to cool one call does, to try.

        Raises:
            Unavailable: the breaker is open, or another call is trying (``service_held_back``).

        """
        with self._db.read() as connection:
            found = ServiceStore(connection).breaker(service.id)
        if found is None or found.state is BreakerState.CLOSED:
            return
        waits = timedelta(seconds=spec.cool_seconds)
        if found.state is BreakerState.HALF_OPEN:
            waits = timedelta(seconds=spec.seconds) + _GRACE
        now = self._clock.now()
        if now - found.since < waits:
            raise _held_back(found.since + waits - now)
        trying = replace(found, state=BreakerState.HALF_OPEN, since=now, revision=found.revision + 1)
        with self._db.begin() as tx:
            mine = ServiceStore(tx.connection).save_breaker(trying)
        if not mine:
            raise _held_back(timedelta(seconds=1))

    def give_back(self, service: Service, spec: ServiceSpec) -> None:
        """Let another call try, as the one that was to did not go out."""
        with self._db.begin() as tx:
            store = ServiceStore(tx.connection)
            found = store.breaker(service.id)
            if found is not None and found.state is BreakerState.HALF_OPEN:
                since = self._clock.now() - timedelta(seconds=spec.cool_seconds)
                store.save_breaker(replace(found, state=BreakerState.OPEN, since=since, revision=found.revision + 1))

    def settle(self, service: Service, spec: ServiceSpec, came: Came) -> None:
        """Take in how a call ended: failures in a row open the breaker, and the provider is told."""
        for _ in range(_TRIES):
            with self._db.read() as connection:
                found = ServiceStore(connection).breaker(service.id)
            before = found or Breaker(service_id=service.id, since=self._clock.now())
            after = self._failed(before, spec, came) if came.breaks else self._well(before)
            if after is None:
                return
            with self._db.begin() as tx:
                saved = ServiceStore(tx.connection).save_breaker(replace(after, revision=before.revision + 1))
            if saved:
                self._tell(service, before, after)
                return

    def close(self, service: Service) -> None:
        """Begin anew, for a version that was just tested."""
        with self._db.begin() as tx:
            store = ServiceStore(tx.connection)
            found = store.breaker(service.id)
            if found is not None and found.state is not BreakerState.CLOSED:
                now = self._clock.now()
                store.save_breaker(
                    Breaker(service_id=service.id, since=now, revision=found.revision + 1),
                )
        self._alerts.clear(AlertKind.SERVICE_DOWN, service.id)

    def _failed(self, before: Breaker, spec: ServiceSpec, came: Came) -> Breaker | None:
        if before.state is BreakerState.OPEN:
            return None
        failures = before.failures + 1
        opens = before.state is BreakerState.HALF_OPEN or failures >= spec.failures
        state = BreakerState.OPEN if opens else BreakerState.CLOSED
        since = self._clock.now() if opens else before.since
        return replace(before, state=state, failures=failures, since=since, reason=came.reason)

    def _well(self, before: Breaker) -> Breaker | None:
        """An answer to a call that went out before the breaker opened does not close it."""
        if before.state is BreakerState.OPEN or (before.state is BreakerState.CLOSED and not before.failures):
            return None
        since = before.since if before.state is BreakerState.CLOSED else self._clock.now()
        return replace(before, state=BreakerState.CLOSED, failures=0, since=since, reason="")

    def _tell(self, service: Service, before: Breaker, after: Breaker) -> None:
        if after.state is BreakerState.OPEN and before.state is BreakerState.CLOSED:
            text = Text(
                f"服务接口“{service.name}”连续 {after.failures} 次调用失败（{after.reason}），已熔断：调用暂不转发，"
                "之后自动试探恢复。请检查服务。",
                f"The service {service.name} failed {after.failures} times in a row ({after.reason}); calls are held back, "
                "and one tries from time to time. Look after the service.",
            )
            self._alerts.say(AlertKind.SERVICE_DOWN, service.id, service.provider_id, text)
        elif after.state is BreakerState.CLOSED and before.state is not BreakerState.CLOSED:
            self._alerts.clear(AlertKind.SERVICE_DOWN, service.id)


class Room:
    """Bound how many calls wait for services at once in this process, so that a slow one leaves threads for all else."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside: Counter[str] = Counter()

    def taken(self, service_id: str, provider_id: str) -> AbstractContextManager[None]:
        """Hold a place for one call; a department has half of all, however many services it has.

        Raises:
            Throttled: so many calls of the service, of its department, or of all, wait already (``service_busy``).

        """
        return self._held({f"svc:{service_id}": AT_ONCE, f"org:{provider_id}": AT_ONCE_PROVIDER, _ALL: AT_ONCE_ALL})

    def tested(self, place: str, provider_id: str) -> AbstractContextManager[None]:
        """Hold a place for one test, which takes room from the calls of its department.

        Raises:
            Throttled: so many tests of the place, or calls, wait already (``service_busy``).

        """
        return self._held({f"test:{place}": AT_ONCE_TESTS, f"org:{provider_id}": AT_ONCE_PROVIDER, _ALL: AT_ONCE_ALL})

    @contextmanager
    def _held(self, bounds: Mapping[str, int]) -> Iterator[None]:
        with self._lock:
            if any(self._inside[name] >= most for name, most in bounds.items()):
                raise Throttled(
                    "同时等待该服务应答的调用太多，请稍后再试。",
                    "Too many calls wait for services now; try again in a moment.",
                    code="service_busy",
                )
            self._inside.update(bounds.keys())
        try:
            yield
        finally:
            with self._lock:
                self._inside.subtract(bounds.keys())
                self._inside = +self._inside


def _held_back(left: timedelta) -> Unavailable:
    seconds = max(1, round(left.total_seconds()))
    return Unavailable(
        f"提供部门的服务暂时不可用，已停止转发，约 {seconds} 秒后再试。",
        f"The department's service does not answer now and is not asked; try again in about {seconds} s.",
        code="service_held_back",
        detail={"seconds": seconds},
    )


def _too_often(code: str, limit: int) -> Throttled:
    whose = Text("本部门", "your department") if code == "consumer_rate" else Text("全部调用方", "all consumers")
    return Throttled(
        f"超过限速：{whose.zh}每分钟最多调用 {limit} 次。请稍后再试。",
        f"Too many calls: {limit} a minute for {whose.en}. Try again later.",
        code=code,
        detail={"per_minute": limit},
    )
