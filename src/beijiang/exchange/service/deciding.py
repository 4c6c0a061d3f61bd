"""Deciding: stage by stage, by who may and is nobody's own judge, within a time that a rule sets."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.exchange.errors import (
    changed_meanwhile,
    data_moved,
    items_changed,
    no_delegation,
    not_now,
    refusal_reason,
)
from beijiang.exchange.models import (
    Delegation,
    Move,
    Narrowing,
    Request,
    RequestQuery,
    RequestState,
    levels_of,
    refusals,
)
from beijiang.exchange.service.base import said
from beijiang.exchange.service.requesting import Requesting
from beijiang.exchange.service.settling import STATES, this_round
from beijiang.exchange.store import RequestStore
from beijiang.kit import Conflict, Invalid, Refused, Wanted, new_id
from beijiang.standards import PauseReason, pause

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.catalog import Published
    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Deciding"]

DELEGATION_LONGEST: Final = 92
"""Days for which somebody may stand in at most."""


class Deciding(Requesting):
    """The provider's and the authority's side."""

    def waiting(self, actor: Actor) -> Sequence[Request]:
        """Return the requests whose stage the actor may decide now, oldest first."""
        return self.request_part(actor, RequestQuery(mine=True), Wanted(limit=None)).rows

    def approve(
        self,
        actor: Actor,
        request_id: str,
        words: str = "",
        narrowing: Narrowing | None = None,
        revision: int | None = None,
    ) -> Request:
        """Pass a request on to its next stage, or grant it after the last; with less than asked for, where narrowed.

        Grades and kinds of sharing that changed since it was handed in are looked at again: a stage that is needed now is
        put in, and an item that may not be given any more has to be taken out. ``revision`` is what the reviewer saw.

        Raises:
            NotFound: no such request.
            Conflict: no stage of it is worked at, somebody moved it, an item may not be given any more (``items_changed``), or
                the data are held elsewhere than when it was handed in (``data_moved``).
            Denied: it is another's to decide, or the actor's own request.
            Invalid: it would give more than was asked for, or less without a reason.

        """
        before, behalf = self._to_decide(actor, request_id)
        if revision is not None and revision != before.revision:
            raise changed_meanwhile()
        stage = before.stages[before.at_stage]
        by = narrowing or Narrowing()
        less = by != Narrowing()
        offered = before.offered.narrowed(by)
        if by.filters and before.outward is None:
            self._check_filters(before.table, 0, by.filters)
        known = self._unmoved(actor, before)
        levels = levels_of(known)
        wrong = self._wrong(known, offered, before)
        if wrong:
            raise items_changed(wrong)
        stages = self._stages(known, offered, before)
        last = before.at_stage + 1 == len(stages)
        after = replace(before, offered=offered, stages=stages)
        if last and before.outward is not None:
            gone = replace(before.outward, left_at=self.clock.now(), let_out=offered)
            after = replace(after, state=RequestState.AWAY, afar=gone)
        elif last:
            whole = offered == before.draft.terms
            after = replace(
                after,
                state=RequestState.APPROVED if whole else RequestState.PARTLY_APPROVED,
                decided_at=self.clock.now(),
            )
        else:
            coming = before.at_stage + 1
            after = replace(after, at_stage=coming, state=STATES[stages[coming].id])
            running = None if before.case is None else self._running(before.case)
            case = self._clock_for(running, after)
            after = replace(after, case=case, urged=before.urged if case is running else 0)
        move = Move.NARROW if less else Move.APPROVE
        step = self._step(
            actor,
            before.id,
            move,
            said(words, needed=less),
            stage=stage.id,
            behalf=behalf,
            detail={"terms": offered.to_json()} if less else {},
        )
        with self.db.begin() as tx:
            done = self._save(tx, actor, before, after, step, "request_approve")
            if last and done.outward is not None:
                self._let_out(tx, done, step.words)
            elif last:
                done = self._granted(tx, actor, done, levels)
        self._quiet(done)
        return done

    def refuse(self, actor: Actor, request_id: str, words: str, reason: str = "") -> Request:
        """Refuse a request, with the reason that the law asks for; to the public also one of the list, which is published.

        Raises:
            NotFound: no such request.
            Conflict: no stage of it is worked at, or the data authority decided a dispute about this side's decision for who
                asked (``bound_by_outcome``).
            Denied: it is another's to decide, or the actor's own request.
            Invalid: no reason, or for an application of the public none of the list (``refusal_reason``).

        """
        before, behalf = self._to_decide(actor, request_id)
        if before.draft.is_public and reason not in refusals():
            raise refusal_reason(refusals())
        self._require_free(before)
        after = self._ended(before, RequestState.REFUSED)
        stage = before.stages[before.at_stage].id
        detail = {"reason": reason} if before.draft.is_public else {}
        text = said(words, needed=True)
        step = self._step(actor, before.id, Move.REFUSE, text, stage=stage, behalf=behalf, detail=detail)
        with self.db.begin() as tx:
            done = self._save(tx, actor, before, after, step, "request_refuse")
            self._take_back(tx, done, step.words)
        self._quiet(done)
        return done

    def ask_more(self, actor: Actor, request_id: str, words: str) -> Request:
        """Send a request back to be completed; once, with everything that is missing. The clock stands still meanwhile.

        Raises:
            NotFound: no such request.
            Conflict: no stage of it is worked at, or it was sent back before (``told_once``).
            Denied: it is another's to decide.
            Invalid: nothing was said.

        """
        before, behalf = self._to_decide(actor, request_id)
        with self.db.read() as connection:
            steps = RequestStore(connection).steps(before.id)
        if any(step.move is Move.ASK_MORE and "node" not in step.detail for step in steps):
            raise Conflict(
                "补正只能一次性告知，此件已告知过。请决定同意、收窄或不同意。",
                "What is missing is told once, and that was done. Decide: approve, narrow, or refuse.",
                code="told_once",
            )
        case = None if before.case is None else self._running(before.case)
        if case is not None and case.can_pause:
            case = pause(case, PauseReason.PAPERS, self.today)
        after = replace(before, state=RequestState.SUPPLEMENT, case=case, urged=0)
        stage = before.stages[before.at_stage].id
        step = self._step(actor, before.id, Move.ASK_MORE, said(words, needed=True), stage=stage, behalf=behalf)
        with self.db.begin() as tx:
            done = self._save(tx, actor, before, after, step, "request_ask_more")
        self._quiet(done)
        return done

    def delegate(self, actor: Actor, login: str, since: date, until: date, reason: str) -> Delegation:
        """Let somebody of one's own organisation decide in one's place for some days.

        Raises:
            Denied: the actor decides nothing, or acts by a key.
            Invalid: nobody of that name in one's own organisation, oneself, or days out of order or too many.

        """
        self.access.require(actor, Permission.EXCHANGE_REQUEST_DELEGATE, actor.org_id)
        to = self._person(login)
        fit = to is not None and self.access.allows(to, Permission.EXCHANGE_REQUEST_READ)
        if to is None or not fit or to.id == actor.id or to.org_id != actor.org_id:
            raise Invalid(
                "只能委托本部门的另一位同事。", "Only somebody else of your own organisation.", code="bad_delegate"
            )
        if until < since or until < self.today or (until - since).days > DELEGATION_LONGEST:
            raise Invalid(
                f"起止日期不对，或超过 {DELEGATION_LONGEST} 天。",
                f"The days are not in order, gone by, or more than {DELEGATION_LONGEST}.",
                code="bad_period",
            )
        made = Delegation(
            id=new_id("del"),
            org_id=actor.org_id,
            by=actor.id,
            by_name=actor.name,
            to=to.id,
            to_name=to.name,
            since=since,
            until=until,
            reason=said(reason, needed=True),
            at=self.clock.now(),
        )
        with self.db.begin() as tx:
            RequestStore(tx.connection).add_delegation(made)
            detail: dict[str, JsonValue] = {
                "to": to.id,
                "since": since.isoformat(),
                "until": until.isoformat(),
                "reason": made.reason,
            }
            self.parts.evidence.record(tx, actor, "exchange.delegate", target=made.id, detail=detail)
        return made

    def delegations(self, actor: Actor) -> Sequence[Delegation]:
        """Return the delegations by or to the actor, newest first."""
        self.access.require(actor, Permission.EXCHANGE_REQUEST_READ)
        with self.db.read() as connection:
            return RequestStore(connection).delegations(actor.id)

    def end_delegation(self, actor: Actor, delegation_id: str) -> None:
        """End a delegation that the actor made.

        Raises:
            NotFound: no such delegation of the actor's that still runs.

        """
        self.access.require(actor, Permission.EXCHANGE_REQUEST_DELEGATE, actor.org_id)
        mine = [one for one in self.delegations(actor) if one.by == actor.id and one.id == delegation_id]
        if not mine:
            raise no_delegation()
        with self.db.begin() as tx:
            if not RequestStore(tx.connection).end_delegation(delegation_id, self.clock.now()):
                raise no_delegation()
            self.parts.evidence.record(tx, actor, "exchange.delegate_end", target=delegation_id, detail={})

    def _unmoved(self, actor: Actor, request: Request) -> Published:
        """Return the entry of a request, whose data are where they were when it was handed in."""
        known = self._published(actor, request.draft.resource_id)
        if self._moved(request, known):
            raise data_moved()
        return known

    def _require_free(self, request: Request) -> None:
        """Return if a stage may be refused: not where the authority decided that what its side did at it, or before, does not stand."""
        with self.db.read() as connection:
            steps = RequestStore(connection).steps(request.id)
        last = next((step for step in reversed(this_round(steps)) if step.move is Move.REOPEN), None)
        stage = request.stage
        if last is None or stage is None or "outcome" not in last.detail:
            return
        again = [one for one in request.stages[: request.at_stage + 1] if one.id == last.stage]
        if not again or again[0].side is not stage.side:
            return
        raise Conflict(
            "数据局已裁定异议成立或部分成立，此环节及同一方的后续环节只能同意或收窄后同意。",
            "The data authority decided the dispute about this side's decision for who asked: approve, or approve with less.",
            code="bound_by_outcome",
            detail={"dispute": str(last.detail.get("dispute", ""))},
        )

    def _let_out(self, tx: UnitOfWork, request: Request, words: str) -> None:
        if self.afar is None:
            raise Refused(
                "这个节点现在不能向其他节点送出申请。请先在“三级联动”中连接对方节点。",
                "This node sends no requests to others now. Link the other node under Federation first.",
                code="not_linked",
            )
        self.afar.leave(tx, request, words)

    def _to_decide(self, actor: Actor, request_id: str) -> tuple[Request, Actor | None]:
        """Return a request whose stage the actor decides now, and whom they stand in for."""
        found = self._seen(actor, request_id)
        if found.stage is None:
            raise not_now(found.state)
        with self.db.read() as connection:
            steps = RequestStore(connection).steps(found.id)
        refusal = self._may_decide(actor, found, steps)
        if refusal is not None:
            detail: dict[str, JsonValue] = {"reason": refusal.reason, "stage": found.stage.id}
            self.parts.evidence.note(actor, "exchange.decide_refused", target=found.id, decision="deny", detail=detail)
            raise refusal
        return found, self._stands_in(actor, found)
