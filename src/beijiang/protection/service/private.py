"""Noisy statistics (差分隐私): a department offers a table, others ask, and a ledger keeps what the answers cost.

A question is reserved in the ledger before anything is read, in a transaction of its own: a crash afterwards leaves it spent. The
answer is kept with its line, and whoever asks exactly the same of the same version gets it again, at no cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from beijiang.access import Permission
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, NotFound, new_id
from beijiang.protection.models.conditions import condition, unknown_column
from beijiang.protection.models.private import (
    Budget,
    Domain,
    Estimate,
    OfferDraft,
    PrivateAnswer,
    PrivateKind,
    PrivateOffer,
    PrivateQuestion,
    PrivateRules,
    Spend,
    epsilon_of,
    keys_of,
    micro_of,
    months_after,
    period_of,
)
from beijiang.protection.models.reference import private_limits
from beijiang.protection.models.sight import Audience
from beijiang.protection.service.answering import answered, cells_of, expected, reach_of
from beijiang.protection.service.noise import MOST
from beijiang.protection.service.ruling import visible_types
from beijiang.protection.store.private import PrivateStore
from beijiang.tables import FilterOp

if TYPE_CHECKING:
    from datetime import date

    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.engine import Engine
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue
    from beijiang.protection.service.grading import Protection
    from beijiang.protection.store import TableFacts
    from beijiang.standards import Standards
    from beijiang.tables import Filter, Lake, Snapshot

__all__ = ["Private"]

SECONDS: Final = 600.0
LEDGER_SHOWN: Final = 200
DOMAINS_MOST: Final = 40
LEAST: Final = 1000
"""Millionths of epsilon below which noise says nothing any more."""
_TYPES: Final = {"integer", "decimal", "double"}
_NUMBER_OPS: Final = {FilterOp.GT, FilterOp.GTE, FilterOp.LT, FilterOp.LTE}
_KEY_OPS: Final = {FilterOp.EQ, FilterOp.IN_}


class Private:
    """Offer a table for noisy statistics, agree to it, ask, and see what was spent."""

    def __init__(  # noqa: PLR0913, PLR0917 - wired once, in build.py
        self,
        db: Database,
        lake: Lake,
        engine: Engine,
        protection: Protection,
        standards: Standards,
        access: Access,
        evidence: Evidence,
        clock: Clock,
        zone: ZoneInfo,
    ) -> None:
        self._db = db
        self._lake = lake
        self._engine = engine
        self._protection = protection
        self._standards = standards
        self._access = access
        self._evidence = evidence
        self._clock = clock
        self._zone = zone

    # What the department does

    def offer(self, actor: Actor, table: str, draft: OfferDraft) -> PrivateOffer:
        """Offer a table for noisy statistics, in place of an earlier offer; what was spent in this period stays spent.

        Where a column is of the grade that asks for it, a second person of another organisation has to agree first
        (`standards.md` 7.3).

        Raises:
            NotFound: no such graded table, or it is hidden from this actor; or no such code set.
            Invalid: unknown column, a domain that does not fit, a limit that is exceeded, or no reason.

        """
        facts = self._mine(actor, table)
        self._access.require(actor, Permission.PROTECTION_PRIVATE_OFFER, facts.org_id)
        rules, types = self._rules(), visible_types(self._lake.snapshot(facts.name, facts.version))
        given = {name: self._domain(domain) for name, domain in draft.domains.items()}
        for name in (draft.person, *given):
            if name not in types:
                raise unknown_column(name, types)
        _may_be_offered(types, draft.person, given, draft.reason)
        if not 1 <= draft.rows_per_person <= rules.values["rows_per_person"]:
            most = rules.values["rows_per_person"]
            raise Invalid(
                f"每人行数应在 1 到 {most} 之间。", f"Rows per person are 1 to {most}.", code="bad_rows_per_person"
            )
        level = self._level(facts.name, given)
        today = self._today()
        made = PrivateOffer(
            id=new_id("dpo"),
            table=facts.name,
            org_id=facts.org_id,
            person=draft.person,
            rows_per_person=draft.rows_per_person,
            domains=given,
            consumer_micro=_limited(draft.consumer_epsilon, rules.values["epsilon_consumer"]),
            total_micro=_limited(draft.total_epsilon, rules.values["epsilon_total"]),
            level=level,
            needs_approval=level >= rules.values["approval_from"],
            reason=draft.reason.strip(),
            by=actor.id,
            at=self._clock.now(),
            expires=months_after(today, rules.values[f"months_L{level}"]),
        )
        with self._db.begin() as tx:
            store = PrivateStore(tx.connection)
            store.end(facts.name, made.at)
            store.add_offer(made)
            detail: dict[str, JsonValue] = {
                "offer": made.id,
                "person": made.person,
                "rows_per_person": made.rows_per_person,
                "columns": {name: domain.to_json() for name, domain in given.items()},
                "epsilon": epsilon_of(made.consumer_micro),
                "epsilon_total": epsilon_of(made.total_micro),
                "level": f"L{level}",
                "expires": made.expires.isoformat(),
                "reason": made.reason,
            }
            self._evidence.record(tx, actor, "protection.private_offer", target=facts.name, detail=detail)
        return made

    def approve(self, actor: Actor, table: str, *, seen: str | None = None) -> PrivateOffer:
        """Agree to an offer with columns of the highest grade; whoever made it, or is of its department, cannot.

        ``seen`` is the token of the offer as it was shown.

        Raises:
            Conflict: the offer is not what was shown any more (``changed_since_seen``).
            NotFound: nothing is offered.
            Denied: the same person or organisation (``same_hands``).
            Conflict: nothing waits for an approval (``nothing_to_approve``).

        """
        self._access.require(actor, Permission.PROTECTION_PRIVATE_APPROVE)
        with self._db.begin() as tx:
            store = PrivateStore(tx.connection)
            found = store.offer(table, locked=True)
            if found is None:
                raise _not_offered(table)
            if actor.id == found.by or (actor.org_id == found.org_id and actor != SYSTEM):
                raise Denied(
                    "不能由本人或本部门同意，须由另一机构的人员同意。",
                    "A person of another organisation has to agree, not the department itself.",
                    code="same_hands",
                )
            found.shown.check(seen)
            if not found.needs_approval or not store.approve(found.id, actor.id):
                raise Conflict("没有待同意的开放。", "No offer waits for an approval.", code="nothing_to_approve")
            detail: dict[str, JsonValue] = {"offer": found.id}
            self._evidence.record(tx, actor, "protection.private_approve", target=found.table, detail=detail)
        return replace(found, approved_by=actor.id)

    def withdraw(self, actor: Actor, table: str, reason: str) -> None:
        """End an offer; no question is answered any more, not even one that was answered before.

        Raises:
            NotFound: nothing is offered, or the table is hidden from this actor.
            Invalid: no reason.

        """
        facts = self._mine(actor, table)
        self._access.require(actor, Permission.PROTECTION_PRIVATE_OFFER, facts.org_id)
        if not reason.strip():
            raise Invalid("停止需要说明理由。", "Ending an offer needs a reason.", code="reason_needed")
        with self._db.begin() as tx:
            if not PrivateStore(tx.connection).end(facts.name, self._clock.now()):
                raise _not_offered(table)
            detail: dict[str, JsonValue] = {"reason": reason.strip()}
            self._evidence.record(tx, actor, "protection.private_withdraw", target=facts.name, detail=detail)

    # What everybody in government does

    def offers(self, actor: Actor) -> Sequence[tuple[PrivateOffer, Budget]]:
        """Return what is offered, as far as it may be asked, agreed to or is one's own, with the budget."""
        self._access.require(actor, Permission.PROTECTION_PRIVATE_ASK)
        with self._db.read() as connection:
            store = PrivateStore(connection)
            found = [one for one in store.offers() if self._sees(actor, one)]
            return [(one, self._budget(store, one, actor)) for one in found]

    def shown(self, actor: Actor, table: str) -> tuple[PrivateOffer, Budget]:
        """Return one offer with the actor's budget; its owner sees what every consumer spent.

        Raises:
            NotFound: nothing is offered to this actor.

        """
        self._access.require(actor, Permission.PROTECTION_PRIVATE_ASK)
        with self._db.read() as connection:
            store = PrivateStore(connection)
            found = store.offer(table)
            if found is None or not self._sees(actor, found):
                raise _not_offered(table)
            return found, self._budget(store, found, actor)

    def ledger(self, actor: Actor, table: str) -> Sequence[Spend]:
        """Return what was spent on a table, newest first: one's own organisation's questions, the owner sees all.

        Raises:
            NotFound: nothing is offered to this actor.

        """
        found, _ = self.shown(actor, table)
        own = self._owns(actor, found.org_id)
        with self._db.read() as connection:
            return PrivateStore(connection).ledger(found.table, None if own else _consumer(actor), LEDGER_SHOWN)

    def estimate(self, actor: Actor, table: str, question: PrivateQuestion) -> Estimate:
        """Say how good an answer would be and what it costs. Nothing is read for it, and nothing spent.

        Raises:
            NotFound: nothing is offered to this actor.
            Invalid: the question names what is not offered.

        """
        offer, question, _, _ = self._prepared(actor, table, question)
        return Estimate(expected(offer, question), cells_of(offer, question), question.micro)

    def ask(self, actor: Actor, table: str, question: PrivateQuestion) -> PrivateAnswer:
        """Answer a question with noise; what was answered before is given again as it was.

        Raises:
            NotFound: nothing is offered to this actor.
            Invalid: the question names what is not offered.
            Conflict: the budget does not suffice (``budget_used_up``), or just this is being answered (``being_answered``).

        """
        offer, question, snapshot, hidden = self._prepared(actor, table, question)
        digest = question.digest(offer, snapshot.version, hidden)
        spend = self._reserve(actor, offer, question, snapshot.version, digest)
        if spend.cells is not None:
            return _answer(spend, 0)
        cells = answered(self._lake, self._engine, offer, question, snapshot, hidden)
        with self._db.begin() as tx:
            PrivateStore(tx.connection).answer(spend.id, cells)
        return _answer(replace(spend, cells=cells), spend.micro)

    # How it is done

    def _prepared(
        self, actor: Actor, table: str, question: PrivateQuestion
    ) -> tuple[PrivateOffer, PrivateQuestion, Snapshot, tuple[Filter, ...]]:
        """Return the offer, the question in its normal form, the version and the rows kept back; refuse what does not fit."""
        self._access.require(actor, Permission.PROTECTION_PRIVATE_ASK)
        with self._db.read() as connection:
            offer = PrivateStore(connection).offer(table)
        if offer is None or not self._sees(actor, offer):
            raise _not_offered(table)
        if not offer.holds(self._today()):
            raise Conflict(
                "该表的差分隐私查询尚未获得同意，或已到期。请联系数据提供部门。",
                "The offer of this table waits for an approval or has expired. Ask its department.",
                code="offer_not_in_force",
            )
        facts, _, rules, *_ = self._protection.view_of(offer.table)
        if facts is None:
            raise _not_offered(table)
        snapshot = self._lake.snapshot(offer.table, facts.version)
        types = visible_types(snapshot)
        hidden = tuple(f for rule in rules if rule.binds(Audience.SHARED) for f in rule.filters)
        gone = {offer.person, *offer.domains, *(f.column for f in hidden)} - set(types)
        if gone or self._level(offer.table, offer.domains) > offer.level:
            raise Conflict(
                "表的结构或分级已改变，提供部门须重新开放。",
                "Columns or grades have changed since; the department has to offer the table anew.",
                code="offer_outdated",
            )
        question = replace(question, by=tuple(sorted(set(question.by))))
        _fits(offer, question, types, self._rules())
        if snapshot.rows * reach_of(offer, question) >= MOST:
            raise Invalid(
                "上下界相对步长太宽，合计会超出计算范围。", "The bounds are too wide for the step.", code="bad_domain"
            )
        return offer, question, snapshot, hidden

    def _reserve(
        self, actor: Actor, offer: PrivateOffer, question: PrivateQuestion, version: int, digest: str
    ) -> Spend:
        """Write the question into the ledger, or return the line that answers it; nothing has been read yet."""
        now = self._clock.now()
        with self._db.begin() as tx:
            store = PrivateStore(tx.connection)
            held = store.offer(offer.table, locked=True)
            if held is None or held.id != offer.id:
                raise Conflict(
                    "该表的差分隐私查询刚被更改，请重新提问。",
                    "The offer was changed just now; ask again.",
                    code="offer_outdated",
                )
            known = store.same(offer.table, version, digest)
            known_answer = next((one for one in known if one.cells is not None), None)
            if known_answer is None and any(one.at > now - timedelta(seconds=SECONDS) for one in known):
                raise Conflict(
                    "同一问题正在回答，请稍后再问；那时不再花费预算。",
                    "Exactly this is being answered; ask again in a moment, at no further cost.",
                    code="being_answered",
                )
            budget = self._budget(store, offer, actor)
            if known_answer is None and question.micro > budget.left:
                raise _used_up(budget, question.micro)
            spend = known_answer or Spend(
                id=new_id("dp"),
                table=offer.table,
                version=version,
                digest=digest,
                consumer=_consumer(actor),
                period=period_of(self._today(), self._rules().values["period_months"])[0],
                micro=question.micro,
                question=question.to_json(),
                cells=None,
                by=actor.id,
                at=now,
            )
            if known_answer is None:
                store.reserve(spend)
            detail: dict[str, JsonValue] = {
                "answer": spend.id,
                "version": version,
                "question": dict(spend.question),
                "cost": epsilon_of(0 if known_answer else spend.micro),
            }
            self._evidence.record(tx, actor, "protection.private_ask", target=offer.table, detail=detail)
        return spend

    def _budget(self, store: PrivateStore, offer: PrivateOffer, actor: Actor) -> Budget:
        first, renews = period_of(self._today(), self._rules().values["period_months"])
        spent = store.spent(offer.table, first)
        consumer = _consumer(actor)
        return Budget(
            consumer=consumer,
            granted=offer.consumer_micro,
            spent=spent.get(consumer, 0),
            total=offer.total_micro,
            total_spent=sum(spent.values()),
            renews=renews,
            spenders=spent if self._owns(actor, offer.org_id) else {},
        )

    def _sees(self, actor: Actor, offer: PrivateOffer) -> bool:
        """Tell whether an offer is known to an actor: one in force to all who may ask, others to their own and to approvers."""
        if offer.holds(self._today()) or self._owns(actor, offer.org_id):
            return True
        return self._access.allows(actor, Permission.PROTECTION_PRIVATE_APPROVE)

    def _owns(self, actor: Actor, org_id: str) -> bool:
        return self._access.allows(actor, Permission.PROTECTION_PRIVATE_OFFER, org_id)

    def _mine(self, actor: Actor, table: str) -> TableFacts:
        facts = self._protection.facts(table)
        if not self._access.allows(actor, Permission.PROTECTION_GRADE_READ, None if facts is None else facts.org_id):
            self._access.require(actor, Permission.PROTECTION_GRADE_READ)
            facts = None
        if facts is None:
            raise _not_offered(table)
        return facts

    def _domain(self, given: Mapping[str, Any]) -> Domain:
        if given.get("code_set"):
            found = self._standards.code_set(str(given["code_set"])[:100])
            return Domain.from_json({"keys": [value.code for value in found.values]})
        return Domain.from_json(given)

    def _level(self, table: str, domains: Mapping[str, Domain]) -> int:
        grades = self._protection.grades_of(table)
        return max((grades[name].level.rank if name in grades else 4 for name in domains), default=4)

    def _rules(self) -> PrivateRules:
        return PrivateRules.on(self._today(), private_limits())

    def _today(self) -> date:
        return self._clock.now().astimezone(self._zone).date()


def _consumer(actor: Actor) -> str:
    return actor.org_id or actor.id


def _limited(words: str, most: int) -> int:
    """Return a budget in millionths, by default the largest that the rules allow."""
    wanted = micro_of(words or most)
    if wanted > micro_of(most):
        raise Invalid(f"预算不能超过 ε {most}。", f"The budget is epsilon {most} at most.", code="bad_epsilon")
    return wanted


def _may_be_offered(types: Mapping[str, str], person: str, domains: Mapping[str, Domain], reason: str) -> None:
    if not reason.strip():
        raise Invalid("开放差分隐私查询需要说明理由。", "An offer needs a reason.", code="reason_needed")
    if not 1 <= len(domains) <= DOMAINS_MOST or types[person] not in {"text", "integer"} or person in domains:
        raise Invalid(
            f"请给出 1 到 {DOMAINS_MOST} 个数据项的取值范围；个人标识列应为文本或整数，且不能被查询。",
            f"Name domains of 1 to {DOMAINS_MOST} columns; the person's column is text or whole numbers and cannot be asked for.",
            code="bad_offer",
        )
    for name, domain in domains.items():
        if domain.numeric and types[name] not in _TYPES:
            raise Invalid(
                f"列“{name}”不是数字，请列出取值。", f'Column "{name}" is no number; list its keys.', code="bad_domain"
            )


def _fits(offer: PrivateOffer, question: PrivateQuestion, types: Mapping[str, str], rules: PrivateRules) -> None:
    """Refuse a question about what is not offered."""
    for name in (*question.by, *(f.column for f in question.where), *([question.column] if question.column else [])):
        if name not in offer.domains:
            raise unknown_column(name, offer.domains)
    if (question.column is None) is not (question.kind is PrivateKind.COUNT) or (
        question.column is not None and not offer.domains[question.column].numeric
    ):
        raise Invalid(
            "求和与平均需要一个有上下界的数据项；计数不需要。",
            "A sum or mean needs a column with bounds; a count needs none.",
            code="measure_type",
        )
    if any(offer.domains[name].numeric for name in question.by):
        raise Invalid(
            "只能按列出取值的数据项分组。", "Only columns with listed keys can be grouped by.", code="group_unit"
        )
    for one in question.where:
        domain = offer.domains[one.column]
        known = _NUMBER_OPS if domain.numeric else _KEY_OPS
        if one.op not in known or not (domain.numeric or set(keys_of(one)) <= set(domain.keys)):
            raise Invalid(
                f"条件“{one.column}”只能{'比较大小' if domain.numeric else '取公开的值'}。",
                f'A condition on "{one.column}" {"compares numbers" if domain.numeric else "names public keys"}.',
                code="filter_value",
            )
        condition(one, types)
    if cells_of(offer, question) > rules.values["cells"]:
        most = rules.values["cells"]
        raise Invalid(f"一次最多 {most} 格。", f"At most {most} cells at once.", code="too_many_cells")
    if not LEAST <= question.micro <= micro_of(rules.values["epsilon_question"]):
        most = rules.values["epsilon_question"]
        raise Invalid(
            f"每个问题的 ε 应在 0.001 到 {most} 之间。",
            f"A question costs epsilon 0.001 to {most}.",
            code="bad_epsilon",
        )


def _answer(spend: Spend, cost: int) -> PrivateAnswer:
    return PrivateAnswer(
        id=spend.id,
        table=spend.table,
        version=spend.version,
        question=spend.question,
        cells=spend.cells or (),
        cost=cost,
        at=spend.at,
    )


def _not_offered(table: str) -> NotFound:
    shown = table[:60]
    return NotFound(
        f"表“{shown}”没有开放差分隐私查询，或者您无权使用。",
        f'The table "{shown}" is not offered for noisy statistics, or you may not ask.',
        code="private_not_offered",
    )


def _used_up(budget: Budget, micro: int) -> Conflict:
    left, cost, day = epsilon_of(budget.left), epsilon_of(micro), budget.renews.isoformat()
    return Conflict(
        f"隐私预算不足：本期还剩 ε {left}，该问题需要 ε {cost}。请降低 ε，或等到 {day} 更新；已回答过的问题可以再问，不花预算。",
        f"The budget does not suffice: epsilon {left} is left and the question costs {cost}. Ask with less, or from {day} on; what was answered before costs nothing.",
        code="budget_used_up",
        detail={"left": left, "cost": cost, "renews": day},
    )
