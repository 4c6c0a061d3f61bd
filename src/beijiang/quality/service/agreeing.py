"""Rules that a data contract brings: in force with it, changed with it, gone with it; and versions that break it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from beijiang.kit import BeijiangError, Text, new_id
from beijiang.quality.models import KINDS, Outcome, Rule, RuleDraft, Severity
from beijiang.quality.service.proposing import Proposing
from beijiang.quality.service.ruling import revision_of, said_of
from beijiang.quality.service.running import ASKED_SECONDS, outcome_of
from beijiang.quality.store import RuleStore, RunStore

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor

__all__ = ["Agreeing"]


class Agreeing(Proposing):
    """What contracts ask of tables; the contract was agreed on, so nobody is asked again here."""

    def agree(
        self, tx: UnitOfWork, table: str, contract: str, drafts: Sequence[RuleDraft], decided_by: Actor, reason: str
    ) -> int:
        """Put just these rules of contracts in force on a table; the same ones stay as they are. Return how many changed."""
        store = RuleStore(tx.connection)
        present = [rule for rule in store.of_table(table) if rule.contract]
        wanted = [_complete(draft, contract) for draft in drafts]
        kept = [rule for rule in present if any(_same(rule, draft) for draft in wanted)]
        made = 0
        for rule in present:
            if rule not in kept:
                ended = replace(
                    rule,
                    revision=rule.revision + 1,
                    retired=True,
                    reason=reason,
                    by=decided_by.id,
                    at=self.clock.now(),
                )
                store.add(ended)
                self.evidence.record(tx, decided_by, "quality.rule_retire", target=table, detail=said_of(ended))
                made += 1
        for draft in wanted:
            if not any(_same(rule, draft) for rule in kept):
                rule = revision_of(draft, new_id("qr"), table, 1, decided_by, reason, self)
                store.add(rule)
                self.evidence.record(tx, decided_by, "quality.rule_add", target=table, detail=said_of(rule))
                made += 1
        return made

    def rehearse(
        self, table: str, drafts: Sequence[RuleDraft]
    ) -> Sequence[tuple[RuleDraft, Outcome, int, int, Text | None]]:
        """Hold the newest version of a table against rules that need not be in force: outcome, B, what fails, what went wrong.

        All of it within the seconds of a request; what takes longer is an error that says so.
        """
        measured = self.runner.version(table)
        found: list[tuple[RuleDraft, Outcome, int, int, Text | None]] = []
        for draft, counted in zip(drafts, self.runner.count(measured, drafts, ASKED_SECONDS), strict=True):
            if isinstance(counted, BeijiangError):
                found.append((draft, Outcome.ERROR, 0, 0, counted.text))
            else:
                found.append((draft, outcome_of(draft, *counted), *counted, None))
        return found

    def broken(self, table: str, version: int) -> tuple[str, ...]:
        """Return the grave terms of a contract that a version was found to break, none once its release was decided."""
        with self.db.read() as connection:
            rules = {rule.id: rule for rule in RuleStore(connection).of_table(table) if rule.contract}
            if not rules:
                return ()
            store = RunStore(connection)
            run = store.newest(table, version)
            if run is None or store.release(table, version) is not None:
                return ()
        return tuple(
            fact.name
            for fact in run.facts
            if fact.rule_id in rules
            and fact.revision == rules[fact.rule_id].revision
            and fact.severity is Severity.CRITICAL
            and fact.outcome in {Outcome.FAILED, Outcome.ERROR}
        )


def _complete(draft: RuleDraft, contract: str) -> RuleDraft:
    return replace(draft, contract=contract, indicator=draft.indicator or KINDS[draft.kind].indicator)


def _same(rule: Rule, draft: RuleDraft) -> bool:
    def key(one: RuleDraft) -> tuple[object, ...]:
        words = one.name, one.severity, one.threshold, one.limit, one.where, one.indicator, one.owner, one.contract
        return one.kind, one.columns, dict(one.params), words

    return key(rule) == key(draft)
