"""Requests that travel: those that other nodes file here, and what other nodes say of ours.

What a letter says is written in the transaction that reads it, so that each letter counts once; nothing a node says of its
decision gives a right here: the grant stands at the node that holds the data, and so does the gate.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.exchange.errors import (
    departments_many,
    no_request,
    not_its_matter,
    not_now,
    not_ready,
    not_the_askers,
)
from beijiang.exchange.models import (
    ASKER_MOVES,
    GrantAfar,
    GrantState,
    Move,
    Request,
    RequestState,
    Standing,
    Step,
    Terms,
    own_stages,
)
from beijiang.exchange.models.moves import move_of
from beijiang.exchange.service.base import said
from beijiang.exchange.service.delivering import Delivering
from beijiang.exchange.store import DisputeStore, GrantStore, RequestStore
from beijiang.kit import SYSTEM, Actor, ActorKind, Conflict, Text
from beijiang.protection import Handling
from beijiang.standards import CaseState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.db import UnitOfWork
    from beijiang.exchange.models import Dispute, DisputeMove, Elsewhere, RequestDraft

__all__ = ["Travelling"]

DEPARTMENTS_MOST: Final = 500
"""Departments of one other node that ask here."""
STEPS_MOST: Final = 300
NAME_MOST: Final = 200
WORDS_MOST: Final = 2000
CLOCKS_APART: Final = timedelta(hours=1)
"""How far what another node tells may lie before a request was handed in, or ahead of the clock here."""
_INTERNAL: Final = frozenset({Move.ASK_TIME, Move.DENY_TIME})
"""What reviewers and the data authority settle between them; who asked hears of the time that was given."""
_OURS: Final = Text(
    "对方所说的步骤或环节不可能是它办理的。", "It tells of a step or a stage that cannot have been its own."
)


class Travelling(Delivering):
    """Both ends of a request that crosses nodes."""

    # Where the data are

    def arrive(self, tx: UnitOfWork, actor: Actor, request_id: str, draft: RequestDraft, came: Elsewhere) -> Request:
        """File a request of another node's department, which ``actor`` stands for; its clock begins now.

        Raises:
            NotFound: no such resource, or it is not published.
            Invalid: something stands against it; everything is told (``request_incomplete``).
            Conflict: it was filed before (``filed_before``).
            Refused: the data are not here, or too many departments of that node ask already (``departments_many``).

        """
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, actor.org_id)
        known = self._published(actor, draft.resource_id)
        if known.table is None:
            raise not_its_matter()
        problems = self._problems(actor, known, draft)
        if problems:
            raise not_ready(problems)
        store = RequestStore(tx.connection)
        if store.get(request_id) is not None:
            raise Conflict("这件申请已经收到过。", "This request was filed before.", code="filed_before")
        entry, org_id = known.version.entry, actor.org_id or ""
        if not store.has_of(org_id) and len(store.departments(came.node_id)) >= DEPARTMENTS_MOST:
            raise departments_many(DEPARTMENTS_MOST)
        made = Request(
            id=request_id,
            org_id=org_id,
            by=actor.id,
            by_name=actor.name,
            draft=draft,
            resource_name=entry.name,
            resource_version=known.version.number,
            table=known.table,
            provider_id=entry.provider_id,
            state=RequestState.DRAFT,
            offered=draft.terms,
            created_at=self.clock.now(),
            afar=came,
        )
        store.add(made)
        return self._handed_in(tx, actor, made, known)

    def supplied(self, tx: UnitOfWork, actor: Actor, request_id: str, draft: RequestDraft, words: str) -> Request:
        """Complete a request of another node that was sent back.

        Raises:
            NotFound: no such request of this node's.
            Conflict: nothing was asked for.
            Invalid: something still stands against it.

        """
        before = self._of_peer(tx, actor, request_id)
        after, step = self._completed(actor, before, draft, words)
        return self._save(tx, actor, before, after, step, "request_supply")

    def given_back(self, tx: UnitOfWork, actor: Actor, request_id: str, words: str) -> Request:
        """Withdraw a request of another node, or end what was granted on it.

        Raises:
            NotFound: no such request of this node's.
            Conflict: there is nothing to give back.
            Invalid: no reason.

        """
        found = self._of_peer(tx, actor, request_id)
        if not found.state.is_over:
            return self._withdrawn(tx, actor, found, words)
        grant = None if found.grant_id is None else GrantStore(tx.connection).get(found.grant_id)
        if grant is None or grant.state is GrantState.REVOKED:
            raise not_now(found.state)
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, grant.org_id)
        text = said(words, needed=True)
        ended = replace(
            grant, state=GrantState.REVOKED, ended_at=self.clock.now(), reason=text, revision=grant.revision + 1
        )
        step = self._step(actor, grant.id, Move.GIVE_UP, text, detail={"terms": ended.terms.to_json()})
        self._changed(tx, actor, grant, ended, step)
        return found

    def standing(self, request_id: str) -> tuple[Request, Standing]:
        """Return a request that came from another node, and what that node is told of it.

        Raises:
            NotFound: no such request, or it came from no other node.

        """
        with self.db.read() as connection:
            store = RequestStore(connection)
            found = store.get(request_id)
            if found is None or found.afar is None or found.afar.outward:
                raise no_request()
            steps = store.steps(found.id)
            grant = None if found.grant_id is None else GrantStore(connection).get(found.grant_id)
            steps += [] if grant is None else store.steps(grant.id)
            disputes = DisputeStore(connection).about([found.id, *([] if grant is None else [grant.id])])
            steps += [step for one in disputes for step in store.steps(one.id)]
        due = self._deadline(found)
        names = {one.id: one.short for one in self.access.organisations()}
        granted = None
        if grant is not None:
            granted = GrantAfar(
                id=grant.id, state=grant.standing(self.today).value, until=grant.terms.until, reason=grant.reason
            )
        runs = due is not None and due.state is not CaseState.ANSWERED
        return found, Standing(
            revision=found.revision + (0 if grant is None else grant.revision) + sum(one.revision for one in disputes),
            state=found.state.value,
            stages=[{**stage.to_json(), "who": names.get(found.provider_id, "")} for stage in found.stages],
            at_stage=found.at_stage,
            offered=(found.offered if grant is None else grant.terms).to_json(),
            steps=[
                _told(step, names) for step in sorted(steps, key=lambda step: step.at) if step.move not in _INTERNAL
            ],
            due=due.last_day if runs and due is not None else None,
            rule=found.case.rule_id if runs and found.case is not None else "",
            paused=due is not None and due.state is CaseState.PAUSED,
            arrived_at=found.submitted_at or found.created_at,
            grant=granted,
            dispute=_dispute(disputes[-1]) if disputes else None,
        )

    def _of_peer(self, tx: UnitOfWork, actor: Actor, request_id: str) -> Request:
        found = RequestStore(tx.connection).get(request_id)
        if found is None or found.org_id != actor.org_id or found.afar is None:
            raise no_request()
        return found

    # Where it was asked

    def heard(self, tx: UnitOfWork, node_id: str, request_id: str, told: Standing) -> Request:
        """Note how a request of ours stands at the node that decides it.

        Raises:
            Refused: the request is not this node's to answer, or it says that more is given than was asked for, or what
                it cannot have done (``not_its_matter``).
            Conflict: somebody else moved it first.
            KeyError: it tells of a move that there is none of.

        """
        store = RequestStore(tx.connection)
        before, gone = self._sent(tx, node_id, request_id)
        known = gone.standing
        overtaken = known is not None and told.revision < known.revision
        if overtaken and told.refused is None:
            return before
        peer = _peer(gone)
        news = [] if overtaken else _news(told, known)
        fresh = [self._theirs(peer, before, one) for one in news]
        if told.refused is not None:
            move = Move.UNDONE if told.stages else Move.REFUSE  # with no stage it was never filed
            fresh.append(self._step(peer, before.id, move, told.refused.zh[:WORDS_MOST], detail={"node": peer.name}))
        after = before if overtaken else self._told_of(before, gone, told, news)
        if not fresh:
            return self._revise(tx, before, after)
        for step in fresh[:-1]:
            store.add_step(step)
        return self._save(tx, peer, before, after, fresh[-1], "request_told")

    def _told_of(self, before: Request, gone: Elsewhere, told: Standing, news: Sequence[Mapping[str, Any]]) -> Request:
        """Return a request of ours as it stands after what the node said that decides it."""
        if any(stage["id"] in own_stages() for stage in told.stages):
            raise not_its_matter(_OURS)
        state, offered = _state(before, told), _within(gone.let_out or before.draft.terms, told)
        had = {one["key"] for one in (*news, *(() if gone.standing is None else gone.standing.steps))}
        kept = replace(told, steps=[one for one in told.steps if one["key"] in had])
        ends = state.is_over and not before.state.is_over
        return replace(
            before,
            state=state,
            offered=offered,
            afar=replace(gone, standing=kept),
            decided_at=self.clock.now() if ends else before.decided_at,
        )

    def not_taken(
        self, tx: UnitOfWork, node_id: str, request_id: str, why: Text, *, completion: bool = False
    ) -> Request:
        """Note that the node that decides did not take what was sent; where that was a ``completion``, it is waited for again.

        Raises:
            Refused: the request was not sent to that node (``not_its_matter``).

        """
        before, gone = self._sent(tx, node_id, request_id)
        peer = _peer(gone)
        state = before.state
        if completion and state is RequestState.AWAY and gone.standing is not None:
            state = _state(before, gone.standing)
        step = self._step(peer, before.id, Move.UNDONE, why.zh[:WORDS_MOST], detail={"node": peer.name})
        return self._save(tx, peer, before, replace(before, state=state), step, "request_told")

    def _sent(self, tx: UnitOfWork, node_id: str, request_id: str) -> tuple[Request, Elsewhere]:
        """Return a request of ours that a node decides, and what is known of it there."""
        found = RequestStore(tx.connection).get(request_id)
        gone = None if found is None else found.outward
        if found is None or gone is None or gone.node_id != node_id or gone.left_at is None:
            raise not_its_matter()
        return found, gone

    def give_back(self, actor: Actor, request_id: str, words: str) -> Request:
        """Give back what another node granted; its gate refuses as soon as it hears of it, or has since the link ended.

        Raises:
            NotFound: no such request.
            Conflict: no other node has granted anything on it.
            Invalid: no reason.

        """
        before = self._seen(actor, request_id)
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, before.org_id)
        grant = before.outward and before.outward.standing and before.outward.standing.grant
        if not grant or grant.state == GrantState.REVOKED.value or self.afar is None:
            raise not_now(before.state)
        step = self._step(actor, before.id, Move.GIVE_UP, said(words, needed=True))
        with self.db.begin() as tx:
            told = self.afar.take_back(tx, before, step.words)
            after = before if told else _given_up(before, step.words)
            return self._save(tx, actor, before, after, step, "request_give_back")

    def cut_off(self, node_id: str, words: str) -> int:
        """Suspend every grant in force that was made on a request of another node; return how many.

        Raises:
            Conflict: somebody changed one of them this moment; those before it are suspended.

        """
        with self.db.read() as connection:
            store = RequestStore(connection)
            asked = [(one, store.get(one.request_id or "")) for one in GrantStore(connection).running(self.today)]
        cut = [one for one, request in asked if request and request.afar and _came_from(request.afar, node_id)]
        for before in cut:
            changed = replace(before, state=GrantState.SUSPENDED, revision=before.revision + 1)
            step = self._step(SYSTEM, before.id, Move.SUSPEND, words, detail={"terms": before.terms.to_json()})
            with self.db.begin() as tx:
                self._changed(tx, SYSTEM, before, changed, step)
        return len(cut)

    def dispute(self, actor: Actor, request_id: str, move: DisputeMove, words: str) -> Request:
        """Disagree with what the node that decides did, or go on with a dispute there; it is that node's to settle.

        Raises:
            NotFound: no such request.
            Conflict: that node has said nothing yet that one could disagree with.
            Invalid: no reason, or the other side's to do (``not_the_askers``).

        """
        before = self._seen(actor, request_id)
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, before.org_id)
        if before.outward is None or before.outward.standing is None or self.afar is None:
            raise not_now(before.state)
        if move not in ASKER_MOVES:
            raise not_the_askers(ASKER_MOVES)
        step = self._step(actor, before.id, move, said(words, needed=True))
        with self.db.begin() as tx:
            self.afar.dispute(tx, before, move.value, step.words)
            return self._save(tx, actor, before, before, step, "request_dispute")

    def _theirs(self, peer: Actor, before: Request, one: Mapping[str, Any]) -> Step:
        """Return what happened at the other node as a step of our own request.

        Raises:
            Refused: it is at a stage of this node, or of a time when the request was not there.

        """
        at, since = datetime.fromisoformat(one["at"]), before.submitted_at or before.created_at
        if one["stage"] in own_stages() or not since - CLOCKS_APART <= at <= self.clock.now() + CLOCKS_APART:
            raise not_its_matter(_OURS)
        return Step(
            matter_id=before.id,
            at=at,
            by=peer.id,
            name=str(one["name"])[:NAME_MOST],
            org_id=None,
            move=move_of(str(one["move"])),
            stage=str(one["stage"])[:40],
            words=str(one["words"])[:WORDS_MOST],
            detail={"node": peer.name, "org": str(one["org"])[:NAME_MOST]},
        )


def _came_from(way: Elsewhere, node_id: str) -> bool:
    return not way.outward and way.node_id == node_id


def _given_up(request: Request, words: str) -> Request:
    """Return a request whose grant is given back though its node cannot be told."""
    gone = request.outward
    if gone is None or gone.standing is None or gone.standing.grant is None:
        return request
    ended = replace(gone.standing.grant, state=GrantState.REVOKED.value, reason=words)
    return replace(request, afar=replace(gone, standing=replace(gone.standing, grant=ended)))


def _peer(gone: Elsewhere) -> Actor:
    return Actor(f"node:{gone.node_id}"[:60], gone.node_name.zh, ActorKind.APPLICATION)


def _told(step: Step, names: Mapping[str, str]) -> dict[str, str]:
    return {
        "key": f"{step.matter_id}:{step.place}",
        "at": step.at.isoformat(),
        "move": step.move.value,
        "stage": step.stage,
        "name": step.name[:NAME_MOST],
        "org": names.get(step.org_id or "", ""),
        "words": step.words[:WORDS_MOST],
    }


def _dispute(one: Dispute) -> dict[str, str]:
    outcome = "" if one.outcome is None else one.outcome.value
    return {"id": one.id, "kind": one.kind.value, "state": one.state.value, "outcome": outcome, "basis": one.basis}


def _news(told: Standing, known: Standing | None) -> Sequence[Mapping[str, Any]]:
    """Return what happened since the other node last told; what is too much at once comes with the next letter."""
    had = set() if known is None else {one["key"] for one in known.steps}
    return [one for one in told.steps if one["key"] not in had][:STEPS_MOST]


def _state(before: Request, told: Standing) -> RequestState:
    """Return how a request stands here after what the other node said; what was taken back stays so."""
    if before.state is RequestState.WITHDRAWN:
        return before.state
    there = RequestState(told.state)
    if there is RequestState.WITHDRAWN and before.state.is_over:
        return before.state  # the own authority refused what was completed, and had it taken back
    if there.is_over:
        return there
    if before.state.is_under_review:
        return before.state  # the own authority has what was completed; that it was asked for there is no news
    return there if there is RequestState.SUPPLEMENT else RequestState.AWAY


def _within(asked: Terms, told: Standing) -> Terms:
    """Return the terms that the other node offers, none of which may be more than was asked for."""
    if not told.offered:
        return asked  # it was never filed there
    offered = Terms.from_json(told.offered)
    handled = {item.column: item.handling for item in asked.items}
    more = [
        item.column
        for item in offered.items
        if item.column not in handled
        or (item.handling is Handling.AS_IS and handled[item.column] is not Handling.AS_IS)
    ]
    rows = [one for one in asked.filters if one not in offered.filters]
    quotas = (asked.calls_per_day, offered.calls_per_day), (asked.rows_per_day, offered.rows_per_day)
    often = any(most is not None and (given is None or given > most) for most, given in quotas)
    wider = offered.ways - asked.ways or offered.until > asked.until or offered.since < asked.since
    if more or rows or often or wider:
        raise not_its_matter(Text("对方给出的范围超过了申请的范围。", "What it offers is more than was asked for."))
    return offered
