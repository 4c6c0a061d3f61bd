"""The work behind pushes: what is due, each delivery through the gate, its proof, and what becomes of one that fails.

State is in the database before anything leaves, so that a killed process is carried on: the far side is asked, or is sent the
same delivery under the same id. Subscribers do not wait for each other: each has a thread while it is at work, and those that
fail or are slow share a part of the threads.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from beijiang.exchange.errors import push_stopped
from beijiang.exchange.events import PushMoved
from beijiang.exchange.models.pushes import (
    TRIED_FOR,
    Push,
    PushDelivery,
    PushDeliveryState,
    PushMode,
    PushState,
    back_off,
)
from beijiang.exchange.service.push_standing import PushStanding
from beijiang.exchange.service.push_watch import Attempt, PushLimits, bounded
from beijiang.exchange.store import GrantStore, PushStore
from beijiang.ingest import AlertKind, Parcel
from beijiang.kit import SYSTEM, BeijiangError, NotFound, Rounds, Text, Throttled, new_id
from beijiang.tables import Exit

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.exchange.models import Grant
    from beijiang.exchange.service.base import SharingParts
    from beijiang.exchange.service.recalling import Recalls
    from beijiang.ingest import Delivered, Destination, Destinations, Proof
    from beijiang.kit.errors import JsonValue
    from beijiang.protection import Governed

__all__ = ["PushWork"]

log = logging.getLogger(__name__)

WORKERS: Final = 8
_SLOW_WORKERS: Final = WORKERS // 2
_LOOK_EVERY: Final = 2.0
_SLOW: Final = 60.0
"""Seconds after which a delivery counts as slow."""
_LEASE: Final = timedelta(seconds=120)
_SAY_EVERY: Final = 2.0
_USED_UP: Final = timedelta(hours=1)
_STATES = PushDeliveryState


class PushWork(PushStanding):
    """The part of ``Pushes`` that nobody calls in person."""

    def __init__(self, parts: SharingParts, destinations: Destinations, recalls: Recalls, limits: PushLimits) -> None:
        super().__init__(parts)
        self.destinations = destinations
        self.recalls = recalls
        self.limits = limits
        self._process = new_id("prc")
        self._busy: dict[str, Push] = {}
        """Subscriptions at work in this process."""
        self._left: dict[str, tuple[str, threading.Thread]] = {}
        """Threads of attempts that were given up and go on all the same, with the department they are for."""
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._stopping = threading.Event()
        self._rounds = Rounds("pushes", self._look, _LOOK_EVERY)

    # The loop

    def start(self) -> None:
        """Begin to look for what is due, in threads of its own. Again is a no-op."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="beijiang-push")
            self._rounds.start()
            self._rounds.nudge()

    def stop(self) -> None:
        """Let go: what is on its way is broken off, undone at the far side, and carried on by the next start."""
        if self._pool is not None:
            self._stopping.set()
            self._rounds.stop()
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        self._stopping.clear()

    def _look(self) -> None:
        for push in self._due_now():
            self._hand_out(push)
        self._keep_leases()

    def _hand_out(self, push: Push) -> None:
        """Give a subscription a thread, unless it has one, its department has its share, or those for slow ones are taken."""
        with self._lock:
            slow = sum(one.slow for one in self._busy.values())
            if push.id in self._busy or len(self._busy) >= WORKERS or (push.slow and slow >= _SLOW_WORKERS):
                return
            if not self._has_room(push):
                return
            self._busy[push.id] = push
        assert self._pool is not None  # noqa: S101 - the loop runs between start and stop
        self._pool.submit(self._work, push.id)

    def _has_room(self, push: Push) -> bool:
        """Tell whether a department may have another delivery on its way; what it left hanging counts for it alone."""
        self._left = {one: (org, thread) for one, (org, thread) in self._left.items() if thread.is_alive()}
        at_work = Counter(one.org_id for one in self._busy.values()) + Counter(org for org, _ in self._left.values())
        return push.id not in self._left and at_work[push.org_id] < self.limits.at_once

    def _work(self, push_id: str) -> None:
        try:
            self.carry_out(push_id)
        except Exception:
            log.exception("a push broke off; it will be tried again")
        finally:
            with self._lock:
                self._busy.pop(push_id, None)

    def _keep_leases(self) -> None:
        with self._lock:
            busy = [*self._busy]
        with self.db.begin() as tx:
            for push_id in busy:
                until = self.clock.now() + _LEASE
                PushStore(tx.connection).note(push_id, {"lease_until": until}, self._process)

    def run_due(self) -> int:
        """Carry out in this thread all that is due now; return how many subscriptions were looked after."""
        due = self._due_now()
        for push in due:
            with self._lock:
                room = self._has_room(push)
            if room:
                self.carry_out(push.id)
        return len(due)

    def watch(self) -> None:
        """Note of every subscription whether it may go on, and say so to both sides; called by the dispatcher every minute."""
        with self.db.read() as connection:
            live = PushStore(connection).live()
        for push in live:
            self._standing(push)

    # What is due

    def _due_now(self) -> list[Push]:
        with self.db.read() as connection:
            store = PushStore(connection)
            live, waiting = store.live(), store.open_deliveries()
        return [push for push in live if self._is_due(push, waiting.get(push.id)) and self._standing(push)]

    def _is_due(self, push: Push, waiting: PushDelivery | None) -> bool:
        now = self.clock.now()
        if push.lease and push.lease_until is not None and push.lease_until > now:
            return False
        if waiting is not None:
            return waiting.next_at <= now
        if push.timing is not None and (push.next_at is None or push.next_at > now):
            return False
        release = self.parts.catalog.released(push.table)
        if release is None or release.table_version == push.version:
            if push.timing is not None:
                self._to_next_moment(push)
            return False
        return not self._is_dead(push, release.table_version)

    def _is_dead(self, push: Push, version: int) -> bool:
        """Tell whether this very version was given up; a person replays it, or the next version comes."""
        with self.db.read() as connection:
            last = PushStore(connection).deliveries(push.id, 1)
        return bool(last) and last[0].version == version and last[0].state in {_STATES.DEAD, _STATES.DROPPED}

    def _to_next_moment(self, push: Push) -> None:
        with self.db.begin() as tx:
            PushStore(tx.connection).note(push.id, {"next_at": self._next(push)})

    def _next(self, push: Push) -> Any:
        working = self.parts.standards.calendar.is_working
        return None if push.timing is None else push.timing.next(self.clock.now(), self.parts.zone, working)

    # One attempt

    def carry_out(self, push_id: str) -> None:
        """Make one attempt at what is due of a subscription, unless another process does."""
        now = self.clock.now()
        with self.db.begin() as tx:
            if not PushStore(tx.connection).claim(push_id, self._process, now, now + _LEASE):
                return
        try:
            with self.db.read() as connection:
                push = PushStore(connection).get(push_id)
            if push is not None and self._standing(push):
                self._within_time(push)
        finally:
            with self.db.begin() as tx:
                PushStore(tx.connection).note(push_id, {"lease": "", "lease_until": None}, self._process)

    def _within_time(self, push: Push) -> None:
        """Make an attempt that is given up when its time is over, whatever the far side does meanwhile."""
        attempt = Attempt(self.limits)
        why, left = bounded(attempt, lambda: self._attempt(push, attempt), self._stopping)
        if left is not None:
            with self._lock:
                self._left[push.id] = (push.org_id, left)
        if why is not None:
            self._failed(push, None, why)

    def _attempt(self, push: Push, attempt: Attempt) -> None:
        with self.db.read() as connection:
            delivery = PushStore(connection).open_delivery(push.id)
        actor, grant = self._actor(push), self._grant_of(push)
        if actor is None:
            return
        try:
            there = self.destinations.open(push.id, push.kind, push.options, push.secrets, push.org_id)
            attempt.cut, there.moved = there.outbound.cut, attempt.moved
            governed = self.parts.gate.admit(
                actor, push.table, grant.purpose, Exit.PUSH, None, {"push": push.id}, grant.id
            )
            delivery = self._fitting(push, delivery, governed, there)
            if delivery is None:
                return
            self._deliver(push, delivery, governed, there, attempt)
        except Exception as error:  # noqa: BLE001 - whatever happens is kept with the delivery, which is tried again or given up
            if attempt.over:
                log.info("push %s ended after it was given up: %s", push.id, type(error).__name__)
                return
            with attempt.counting():
                self._failed(push, delivery, error)

    def _grant_of(self, push: Push) -> Grant:
        with self.db.read() as connection:
            found = GrantStore(connection).get(push.grant_id)
        if found is None:
            raise NotFound("没有这项授权。", "There is no such grant.", code="grant_not_found")
        return found

    def _fitting(
        self, push: Push, delivery: PushDelivery | None, governed: Governed, there: Destination
    ) -> PushDelivery | None:
        """Return the delivery to be made of what is served now; one that has become old goes into the next.

        None where the far side turns out to have it all.
        """
        served, begun = (governed.version, governed.shape), {None, push.version}
        if delivery is not None and (delivery.version, delivery.shape) == served and delivery.before in begun:
            return delivery
        whole = False
        anew = push.version is None and push.place > 1  # what was under way when that was asked for tells nothing
        with self.db.read() as connection:
            unsettled = PushStore(connection).unsettled(push.id)
        for old in [] if anew else unsettled:
            if not there.tells:
                whole = True
                break
            done = there.held(self._parcel(push, old, governed))
            if done is not None:
                self._settle(push, old, done, None)
                push = replace(push, version=old.version, shape=old.shape, sequence=push.sequence)
                break
        if delivery is not None:
            with self.db.begin() as tx:
                store = PushStore(tx.connection)
                still = store.delivery(delivery.id)
                if still is not None and still.state.is_open:
                    store.move(delivery.id, {"state": _STATES.MERGED, "ended_at": self.clock.now()})
        if push.version == governed.version and push.shape == governed.shape:
            return None
        return self._new(push, governed, whole=whole)

    def _new(self, push: Push, governed: Governed, *, whole: bool) -> PushDelivery:
        """Write down the next delivery, from what is at the far side to what is served now."""
        since = push.version
        changes = (
            not whole
            and push.mode is PushMode.CHANGES
            and since is not None
            and push.shape == governed.shape
            and since not in self.recalls.recalled(push.table)
            and governed.tells_changes(since)
        )
        now = self.clock.now()
        made = PushDelivery(
            id=new_id("dlv"),
            push_id=push.id,
            sequence=push.sequence + 1,
            mode=PushMode.CHANGES if changes else PushMode.FULL,
            before=since if changes else None,
            version=governed.version,
            shape=governed.shape,
            next_at=now,
            created_at=now,
        )
        with self.db.begin() as tx:
            store = PushStore(tx.connection)
            store.note(push.id, {"sequence": made.sequence, "next_at": self._next(push)})
            store.add_delivery(made)
        return made

    def _parcel(self, push: Push, delivery: PushDelivery, governed: Governed) -> Parcel:
        return Parcel(
            id=delivery.id,
            push=push.id,
            sequence=delivery.sequence,
            table=push.table,
            version=delivery.version,
            before=delivery.before,
            key=governed.key,
            schema=governed.schema(),
            target=push.target,
            at=delivery.created_at,
            attempt=delivery.attempts + 1,
            in_doubt=governed.in_doubt,
        )

    def _deliver(
        self, push: Push, delivery: PushDelivery, governed: Governed, there: Destination, attempt: Attempt
    ) -> None:
        parcel = self._parcel(push, delivery, governed)
        begun = {"state": _STATES.RUNNING, "attempts": delivery.attempts + 1, "receipt": governed.receipt, "sent": True}
        with attempt.counting(), self.db.begin() as tx:
            PushStore(tx.connection).move(delivery.id, {**begun, "moved": 0})
        try:
            done = there.deliver(parcel, self._goods(push, delivery, governed, attempt))
        except BaseException:
            if not there.tells and not there.uncertain and not delivery.sent and not attempt.over:
                with self.db.begin() as tx:
                    PushStore(tx.connection).move(delivery.id, {"sent": False})
            raise
        attempt.moved()
        proof = self._proof(there, parcel, done, governed)
        governed.delivered(_sent(done, proof), 0)
        with attempt.counting():
            slow = attempt.seconds > _SLOW
            self._settle(push, replace(delivery, receipt=governed.receipt), done, proof, slow=slow)

    def _goods(
        self, push: Push, delivery: PushDelivery, governed: Governed, attempt: Attempt
    ) -> Iterator[pa.RecordBatch]:
        """Pass on what the gate gives, tell how far it is, and ask again before the last of it is out."""
        rows, said = 0, time.monotonic()
        source = governed.batches() if delivery.before is None else governed.changes(delivery.before)
        for batch in source:
            attempt.moved()
            yield batch
            rows += batch.num_rows
            attempt.moved()
            if time.monotonic() - said >= _SAY_EVERY:
                said = time.monotonic()
                self._go_on(push, delivery, rows)
        self._go_on(push, delivery, rows)
        governed.confirm()

    def _go_on(self, push: Push, delivery: PushDelivery, rows: int) -> None:
        if self._stopping.is_set():
            raise push_stopped()
        if self._actor(push) is None:
            raise push_stopped()
        with self.db.begin() as tx:
            store = PushStore(tx.connection)
            now = store.get(push.id)
            moved = now is None or now.place != push.place
            if now is None or moved or now.state is not PushState.ACTIVE or now.lease != self._process:
                raise push_stopped()
            store.move(delivery.id, {"moved": rows})
            store.note(push.id, {"lease_until": self.clock.now() + _LEASE}, self._process)

    def _proof(self, there: Destination, parcel: Parcel, done: Delivered, governed: Governed) -> dict[str, JsonValue]:
        """Compare with the far side; what cannot be compared is said, and takes nothing back."""
        try:
            whole = governed.tally() if there.holds_table else None
            found: Proof = there.prove(parcel, done, whole)
        except BeijiangError as error:
            return {"equal": None, "reason": error.reason}
        return {"equal": found.equal, **found.facts}

    def _settle(
        self,
        push: Push,
        delivery: PushDelivery,
        done: Delivered,
        proof: dict[str, JsonValue] | None,
        *,
        slow: bool = False,
    ) -> None:
        """Write down that a delivery arrived, with its proof, in one transaction.

        What somebody changed of the subscription meanwhile stays: how far it has come is written only if it was not moved, or
        asked for anew, since the delivery began.
        """
        now, differs = self.clock.now(), proof is not None and proof.get("equal") is False
        detail: dict[str, JsonValue] = {
            "push": push.id,
            "sequence": delivery.sequence,
            "table": push.table,
            "version": delivery.version,
            "mode": delivery.mode.value,
            "rows": done.rows,
            "gone": done.gone,
            "repeated": done.repeated,
            "receipt": delivery.receipt,
            "proof": proof,
        }
        ended = {"state": _STATES.DONE, "ended_at": now, "rows": done.rows, "gone": done.gone, "proof": proof}
        far = {"version": delivery.version, "shape": "" if differs else delivery.shape}
        with self.db.begin() as tx:
            store = PushStore(tx.connection)
            store.merge_dead(push.id, now)
            store.move(delivery.id, {**ended, "error": None, "moved": done.rows + done.gone})
            store.note(push.id, {"slow": slow, "delivered_at": now})
            store.come(push, far)
            self.parts.evidence.record(tx, SYSTEM, "exchange.push_deliver", target=delivery.id, detail=detail)
            tx.publish(PushMoved(push_id=push.id, delivery_id=delivery.id, rows=done.rows))
        self._say(AlertKind.PUSH_DEAD, push, None)
        words = Text(
            f"第 {delivery.version} 版送达后，目标处的行数或校验和与提供的不一致；下一次将全量推送",
            f"after version {delivery.version} the far side holds other rows than were served; the next delivery brings everything anew",
        )
        self._say(AlertKind.PUSH_DIFFERS, push, words if differs else None)

    # What becomes of one that fails

    def _failed(self, push: Push, delivery: PushDelivery | None, error: Exception) -> None:
        """Plan the next attempt, or give up; nothing is lost, as what is at the far side has not moved."""
        told = error if isinstance(error, BeijiangError) else _odd(error)
        with self.db.read() as connection:
            store = PushStore(connection)
            open_ = store.open_delivery(push.id)
        current = open_ or delivery
        if told.reason == "table_not_found" or current is None:
            log.info("push %s met no delivery: %s", push.id, told.reason)
            self._rest(push, current, told, timedelta(minutes=1))
        elif told.reason in {"access_ended", "push_stopped"}:
            self._rest(push, current, told, timedelta())
        elif isinstance(told, Throttled):
            self._rest(push, current, told, _USED_UP)
        elif (told.transient or not isinstance(error, BeijiangError)) and self._tries_on(current):
            self._rest(push, current, told, back_off(current.attempts, random.random()), slow=True)  # noqa: S311 - scatter
        else:
            self._give_up(push, current, told)

    def _failing_since(self, delivery: PushDelivery) -> datetime:
        """Return when a delivery failed for the first time of those in a row."""
        since = (delivery.error or {}).get("since")
        return datetime.fromisoformat(since) if isinstance(since, str) else self.clock.now()

    def _tries_on(self, delivery: PushDelivery) -> bool:
        return self.clock.now() - self._failing_since(delivery) < TRIED_FOR

    def _rest(
        self, push: Push, delivery: PushDelivery | None, why: BeijiangError, pause: timedelta, *, slow: bool = False
    ) -> None:
        next_at = self.clock.now() + pause
        if delivery is None:
            delivery = self._placeholder(push, next_at)
            if delivery is None:
                return
        error = _told(why)
        if slow or (delivery.error or {}).get("since"):
            error["since"] = self._failing_since(delivery).isoformat()
        with self.db.begin() as tx:
            store = PushStore(tx.connection)
            store.move(delivery.id, {"state": _STATES.WAITING, "next_at": next_at, "error": error})
            if slow:
                store.note(push.id, {"slow": True})

    def _placeholder(self, push: Push, at: Any) -> PushDelivery | None:
        """Write down a delivery that could not even be begun, so that its troubles have a place."""
        release = self.parts.catalog.released(push.table)
        if release is None:
            return None
        made = PushDelivery(
            id=new_id("dlv"),
            push_id=push.id,
            sequence=push.sequence + 1,
            mode=PushMode.FULL,
            before=None,
            version=release.table_version,
            shape="",
            next_at=at,
            created_at=self.clock.now(),
        )
        with self.db.begin() as tx:
            store = PushStore(tx.connection)
            store.note(push.id, {"sequence": made.sequence, "next_at": self._next(push)})
            store.add_delivery(made)
        return made

    def _give_up(self, push: Push, delivery: PushDelivery, why: BeijiangError) -> None:
        detail: dict[str, JsonValue] = {"push": push.id, "attempts": delivery.attempts, "code": why.reason}
        with self.db.begin() as tx:
            store = PushStore(tx.connection)
            now = self.clock.now()
            store.move(delivery.id, {"state": _STATES.DEAD, "ended_at": now, "error": _told(why)})
            store.note(push.id, {"slow": True})
            self.parts.evidence.record(tx, SYSTEM, "exchange.push_dead", target=delivery.id, detail=detail)
        words = Text(
            f"第 {delivery.sequence} 次交付已尝试 {delivery.attempts} 次，不再自动重试：{why.text.zh}",
            f"delivery {delivery.sequence} was tried {delivery.attempts} times and is not tried again by itself: {why.text.en}",
        )
        self._say(AlertKind.PUSH_DEAD, push, words)

    def renew_secrets(self, tx: Any) -> int:
        """Wrap all secrets under the newest root key, in the caller's transaction; return how many."""
        store, count = PushStore(tx.connection), 0
        for push in store.every():
            renewed = self.destinations.renewed(push.id, push.secrets)
            store.note(push.id, {"secrets": renewed})
            count += len(renewed)
        return count


def _told(error: BeijiangError) -> dict[str, JsonValue]:
    return {"code": error.reason, "zh": error.text.zh, "en": error.text.en}


def _odd(error: Exception) -> BeijiangError:
    log.error("a push met an internal error", exc_info=error)
    kind = type(error).__name__
    return BeijiangError(
        f"推送因内部错误（{kind}）中止，目标处没有改变。详情见运行日志。",
        f"The push stopped on an internal error ({kind}); nothing changed at the far side. The log has the details.",
        code="push_internal",
    )


def _sent(done: Delivered, proof: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return what the receipt keeps of what was sent: the digests of files and messages, or the checksum of a table there."""
    files: Any = done.facts.get("files") or []
    digests: list[JsonValue] = [one["sha256"] for one in files] or [*done.facts.get("digests", ())]  # type: ignore[misc]
    return {**({"response": digests} if digests else {}), "rows": done.rows, "gone": done.gone, "proof": proof}
