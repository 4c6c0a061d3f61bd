"""Private intersection (隐私求交): what a department's own set and a table have in common, and neither side shown to the other.

The values of both sides are multiplied by a secret number of each, one after the other; what comes out equal was equal. The
platform's number is drawn for one intersection and forgotten with it. See ``crypto.blinding`` and ADR 17.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.crypto import POINT, Blinder, points_of
from beijiang.exchange.errors import no_grant
from beijiang.exchange.models.intersections import MOST_VALUES, PADDED_TO, WAITS, Intersection, IntersectionState
from beijiang.exchange.service.base import Base
from beijiang.exchange.store import GrantStore, IntersectionStore
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Invalid, NotFound, Refused, Text, Throttled, new_id
from beijiang.protection import Asked, CountAsked
from beijiang.tables import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from beijiang.crypto import Vault
    from beijiang.db import UnitOfWork
    from beijiang.exchange.models import Grant
    from beijiang.exchange.service.base import SharingParts
    from beijiang.jobs import JobRun, Jobs
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.protection import Met

__all__ = ["INTERSECTION_JOB", "Intersections"]

INTERSECTION_JOB: Final = "exchange.intersection"
_WAITING_MOST: Final = 5
"""Intersections of one person that are not answered yet: each is two sets on the disk."""
_SAY_EVERY: Final = 4096
_PURPOSE: Final = "exchange.intersection"
_KEPT: Final = timedelta(days=365)
_STATES = IntersectionState


class Intersections(Base):
    """One set against one table, in three steps: what the table's points are, the own ones handed in, the answer."""

    def __init__(self, parts: SharingParts, folder: Path, vault: Vault, jobs: Jobs) -> None:
        super().__init__(parts)
        self._folder = folder
        self._vault = vault
        self._jobs = jobs

    def begin(self, actor: Actor, grant_id: str, count: int, *, common: bool = False) -> Intersection:
        """Have the points of a grant's items made; ``common`` asks which of the own values are there, else about how many.

        Raises:
            NotFound: no such grant of the actor's, or it does not open this way.
            Invalid: too few or too many values.
            Refused: too many wait already (``intersections_many``), or too many numbers were told (``count_many``).

        """
        self.access.require(actor, Permission.PROTECTION_ROWS_READ_GRANTED)
        exit_ = Exit.COMMON if common else Exit.OVERLAP
        grant, met = self._meets(actor, grant_id, exit_)
        fewest = 1 if common else met.least
        if not fewest <= count <= MOST_VALUES:
            raise Invalid(
                f"本方集合须有 {fewest:,} 到 {MOST_VALUES:,} 个值，现为 {count:,} 个。",
                f"Your set has to have {fewest:,} to {MOST_VALUES:,} values; it has {count:,}.",
                code="intersection_size",
            )
        waiting = [one for one in self.mine(actor) if one.state not in {_STATES.DONE, _STATES.FAILED}]
        if len([one for one in waiting if one.until > self.clock.now()]) >= _WAITING_MOST:
            raise Refused(
                f"您已有 {_WAITING_MOST} 次求交未完成。请先完成或放弃它们；到期（{WAITS.days} 天）也会自动结束。",
                f"{_WAITING_MOST} of your intersections are not answered yet. Finish them or give them up; they end by themselves in {WAITS.days} day.",
                code="intersections_many",
            )
        now = self.clock.now()
        made = Intersection(
            id=new_id("psi"), grant_id=grant.id, org_id=grant.org_id, by=actor, table=grant.table, version=met.version,
            columns=met.columns, exit=exit_, purpose=grant.purpose, obligations=met.obligations, mine=count, theirs=0,
            least=met.least, state=_STATES.OFFERING, told=None, receipt="", error=None, at=now, until=now + WAITS,
        )  # fmt: skip
        if not common:
            self._told_before(made)  # refuses where too much was told already
        sealed = self._vault.seal(Blinder().secret, purpose=_PURPOSE, context=made.id)
        detail: dict[str, JsonValue] = {"grant": grant.id, "table": made.table, "exit": str(exit_), "values": count}
        with self.db.begin() as tx:
            IntersectionStore(tx.connection).add(made, sealed)
            self.parts.evidence.record(tx, actor, "exchange.intersection_begin", target=made.id, detail=detail)
            job = self._submit(tx, made)
        self._jobs.nudge()
        return replace(made, job=job)

    def show(self, actor: Actor, intersection_id: str) -> Intersection:
        """Return an intersection of the actor's.

        Raises:
            NotFound: unknown or another person's, which look the same.

        """
        self.access.require(actor, Permission.PROTECTION_ROWS_READ_GRANTED)
        with self.db.read() as connection:
            found = IntersectionStore(connection).get(intersection_id)
        if found is None or found.by.id != actor.id:
            raise NotFound("没有这次求交。", "There is no such intersection.", code="no_intersection")
        return found

    def mine(self, actor: Actor, grant_id: str | None = None) -> Sequence[Intersection]:
        """Return the actor's intersections, under one grant or all, the newest first."""
        self.access.require(actor, Permission.PROTECTION_ROWS_READ_GRANTED)
        with self.db.read() as connection:
            return IntersectionStore(connection).of(actor.id, grant_id)

    def theirs(self, actor: Actor, intersection_id: str) -> bytes:
        """Return the table's points, in an order that tells nothing.

        Raises:
            NotFound: unknown, or the grant ended.
            Conflict: they are not there yet, or not any more (``intersection_state``).

        """
        found = self._at(actor, intersection_id, {_STATES.OFFERED, _STATES.COMPARING, _STATES.DONE})
        self._still(actor, found)
        return self._read(found, "theirs")

    def give(self, actor: Actor, intersection_id: str, content: bytes) -> Intersection:
        """Take the asker's points, and for a number the table's points as the asker blinded them again; once only.

        Raises:
            NotFound: unknown, or the grant ended.
            Conflict: it is not time for it (``intersection_state``).
            Invalid: not as many points as were said, or one twice.
            Throttled: the grant does not cover so many rows today.

        """
        found = self._at(actor, intersection_id, {_STATES.OFFERED})
        self._still(actor, found)
        mine, doubled = content[: found.mine * POINT], content[found.mine * POINT :]
        wanted = found.theirs if found.exit is Exit.OVERLAP else 0
        if len(points_of(mine)) != found.mine or len(points_of(doubled)) != wanted:
            raise Invalid(
                f"应为 {found.mine:,} 个本方的点和 {wanted:,} 个再次盲化的点。",
                f"It has to be {found.mine:,} points of yours and {wanted:,} that were blinded again.",
                code="intersection_points",
            )
        grants = self.parts.gate.grants
        if found.exit is Exit.COMMON and grants is not None:
            self._or_failed(found, lambda: grants.take_rows(found.grant_id, found.mine))
        landed, comparing = self._place(found, new_id("mine")), replace(found, state=_STATES.COMPARING)
        landed.write_bytes(content)
        with self.db.begin() as tx:
            if not IntersectionStore(tx.connection).move(found.id, _STATES.OFFERED, _STATES.COMPARING):
                landed.unlink()
                raise _not_now(found)
            landed.replace(self._place(found, "mine"))
            job = self._submit(tx, comparing)
        self._jobs.nudge()
        return replace(comparing, job=job)

    def answer(self, actor: Actor, intersection_id: str) -> bytes:
        """Return the asker's points as the platform blinded them again, in their order: what shows which are common.

        Raises:
            NotFound: unknown, or the grant ended.
            Conflict: there is no such answer, or not yet (``intersection_state``).

        """
        found = self._at(actor, intersection_id, {_STATES.DONE})
        if found.exit is not Exit.COMMON:
            raise _not_now(found)
        self._still(actor, found)
        return self._read(found, "answer")

    def drop(self, actor: Actor, intersection_id: str) -> Intersection:
        """Give an intersection up: its sets and its number are removed; what was told stays in the list.

        Raises:
            NotFound: unknown or another person's.

        """
        found = self.show(actor, intersection_id)
        shutil.rmtree(self._folder / found.id, ignore_errors=True)
        with self.db.begin() as tx:
            IntersectionStore(tx.connection).end(found.id)
            detail: dict[str, JsonValue] = {"grant": found.grant_id, "state": found.state.value}
            self.parts.evidence.record(tx, actor, "exchange.intersection_drop", target=found.id, detail=detail)
        return self.show(actor, found.id)

    # What the platform's own parts call

    def work(self, job: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Make the points, or compare; registered in build.py as the work of ``INTERSECTION_JOB``."""
        with self.db.read() as connection:
            store = IntersectionStore(connection)
            found = store.get(str(arguments["intersection"]))
            sealed = "" if found is None else store.secret(found.id)
        if found is None or not sealed or found.state not in {_STATES.OFFERING, _STATES.COMPARING}:
            return {"nothing": True}
        blinder = Blinder(self._vault.open(sealed, purpose=_PURPOSE, context=found.id))
        step = self._offer if found.state is _STATES.OFFERING else self._compare
        return self._or_failed(found, lambda: step(job, found, blinder))

    def renew(self, tx: UnitOfWork) -> int:
        """Wrap every number under the newest root key, when a new one was made; return how many."""
        store = IntersectionStore(tx.connection)
        held = store.secrets()
        for one, sealed in held:
            store.put_secret(one, self._vault.rewrap(sealed, purpose=_PURPOSE, context=one))
        return len(held)

    def watch(self) -> None:
        """Remove the sets of what is over; called by the dispatcher every minute."""
        now = self.clock.now()
        with self.db.read() as connection:
            past = IntersectionStore(connection).past(now)
        for one in past:
            shutil.rmtree(self._folder / one.id, ignore_errors=True)
        with self.db.begin() as tx:
            store = IntersectionStore(tx.connection)
            for one in past:
                store.end(one.id)
            store.remove(now - _KEPT)

    def _offer(self, job: JobRun, found: Intersection, blinder: Blinder) -> JsonValue:
        actor = self.access.current(found.by)
        points, receipt = self.parts.gate.blinded(actor, _asked(found), found.obligations, blinder.blind)
        made = list(islice(_said(job, points, None, Text("准备对方集合", "making the points")), MOST_VALUES + 1))
        if len(made) > MOST_VALUES:
            raise Refused(
                f"对方集合超过 {MOST_VALUES:,} 个值，不能求交。请让提供部门按行条件收窄授权。",
                f"The table has more than {MOST_VALUES:,} values. Have its department narrow the rows of the grant.",
                code="intersection_table_size",
            )
        made += Blinder.noise(-len(made) % PADDED_TO or (0 if made else PADDED_TO))
        place = self._place(found, "theirs")
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = b"".join(sorted(made))
        place.write_bytes(content)
        self._keep_digest(receipt, response=content)
        with self.db.begin() as tx:
            facts: dict[str, Any] = {"theirs": len(made), "receipt": receipt}
            IntersectionStore(tx.connection).move(found.id, _STATES.OFFERING, _STATES.OFFERED, **facts)
        return {"points": len(made)}

    def _compare(self, job: JobRun, found: Intersection, blinder: Blinder) -> JsonValue:
        actor = self.access.current(found.by)
        self._still(actor, found)
        content = self._place(found, "mine").read_bytes()
        self._keep_digest(found.receipt, request=content)
        mine, doubled = points_of(content[: found.mine * POINT]), set(points_of(content[found.mine * POINT :]))
        again = _said(job, blinder.again(mine), found.mine, Text("比对", "comparing"))
        told: int | None = None
        if found.exit is Exit.COMMON:
            answer = b"".join(again)
            self._place(found, "answer").write_bytes(answer)
            self._keep_digest(found.receipt, response=answer)
        else:
            told = self._tell(found, sum(point in doubled for point in again))
        detail: dict[str, JsonValue] = {
            "grant": found.grant_id,
            "receipt": found.receipt,
            "values": found.mine,
            "told": told,
        }
        with self.db.begin() as tx:
            store = IntersectionStore(tx.connection)
            if store.move(found.id, _STATES.COMPARING, _STATES.DONE, told=told):
                self.parts.evidence.record(tx, actor, "exchange.intersection_answer", target=found.id, detail=detail)
        return {"told": told}

    def _keep_digest(self, receipt: str, **said: bytes) -> None:
        """Add to the receipt the digest of points that came (``request``) or went (``response``)."""
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in said.items()}
        self.parts.evidence.note_sent(receipt, digests, sum(map(len, said.values())))

    def _meets(self, actor: Actor, grant_id: str, exit_: Exit) -> tuple[Grant, Met]:
        """Return a grant that the actor holds, and what it opens; any other one looks as if there were none."""
        with self.db.read() as connection:
            grant = GrantStore(connection).get(grant_id)
        if grant is None:
            raise no_grant()
        try:
            asked = Asked(table=grant.table, exit=exit_, purpose=grant.purpose, grant=grant.id)
            return grant, self.parts.gate.meets(actor, asked)
        except NotFound:
            raise no_grant() from None

    def _tell(self, found: Intersection, count: int) -> int | None:
        """Return the number with noise, the same whenever it is asked again; None where it is below the threshold."""
        told, grants = self._told_before(found), self.parts.gate.grants
        if told is None and grants is not None:
            about = self.parts.gate.about(count, found.least)
            told = grants.keep_count(found.grant_id, _question(found), about)
        return None if told is None or told < found.least else told

    def _told_before(self, found: Intersection) -> int | None:
        grants = self.parts.gate.grants
        return None if grants is None else grants.counted(found.grant_id, _question(found))

    def _at(self, actor: Actor, intersection_id: str, states: set[IntersectionState]) -> Intersection:
        found = self.show(actor, intersection_id)
        if found.state not in states or found.until <= self.clock.now():
            raise _not_now(found)
        return found

    def _still(self, actor: Actor, found: Intersection) -> None:
        self.parts.gate.still_meets(actor, _asked(found), found.obligations)

    def _or_failed(self, found: Intersection, step: Callable[[], JsonValue | None]) -> JsonValue:
        """Do a step; where it cannot be done the intersection has failed, and says why."""
        try:
            return step()
        except BeijiangError as error:
            if error.transient and not isinstance(error, Throttled):
                raise  # the job tries again
            facts = {"code": error.reason, "zh": error.text.zh, "en": error.text.en}
            with self.db.begin() as tx:
                for state in (_STATES.OFFERING, _STATES.OFFERED, _STATES.COMPARING):
                    IntersectionStore(tx.connection).move(found.id, state, _STATES.FAILED, error=facts, secret="")
            shutil.rmtree(self._folder / found.id, ignore_errors=True)
            raise

    def _submit(self, tx: UnitOfWork, found: Intersection) -> str:
        key, arguments = f"{INTERSECTION_JOB}:{found.id}:{found.state.value}", {"intersection": found.id}
        return self._jobs.submit(SYSTEM, INTERSECTION_JOB, {**arguments}, key=key, org_id=found.org_id, tx=tx)

    def _read(self, found: Intersection, name: str) -> bytes:
        try:
            return self._place(found, name).read_bytes()
        except FileNotFoundError:
            raise _not_now(found) from None

    def _place(self, found: Intersection, name: str) -> Path:
        return self._folder / found.id / name


def _asked(found: Intersection) -> Asked:
    return Asked(table=found.table, exit=found.exit, purpose=found.purpose, grant=found.grant_id)


def _question(found: Intersection) -> CountAsked:
    return CountAsked(found.table, found.version, (), against=found.id)


def _said(job: JobRun, points: Iterable[bytes], total: int | None, words: Text) -> Iterator[bytes]:
    """Pass points on and say how many there were."""
    for at, point in enumerate(points):
        if at % _SAY_EVERY == 0:
            job.progress(at, total, words)
        yield point


def _not_now(found: Intersection) -> Conflict:
    return Conflict(
        f"这次求交现在是“{found.state.text.zh}”，不能做这一步；它保留到 {found.until:%Y-%m-%d %H:%M} UTC。",
        f'This intersection is at "{found.state.text.en}", where this step cannot be made; it is kept until {found.until:%Y-%m-%d %H:%M} UTC.',
        code="intersection_state",
        detail={"state": found.state.value},
    )
