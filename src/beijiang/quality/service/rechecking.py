"""What the platform does with tickets by itself: open, re-check, close with evidence, remind, escalate."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Text
from beijiang.quality.models import Fact, Outcome, Rule, Run, Trigger
from beijiang.quality.models.tickets import (
    DEFAULT_SEVERITIES,
    Move,
    Origin,
    Stage,
    Ticket,
    TicketState,
    stage_on,
)
from beijiang.quality.service.ticketing import Ticketing, closing
from beijiang.quality.store import RuleStore, RunStore, TicketStore

if TYPE_CHECKING:
    from beijiang.quality.events import VersionJudged
    from beijiang.quality.models.rules import Severity

__all__ = ["Rechecking", "found_words"]

log = logging.getLogger(__name__)

REOPENS: Final = timedelta(days=30)
"""A rule that fails again so soon after its ticket was closed reopens it."""


class Rechecking(Ticketing):
    """Follows the runs and the calendar. Every step is idempotent: it may be asked for twice."""

    def on_version_judged(self, event: VersionJudged) -> None:
        """Hold the open tickets of a table against a run, and open those that the policy wants."""
        with self.db.read() as connection:
            run = RunStore(connection).get(event.run_id)
            open_ones = {t.rule_id: t for t in TicketStore(connection).standing_of(event.table)}
        if run is None:
            return
        facts = {fact.rule_id: fact for fact in run.facts if fact.rule_id is not None}
        for rule_id, ticket in open_ones.items():
            self._guarded(partial(self._recheck, ticket, run, facts.get(rule_id or "")))
        if run.trigger in {Trigger.WRITTEN, Trigger.TIME}:
            for fact in facts.values():
                if fact.outcome is Outcome.FAILED and fact.rule_id not in open_ones:
                    self._guarded(partial(self._open_by_policy, run, fact))

    def watch(self) -> None:
        """Remind and escalate; called by the dispatcher every minute."""
        with self.db.read() as connection:
            running = TicketStore(connection).running()
        for ticket in running:
            stage = stage_on(ticket, self.today, self.standards.calendar)
            if stage > ticket.stage:
                self._guarded(partial(self._urge, ticket, stage))

    def _guarded(self, step: Callable[[], None]) -> None:
        """Do one step; what somebody else did meanwhile is seen the next time."""
        try:
            step()
        except Conflict as error:
            log.info("a ticket was changed by somebody else: %s", error.reason)
        except BeijiangError:
            log.exception("a ticket could not be followed; it will be tried again")

    def _recheck(self, ticket: Ticket, run: Run, fact: Fact | None) -> None:
        if ticket.run_id == run.id or run.version < ticket.version:
            return
        if fact is None:
            self._of_retired(ticket)
        elif fact.outcome is Outcome.PASSED:
            self._passed(ticket, run, fact)
        elif fact.outcome is Outcome.FAILED:
            self._still_failing(ticket, run, fact)

    def _of_retired(self, ticket: Ticket) -> None:
        with self.db.read() as connection:
            rule = RuleStore(connection).get(ticket.rule_id or "")
        if rule is not None and rule.retired:
            ended = replace(ticket, state=TicketState.WITHDRAWN, closed_at=self.clock.now())
            words = Text("规则已停用，工单撤回。", "The rule is retired; the ticket is withdrawn.")
            self._put(SYSTEM, ticket, ended, Move.WITHDRAW, words)

    def _passed(self, ticket: Ticket, run: Run, fact: Fact) -> None:
        judged = replace(ticket, run_id=run.id, version=run.version, failing=fact.failing, assessed=fact.b)
        words = Text(
            f"第 {run.version} 版复核通过：评估 {fact.b:,}，不符合 {fact.failing:,}。检查 {run.id}。",
            f"Version {run.version} passed the re-check: {fact.failing:,} of {fact.b:,} fail. Run {run.id}.",
        )
        closed = closing(judged, self.clock.now(), Move.PASS)
        self._put(SYSTEM, ticket, closed, Move.PASS, words, "quality.ticket_recheck")

    def _still_failing(self, ticket: Ticket, run: Run, fact: Fact) -> None:
        """Bring the counts up to date; one that was said to be corrected goes back to its supplier when data came."""
        judged = replace(ticket, run_id=run.id, version=run.version, failing=fact.failing, assessed=fact.b)
        words = Text(
            f"第 {run.version} 版仍未通过：评估 {fact.b:,}，不符合 {fact.failing:,}（上次 {ticket.failing:,}）。",
            f"Version {run.version} still fails: {fact.failing:,} of {fact.b:,} (before: {ticket.failing:,}).",
        )
        if ticket.state is TicketState.CORRECTED and run.version > ticket.version:
            back = replace(judged, state=TicketState.ACCEPTED, answer=None, answered_at=None)
            self._put(SYSTEM, ticket, back, Move.FAIL, words, "quality.ticket_recheck")
        elif fact.failing != ticket.failing:
            self._put(SYSTEM, ticket, judged, Move.UPDATE, words, "quality.ticket_recheck")
        else:  # nothing new to tell anybody
            with self.db.begin() as tx:
                self._write(tx, ticket, judged)

    def _open_by_policy(self, run: Run, fact: Fact) -> None:
        rule_id = fact.rule_id or ""
        if fact.severity not in self._opening(run.table, rule_id):
            return
        with self.db.read() as connection:
            rule, last = RuleStore(connection).get(rule_id, fact.revision), TicketStore(connection).last(rule_id)
        if rule is None or (last is not None and _answered_for(last, fact)):
            return
        recent = last is not None and last.closed_at is not None and self.clock.now() - last.closed_at <= REOPENS
        if last is not None and last.state is TicketState.CLOSED and recent:
            judged = replace(last, run_id=run.id, version=run.version, failing=fact.failing, assessed=fact.b)
            again = replace(self._started(judged), state=TicketState.DISPATCHED, reopened=last.reopened + 1)
            words = Text(
                f"第 {run.version} 版又未通过：评估 {fact.b:,}，不符合 {fact.failing:,}。",
                f"Version {run.version} fails again: {fact.failing:,} of {fact.b:,}.",
            )
            self._put(SYSTEM, last, again, Move.REOPEN, words)
        else:
            self._add(SYSTEM, self._draft(rule, run, fact), found_words(run, fact))

    def _draft(self, rule: Rule, run: Run, fact: Fact) -> dict[str, object]:
        resource = self.runner.catalog.resource_for_table(run.table)
        return {
            "table": run.table,
            "org_id": run.org_id if resource is None else resource.provider_id,
            "origin": Origin.RUN,
            "title": rule.name,
            "columns": rule.columns,
            "rule_id": rule.id,
            "revision": rule.revision,
            "severity": rule.severity,
            "indicator": rule.indicator,
            "run_id": run.id,
            "version": run.version,
            "failing": fact.failing,
            "assessed": fact.b,
            "resource_id": None if resource is None else resource.id,
        }

    def _opening(self, table: str, rule_id: str) -> frozenset[Severity]:
        """Return which severities open a ticket by themselves: as said of the rule, the table, or everything."""
        with self.db.read() as connection:
            policies = TicketStore(connection).policies()
        found = next((policies[scope] for scope in (rule_id, table, "*") if scope in policies), None)
        return DEFAULT_SEVERITIES if found is None else found.severities

    def _urge(self, ticket: Ticket, stage: Stage) -> None:
        """Say that time is running out, or is over; each step is in the ticket, in the evidence, and an alert."""
        due = ticket.due_on.isoformat()
        words = Text(f"{stage.text.zh}（期限 {due}）。", f"{stage.text.en} (due {due}).")
        move = Move.ESCALATE if stage.is_overdue else Move.REMIND
        action = "quality.ticket_escalate" if stage.is_overdue else "quality.ticket_remind"
        self._put(SYSTEM, ticket, replace(ticket, stage=stage), move, words, action)
        kind = AlertKind.QUALITY_TICKET_OVERDUE if stage.is_overdue else AlertKind.QUALITY_TICKET
        for told in (AlertKind.QUALITY_TICKET, AlertKind.QUALITY_TICKET_OVERDUE):
            self.alerts.clear(told, ticket.id)
        text = Text(
            f"校核工单“{ticket.title}”（表 {ticket.table}）{stage.text.zh}，期限 {due}",
            f'Ticket "{ticket.title}" (table {ticket.table}), {stage.text.en}; due {due}',
        )
        self.alerts.say(kind, ticket.id, ticket.org_id, text)


def found_words(run: Run, fact: Fact) -> Text:
    """Return what a run counted, in words."""
    share = 100 * fact.failing / fact.b if fact.b else 0
    return Text(
        f"第 {run.version} 版未通过：评估 {fact.b:,}，不符合 {fact.failing:,}（{share:.2f}%）。",
        f"Version {run.version} fails: {fact.failing:,} of {fact.b:,} ({share:.2f} %).",
    )


def _answered_for(last: Ticket, fact: Fact) -> bool:
    """Tell whether what fails was answered for: confirmed right, or withdrawn, for this revision and no more than then."""
    settled = last.state is TicketState.WITHDRAWN or last.answer is Move.CONFIRM_RIGHT
    return settled and last.revision == fact.revision and fact.failing <= last.failing
