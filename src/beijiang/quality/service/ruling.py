"""Rules: add, change, retire; every revision is kept, and each is tried before it counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.kit import BeijiangError, Conflict, Invalid, new_id
from beijiang.quality.models import KINDS, Kind, Limit, ParamType, Rule, RuleDraft
from beijiang.quality.models.grammar import columns_in
from beijiang.quality.models.judging import asked_of, must_of
from beijiang.quality.service.base import Base
from beijiang.quality.service.running import ASKED_SECONDS
from beijiang.quality.store import RuleStore

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import TableInfo

__all__ = ["Ruling", "Tried", "need_reason", "revision_of", "said_of"]

NAME_LONGEST: Final = 200
RULES_MOST: Final = 300


@dataclass(frozen=True, slots=True)
class Tried:
    """How the newest version does by a rule that is not in force yet."""

    draft: RuleDraft
    version: int
    b: int
    failing: int


class Ruling(Base):
    """What is asked of each table."""

    def rules(self, actor: Actor, table: str) -> Sequence[Rule]:
        """Return the rules in force of a table, by name.

        Raises:
            NotFound: no such table, or it is hidden from this actor.

        """
        info = self._table(actor, table)
        with self.db.read() as connection:
            return RuleStore(connection).of_table(info.name)

    def looking_into(self, actor: Actor, table: str) -> Sequence[Rule]:
        """Return the rules in force of other tables that read this one, as far as the actor may know of them."""
        self.access.require(actor, Permission.QUALITY_RESULT_READ)
        with self.db.read() as connection:
            found = [rule for rule in RuleStore(connection).beside(table) if self._looks_into(rule, table)]
        orgs = {one.name: one.org_id for one in self.tables.list(actor)} if found else {}
        return [
            rule
            for rule in found
            if rule.table in orgs and self.access.allows(actor, Permission.QUALITY_RESULT_READ, orgs[rule.table])
        ]

    def _looks_into(self, rule: Rule, table: str) -> bool:
        if rule.kind is not Kind.SQL:
            return rule.params.get("table") == table
        try:
            return table in asked_of(rule, rule.table, self.runner.read)[1]
        except BeijiangError:  # it cannot be counted now, and may be again
            return table in str(rule.params.get("query", ""))

    def history(self, actor: Actor, rule_id: str) -> Sequence[Rule]:
        """Return all revisions of a rule, oldest first, with who set them and why."""
        rule, _ = self._rule(actor, rule_id, Permission.QUALITY_RESULT_READ)
        with self.db.read() as connection:
            return RuleStore(connection).history(rule.id)

    def try_out(self, actor: Actor, table: str, draft: RuleDraft) -> Tried:
        """Hold a rule against the newest version without keeping anything.

        Raises:
            Invalid: a column, parameter, condition or pattern cannot be used.
            Refused: it takes too long to count while somebody waits (``rule_too_slow``).

        """
        info = self._table(actor, table, Permission.QUALITY_RULE_MANAGE)
        draft = self._complete(actor, info, draft)
        measured = self.runner.version(info.name)
        counted = self.runner.count(measured, [draft], ASKED_SECONDS)[0]
        if isinstance(counted, BeijiangError):
            raise _unfit(counted)
        return Tried(draft, measured.version, *counted)

    def add(self, actor: Actor, table: str, draft: RuleDraft, reason: str = "") -> Rule:
        """Put a rule in force; it counts from the next run on.

        Raises:
            Invalid: it cannot be used as it is; see ``try_out``.
            Conflict: the table has the same rule, or very many.

        """
        info = self._table(actor, table, Permission.QUALITY_RULE_MANAGE)
        draft = self._fit(info.name, [self._complete(actor, info, draft)])[0]
        return self._add(actor, [revision_of(draft, new_id("qr"), info.name, 1, actor, reason, self)])[0]

    def add_missing(self, actor: Actor, table: str, drafts: Sequence[RuleDraft], reason: str) -> Sequence[Rule]:
        """Put rules in force together, those left out that the table has; all are tried in one pass first.

        Raises:
            Invalid: one of them cannot be used as it is; then none is put in force.

        """
        info = self._table(actor, table, Permission.QUALITY_RULE_MANAGE)
        complete = self._fit(info.name, [self._complete(actor, info, draft) for draft in drafts])
        rules = [revision_of(draft, new_id("qr"), info.name, 1, actor, reason, self) for draft in complete]
        present = self.rules(actor, table)
        return self._add(actor, [rule for rule in rules if not any(_same(one, rule) for one in present)])

    def _fit(self, table: str, drafts: Sequence[RuleDraft]) -> Sequence[RuleDraft]:
        """Return complete drafts if they can be counted; only a rule in SQL must be so within a request's time.

        The others cost a pass over the rows at most, however long it takes where there are many.
        """
        counted = self.runner.count(self.runner.version(table), drafts, ASKED_SECONDS)
        for draft, found in zip(drafts, counted, strict=True):
            slow = isinstance(found, BeijiangError) and found.reason == "rule_too_slow"
            if isinstance(found, BeijiangError) and not (slow and draft.kind is not Kind.SQL):
                raise _unfit(found)
        return drafts

    def _add(self, actor: Actor, rules: Sequence[Rule]) -> Sequence[Rule]:
        with self.db.begin() as tx:
            store = RuleStore(tx.connection)
            for rule in rules:
                present = store.of_table(rule.table)
                if any(_same(one, rule) for one in present):
                    raise Conflict("这张表已有同样的规则。", "The table has this rule already.", code="rule_exists")
                if len(present) >= RULES_MOST:
                    raise Conflict(
                        f"一张表最多 {RULES_MOST} 条规则。",
                        f"A table has at most {RULES_MOST} rules.",
                        code="too_many_rules",
                    )
                store.add(rule)
                self.evidence.record(tx, actor, "quality.rule_add", target=rule.table, detail=said_of(rule))
        return rules

    def change(self, actor: Actor, rule_id: str, draft: RuleDraft, reason: str) -> Rule:
        """Make a new revision of a rule; what earlier runs counted stays with the revision they used.

        Raises:
            Invalid: no reason, or the rule cannot be used as it is.

        """
        rule, info = self._rule(actor, rule_id, Permission.QUALITY_RULE_MANAGE)
        _need_own(rule)
        need_reason(reason)
        draft = self._fit(info.name, [self._complete(actor, info, draft)])[0]
        return self._put(
            actor, revision_of(draft, rule.id, rule.table, rule.revision + 1, actor, reason, self), "change"
        )

    def retire(self, actor: Actor, rule_id: str, reason: str) -> Rule:
        """Take a rule out of force; its history stays.

        Raises:
            Invalid: no reason.

        """
        rule, _ = self._rule(actor, rule_id, Permission.QUALITY_RULE_MANAGE)
        _need_own(rule)
        need_reason(reason)
        ended = replace(
            rule, revision=rule.revision + 1, retired=True, reason=reason.strip(), by=actor.id, at=self.clock.now()
        )
        return self._put(actor, ended, "retire")

    def _put(self, actor: Actor, rule: Rule, what: str) -> Rule:
        with self.db.begin() as tx:
            RuleStore(tx.connection).add(rule)
            self.evidence.record(tx, actor, f"quality.rule_{what}", target=rule.table, detail=said_of(rule))
        return rule

    def _complete(self, actor: Actor, info: TableInfo, draft: RuleDraft) -> RuleDraft:
        """Fill in what a draft leaves out, and check what needs no counting."""
        spec = KINDS[draft.kind]
        least, most = spec.columns
        # What is compared may be part of its key: the same place again.
        columns = tuple(draft.columns) if draft.kind is Kind.EQUAL else tuple(dict.fromkeys(draft.columns))
        if len(columns) < least or (most is not None and len(columns) > most):
            wanted = str(least) if least == most else f"{least}+" if most is None else f"{least}-{most}"
            raise Invalid(
                f"“{draft.kind.text.zh}”规则需要 {wanted} 列。",
                f"A rule of this kind takes {wanted} columns.",
                code="rule_columns",
            )
        params = {name: value for name, value in draft.params.items() if value not in (None, "")}
        known = {param.name: param for param in spec.params}
        unknown = set(params) - set(known)
        missing = [p.name for p in spec.params if p.required and p.name not in params]
        if unknown or missing:
            raise Invalid(
                f"规则参数不全或多余：缺 {'、'.join(missing) or '无'}，多 {'、'.join(sorted(unknown)) or '无'}。",
                f"Parameters: missing {', '.join(missing) or 'none'}, unknown {', '.join(sorted(unknown)) or 'none'}.",
                code="rule_parameter",
            )
        for name, param in known.items():
            if param.type is ParamType.TABLE and name in params:
                self._other(actor, info, str(params[name]))
        if draft.kind is Kind.SQL:
            must_of(draft)
            for name in asked_of(draft, info.name, self.runner.read)[1]:
                self._other(actor, info, name)
        indicator = draft.indicator or spec.indicator
        if indicator not in spec.indicators:
            raise Invalid(
                f"这种规则只能计入指标 {'、'.join(spec.indicators)}。",
                f"A rule of this kind counts for indicator {', '.join(spec.indicators)} only.",
                code="rule_indicator",
            )
        if not 0 <= draft.threshold <= 1:
            raise Invalid("通过线应在 0 到 1 之间。", "The threshold lies between 0 and 1.", code="rule_threshold")
        if draft.limit:
            Limit.parse(draft.limit)
        name = " ".join(draft.name.split())[:NAME_LONGEST] or _name(draft.kind, columns, params)
        return replace(
            draft,
            columns=columns,
            params=params,
            indicator=indicator,
            name=name,
            owner=draft.owner.strip()[:NAME_LONGEST],
            contract="",
        )

    def _other(self, actor: Actor, info: TableInfo, name: str) -> None:
        """Return if a rule may look into another table: one whose rows its author may read as their owner.

        What a rule counts tells whether a value is there, so a table of others is none to ask.
        """
        other = self._table(actor, name, Permission.QUALITY_RULE_MANAGE)
        if other.org_id != info.org_id:
            self.access.require(actor, Permission.QUALITY_ROWS_READ, other.org_id)


def _name(kind: Kind, columns: Sequence[str], params: dict[str, Any]) -> str:
    """Return the name of a rule that was given none: what it is about, and what it tests."""
    about = columns or (columns_in(str(params["expression"])) if kind is Kind.EXPRESSION else ())
    words = "、".join(about[:3]) + ("…" if len(about) > 3 else "")  # noqa: PLR2004 - as many as are read at a glance
    return f"{words} {kind.text.zh}".strip()[:NAME_LONGEST]


def revision_of(draft: RuleDraft, rule_id: str, table: str, number: int, actor: Actor, reason: str, base: Base) -> Rule:
    """Return a draft as a revision of a rule."""
    return Rule(
        id=rule_id,
        table=table,
        revision=number,
        kind=draft.kind,
        columns=draft.columns,
        params=draft.params,
        name=draft.name,
        severity=draft.severity,
        threshold=draft.threshold,
        indicator=draft.indicator,
        where=draft.where.strip(),
        owner=draft.owner,
        limit=draft.limit,
        contract=draft.contract,
        reason=reason.strip()[:1000],
        by=actor.id,
        at=base.clock.now(),
    )


def _same(one: Rule, other: Rule) -> bool:
    def key(rule: Rule) -> tuple[object, ...]:
        return rule.kind, rule.columns, dict(rule.params), rule.where, rule.indicator

    return key(one) == key(other)


def _need_own(rule: Rule) -> None:
    if rule.contract:
        raise Conflict(
            "这条规则来自数据契约，请修改契约。",
            "This rule comes from a data contract; change the contract.",
            code="rule_of_contract",
        )


def need_reason(reason: str) -> None:
    """Raise if a reason is missing: ``reason_needed``."""
    if not reason.strip():
        raise Invalid("请说明理由。", "A reason is needed.", code="reason_needed")


def _unfit(error: BeijiangError) -> BeijiangError:
    """Return an error of a trial; what the engine could not do is the rule's fault here."""
    if error.reason not in {"query_failed", "query_memory"}:
        return error
    return Invalid(
        "这条规则无法在表上计算，请检查列的类型与条件。",
        "The rule cannot be computed on this table; check the types of its columns and its condition.",
        code="rule_not_computable",
    )


def said_of(rule: Rule) -> dict[str, JsonValue]:
    """Return what the evidence says of a rule."""
    return {
        "rule": rule.id,
        "revision": rule.revision,
        "kind": rule.kind.value,
        "columns": list(rule.columns),
        "severity": rule.severity.value,
        "threshold": rule.threshold,
        "limit": rule.limit,
        "contract": rule.contract,
        "indicator": rule.indicator,
        "reason": rule.reason,
    }
