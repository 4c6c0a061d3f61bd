"""Runs: after each write and when asked; what failed, on which rows, and which versions readers do not get."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.catalog import VersionCleared
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, Conflict, Invalid, NotFound, Text, new_id
from beijiang.quality.errors import no_run, not_held
from beijiang.quality.events import VersionJudged
from beijiang.quality.models import KINDS, Hold, Outcome, Release, Rule, Run, Severity, Trigger
from beijiang.quality.service.agreeing import Agreeing
from beijiang.quality.service.failing import Failing
from beijiang.quality.service.handing import failing_file
from beijiang.quality.store import RuleStore, RunStore
from beijiang.tables import Exit

if TYPE_CHECKING:
    from beijiang.catalog import Release as Candidate
    from beijiang.db import UnitOfWork
    from beijiang.jobs import Job, JobRun
    from beijiang.kit import Actor, Language
    from beijiang.kit.errors import JsonValue
    from beijiang.quality.service.handing import HandedOut
    from beijiang.standards import SheetFormat
    from beijiang.tables import TableWritten

__all__ = ["QUALITY_JOB", "Checking"]

QUALITY_JOB: Final = "quality.check"
PLACES_MOST: Final = 500
FILE_MOST: Final = 1000
"""As many as the exit of return files hands out."""
RUNS_SHOWN: Final = 60
_READS: Final = 30


class Checking(Agreeing):
    """Holds versions against their rules."""

    def on_table_written(self, event: TableWritten) -> None:
        """Judge a new version of a table that has rules. Idempotent."""
        with self.db.read() as connection:
            wanted = bool(RuleStore(connection).of_table(event.table))
            known = RunStore(connection).newest(event.table, event.version)
        if wanted and known is None:
            self._run(event.table, event.org_id, event.version, Trigger.WRITTEN, SYSTEM)

    def check(self, actor: Actor, table: str) -> str:
        """Have the newest version judged as a job; return its id: of one that is under way, if it is by the same rules."""
        info = self._table(actor, table)
        self.access.require(actor, Permission.QUALITY_RULE_MANAGE, info.org_id)
        arguments: dict[str, JsonValue] = {"table": info.name}
        by = [(rule.id, rule.revision) for rule in self._rules(info.name)]
        key = f"{QUALITY_JOB}:{sha256(repr((info.name, info.version, by)).encode()).hexdigest()}"
        return self.jobs.submit(actor, QUALITY_JOB, arguments, key=key, org_id=info.org_id)

    def _rules(self, table: str) -> Sequence[Rule]:
        with self.db.read() as connection:
            return RuleStore(connection).of_table(table)

    def check_now(self, actor: Actor, table: str, on_progress: Callable[[Job], None] | None = None) -> Run:
        """Judge the newest version in this process; for the terminal."""
        job = self.jobs.run_inline(self.check(actor, table), on_progress)
        if not isinstance(job.result, dict):
            error = job.error or {}
            zh, en = str(error.get("zh") or "检查没有完成。"), str(error.get("en") or "The check did not end.")
            raise Conflict(zh, en, code=str(error.get("code") or "check_not_done"))
        return self.run(actor, str(job.result["run"]))

    def work(self, job: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Judge one table; registered in build.py as the work of ``QUALITY_JOB``."""
        actor = self.access.current(job.actor)
        info = self._table(actor, str(arguments["table"]), Permission.QUALITY_RULE_MANAGE)
        job.progress(0, 1, Text("正在检查", "checking"))
        run = self._run(info.name, info.org_id, info.version, Trigger.ASKED, actor)
        job.progress(1, 1, Text("检查完成", "checked"))
        return {"run": run.id, "failed": len(run.failed)}

    def runs(self, actor: Actor, table: str) -> Sequence[Run]:
        """Return the runs of a table with their facts, newest first."""
        info = self._table(actor, table)
        with self.db.read() as connection:
            return RunStore(connection).of_table(info.name, RUNS_SHOWN)

    def run(self, actor: Actor, run_id: str) -> Run:
        """Return one run with its facts."""
        with self.db.read() as connection:
            found = RunStore(connection).get(run_id)
        if found is None:
            self.access.require(actor, Permission.QUALITY_RESULT_READ)
            raise no_run()
        try:
            self._table(actor, found.table)
        except NotFound:
            raise no_run() from None
        return found

    def failing(self, actor: Actor, run_id: str, rule_id: str, *, whole: bool = False) -> Failing:
        """Return rows that fail a rule in the version of a run, through the gate: masked and filtered for this reader.

        For a page, or (``whole``) as many as a file that goes back to the supplier has.

        Raises:
            NotFound: no such run or rule, or not this actor's to see.
            Invalid: the rule judges the table as a whole (``no_rows_to_blame``).

        """
        run = self.run(actor, run_id)
        info = self._table(actor, run.table, Permission.QUALITY_ROWS_READ)
        fact = next((f for f in run.facts if f.rule_id == rule_id), None)
        with self.db.read() as connection:
            rule = None if fact is None else RuleStore(connection).get(rule_id, fact.revision)
        if rule is None:
            raise no_run()
        if not KINDS[rule.kind].shows_rows:
            raise Invalid(
                "这条规则评判的是整张表，没有单独的问题行。",
                "This rule judges the table as a whole; there are no single rows to blame.",
                code="no_rows_to_blame",
            )
        way, most = (Exit.RETURN_FILE, FILE_MOST) if whole else (Exit.QUALITY, PLACES_MOST)
        governed = self.tables.open(actor, info.name, f"quality:{rule.id}", way, run.version)
        places = self.runner.places(self.runner.version(info.name, run.version), rule, most)
        return Failing(rule, run, governed, governed.rows_at(places), len(places), most)

    def failing_file(self, actor: Actor, run_id: str, rule_id: str, form: SheetFormat, language: Language) -> HandedOut:
        """Return the rows that fail a rule as a file, through the gate; see ``failing``."""
        found = self.failing(actor, run_id, rule_id, whole=True)
        return failing_file(found, self.tables.get(actor, found.rule.table).subject, form, language)

    # Whether readers get a version

    def keeps_back(self, candidate: Candidate) -> Text | None:
        """Return why readers must not get a version, in words; the ``ReleaseCheck`` of the catalog."""
        table, version = candidate.table, candidate.table_version
        hold = self.held(table, version)
        if hold is None:
            return None
        names = "、".join(hold.rules[:3])
        if not hold.run_id:
            return Text(
                f"第 {version} 版尚未经严重级质量规则检查（{names}）。请稍候，或在质量页重新检查。",
                f"Version {version} was not held against its critical rules yet ({names}). Wait, or check it on the quality page.",
            )
        return Text(
            f"第 {version} 版未通过严重级质量规则（{names}）。请修正数据，或由数据局在质量页放行。",
            f"Version {version} fails critical rules ({names}). Mend the data, or have the data authority release it on the quality page.",
        )

    def held(self, table: str, version: int) -> Hold | None:
        """Return why readers do not get a version, None where quality has nothing against it or they have it already.

        A version whose critical rules were not held against it yet waits for them.
        """
        with self.db.read() as connection:
            critical = [r for r in RuleStore(connection).of_table(table) if r.severity is Severity.CRITICAL]
            store = RunStore(connection)
            run = store.newest(table, version) if critical else None
            decided = store.release(table, version) is not None
        if not critical or decided or self._serves(table, version):
            return None
        judged = {} if run is None else {(f.rule_id, f.revision): f for f in run.facts}
        found = [(rule, judged.get((rule.id, rule.revision))) for rule in critical]
        broken = [(r.name, f) for r, f in found if f is not None and f.outcome in {Outcome.FAILED, Outcome.ERROR}]
        if run is not None and broken:
            return Hold(table, version, run.id, tuple(name for name, _ in broken), tuple(f for _, f in broken))
        unjudged = tuple(rule.name for rule, fact in found if fact is None)
        return Hold(table, version, "", unjudged) if unjudged else None

    def _breach(self, table: str, version: int) -> Hold | None:
        """Return the hold of a version that readers have and that is not delivered, because it breaks a contract."""
        broken = self.broken(table, version)
        with self.db.read() as connection:
            run = RunStore(connection).newest(table, version)
        if not broken or run is None:
            return None
        return Hold(table, version, run.id, broken, tuple(f for f in run.failed if f.name in broken))

    def _serves(self, table: str, version: int) -> bool:
        """Tell whether readers have a version, or a later one: a rule that comes after it takes nothing back."""
        served = self.runner.catalog.released(table)
        return served is not None and served.table_version >= version

    def kept_back(self, actor: Actor, table: str, version: int) -> Hold:
        """Return what keeps a version from readers, or from deliveries under a contract, as it is before a release.

        Raises:
            NotFound: the table is hidden from the actor.
            Conflict: nothing keeps the version back, or it was not judged yet.

        """
        info = self._table(actor, table)
        hold = self.held(info.name, version) or self._breach(info.name, version)
        if hold is None or not hold.run_id:
            raise not_held(version)
        return hold

    def release(self, actor: Actor, table: str, version: int, reason: str, *, seen: str | None = None) -> Release:
        """Give readers a version although critical rules fail; a decision of the data authority, kept for good.

        ``seen`` is the token of what kept it back, as it was shown.

        Raises:
            Invalid: no reason.
            Conflict: nothing keeps the version back, or other rules fail now, or on other rows (``changed_since_seen``).

        """
        info = self._table(actor, table)
        self.access.require(actor, Permission.QUALITY_VERSION_RELEASE, info.org_id)
        if not reason.strip():
            raise Invalid("放行需要说明理由。", "A release needs a reason.", code="reason_needed")
        hold = self.kept_back(actor, info.name, version)
        hold.shown.check(seen)
        made = Release(
            table=info.name,
            version=version,
            run_id=hold.run_id,
            rules=hold.rules,
            reason=reason.strip()[:1000],
            by=actor.id,
            at=self.clock.now(),
        )
        with self.db.begin() as tx:
            RunStore(tx.connection).add_release(made)
            detail: dict[str, JsonValue] = {"version": version, "rules": list(hold.rules), "reason": made.reason}
            self.evidence.record(tx, actor, "quality.release", target=info.name, detail=detail)
            tx.publish(VersionCleared(table=info.name, version=version))
        self.alerts.clear(AlertKind.QUALITY, info.name)
        return made

    def _run(self, table: str, org_id: str, version: int, trigger: Trigger, actor: Actor) -> Run:
        measured, rules = self.runner.version(table, version), self._rules(table)
        facts, seconds = self.runner.judge(measured, rules)
        while (now := self._rules(table)) != rules:  # whoever changed them is not shown what the old ones say
            rules = now
            facts, seconds = self.runner.judge(measured, rules)
        with self.db.read() as connection:
            before = RunStore(connection).of_table(table, _READS)
        worked = [not any(f.outcome is Outcome.ERROR for f in run.facts) for run in before]
        worked.append(not any(f.outcome is Outcome.ERROR for f in facts))
        run = Run(
            id=new_id("qrun"),
            table=table,
            org_id=org_id,
            version=version,
            rows=measured.rows,
            at=self.clock.now(),
            trigger=trigger,
            by=actor.id,
            seconds=seconds,
            facts=(*facts, *self.runner.known(measured, worked)),
        )
        with self.db.begin() as tx:
            self._keep(tx, actor, run, len(rules))
        self._tell_owner(run)
        return run

    def _keep(self, tx: UnitOfWork, actor: Actor, run: Run, rules: int) -> None:
        """Write a run for which so many rules were counted, and say that its version was judged."""
        RunStore(tx.connection).add(run)
        detail: dict[str, JsonValue] = {
            "run": run.id,
            "version": run.version,
            "rules": rules,
            "failed": [f.rule_id for f in run.failed if f.rule_id],
            "trigger": run.trigger.value,
        }
        self.evidence.record(tx, actor, "quality.run", target=run.table, detail=detail)
        tx.publish(VersionJudged(table=run.table, version=run.version, run_id=run.id))
        if not run.blocking:
            tx.publish(VersionCleared(table=run.table, version=run.version))

    def _tell_owner(self, run: Run) -> None:
        """Say once that critical rules fail and what readers get, and take it back when it is over."""
        with self.db.read() as connection:
            decided = RunStore(connection).release(run.table, run.version) is not None
        if decided or not run.blocking:
            self.alerts.clear(AlertKind.QUALITY, run.table)
            return
        served = self._serves(run.table, run.version)
        names = "、".join(fact.name for fact in run.blocking[:3])
        what = f"表 {run.table} 第 {run.version} 版未通过严重级质量规则（{names}）"
        what_en = f"Version {run.version} of {run.table} fails critical rules ({names})"
        words = Text(f"{what}，读者仍使用上一个合格版本。", f"{what_en}; readers stay on the last good version.")
        if served:
            words = Text(f"{what}，而读者正在使用这一版。", f"{what_en}, and readers have it.")
        self.alerts.say(AlertKind.QUALITY, run.table, run.org_id, words)
