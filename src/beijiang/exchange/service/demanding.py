"""Demands: raised, audited, matched with the catalog or dispatched to a source, supplied, evaluated; the ledger of supply and demand."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.exchange.errors import bad_department, changed_meanwhile, no_demand
from beijiang.exchange.models import (
    AT_WILL,
    DEMAND_MOVES,
    Demand,
    DemandDraft,
    DemandMove,
    DemandPlan,
    DemandQuery,
    DemandSide,
    DemandState,
    DemandView,
    Evaluation,
    Fulfilment,
    check_demand_move,
    demand_moves_from,
    purposes,
)
from beijiang.exchange.service.base import said, told_of
from beijiang.exchange.service.hinting import TITLE_LONGEST, Hinting
from beijiang.exchange.service.turns import reader_of
from beijiang.exchange.store import DemandStore, LedgerLists, RequestStore
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Denied, Invalid, NotFound, Text, new_id
from beijiang.quality import HandedOut
from beijiang.standards import CaseState, begin, deadline, stop, text_file

if TYPE_CHECKING:
    from beijiang.exchange.models import DemandHints
    from beijiang.exchange.models.demands import DemandMoveOf
    from beijiang.kit import Actor, Language, Part, Wanted, Word
    from beijiang.kit.errors import JsonValue
    from beijiang.standards import Deadline, SheetFormat

__all__ = ["Answer", "Demands"]

log = logging.getLogger(__name__)
TITLE_SHORTEST: Final = 4
LEDGER_MOST: Final = 10_000
SUPPLY_LATEST: Final = 366
"""Days within which a source promises to supply; it is asked again for what takes longer."""
_SIDES: Final[Mapping[Word, Permission]] = {
    DemandSide.CONSUMER: Permission.EXCHANGE_REQUEST_MAKE,
    DemandSide.AUTHORITY: Permission.EXCHANGE_REQUEST_REVIEW,
    DemandSide.SOURCE: Permission.EXCHANGE_REQUEST_ADVISE,
}
"""By which right each side moves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a move says beside its words."""

    org_id: str = ""
    """Of dispatching: to whom; of denying: who it is instead."""
    resource_id: str = ""
    """Of matching and completing: the entry."""
    supply_by: date | None = None
    """Of confirming and postponing: the day of the duty."""
    evaluation: Evaluation | None = None


class Demands(Hinting):
    """What departments need, and whose duty it is to supply it."""

    def raise_(self, actor: Actor, draft: DemandDraft) -> Demand:
        """Say what the actor's department needs.

        Raises:
            Invalid: no title, items, purpose or use (``demand_incomplete``).

        """
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, actor.org_id)
        _check(draft)
        now = self.clock.now()
        made = self._timed(
            Demand(
                id=new_id("dem"),
                org_id=actor.org_id or "",
                by=actor.id,
                by_name=actor.name,
                draft=draft,
                state=DemandState.SUBMITTED,
                created_at=now,
                changed_at=now,
            ),
            "demand.pre_audit",
        )
        with self.db.begin() as tx:
            DemandStore(tx.connection).add(made)
            RequestStore(tx.connection).add_step(self._step(actor, made.id, DemandMove.RAISE, draft.use))
            detail: dict[str, JsonValue] = {"title": draft.title, "org": made.org_id, "purpose": draft.purpose}
            self.parts.evidence.record(tx, actor, "exchange.demand_raise", target=made.id, detail=detail)
        return made

    def hints(self, actor: Actor, demand_id: str) -> DemandHints:
        """Return what may help with a demand: entries that may be it, duties to supply the same, what is on the negative list.

        Raises:
            NotFound: no such demand, or not this actor's to see.

        """
        return self._beside(actor, self.demand(actor, demand_id).demand)

    def demands(self, actor: Actor, query: DemandQuery | None = None) -> tuple[Sequence[Demand], int]:
        """Return the demands that the actor may see, newest first, and how many there are: the ledger."""
        self.access.require(actor, Permission.EXCHANGE_REQUEST_READ)
        with self.db.read() as connection:
            store = DemandStore(connection)
            known = store.organisations()
            orgs = [org for org in sorted(known) if self.access.allows(actor, Permission.EXCHANGE_REQUEST_READ, org)]
            return store.find(query or DemandQuery(), orgs, every=len(orgs) == len(known))

    def demand_part(self, actor: Actor, query: DemandQuery, wanted: Wanted) -> Part[Demand]:
        """Return a part of the demands that were asked for and the actor may see, narrowed, counted and sorted."""
        self.access.require(actor, Permission.EXCHANGE_REQUEST_READ)
        with self.db.read() as connection:
            known = DemandStore(connection).organisations()
            moves = [(spec, move is DemandMove.EVALUATE) for move, spec in DEMAND_MOVES.items() if move not in AT_WILL]
            reader = reader_of(self.access, self._people_of(actor), known, _SIDES, moves, own={DemandSide.CONSUMER})
            return LedgerLists(connection).demands(query, wanted, reader, self.clock.now())

    def ledger(self, actor: Actor, form: SheetFormat, language: Language, *, duties: bool = False) -> HandedOut:
        """Return the ledger of supply and demand (供需台账) as a file: what the actor may see, newest first."""
        found, _ = self.demands(actor, DemandQuery(duties=duties, limit=LEDGER_MOST))
        names = {one.id: one.name_zh for one in self.access.organisations()}
        head = [word.in_language(language) for word in _LEDGER]
        lines = [[_cell(value, language) for value in _line(one, names)] for one in found]
        title = Text("数据供需台账", "Ledger of supply and demand").in_language(language)
        content = text_file([(title[:30], [head, *lines])], form, title=title, language=language)
        return HandedOut(f"{title}.{form.value}", content, form.media_type)

    def waiting(self, actor: Actor) -> Sequence[Demand]:
        """Return the demands whose next move is the actor's, oldest first."""
        self.access.require(actor, Permission.EXCHANGE_REQUEST_READ)
        with self.db.read() as connection:
            running = DemandStore(connection).running()
        people = self._people_of(actor)
        return [
            one
            for one in running
            if any(self._may(people, one, DEMAND_MOVES[move]) for move in set(demand_moves_from(one)) - AT_WILL)
        ]

    def demand(self, actor: Actor, demand_id: str) -> DemandView:
        """Return one demand with its history, its time, and the actor's moves.

        Raises:
            NotFound: no such demand, or not this actor's to see.

        """
        found = self._peek(actor, demand_id)
        with self.db.read() as connection:
            steps = tuple(RequestStore(connection).steps(found.id))
        return DemandView(found, steps, self.due(found), tuple(self._moves(actor, found)))

    def due(self, demand: Demand) -> Deadline | None:
        """Return how the time of a demand stands that its reader holds already."""
        if demand.case is None:
            return None
        return deadline(demand.case, self.clock.now(), self.parts.standards.calendar, self.parts.zone)

    def move(
        self, actor: Actor, demand_id: str, move: DemandMove, words: str = "", answer: Answer | None = None
    ) -> Demand:
        """Take a step with a demand.

        Raises:
            NotFound: no such demand, or no such entry.
            Conflict: it is not possible now; the error says what is.
            Denied: the move is another's.
            Invalid: words, a department, an entry, a day or a verdict is missing.

        """
        before = self._peek(actor, demand_id)
        spec = check_demand_move(before, move)
        behalf = self._deputed(actor, before, spec)
        after = self._after(actor, before, move, spec, answer or Answer())
        text = said(words, needed=spec.words)
        return self._put(actor, before, after, move, text, behalf=behalf)

    def plan_move(self, actor: Actor, demand_id: str, move: DemandMove, answer: Answer | None = None) -> DemandPlan:
        """Return what a move would do now: where the demand would stand, with whom and until when; nothing is changed.

        Raises:
            NotFound, Conflict, Denied, Invalid: as ``move``, except for words that are missing.

        """
        before = self._peek(actor, demand_id)
        spec = check_demand_move(before, move)
        self._deputed(actor, before, spec)
        after = self._after(actor, before, move, spec, answer or Answer())
        case = None if after.case is None or after.case.answered is not None else after.case
        has: tuple[Demand, ...] = ()
        if after.source_org is not None and not after.state.is_over:
            with self.db.read() as connection:
                running = DemandStore(connection).running()
            people = self._people_of(actor)
            has = tuple(
                one
                for one in running
                if one.source_org == after.source_org and one.id != before.id and self._sees_demand(people, one)
            )
        return DemandPlan(
            move=move,
            after=after.state,
            org_id=after.source_org,
            deadline=None if case is None else self.due(after),
            rule="" if case is None else case.rule_id,
            basis="" if case is None else case.basis,
            has=has,
        )

    def revise(self, actor: Actor, demand_id: str, draft: DemandDraft, words: str) -> Demand:
        """Hand a returned demand in again with other words.

        Raises:
            NotFound: no such demand.
            Conflict: it was not returned.
            Invalid: something is missing.

        """
        before = self._peek(actor, demand_id)
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, before.org_id)
        spec = check_demand_move(before, DemandMove.RESUBMIT)
        _check(draft)
        after = self._timed(replace(before, draft=draft, state=spec.to), spec.limit)
        return self._put(actor, before, after, DemandMove.RESUBMIT, said(words, needed=True))

    def watch(self) -> None:
        """Remind and escalate; called by the dispatcher every minute."""
        with self.db.read() as connection:
            running = DemandStore(connection).running()
        for demand in running:
            standing = self.due(demand)
            if standing is None or standing.state in {CaseState.PAUSED, CaseState.ANSWERED}:
                continue
            stage = told_of(standing, self.clock.now())
            if stage > demand.urged:
                self._urge(demand, standing, stage, overdue=standing.state is CaseState.OVERDUE)

    def _urge(self, demand: Demand, standing: Deadline, stage: int, *, overdue: bool) -> None:
        words = Text(
            f"数据需求“{demand.draft.title}”{'已超过' if overdue else '须在'} {standing.last_day} {'的期限' if overdue else '前办理'}。",
            f"The demand {demand.draft.title} {'was' if overdue else 'is'} due on {standing.last_day}.",
        )
        move = DemandMove.ESCALATE if overdue else DemandMove.URGE
        to = self._goes_to(self._whose(demand), demand.org_id, standing.step)
        try:
            self._put(SYSTEM, demand, replace(demand, urged=stage), move, words.zh, {"to": to, "step": standing.step})
        except Conflict as error:
            log.info("a demand was moved by somebody else: %s", error.reason)
            return
        kind = AlertKind.REQUEST_OVERDUE if overdue else AlertKind.REQUEST
        self.parts.alerts.renew(kind, demand.id, to, words)

    def _whose(self, demand: Demand) -> str:
        """Return the department that a demand waits for; for an entry that is there, who needs it has to ask."""
        if demand.state is DemandState.COMPLETED or demand.fulfilment is Fulfilment.EXISTING:
            return demand.org_id
        if demand.state in {DemandState.DISPATCHED, DemandState.CONFIRMED}:
            return demand.source_org or demand.org_id
        return next(iter(self._offices(_SIDES[DemandSide.AUTHORITY], demand.org_id)), demand.org_id)

    def _after(self, actor: Actor, before: Demand, move: DemandMove, spec: DemandMoveOf, answer: Answer) -> Demand:
        after = replace(before, state=spec.to)
        if move is DemandMove.DISPATCH:
            after = replace(after, source_org=self._department(answer.org_id), named_org=None)
        elif move is DemandMove.DENY:
            named = self._department(answer.org_id)
            if named == before.source_org:
                raise bad_department()
            after = replace(after, named_org=named)
        elif move is DemandMove.MATCH:
            entry = self._entry(actor, answer.resource_id)
            after = replace(after, fulfilment=Fulfilment.EXISTING, resource_id=answer.resource_id, source_org=entry)
        elif move in {DemandMove.CONFIRM, DemandMove.POSTPONE}:
            after = replace(after, fulfilment=Fulfilment.COLLECT, supply_by=self._day(before, move, answer))
        elif move is DemandMove.GIVE_BACK:
            after = replace(after, fulfilment=None, supply_by=None, resource_id=None)
        elif move is DemandMove.COMPLETE:
            resource = answer.resource_id or before.resource_id or ""
            self._entry(actor, resource)
            after = replace(after, resource_id=resource)
        elif move is DemandMove.EVALUATE:
            if answer.evaluation is None:
                raise Invalid("请选择满足程度。", "Say how far it was met.", code="evaluation_needed")
            after = replace(after, evaluation=answer.evaluation)
        timed = self._timed(after, spec.limit)
        return self._promised(timed, within=move is DemandMove.CONFIRM) if spec.to is DemandState.CONFIRMED else timed

    def _day(self, before: Demand, move: DemandMove, answer: Answer) -> date:
        """Return the day by which it is to be supplied; another one is later than the one before."""
        day, first = answer.supply_by, self.today
        if move is DemandMove.POSTPONE and before.supply_by is not None:
            first = max(first, before.supply_by + timedelta(days=1))
        last = self.today + timedelta(days=SUPPLY_LATEST)
        if day is None or not first <= day <= last:
            raise Invalid(
                f"请给出供数的日期，不早于 {first}，不晚于 {last}。",
                f"Name the day of supply, not before {first} and not after {last}.",
                code="supply_day",
            )
        return day

    def _promised(self, demand: Demand, *, within: bool) -> Demand:
        """Return a duty whose time ends on the day that was promised, and ``within`` the limit of law at the latest."""
        case, day = demand.case, demand.supply_by
        if case is None or case.answered is not None or day is None:
            return demand
        law = deadline(case, self.clock.now(), self.parts.standards.calendar, self.parts.zone).last_day
        last = min(law, day) if within else day
        return replace(demand, case=replace(case, value=(last - self.today).days, unit="day"))

    def _timed(self, demand: Demand, topic: str) -> Demand:
        """Begin the clock of a topic, or stop the one that runs."""
        rule = self.parts.standards.limit(topic, demand.source_org or demand.org_id) if topic else None
        if rule is not None:
            return replace(demand, case=begin(rule, self.clock.now()), urged=0)
        case = None if demand.case is None else stop(demand.case, self.clock.now())
        return replace(demand, case=case, urged=0)

    def _put(
        self,
        actor: Actor,
        before: Demand,
        after: Demand,
        move: DemandMove,
        words: str,
        more: Mapping[str, JsonValue] | None = None,
        *,
        behalf: Actor | None = None,
    ) -> Demand:
        now = self.clock.now()
        ended = now if after.state.is_over and before.ended_at is None else before.ended_at
        changed = replace(after, revision=before.revision + 1, changed_at=now, ended_at=ended)
        detail: dict[str, JsonValue] = {
            "move": move.value,
            "from": before.state.value,
            "to": changed.state.value,
            "org": changed.org_id,
            "source": changed.source_org,
            "named": changed.named_org,
            "resource": changed.resource_id,
            "supply_by": None if changed.supply_by is None else changed.supply_by.isoformat(),
            "words": words,
            **({"behalf": behalf.name} if behalf else {}),
            **(more or {}),
        }
        with self.db.begin() as tx:
            if not DemandStore(tx.connection).save(changed):
                raise changed_meanwhile()
            RequestStore(tx.connection).add_step(self._step(actor, changed.id, move, words, behalf=behalf, detail=more))
            self.parts.evidence.record(tx, actor, "exchange.demand_move", target=changed.id, detail=detail)
        if move not in {DemandMove.URGE, DemandMove.ESCALATE}:
            for kind in (AlertKind.REQUEST, AlertKind.REQUEST_OVERDUE):
                self.parts.alerts.clear(kind, changed.id)
        return changed

    def _peek(self, actor: Actor, demand_id: str) -> Demand:
        with self.db.read() as connection:
            found = DemandStore(connection).get(demand_id)
        if found is not None and self._sees_demand(self._people_of(actor), found):
            return found
        self.access.require(actor, Permission.EXCHANGE_REQUEST_READ)
        raise no_demand()

    def _sees_demand(self, people: Sequence[Actor], demand: Demand) -> bool:
        sides = [org for org in (demand.org_id, demand.source_org) if org]
        return any(self.access.allows(one, Permission.EXCHANGE_REQUEST_READ, org) for one in people for org in sides)

    def _moves(self, actor: Actor, demand: Demand) -> Sequence[DemandMove]:
        people = self._people_of(actor)
        return [move for move in demand_moves_from(demand) if self._may(people, demand, DEMAND_MOVES[move])]

    def _may(self, people: Sequence[Actor], demand: Demand, spec: DemandMoveOf) -> bool:
        """Tell whether the first of some people may make a move, or for one of the others, whom the first stands in for."""
        return any(self.access.allows(one, *self._asked(demand, spec)) for one in _entitled(people, demand, spec))

    def _deputed(self, actor: Actor, demand: Demand, spec: DemandMoveOf) -> Actor | None:
        """Return whom an actor stands in for in a move; None for in the actor's own right.

        Raises:
            Denied: the move is another's; what the side that needs the data does is never done for somebody else, and nobody
                stands in where they asked themselves, or for who asked (``own_demand``).

        """
        people, asked = self._people_of(actor), self._asked(demand, spec)
        fit = _entitled(people, demand, spec)
        found = next((one for one in fit if self.access.allows(one, *asked)), None)
        if found is not None:
            return None if found is actor else found
        if spec.side is not DemandSide.CONSUMER and any(self.access.allows(one, *asked) for one in people):
            raise Denied(
                "不能代人办理自己提出的需求，也不能代提出人办理。请由另一人办理。",
                "Nobody stands in for others in a demand of their own, nor for who raised it. Another person has to.",
                code="own_demand",
            )
        self.access.require(actor, *asked)
        return None

    @staticmethod
    def _asked(demand: Demand, spec: DemandMoveOf) -> tuple[Permission, str | None]:
        return _SIDES[spec.side], demand.source_org if spec.side is DemandSide.SOURCE else demand.org_id

    def _department(self, org_id: str) -> str:
        try:
            return self.access.organisation(org_id).id
        except NotFound:
            raise bad_department() from None

    def _entry(self, actor: Actor, resource_id: str) -> str:
        """Return the provider of a published entry."""
        try:
            return self.parts.catalog.published(actor, resource_id).version.entry.provider_id
        except BeijiangError:
            raise Invalid(
                "请指明目录中已发布的资源。", "Name a published resource of the catalog.", code="entry_needed"
            ) from None


def _entitled(people: Sequence[Actor], demand: Demand, spec: DemandMoveOf) -> Sequence[Actor]:
    """Return in whose place the first of some people may make a move, if their rights are good for it: four eyes see a demand."""
    first, *others = people
    if spec.side is DemandSide.CONSUMER or first.id == demand.by:
        return [first]
    return [first, *(one for one in others if one.id != demand.by)]


def _check(draft: DemandDraft) -> None:
    missing = [
        name
        for name, wrong in (
            ("title", not TITLE_SHORTEST <= len(draft.title.strip()) <= TITLE_LONGEST),
            ("items", not draft.items.strip()),
            ("purpose", draft.purpose not in purposes()),
            ("use", not draft.use.strip()),
        )
        if wrong
    ]
    if missing:
        raise Invalid(
            f"请填写：{'、'.join(_FIELDS[name].zh for name in missing)}。",
            f"Fill in: {', '.join(_FIELDS[name].en for name in missing)}.",
            code="demand_incomplete",
            detail={"missing": [*missing]},
        )


_FIELDS: Final = {
    "title": Text(
        f"名称（{TITLE_SHORTEST} 至 {TITLE_LONGEST} 字）", f"a title of {TITLE_SHORTEST} to {TITLE_LONGEST} characters"
    ),
    "items": Text("需要的数据项", "the items"),
    "purpose": Text("用途", "the purpose"),
    "use": Text("用于哪项业务", "the business"),
}
_LEDGER: Final = (
    Text("需求号", "demand"),
    Text("名称", "title"),
    Text("数据项", "items"),
    Text("需求部门", "needed by"),
    Text("用途", "purpose"),
    Text("业务", "business"),
    Text("依据", "basis"),
    Text("状态", "state"),
    Text("数源部门", "source"),
    Text("满足方式", "met by"),
    Text("供数期限", "supply by"),
    Text("资源", "entry"),
    Text("评价", "evaluation"),
    Text("提出时间", "raised"),
    Text("办结时间", "ended"),
)


def _line(one: Demand, names: Mapping[str, str]) -> list[Text | str | None]:
    draft = one.draft
    return [
        one.id,
        draft.title,
        draft.items,
        names.get(one.org_id, one.org_id),
        purposes().get(draft.purpose),
        draft.use,
        draft.basis,
        one.state.text,
        names.get(one.source_org or "", one.source_org or ""),
        None if one.fulfilment is None else one.fulfilment.text,
        None if one.supply_by is None else one.supply_by.isoformat(),
        one.resource_id,
        None if one.evaluation is None else one.evaluation.text,
        one.created_at.isoformat(timespec="seconds"),
        None if one.ended_at is None else one.ended_at.isoformat(timespec="seconds"),
    ]


def _cell(value: Text | str | None, language: Language) -> str:
    return value.in_language(language) if isinstance(value, Text) else value or ""
