"""Asking: put requests together, see what would happen to them, hand them in, complete or withdraw them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.access import PEER_NODE, Permission
from beijiang.exchange.errors import (
    changed_meanwhile,
    data_moved,
    no_request,
    not_now,
    not_ready,
    nothing_to_share,
)
from beijiang.exchange.models import (
    Elsewhere,
    GranteeKind,
    Move,
    Plan,
    PlannedStage,
    Problem,
    Request,
    RequestDraft,
    RequestQuery,
    RequestState,
    RequestView,
    Side,
    item_problems,
    levels_of,
    period_problems,
    stages_for,
    travel_problems,
    word_problems,
)
from beijiang.exchange.service.base import said
from beijiang.exchange.service.settling import STATES, Settling
from beijiang.exchange.store import MatterLists, RequestStore
from beijiang.kit import BeijiangError, Conflict, Invalid, Text, new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.catalog import Published
    from beijiang.db import UnitOfWork
    from beijiang.exchange.models import Stage, Step
    from beijiang.kit import Actor, Part, Wanted
    from beijiang.standards import Deadline

__all__ = ["Requesting"]

BASKET_MOST: Final = 100
_OPINIONS: Final = frozenset({Move.APPROVE, Move.NARROW, Move.ASK_MORE})


class Requesting(Settling):
    """The consumer's side."""

    def basket(self, actor: Actor) -> Sequence[Request]:
        """Return what the actor put together and has not handed in."""
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, actor.org_id)
        with self.db.read() as connection:
            return RequestStore(connection).drafts(actor.id)

    def put(self, actor: Actor, draft: RequestDraft, request_id: str = "") -> Request:
        """Put a request into the basket, or change one there; it need not be complete yet.

        Raises:
            NotFound: no such resource, or no such draft of the actor's.
            Invalid: it has no rows to share (``nothing_to_share``), or is not in a form that can be kept.
            Conflict: too many in the basket.

        """
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, actor.org_id)
        known = self._published(actor, draft.resource_id)
        before = None if not request_id else self._draft(actor, request_id)
        entry = known.version.entry
        made = Request(
            id=new_id("req") if before is None else before.id,
            org_id=actor.org_id or "",
            by=actor.id,
            by_name=actor.name,
            draft=draft,
            resource_name=entry.name,
            resource_version=known.version.number,
            table=known.table or "",
            afar=self._elsewhere(known),
            provider_id=entry.provider_id,
            state=RequestState.DRAFT,
            offered=draft.terms,
            revision=1 if before is None else before.revision + 1,
            created_at=self.clock.now() if before is None else before.created_at,
        )
        with self.db.begin() as tx:
            store = RequestStore(tx.connection)
            if before is not None:
                if not store.save(made, None):
                    raise changed_meanwhile()
                return made
            if len(store.drafts(actor.id)) >= BASKET_MOST:
                raise Conflict(
                    f"待提交的申请最多 {BASKET_MOST} 件，请先提交或删除一些。",
                    f"At most {BASKET_MOST} requests may wait to be handed in; hand in or remove some.",
                    code="basket_full",
                )
            store.add(made)
        return made

    def discard(self, actor: Actor, request_id: str) -> None:
        """Take a request out of the basket.

        Raises:
            NotFound: no such draft of the actor's.

        """
        found = self._draft(actor, request_id)
        with self.db.begin() as tx:
            RequestStore(tx.connection).discard(found.id)

    def plan(self, actor: Actor, draft: RequestDraft) -> Plan:
        """Return what would happen to a request, were it handed in now; nothing is kept.

        Raises:
            NotFound: no such resource.

        """
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, actor.org_id)
        known = self._published(actor, draft.resource_id)
        entry = known.version.entry
        outward = self._elsewhere(known) is not None
        found = self._traits(known, draft.terms, actor.org_id or "", outward=outward)
        stages = stages_for(found)
        planned = tuple(self._planned(stages, place, entry.provider_id) for place in range(len(stages)))
        return Plan(tuple(self._problems(actor, known, draft)), found, planned)

    def submit(self, actor: Actor, request_ids: Sequence[str]) -> list[Request]:
        """Hand in requests of the basket, all or none; what needs no approval is granted at once.

        Raises:
            NotFound: no such draft of the actor's.
            Invalid: something stands against one of them; everything is told (``request_incomplete``).

        """
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, actor.org_id)
        drafts = [self._draft(actor, one) for one in dict.fromkeys(request_ids)]
        if not drafts:
            raise Invalid("请选择要提交的申请。", "Choose the requests to hand in.", code="nothing_chosen")
        known = {one.id: self._published(actor, one.draft.resource_id) for one in drafts}
        problems = [p for one in drafts for p in self._problems(actor, known[one.id], one.draft)]
        if problems:
            raise not_ready(problems)
        with self.db.begin() as tx:
            return [self._handed_in(tx, actor, before, known[before.id]) for before in drafts]

    def _handed_in(self, tx: UnitOfWork, actor: Actor, before: Request, known: Published) -> Request:
        """Open the flow of a request, as its entry is now, or grant it at once where no flow is needed."""
        made = self._renewed(before, known)
        outward = made.outward is not None
        stages = stages_for(self._traits(known, made.draft.terms, made.org_id, outward=outward))
        opened = replace(
            made,
            stages=stages,
            at_stage=0,
            submitted_at=self.clock.now(),
            state=STATES[stages[0].id] if stages else RequestState.APPROVED,
            decided_at=None if stages else self.clock.now(),
        )
        opened = replace(opened, case=self._clock_for(None, opened) if stages else None)
        step = self._step(actor, before.id, Move.SUBMIT, detail={"stages": [stage.id for stage in stages]})
        opened = self._save(tx, actor, before, opened, step, "request_submit")
        return opened if stages else self._granted(tx, actor, opened, levels_of(known))

    def supply(self, actor: Actor, request_id: str, draft: RequestDraft, words: str) -> Request:
        """Complete a request that was sent back; the clock runs on. Other terms or purposes begin again.

        So does a request whose data have come to be held elsewhere, unless it is with another node already.

        Raises:
            NotFound: no such request.
            Conflict: nothing was asked for, or another node has it and the data moved (``data_moved``).
            Invalid: something still stands against it.

        """
        before = self._seen(actor, request_id)
        after, step = self._completed(actor, before, draft, words)
        with self.db.begin() as tx:
            done = self._save(tx, actor, before, after, step, "request_supply")
            if done.state is RequestState.AWAY and self.afar is not None:
                self.afar.leave(tx, done, step.words)
        self._quiet(done)
        return done

    def _completed(self, actor: Actor, before: Request, draft: RequestDraft, words: str) -> tuple[Request, Step]:
        """Return a request as it is completed, and the step that says so."""
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, before.org_id)
        if before.state is not RequestState.SUPPLEMENT:
            raise not_now(before.state)
        if draft.resource_id != before.draft.resource_id:
            raise Invalid(
                "补正不能换成另一个资源，请另行申请。",
                "A completion cannot be about another resource; make another request.",
                code="other_resource",
            )
        known = self._published(actor, draft.resource_id)
        problems = self._problems(actor, known, draft)
        if problems:
            raise not_ready(problems)
        moved = self._moved(before, known)
        if moved and before.afar is not None and before.afar.crossed:
            raise data_moved()
        base = self._renewed(before, known) if moved else before
        stages = stages_for(self._traits(known, draft.terms, base.org_id, outward=base.outward is not None))
        told = replace(before.draft, basis=draft.basis, system=draft.system, contact=draft.contact, impact=draft.impact)
        same = told == draft and stages == before.stages and not moved
        stages = stages or before.stages
        at = before.at_stage if same else 0
        gone = same and base.outward is not None and base.outward.crossed and self._was_let_out(before)
        case = None if before.case is None else self._running(before.case)
        after = replace(
            base,
            draft=draft,
            offered=before.offered if same else draft.terms,
            stages=stages,
            at_stage=at,
            state=RequestState.AWAY if gone else STATES[stages[at].id],
        )
        after = self._again(replace(after, case=case if same else self._clock_for(case, after)))
        return after, self._step(actor, before.id, Move.SUPPLY, said(words, needed=True), stage=stages[at].id)

    def _was_let_out(self, request: Request) -> bool:
        """Tell whether the own authority let a request out as it is; what other nodes say that they did does not count."""
        with self.db.read() as connection:
            steps = RequestStore(connection).steps(request.id)
        own = [step.move for step in steps if step.move in _OPINIONS and "node" not in step.detail]
        return bool(own) and own[-1] is not Move.ASK_MORE

    def withdraw(self, actor: Actor, request_id: str, words: str) -> Request:
        """Take a request back before it is decided.

        Raises:
            NotFound: no such request.
            Conflict: it is over.
            Invalid: no reason.

        """
        before, words = self._seen(actor, request_id), said(words, needed=True)
        with self.db.begin() as tx:
            done = self._withdrawn(tx, actor, before, words)
            self._take_back(tx, done, words)
        self._quiet(done)
        return done

    def _take_back(self, tx: UnitOfWork, request: Request, words: str) -> None:
        """Tell the node that has a request already that it is not asked for any more."""
        if request.outward is not None and request.outward.crossed and self.afar is not None:
            self.afar.take_back(tx, request, words)

    def _withdrawn(self, tx: UnitOfWork, actor: Actor, before: Request, words: str) -> Request:
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, before.org_id)
        if before.state.is_over or before.state is RequestState.DRAFT:
            raise not_now(before.state)
        after = self._ended(before, RequestState.WITHDRAWN)
        step = self._step(actor, before.id, Move.WITHDRAW, said(words, needed=True))
        return self._save(tx, actor, before, after, step, "request_withdraw")

    def requests(self, actor: Actor, query: RequestQuery | None = None) -> tuple[Sequence[Request], int]:
        """Return the requests that the actor may see, newest first, and how many there are."""
        self.access.require(actor, Permission.EXCHANGE_REQUEST_READ)
        orgs, every = self._orgs(actor, Permission.EXCHANGE_REQUEST_READ)
        with self.db.read() as connection:
            return RequestStore(connection).find(query or RequestQuery(), orgs, actor.id, every=every)

    def request_part(self, actor: Actor, query: RequestQuery, wanted: Wanted) -> Part[Request]:
        """Return a part of the requests that ``requests`` lists, narrowed, counted and sorted."""
        self.access.require(actor, Permission.EXCHANGE_REQUEST_READ)
        orgs, every = self._orgs(actor, Permission.EXCHANGE_REQUEST_READ)
        with self.db.read() as connection:
            lists, now, judges = MatterLists(connection), self.clock.now(), self._judges(actor) if query.mine else ()
            return lists.requests(query, wanted, orgs, actor.id, now, every=every, judges=judges)

    def due(self, request: Request) -> Deadline | None:
        """Return how the time of a request stands that its reader holds already."""
        return self._deadline(request)

    def request(self, actor: Actor, request_id: str) -> RequestView:
        """Return one request with its history, its time, and what the actor may do.

        Raises:
            NotFound: no such request, or not this actor's to see.

        """
        found = self._seen(actor, request_id)
        with self.db.read() as connection:
            steps = tuple(RequestStore(connection).steps(found.id))
        mine = self.access.allows(actor, Permission.EXCHANGE_REQUEST_MAKE, found.org_id)
        waits = not found.state.is_over and found.state is not RequestState.DRAFT
        return RequestView(
            request=found,
            steps=steps,
            deadline=self._deadline(found),
            may_decide=found.stage is not None and self._may_decide(actor, found, steps) is None,
            may_supply=mine and found.state is RequestState.SUPPLEMENT,
            may_withdraw=mine and waits,
        )

    # What stands against it

    def _problems(self, actor: Actor, known: Published, draft: RequestDraft) -> list[Problem]:
        entry, levels = known.version.entry, levels_of(known)
        found = [
            *item_problems(entry, levels, draft.terms, draft.impact, self.today),
            *self._way_problems(known, draft.terms),
            *word_problems(draft),
            *period_problems(draft.terms, levels, self.today),
        ]
        afar = known.table is None and self._entry_afar(known.resource_id) is not None
        if afar or PEER_NODE in actor.roles:
            found += travel_problems(draft)
        elif entry.provider_id == actor.org_id:
            found.append(
                Problem("own_data", Text("这是本部门的数据，不需要申请", "these are your own department's data"))
            )
        return [*found, *self._grantee_problems(actor, draft), *self._filter_problems(known, draft)]

    def _grantee_problems(self, actor: Actor, draft: RequestDraft) -> list[Problem]:
        if draft.is_public or draft.grantee_kind is GranteeKind.PUBLIC:
            text = Text("部门不能以公众身份申请", "a department does not apply as the public does")
            return [Problem("unknown_grantee", text)]
        if draft.grantee_kind is not GranteeKind.ORGANISATION and not draft.grantee_id.strip():
            return [Problem("grantee_needed", Text("请指明使用人或应用", "name the person or the application"))]
        if self._is_ours(actor, draft):
            return []
        text = Text("本部门没有这个人员或应用密钥", "there is no such person or key of your department")
        return [Problem("unknown_grantee", text)]

    def _is_ours(self, actor: Actor, draft: RequestDraft) -> bool:
        """Tell whether who is to hold the grant is of the actor's own organisation."""
        if draft.grantee_kind is GranteeKind.ORGANISATION:
            return True
        if draft.grantee_kind is GranteeKind.APPLICATION:
            return draft.grantee_id in {key.id for key in self.access.keys(actor)}
        found = self._person(draft.grantee_id)
        return found is not None and found.id == draft.grantee_id and found.org_id == actor.org_id

    def _filter_problems(self, known: Published, draft: RequestDraft) -> list[Problem]:
        """Hold the row conditions against the columns of the table."""
        if not draft.terms.filters or known.table is None:
            return []
        try:
            self._check_filters(known.table, known.table_version or 0, draft.terms.filters)
        except BeijiangError as error:
            return [Problem("bad_filter", error.text)]
        return []

    def _published(self, actor: Actor, resource_id: str) -> Published:
        known = self._as_service(self.parts.catalog.published(actor, resource_id))
        if known.table is None and self._entry_afar(resource_id) is not None:
            return known
        if known.table is None or known.table_version is None:
            raise nothing_to_share()
        return known

    def _renewed(self, request: Request, known: Published) -> Request:
        """Return a request with what its entry says now: whose the data are, and where they are held."""
        entry = known.version.entry
        return replace(
            request,
            resource_name=entry.name,
            resource_version=known.version.number,
            table=known.table or "",
            provider_id=entry.provider_id,
            afar=request.afar if request.afar is not None and not request.afar.outward else self._elsewhere(known),
        )

    def _moved(self, request: Request, known: Published) -> bool:
        """Tell whether the data are held elsewhere than when a request was handed in: in another table, or at another node."""
        was, now = request.outward, self._elsewhere(known)
        at = [None if one is None else (one.node_id, one.resource_id) for one in (was, now)]
        return request.table != (known.table or "") or at[0] != at[1]

    def _elsewhere(self, known: Published) -> Elsewhere | None:
        """Return the node that holds the data of an entry; None where they are here.

        Raises:
            Invalid: they are nowhere by now (``nothing_to_share``).

        """
        if known.table is not None:
            return None
        found = self._entry_afar(known.resource_id)
        if found is None:
            raise nothing_to_share()
        return Elsewhere(node_id=found.node_id, node_name=found.node_name, outward=True, resource_id=found.resource_id)

    def _planned(self, stages: Sequence[Stage], place: int, provider_id: str) -> PlannedStage:
        """Return a stage with whom it would wait for, and until when if it began today."""
        stage, rule = stages[place], self._limit_of(stages, place, provider_id)
        due = None
        if rule is not None and rule.unit == "working_day":
            due = self.parts.standards.due(self.today, int(rule.value)).on
        org = provider_id if stage.side is Side.PROVIDER else None
        return PlannedStage(stage, org, due, "" if rule is None else rule.id)

    def _draft(self, actor: Actor, request_id: str) -> Request:
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, actor.org_id)
        with self.db.read() as connection:
            found = RequestStore(connection).get(request_id)
        if found is None or found.by != actor.id or found.state is not RequestState.DRAFT:
            raise no_request()
        return found
