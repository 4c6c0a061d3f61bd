"""What the verbs of quality share: their parts, and who may see what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.kit import NotFound
from beijiang.quality.errors import no_rule
from beijiang.quality.service.suggesting import Suggester
from beijiang.quality.store import RuleStore

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.ingest import Alerts
    from beijiang.jobs import Jobs
    from beijiang.kit import Actor, Clock
    from beijiang.quality.models import Rule
    from beijiang.quality.service.running import Runner
    from beijiang.tables import TableInfo, Tables

__all__ = ["Base"]


class Base:
    """Holds the parts; asks for access to a table and its rules."""

    def __init__(  # noqa: PLR0913, PLR0917 - wired once, in build.py
        self,
        db: Database,
        tables: Tables,
        runner: Runner,
        access: Access,
        evidence: Evidence,
        jobs: Jobs,
        alerts: Alerts,
        clock: Clock,
    ) -> None:
        self.db = db
        self.tables = tables
        self.runner = runner
        self.suggester = Suggester(runner)
        self.standards = runner.standards
        self.access = access
        self.evidence = evidence
        self.jobs = jobs
        self.alerts = alerts
        self.clock = clock

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the codes of the twenty indicators of GB/T 36344, in order."""
        return tuple(indicator.code for indicator in self.standards.quality_indicators())

    def _table(self, actor: Actor, name: str, permission: Permission = Permission.QUALITY_RESULT_READ) -> TableInfo:
        """Return a table on which the actor may do this; unknown and hidden look the same."""
        try:
            info = self.tables.get(actor, name)
        except NotFound:
            self.access.require(actor, Permission.QUALITY_RESULT_READ)
            raise
        self.access.require(actor, Permission.QUALITY_RESULT_READ, info.org_id)
        self.access.require(actor, permission, info.org_id)
        return info

    def _rule(self, actor: Actor, rule_id: str, permission: Permission) -> tuple[Rule, TableInfo]:
        """Return a rule in force, and its table."""
        with self.db.read() as connection:
            rule = RuleStore(connection).get(rule_id)
        if rule is None or rule.retired:
            self.access.require(actor, Permission.QUALITY_RESULT_READ)
            raise no_rule()
        try:
            return rule, self._table(actor, rule.table, permission)
        except NotFound:
            raise no_rule() from None
