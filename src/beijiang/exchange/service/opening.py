"""Conditional opening (有条件开放): conditions of a set, applications of the public, and what is published of them.

An application is a request of exchange: its stages, clock, decisions and grant are those of ``Exchange``, where owner and bureau work
on it. Here is only the applicant's side, who has no ``exchange:*`` right and sees nothing but the own applications.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.catalog import OpenType
from beijiang.exchange.errors import changed_meanwhile, no_application, no_opening, not_now, not_ready
from beijiang.exchange.events import GrantMoved
from beijiang.exchange.models import (
    PUBLIC,
    Application,
    ApplicationView,
    Conditions,
    Grant,
    GranteeKind,
    GrantState,
    Item,
    Move,
    Outcomes,
    PublicOutcome,
    Request,
    RequestDraft,
    RequestState,
    Step,
    Terms,
    every_purpose,
    levels_of,
    opening_item_problems,
    opening_problems,
    opening_traits,
    refusals,
    stages_for,
)
from beijiang.exchange.models.flows import OPENING
from beijiang.exchange.models.handing import Mark
from beijiang.exchange.models.opening import with_appeal
from beijiang.exchange.service.base import said
from beijiang.exchange.service.settling import STATES, Settling
from beijiang.exchange.store import GrantStore, HandingStore, OpeningStore, RequestStore
from beijiang.kit import ANONYMOUS, Conflict, Denied, NotFound, new_id
from beijiang.protection import FileMark

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from beijiang.catalog import Published
    from beijiang.exchange.models import Applicant, Applicants, ApplicationDraft, ConditionsDraft, Usage
    from beijiang.exchange.service.base import SharingParts
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.protection import files
    from beijiang.tables import GovernedTable

__all__ = ["Openings"]

LISTED: Final = 200
UNDER_WAY_MOST: Final = 20
"""Applications of one member that are under way at once."""
DECIDED: Final = frozenset({RequestState.APPROVED, RequestState.PARTLY_APPROVED, RequestState.REFUSED})
_FILE_TOPIC: Final = "open.appeal.file"


class Openings(Settling):
    """What the public may apply for, and what became of it."""

    def __init__(self, parts: SharingParts, applicants: Applicants) -> None:
        super().__init__(parts)
        self._applicants = applicants

    # The conditions

    def conditions(self, actor: Actor, resource_id: str) -> Conditions:
        """Return the conditions on which a set is open.

        Raises:
            NotFound: no such set, or it is not open on conditions; both look the same.

        """
        self.access.require(actor, Permission.OPENDATA_DATASET_READ)
        return self._conditions(self._open_set(resource_id))

    def offered(self, resource_id: str) -> Conditions | None:
        """Return the conditions of a set, for its page and its machine-readable faces; None where it has none."""
        try:
            return self._conditions(self._open_set(resource_id))
        except NotFound:
            return None

    def offered_items(self, actor: Actor, resource_id: str) -> Mapping[str, str]:
        """Return the columns that may be applied for, each with its grade: above L1 they come masked.

        Raises:
            NotFound: no such set, or it is not open on conditions.

        """
        self.access.require(actor, Permission.OPENDATA_DATASET_READ)
        known = self._open_set(resource_id)
        entry, levels = known.version.entry, levels_of(known)
        asked = [Terms(items=(Item(c),), ways=frozenset(), since=self.today, until=self.today) for c in levels]
        return {
            one.columns[0]: levels[one.columns[0]]
            for one in asked
            if not opening_item_problems(entry, levels, one, self.today)
        }

    def set_conditions(self, actor: Actor, resource_id: str, draft: ConditionsDraft) -> Conditions:
        """Set the conditions of a set anew; what was granted under earlier ones stays as it was agreed to.

        Raises:
            NotFound: no such set, or it is not open on conditions.
            Invalid: something is missing; everything is told.

        """
        known = self._open_set(resource_id)
        self.access.require(actor, Permission.EXCHANGE_OPENING_SET, known.version.entry.provider_id)
        problems = draft.problems()
        if problems:
            raise not_ready(problems)
        with self.db.begin() as tx:
            store = OpeningStore(tx.connection)
            before = store.newest([resource_id]).get(resource_id)
            made = Conditions(
                resource_id=resource_id,
                version=1 if before is None else before.version + 1,
                who=draft.who.strip(),
                purposes=draft.purposes,
                ways=draft.ways,
                duties=draft.duties.strip(),
                months=draft.months,
                agreement=draft.agreement.strip(),
                at=self.clock.now(),
                by=actor.name,
            )
            store.add(made)
            detail: dict[str, JsonValue] = {"version": made.version, "digest": made.digest, "months": made.months}
            self.parts.evidence.record(tx, actor, "exchange.opening_set", target=resource_id, detail=detail)
        return made

    def may_set(self, actor: Actor, provider_id: str) -> bool:
        """Tell whether the actor sets the conditions of a department's sets."""
        return self.access.allows(actor, Permission.EXCHANGE_OPENING_SET, provider_id)

    # The applicant

    def who(self, actor: Actor) -> Applicant | None:
        """Return as whom the actor applies; None for who may not."""
        allowed = self.access.allows(actor, Permission.OPENDATA_APPLICATION_MAKE)
        return self._applicants.applicant(actor.id) if allowed else None

    def may_apply(self, actor: Actor) -> bool:
        """Tell whether the actor is one of those who may apply at all, confirmed or not."""
        return self.access.allows(actor, Permission.OPENDATA_APPLICATION_MAKE)

    def apply(self, actor: Actor, draft: ApplicationDraft) -> Request:
        """Hand in an application.

        Raises:
            NotFound: no such set open on conditions.
            Denied: nobody confirmed who the actor is.
            Invalid: something stands against it; everything is told (``request_incomplete``).
            Conflict: one for the same set is under way, or too many are.

        """
        applicant = self._confirmed(actor)
        known = self._open_set(draft.resource_id)
        entry = known.version.entry
        request_draft = self._checked(applicant, known, draft)
        under_way = [one for one in self._own(actor) if not one.state.is_over]
        if len(under_way) >= UNDER_WAY_MOST or any(one.draft.resource_id == draft.resource_id for one in under_way):
            raise Conflict(
                f"您对这个数据集已有一件在办的申请，或在办的申请已满 {UNDER_WAY_MOST} 件。请先等待办结，或撤回后再申请。",
                f"An application of yours for this set is under way, or {UNDER_WAY_MOST} are. Wait for it, or take it back.",
                code="already_applied",
            )
        stages = stages_for(opening_traits(entry, request_draft.terms, levels_of(known)), (), OPENING)
        now = self.clock.now()
        made = Request(
            id=new_id("req"),
            org_id=PUBLIC,
            by=actor.id,
            by_name=applicant.name,
            draft=replace(request_draft, grantee_id=actor.id),
            resource_name=entry.name,
            resource_version=known.version.number,
            table=known.table or "",
            provider_id=entry.provider_id,
            state=RequestState.DRAFT,
            offered=request_draft.terms,
            created_at=now,
        )
        opened = replace(
            made,
            state=STATES[stages[0].id],
            stages=stages,
            submitted_at=now,
        )
        opened = replace(opened, case=self._clock_for(None, opened))
        with self.db.begin() as tx:
            RequestStore(tx.connection).add(made)
            agreed = {"conditions": draft.agreed, "stages": [stage.id for stage in stages]}
            step = self._step(actor, made.id, Move.SUBMIT, detail=agreed)
            return self._save(tx, actor, made, opened, step, "request_submit")

    def supply(self, actor: Actor, request_id: str, draft: ApplicationDraft, words: str) -> Request:
        """Complete an application that was sent back; its review begins again where it stood, or anew with other items.

        Raises:
            NotFound: no such application of the actor's.
            Conflict: nothing was asked for.
            Invalid: something still stands against it.

        """
        before = self._mine(actor, request_id)
        if before.state is not RequestState.SUPPLEMENT or draft.resource_id != before.draft.resource_id:
            raise not_now(before.state)
        known = self._open_set(draft.resource_id)
        made = replace(self._checked(self._confirmed(actor), known, draft), grantee_id=actor.id)
        same = made.terms == before.draft.terms and made.purpose == before.draft.purpose
        stages = stages_for(opening_traits(known.version.entry, made.terms, levels_of(known)), before.stages, OPENING)
        at = before.at_stage if same and stages == before.stages else 0
        case = None if before.case is None else self._running(before.case)
        after = replace(
            before,
            draft=made,
            offered=before.offered if same else made.terms,
            stages=stages,
            at_stage=at,
            state=STATES[stages[at].id],
        )
        after = self._again(replace(after, case=self._clock_for(case, after)))
        detail = {"conditions": draft.agreed}
        step = self._step(actor, before.id, Move.SUPPLY, said(words, needed=True), stage=stages[at].id, detail=detail)
        with self.db.begin() as tx:
            return self._save(tx, actor, before, after, step, "request_supply")

    def withdraw(self, actor: Actor, request_id: str, words: str) -> Request:
        """Take an application back before it is decided.

        Raises:
            NotFound: no such application of the actor's.
            Conflict: it is over.
            Invalid: no reason.

        """
        before = self._mine(actor, request_id)
        if before.state.is_over:
            raise not_now(before.state)
        after = replace(before, state=RequestState.WITHDRAWN, decided_at=self.clock.now())
        step = self._step(actor, before.id, Move.WITHDRAW, said(words, needed=True))
        with self.db.begin() as tx:
            done = self._save(tx, actor, before, after, step, "request_withdraw")
        self._quiet(done)
        return done

    def appeal(self, actor: Actor, request_id: str, words: str) -> Request:
        """Appeal once against a refusal, within the time of the rule; somebody else of the authority decides.

        Raises:
            NotFound: no such application of the actor's.
            Conflict: it was not refused, was appealed against before, or the time is over.
            Invalid: no grounds.

        """
        before = self._mine(actor, request_id)
        until = self._appeal_until(before)
        if until is None or self.today > until:
            raise Conflict(
                "只能对不同意的决定申诉一次，且须在期限内。可以重新申请，或依法申请行政复议。",
                "Only a refusal can be appealed against, once and in time. Apply anew, or go to administrative reconsideration.",
                code="no_appeal",
            )
        stages = with_appeal(before.stages)
        state = STATES[stages[-1].id]
        after = replace(before, stages=stages, at_stage=len(stages) - 1, state=state, decided_at=None, urged=0)
        after = replace(after, case=self._clock_for(None, after))
        step = self._step(actor, before.id, Move.APPEAL, said(words, needed=True), stage=stages[-1].id)
        with self.db.begin() as tx:
            return self._save(tx, actor, before, after, step, "request_appeal")

    def give_up(self, actor: Actor, request_id: str, words: str) -> Grant:
        """End what was granted, because it is needed no longer.

        Raises:
            NotFound: no such application of the actor's, or nothing was granted.
            Conflict: it has ended.
            Invalid: no reason.

        """
        found = self._grant_of(self._mine(actor, request_id))
        if found is None:
            raise no_application()
        if found.state is GrantState.REVOKED:
            raise Conflict("授权已经终止。", "The grant has ended already.", code="grant_state")
        reason = said(words, needed=True)
        ended = replace(
            found,
            state=GrantState.REVOKED,
            ended_at=self.clock.now(),
            reason=reason,
            revision=found.revision + 1,
        )
        step = self._step(actor, found.id, Move.GIVE_UP, reason)
        detail: dict[str, JsonValue] = {"table": found.table, "provider": found.provider_id, "reason": reason}
        with self.db.begin() as tx:
            if not GrantStore(tx.connection).save(ended):
                raise changed_meanwhile()
            RequestStore(tx.connection).add_step(step)
            self.parts.evidence.record(tx, actor, "exchange.grant_give_up", target=found.id, detail=detail)
            tx.publish(GrantMoved(grant_id=found.id))
        return ended

    def applications(self, actor: Actor) -> Sequence[ApplicationView]:
        """Return the actor's own applications, newest first, with what became of them."""
        self.access.require(actor, Permission.OPENDATA_APPLICATION_MAKE)
        found = self._own(actor)
        with self.db.read() as connection:
            steps = RequestStore(connection).steps_of([one.id for one in found])
        return [self._view(one, steps[one.id]) for one in found]

    def application(self, actor: Actor, request_id: str) -> ApplicationView:
        """Return one of the actor's own applications.

        Raises:
            NotFound: unknown, or another's; both look the same.

        """
        found = self._mine(actor, request_id)
        with self.db.read() as connection:
            steps = list(RequestStore(connection).steps(found.id))
            if found.grant_id is not None:
                steps += RequestStore(connection).steps(found.grant_id)
        return self._view(found, sorted(steps, key=lambda step: step.at))

    # Everybody

    def outcomes(self, actor: Actor, resource_id: str = "") -> Outcomes:
        """Return what became of applications, of all or of one set: nothing of who applied but the kind."""
        self.access.require(actor, Permission.OPENDATA_DATASET_READ)
        if resource_id:
            self._open_set(resource_id)
        with self.db.read() as connection:
            store = OpeningStore(connection)
            decided, counts = store.decided(resource_id, LISTED), store.counts(resource_id)
            steps = RequestStore(connection).steps_of([one.id for one in decided])
        waiting = sum(n for state, n in counts.items() if not state.is_over and state is not RequestState.DRAFT)
        over: dict[RequestState, int] = {s: n for s, n in counts.items() if s in DECIDED}
        return Outcomes(
            outcomes=tuple(self._outcome(one, steps[one.id]) for one in decided), counts=over, waiting=waiting
        )

    # Handing over

    def marked(self, actor: Actor, governed: GovernedTable, order: files.DownloadOrder) -> files.DownloadOrder:
        """Return the order with the mark of who takes the file, in words and in the order of its rows.

        What was not granted but is open to everybody is left as it is.
        """
        self.access.require(actor, Permission.OPENDATA_DATASET_READ)
        with self.db.read() as connection:
            grant = GrantStore(connection).get(governed.grant) if governed.grant else None
        if grant is None:
            return order
        applicant = self._applicants.applicant(actor.id)
        name = actor.name if applicant is None else " ".join(filter(None, (applicant.name, applicant.credit_code)))
        at, purpose = self.clock.now(), every_purpose().get(grant.purpose)
        made = Mark(
            receipt=governed.receipt,
            grant_id=grant.id,
            table=governed.table,
            version=governed.version,
            org_id=None,
            by=actor.id,
            by_name=name,
            purpose=grant.purpose,
            columns=tuple(column.name for column in governed.columns if not column.masked),
            at=at,
        )
        with self.db.begin() as tx:
            HandingStore(tx.connection).add_mark(made)
        local = at.astimezone(self.parts.zone)
        told = "" if purpose is None else purpose.zh
        line = (
            f"有条件开放 Conditional | 取得 Taken by {name} | 用途 Purpose {told} | {local:%Y-%m-%d %H:%M:%S} | "
            f"授权 Grant {grant.id} | 回执 Receipt {governed.receipt}"
        )
        facts = {
            "person": name,
            "grant": grant.id,
            "receipt": governed.receipt,
            "purpose": told,
            "at": local.isoformat(timespec="seconds"),
            "table": f"{governed.table} v{governed.version}",
            "in_doubt": "、".join(governed.in_doubt),
        }
        return replace(order, mark=FileMark(line, facts), seed=self.parts.gate.seed_of(governed.receipt))

    # Inside

    def _open_set(self, resource_id: str) -> Published:
        """Return a published set that is open on conditions and has rows; anything else looks unknown."""
        try:
            known = self.parts.catalog.published(ANONYMOUS, resource_id)
        except NotFound:
            raise no_opening() from None
        if known.version.entry.open_type is not OpenType.CONDITIONAL or known.table is None:
            raise no_opening()
        return known

    def _conditions(self, known: Published) -> Conditions:
        with self.db.read() as connection:
            found = OpeningStore(connection).newest([known.resource_id]).get(known.resource_id)
        return found or Conditions.usual(known.resource_id, known.version.entry)

    def _confirmed(self, actor: Actor) -> Applicant:
        self.access.require(actor, Permission.OPENDATA_APPLICATION_MAKE)
        found = self._applicants.applicant(actor.id)
        if found is None:
            raise Denied(
                "申请有条件开放的数据须先注册并经工作人员确认身份；企业还须登记统一社会信用代码。请重新注册。",
                "To apply, register and have an officer confirm who you are; a business gives its credit code too.",
                code="not_confirmed",
            )
        return found

    def _checked(self, applicant: Applicant, known: Published, draft: ApplicationDraft) -> RequestDraft:
        held = self._conditions(known)
        terms = Terms(items=tuple(draft.items), ways=draft.ways, since=draft.since, until=draft.until)
        problems = opening_problems(known.version.entry, levels_of(known), draft, terms, held, self.today)
        if problems:
            raise not_ready(problems)
        return RequestDraft(
            resource_id=draft.resource_id,
            terms=terms,
            purpose=draft.purpose,
            use=said(draft.use, needed=True),
            basis="有条件开放",
            grantee_kind=GranteeKind.PUBLIC,
            application=Application(
                kind=applicant.kind,
                name=applicant.name,
                credit_code=applicant.credit_code,
                products=said(draft.products, needed=True),
                measures=said(draft.measures, needed=True),
                conditions=held.version,
                agreed=held.digest,
                agreement=held.agreement,
            ),
        )

    def _own(self, actor: Actor) -> Sequence[Request]:
        with self.db.read() as connection:
            return OpeningStore(connection).of_person(actor.id, LISTED)

    def _mine(self, actor: Actor, request_id: str) -> Request:
        self.access.require(actor, Permission.OPENDATA_APPLICATION_MAKE)
        with self.db.read() as connection:
            found = RequestStore(connection).get(request_id)
        if found is None or found.org_id != PUBLIC or found.by != actor.id:
            raise no_application()
        return found

    def _grant_of(self, request: Request) -> Grant | None:
        if request.grant_id is None:
            return None
        with self.db.read() as connection:
            return GrantStore(connection).get(request.grant_id)

    def _appeal_until(self, request: Request) -> date | None:
        if request.state is not RequestState.REFUSED or request.decided_at is None:
            return None
        if any(stage.id == "appeal_decision" for stage in request.stages):
            return None
        rule = self.parts.standards.limit(_FILE_TOPIC, request.provider_id)
        if rule is None:
            return None
        decided = request.decided_at.astimezone(self.parts.zone).date()
        return self.parts.standards.due(decided, int(rule.value)).on

    def _view(self, request: Request, steps: Sequence[Step]) -> ApplicationView:
        grant = self._grant_of(request)
        usage: tuple[Usage, ...] = ()
        if grant is not None:
            with self.db.read() as connection:
                usage = tuple(GrantStore(connection).usage(grant.id))
        until = self._appeal_until(request)
        standing = None if grant is None else grant.standing(self.today)
        return ApplicationView(
            request=request,
            steps=tuple(_without_name(step, request) for step in steps),
            deadline=self._deadline(request),
            grant=grant,
            standing=standing,
            usage=usage,
            appeal_until=until if until is not None and self.today <= until else None,
            may_supply=request.state is RequestState.SUPPLEMENT,
            may_withdraw=not request.state.is_over,
            may_give_up=standing in {GrantState.ACTIVE, GrantState.SUSPENDED, GrantState.WAITING},
        )

    def _outcome(self, request: Request, steps: Sequence[Step]) -> PublicOutcome:
        began, ended = (
            moment.astimezone(self.parts.zone).date()
            for moment in (request.submitted_at or request.created_at, request.decided_at or request.created_at)
        )
        reasons = [str(step.detail.get("reason", "")) for step in steps if step.move is Move.REFUSE]
        refused = request.state is RequestState.REFUSED
        application = request.draft.application
        assert application is not None, "an application of the public has one"  # noqa: S101
        return PublicOutcome(
            resource_id=request.draft.resource_id,
            resource_name=request.resource_name,
            kind=application.kind,
            purpose=request.draft.purpose,
            decision=request.state,
            days=self.parts.standards.calendar.working_days_between(began, ended),
            reason=refusals().get(reasons[-1]) if refused and reasons else None,
            decided_on=ended,
            appealed=any(stage.id == "appeal_decision" for stage in request.stages),
        )


def _without_name(step: Step, request: Request) -> Step:
    """Leave out which person of government did it; the stage tells whose it was."""
    if step.by == request.by:
        return step
    detail: Mapping[str, object] = {name: step.detail[name] for name in ("reason",) if name in step.detail}
    return replace(step, by="", name="", behalf="", detail=dict(detail))
