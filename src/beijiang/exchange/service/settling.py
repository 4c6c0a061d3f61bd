"""Who may decide a stage, and what a decision makes: the grant, and the end of what was urged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.exchange.errors import changed_meanwhile, not_now, own_request
from beijiang.exchange.events import GrantMoved
from beijiang.exchange.models import (
    PEER_ORGANISATION,
    Grant,
    GrantState,
    Move,
    RequestState,
    Side,
    Trait,
    item_problems,
    levels_of,
    opening_item_problems,
    opening_traits,
    stages_for,
    traits,
)
from beijiang.exchange.models.flows import OPENING
from beijiang.exchange.models.stops import Stop, StopReason, removed
from beijiang.exchange.models.turns import Judge
from beijiang.exchange.service.attaching import Attaching
from beijiang.exchange.service.base import told_of
from beijiang.exchange.store import GrantStore, RequestStore, StopStore
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, BeijiangError, Denied, NotFound, Text, new_id
from beijiang.standards import begin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from beijiang.catalog import Published
    from beijiang.db import UnitOfWork
    from beijiang.exchange.models import Afar, EntryAfar, Problem, Request, Stage, Step, Terms
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.standards import Case, Rule

__all__ = ["AGREEMENT", "STATES", "Settling", "asked_by", "since_reopened", "standing_step", "this_round"]

AGREEMENT: Final = Text(
    "使用方只为所申请的用途使用数据，不得转给他人，保留使用记录；提供方对数据来源负责，使用方对数据使用负责。",
    "The consumer uses the data for the stated purpose only, does not pass them on, and keeps records of use; the provider "
    "answers for the source, the consumer for the use.",
)
"""What both sides agree to with a grant (国发〔2016〕51号)."""
ALERTS: Final = (AlertKind.REQUEST, AlertKind.REQUEST_OVERDUE)


STATES: Final = {
    "leaving": RequestState.AUTHORITY_REVIEW,
    "formal_review": RequestState.FORMAL_REVIEW,
    "provider_opinion": RequestState.PROVIDER_REVIEW,
    "provider_decision": RequestState.PROVIDER_REVIEW,
    "authority_decision": RequestState.AUTHORITY_REVIEW,
    "appeal_decision": RequestState.AUTHORITY_REVIEW,
}
"""How a request stands at each stage."""
_STANDING: Final = frozenset({Move.SUSPEND, Move.RESUME, Move.REVOKE, Move.GIVE_UP})
_TO_AUTHORITY: Final = 2
"""The step of an escalation at which the data authority takes a matter up."""


class Settling(Attaching):
    """Below the verbs of both sides."""

    afar: Afar | None = None
    """Who brings requests to other nodes; wired when everything is there."""

    def _may_decide(self, actor: Actor, request: Request, steps: Sequence[Step]) -> BeijiangError | None:
        """Return why the actor may not decide the stage of a request; None if they may."""
        stage = request.stage
        if stage is None:
            return not_now(request.state)
        if not self._entitled(actor, request) and not self._stands_in(actor, request):
            return Denied(
                f"“{stage.name.zh}”由{'提供部门' if stage.side is Side.PROVIDER else '数据局'}的审核人员办理。",
                f"The stage {stage.id} is decided by the reviewers of {stage.side.text.en}.",
            )
        asked = asked_by(request, steps)
        before = [s for s in steps if s.move in {Move.APPROVE, Move.NARROW} and s.stage != stage.id]
        decided = (
            {s.by for s in before}
            | {s.by for s in since_reopened(steps) if s.move is Move.REFUSE}
            | {s.detail.get("behalf", "") for s in before}
        )
        deputed = self._stands_in(actor, request)
        who = {actor.id, *([deputed.id] if deputed else [])}
        return own_request() if who & (asked | decided) else None

    def _judges(self, actor: Actor) -> list[Judge]:
        """Return the actor and those for whom the actor stands in today, with what each may decide now."""
        with self.db.read() as connection:
            asked = RequestStore(connection).asked()
        people = {actor.id: actor, **{one.id: one for one in self._principals(actor)}}
        judges = []
        for person in people.values():
            orgs: dict[str, list[str]] = {}
            for right, org in asked:
                if self.access.allows(person, right, org):
                    orgs.setdefault(right, []).append(org)
            judges.append(Judge(person_id=person.id, orgs=orgs))
        return judges

    def _entitled(self, actor: Actor, request: Request) -> bool:
        stage = request.stage
        return stage is not None and self.access.allows(actor, stage.permission, request.provider_id)

    def _stands_in(self, actor: Actor, request: Request) -> Actor | None:
        """Return somebody who may decide and for whom the actor stands in today; None for nobody."""
        if self._entitled(actor, request):
            return None
        fit = (one for one in self._principals(actor) if one.id != request.by and self._entitled(one, request))
        return next(fit, None)

    def _sees(self, actor: Actor, request: Request) -> bool:
        return super()._sees(actor, request) or bool(request.stage and self._stands_in(actor, request))

    # To whom what is late goes up

    def _offices(self, right: Permission, org_id: str) -> list[str]:
        """Return the departments whose people hold a right over a department's matters, those of its own level of government first."""
        people = (one for one in self.access.people(SYSTEM) if one.org_id and one.disabled_at is None)
        found = {one.org_id for one in people if self.access.allows(one.as_actor(None), right, org_id)}
        tiers = {one.id: one.admin_tier for one in self.access.organisations()}
        return sorted((org for org in found if org), key=lambda org: (-tiers.get(org, 0), org))

    def _waits_for(self, request: Request) -> str:
        """Return the department that a request waits for."""
        stage = request.stage
        if stage is None or stage.side is Side.PROVIDER:
            return request.provider_id
        return next(iter(self._offices(Permission(stage.permission), request.provider_id)), request.provider_id)

    def _goes_to(self, whose: str, org_id: str, step: int) -> str:
        """Return the department that hears of a late matter of ``org_id`` that waits for ``whose``: that one, the data authority, the one above."""
        if step < _TO_AUTHORITY:
            return whose
        offices = self._offices(Permission.EXCHANGE_REQUEST_REVIEW, org_id)
        if not offices:
            return whose
        if step == _TO_AUTHORITY:
            return offices[0]
        above = self.access.organisation(offices[0]).parent_id
        return offices[1] if len(offices) > 1 else above or offices[0]

    # What an entry asks for

    def _entry_afar(self, resource_id: str) -> EntryAfar | None:
        """Return where the data of an entry are, if they are another node's."""
        return None if self.afar is None else self.afar.entry(resource_id)

    def _traits(self, known: Published, terms: Terms, org_id: str, *, outward: bool) -> frozenset[Trait]:
        """Return what a request for these terms is like; ``outward`` says that another node decides it."""
        entry = known.version.entry
        if outward:
            return frozenset({Trait.ELSEWHERE})  # what else it is like, the other node sees by its own flow
        crosses = self._crosses(org_id, entry.provider_id)
        return traits(entry, terms, levels_of(known), self.today, cross_level=crosses)

    def _crosses(self, org_id: str, provider_id: str) -> bool:
        """Tell whether consumer and provider are of different levels of government, or on different nodes."""
        if org_id.startswith(PEER_ORGANISATION):
            return True
        try:
            first, second = (self.access.organisation(one).admin_tier for one in (org_id, provider_id))
        except NotFound:
            return True
        return first != second

    def _stages(self, known: Published, terms: Terms, request: Request) -> tuple[Stage, ...]:
        """Return the stages that terms of a request pass now, with those that were there before."""
        if request.draft.is_public:
            found = opening_traits(known.version.entry, terms, levels_of(known))
            return stages_for(found, request.stages, OPENING)
        outward = request.outward is not None
        return stages_for(self._traits(known, terms, request.org_id, outward=outward), request.stages)

    def _wrong(self, known: Published, terms: Terms, request: Request) -> list[Problem]:
        """Return what stands against the items of terms as they are graded, shared and opened now."""
        entry, levels, plain = known.version.entry, levels_of(known), replace(terms, filters=())
        if request.draft.is_public:
            return opening_item_problems(entry, levels, plain, self.today)
        return item_problems(entry, levels, plain, request.draft.impact, self.today)

    def _limit_of(self, stages: Sequence[Stage], at: int, provider_id: str) -> Rule | None:
        """Return the rule that limits the time of a stage; None where none is in force.

        Of a stage without a rule of its own it is that of a later one, if it is counted from the day the request came in.
        """
        named = [stage.limit for stage in stages[at:]]
        rules = [self.parts.standards.limit(topic, provider_id) if topic else None for topic in named]
        coming = (rule for rule in rules[1:] if rule is not None and rule.from_receipt)
        return rules[0] or next(coming, None)

    def _clock_for(self, running: Case | None, request: Request) -> Case | None:
        """Return the clock of the stage that a request has come to: the one that runs where the rule is the same, a new one, or none.

        What is counted from the day the request came in begins on that day, and stood still with the clock before it.
        """
        rule = self._limit_of(request.stages, request.at_stage, request.provider_id)
        if rule is None:
            return None
        runs = running is not None and running.answered is None
        if running is not None and runs and running.rule_id == rule.id:
            return running
        came = request.submitted_at if rule.from_receipt and (runs or running is None) else None
        made = begin(rule, came or self.clock.now())
        return replace(made, pauses=running.pauses) if came and running is not None and made.can_pause else made

    def _again(self, request: Request) -> Request:
        """Return a request that was completed, of whose time its reviewers were told before."""
        standing = self._deadline(request)
        return replace(request, urged=0 if standing is None else told_of(standing, self.clock.now()))

    # The grant

    def _granted(self, tx: UnitOfWork, actor: Actor, request: Request, levels: Mapping[str, str]) -> Request:
        """Make the grant of a request that was decided, in the same transaction; one taken up again changes the grant it has."""
        terms, draft = request.offered, request.draft
        held = None if request.grant_id is None else GrantStore(tx.connection).get(request.grant_id)
        if held is not None and held.state is not GrantState.REVOKED:
            found = {column: levels.get(column, "L1") for column in terms.columns}
            state = _after_decision(held, RequestStore(tx.connection))
            changed = replace(held, terms=terms, levels=found, state=state, revision=held.revision + 1)
            detail = {"terms": terms.to_json(), "state": state.value}
            self._changed(tx, actor, held, changed, self._step(actor, held.id, Move.RESTORE, "", detail=detail))
            return request
        grant = Grant(
            id=new_id("gra"),
            request_id=request.id,
            resource_id=draft.resource_id,
            resource_name=request.resource_name,
            table=request.table,
            provider_id=request.provider_id,
            org_id=request.org_id,
            grantee_kind=draft.grantee_kind,
            grantee_id=draft.grantee_id,
            terms=terms,
            levels={column: levels.get(column, "L1") for column in terms.columns},
            purpose=draft.purpose,
            use=draft.use,
            basis=draft.basis,
            agreement=AGREEMENT.zh if draft.application is None else draft.application.agreement,
            state=GrantState.ACTIVE,
            revision=1,
            made_at=self.clock.now(),
        )
        self._make(tx, actor, grant, f"{request.resource_name}：{len(terms.items)}")
        return self._revise(tx, request, replace(request, grant_id=grant.id))

    def _make(self, tx: UnitOfWork, actor: Actor, grant: Grant, words: str) -> None:
        GrantStore(tx.connection).add(grant)
        step = self._step(actor, grant.id, Move.GRANT, words, detail={"terms": grant.terms.to_json()})
        RequestStore(tx.connection).add_step(step)
        detail: dict[str, JsonValue] = {
            "request": grant.request_id,
            "table": grant.table,
            "org": grant.org_id,
            "provider": grant.provider_id,
            "grantee": f"{grant.grantee_kind.value}:{grant.grantee_id or grant.org_id}",
            "terms": grant.terms.to_json(),
            "levels": dict(grant.levels),
            "purpose": grant.purpose,
            "basis": grant.basis,
        }
        self.parts.evidence.record(tx, actor, "exchange.grant", target=grant.id, detail=detail)
        tx.publish(GrantMoved(grant_id=grant.id))

    def _changed(self, tx: UnitOfWork, actor: Actor, before: Grant, changed: Grant, step: Step) -> None:
        """Write a grant's next revision with its step and evidence.

        Raises:
            Conflict: somebody else changed it first.

        """
        detail: dict[str, JsonValue] = {
            "from": before.state.value,
            "to": changed.state.value,
            "table": changed.table,
            "org": changed.org_id,
            "provider": changed.provider_id,
            "terms": changed.terms.to_json(),
            "reason": step.words,
        }
        if not GrantStore(tx.connection).save(changed):
            raise changed_meanwhile()
        RequestStore(tx.connection).add_step(step)
        StopStore(tx.connection).add(_narrowed(before, changed, self.clock.now()))
        back = removed(changed.terms.columns, before.terms.columns)
        StopStore(tx.connection).give_back(before.id, back, self.clock.now())
        self._travelled(tx, RequestStore(tx.connection).get(before.request_id or ""))
        self.parts.evidence.record(tx, actor, f"exchange.grant_{step.move.value}", target=before.id, detail=detail)
        tx.publish(GrantMoved(grant_id=before.id))

    def _ended(self, request: Request, state: RequestState) -> Request:
        """Return a request that ends without a grant; one taken up again after a dispute falls back on the grant that it has."""
        ended = replace(request, state=state, decided_at=self.clock.now())
        if request.grant_id is None:
            return ended
        with self.db.read() as connection:
            held = GrantStore(connection).get(request.grant_id)
        if held is None or held.state is GrantState.REVOKED:
            return ended
        whole = held.terms == request.draft.terms
        return replace(
            ended, state=RequestState.APPROVED if whole else RequestState.PARTLY_APPROVED, offered=held.terms
        )

    def _quiet(self, request: Request) -> None:
        """Close the alerts of a request that has moved."""
        for kind in ALERTS:
            self.parts.alerts.clear(kind, request.id)


def since_reopened(steps: Sequence[Step]) -> Sequence[Step]:
    """Return the steps of a request since a dispute last had it taken up again; all, where none did."""
    again = [place for place, step in enumerate(steps) if step.move is Move.REOPEN]
    return steps[again[-1] :] if again else steps


def this_round(steps: Sequence[Step]) -> Sequence[Step]:
    """Return the steps since a request was last taken up again, or completed with other terms, by which it began again.

    A completion that changes nothing of what is asked for goes on at the stage that asked for it.
    """
    began, sent_back = 0, ""
    for place, step in enumerate(steps):
        if step.move is Move.ASK_MORE:
            sent_back = step.stage
        if step.move is Move.REOPEN or (step.move is Move.SUPPLY and step.stage != sent_back):
            began = place
    return steps[began:]


def asked_by(request: Request, steps: Sequence[Step]) -> frozenset[str]:
    """Return who asked for what a request asks for."""
    return frozenset({request.by} | {step.by for step in steps if step.move in {Move.SUBMIT, Move.SUPPLY}})


def standing_step(steps: Sequence[Step]) -> Step | None:
    """Return by which step a grant stands as it does: the last that suspended, ended or gave it back; None where none did."""
    return next((step for step in reversed(steps) if step.move in _STANDING or _gave_back(step)), None)


def _gave_back(step: Step) -> bool:
    return step.move is Move.RESTORE and step.detail.get("state") == GrantState.ACTIVE.value


def _after_decision(held: Grant, store: RequestStore) -> GrantState:
    """Return how a grant stands once its request was decided again: active only where its very suspension was disputed."""
    steps = store.steps(held.request_id or "")
    again = next((step for step in reversed(steps) if step.move is Move.REOPEN), None)
    last = standing_step(store.steps(held.id))
    lifted = again is not None and last is not None and again.detail.get("lifts") == last.place
    return GrantState.ACTIVE if lifted else held.state


def _narrowed(before: Grant, after: Grant, at: datetime) -> list[Stop]:
    gone = removed(before.terms.columns, after.terms.columns)
    return [Stop(grant_id=before.id, column=one, reason=StopReason.NARROWED, since=at) for one in gone]
