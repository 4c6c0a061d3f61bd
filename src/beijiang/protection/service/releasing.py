"""The release check (发布检查): nothing is opened or shared of which single persons could be told, at no version."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.catalog import VersionCleared
from beijiang.engine.port import QueryLimits, View
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Invalid, NotFound, Text, Unavailable, new_id
from beijiang.protection.models.assessing import Tier
from beijiang.protection.models.choices import MaskFunction
from beijiang.protection.models.classify import about_persons
from beijiang.protection.models.conditions import unknown_column
from beijiang.protection.models.counting import classes, differing, rows_of, small_cells
from beijiang.protection.models.detectors import CHECKS, Seen, checks, counts_of, survey, wanted_checks
from beijiang.protection.models.mentions import GRADED_AS, UNSURE, mentions
from beijiang.protection.models.reference import context, release_limits, roles_of_kinds
from beijiang.protection.models.releases import ColumnRole, Finding, Limits, Outcome, ReleaseReport, Roles
from beijiang.protection.models.sight import AUDIENCE_NAMES, Audience, Treatment
from beijiang.protection.service.risk import closeness_of, complement, effect
from beijiang.protection.store.releases import ReleaseStore

if TYPE_CHECKING:
    from sqlglot import exp

    from beijiang.access import Access
    from beijiang.catalog import Catalog, Release
    from beijiang.db import Database
    from beijiang.engine import Engine
    from beijiang.evidence import Evidence
    from beijiang.ingest import Alerts
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue
    from beijiang.protection.models.sight import Sight
    from beijiang.protection.service.gate import Gate
    from beijiang.protection.service.grading import Protection
    from beijiang.protection.store import TableFacts
    from beijiang.tables import GovernedColumn

__all__ = ["Releases"]

log = logging.getLogger(__name__)

SECONDS: Final = 600.0
REPORTS_SHOWN: Final = 50
COLUMNS_AT_ONCE: Final = 60
TEXTS_AT_ONCE: Final = 20
"""Columns whose sentences are read in one statement: their different texts are held together."""
CHECK_EDITION: Final = 2
"""Raised whenever the check weighs its counts otherwise: what passed before is checked again then. Patterns count by themselves."""
DIMENSIONS_MOST: Final = 4
_SEAL: Final = "release_report"
_HARD: Final = ("id_valid", "embedded_id")
_SOFT: Final = ("mobile", "embedded_mobile", "email", "plate")
_MANY: Final = 0.3
"""Share of whole numbers, or of card numbers, that look like the kind by more than chance."""


@dataclass(frozen=True, slots=True)
class _Output:
    """What one audience would see of one version."""

    sight: Sight
    columns: tuple[GovernedColumn, ...]
    view: View
    roles: Roles
    limits: Limits

    @property
    def counts(self) -> tuple[str, ...]:
        """Return the columns that count persons and are shown as numbers."""
        numbers = {c.name for c in self.columns if c.type in {"integer", "decimal", "double"}}
        return tuple(name for name in self.shown(ColumnRole.COUNT) if name in numbers)

    @property
    def encrypted(self) -> set[str]:
        """Return the columns of which only ciphers are shown."""
        chosen = ((o.column, o.choice) for o in self.sight.obligations)
        return {column for column, choice in chosen if choice and choice.function is MaskFunction.ENCRYPT}

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Return what a table of counts is laid out by: its other columns of words, a few."""
        named = [c.name for c in self.columns if c.type in {"text", "date"} and c.name not in self.counts]
        return tuple(named[:DIMENSIONS_MOST])

    def shown(self, role: ColumnRole) -> tuple[str, ...]:
        """Return the columns of a role that this audience sees."""
        seen = {column.name for column in self.columns}
        return tuple(name for name in self.roles.having(role) if name in seen)


class Releases:
    """Declare what tells persons apart, check what would be released, keep the reports; the catalog's ``ReleaseCheck``."""

    alerts: Alerts | None = None
    """Tells the department; set in build.py."""

    def __init__(  # noqa: PLR0913, PLR0917 - wired once, in build.py
        self,
        db: Database,
        gate: Gate,
        engine: Engine,
        protection: Protection,
        catalog: Catalog,
        access: Access,
        evidence: Evidence,
        clock: Clock,
    ) -> None:
        self._db = db
        self._gate = gate
        self._engine = engine
        self._protection = protection
        self._catalog = catalog
        self._access = access
        self._evidence = evidence
        self._clock = clock

    # What people do

    def roles(self, actor: Actor, table: str) -> Roles:
        """Return the roles of a table's columns: as declared, else as the platform proposes.

        Raises:
            NotFound: no such graded table, or it is hidden from this actor.

        """
        return self._roles(self._seen(actor, table).name)

    def declare(self, actor: Actor, table: str, roles: Mapping[str, str], reason: str) -> Roles:
        """Say which columns tell persons apart, which are sensitive, and which are not about persons; all others have no role.

        Raises:
            Invalid: unknown column or role, or no reason.

        """
        facts = self._seen(actor, table)
        self._access.require(actor, Permission.PROTECTION_GRADE_CORRECT, facts.org_id)
        if not reason.strip():
            raise Invalid("声明需要说明理由。", "A declaration needs a reason.", code="reason_needed")
        for column in roles:
            if column not in facts.columns:
                raise unknown_column(column, facts.columns)
        try:
            given = {column: ColumnRole(role) for column, role in roles.items()}
        except ValueError:
            known = ", ".join(ColumnRole)
            raise Invalid(
                f"没有这种角色。可用：{known}。", f"No such role. Known: {known}.", code="unknown_role"
            ) from None
        with self._db.begin() as tx:
            ReleaseStore(tx.connection).declare(facts.name, given, reason.strip(), actor.id, self._clock.now())
            said: dict[str, JsonValue] = {name: str(role) for name, role in given.items()}
            detail: dict[str, JsonValue] = {"roles": said, "reason": reason}
            self._evidence.record(tx, actor, "protection.roles", target=facts.name, detail=detail)
        self._watch(facts.name)
        return self._roles(facts.name)

    def check(self, actor: Actor, table: str) -> tuple[ReleaseReport, ...]:
        """Check what would be released now, once for each audience; readers are moved on if all of it passes.

        Raises:
            Conflict: the entry of the table offers nothing to anybody (``nothing_offered``).

        """
        facts = self._seen(actor, table)
        self._access.require(actor, Permission.PROTECTION_GRADE_CORRECT, facts.org_id)
        candidate = self._catalog.candidate(facts.name)
        made = () if candidate is None else tuple(self._reports(candidate, actor, anew=True))
        if candidate is None or not made:
            raise Conflict(
                "该表的目录没有无条件开放或共享的数据项，无需检查。",
                "The entry of this table opens or shares nothing without condition; there is nothing to check.",
                code="nothing_offered",
            )
        if all(report.passed for report in made):
            with self._db.begin() as tx:
                tx.publish(VersionCleared(table=facts.name, version=candidate.table_version))
        self._watch(facts.name)
        return made

    def reports(self, actor: Actor, table: str) -> tuple[ReleaseReport, ...]:
        """Return the reports on a table, newest first.

        Raises:
            NotFound: no such graded table, or it is hidden from this actor.

        """
        facts = self._seen(actor, table)
        with self._db.read() as connection:
            found = ReleaseStore(connection).of_table(facts.name, REPORTS_SHOWN)
        return tuple(self._examined(report) for report in found)

    def report(self, actor: Actor, table: str, report_id: str) -> ReleaseReport:
        """Return one report.

        Raises:
            NotFound: there is none of that id for this table, or the table is hidden from this actor.

        """
        facts = self._seen(actor, table)
        with self._db.read() as connection:
            found = ReleaseStore(connection).get(report_id)
        if found is None or found.table != facts.name:
            raise NotFound("没有这份发布检查报告。", "There is no such report.", code="report_not_found")
        return self._examined(found)

    def keeps_back(self, candidate: Release) -> Text | None:
        """Return why outsiders must not get what would be released; the ``ReleaseCheck`` of the catalog."""
        tier = self._protection.tier_of(candidate.table)
        if tier is Tier.CORE:
            return Text(
                "核心数据：平台不予发布，任何出口都不提供。请从平台移除该表，并按规定报告主管部门。",
                "Core data: the platform releases nothing of it, by no door. Take the table off the platform and report it as the rules say.",
            )
        if tier is Tier.IMPORTANT and candidate.open_items:
            return Text(
                "重要数据不得开放。请把各数据项改为不予开放；如果定级有误，请在数据表的分级页重新定级。",
                "Important data is never opened. Do not offer its items to the public; if the tier is wrong, assess the table anew on its grading page.",
            )
        try:
            release = self._catalog.released(candidate.table)
            if release is not None and release.table_version != candidate.table_version:
                self._watch(candidate.table)
            failed = [report for report in self._reports(candidate, SYSTEM) if not report.passed]
        except BeijiangError as error:
            log.warning("a release could not be checked (%s)", type(error).__name__)
            return Text("发布检查未能完成，请稍后再试。", "The release check could not be done; try again later.")
        if not failed:
            return None
        report = failed[0]
        who = AUDIENCE_NAMES[Audience(report.audience)]
        zh, en = "、".join(f.name.zh for f in report.failed), ", ".join(f.name.en for f in report.failed)
        return Text(
            f"第 {report.version} 版未通过发布检查（面向{who.zh}：{zh}）。请在数据表页查看报告，调整脱敏方式、开放的数据项或准标识符声明后重新检查。",
            f"Version {report.version} fails the release check (for {who.en}: {en}). See the report on the page of the table; change masks, offered items or declared roles, and check again.",
        )

    # How it is counted

    def _reports(
        self, candidate: Release, actor: Actor, *, anew: bool = False, alone: bool = False
    ) -> Iterator[ReleaseReport]:
        """Return the report for each audience that something is offered to; one on exactly this is not made twice.

        ``alone`` leaves the difference against the release before away.
        """
        for audience, offered in ((Audience.OPEN, candidate.open_items), (Audience.SHARED, candidate.shared_items)):
            output = self._output(candidate, audience) if offered else None
            if output is None:
                continue
            before = None if alone else self._before(candidate, audience, output)
            subject = _subject(output, before)
            with self._db.read() as connection:
                known = ReleaseStore(connection).of_subject(candidate.table, str(audience), subject)
            yield (
                known
                if known is not None and not anew
                else self._made(candidate, audience, output, before, subject, actor)
            )

    def _made(
        self,
        candidate: Release,
        audience: Audience,
        output: _Output,
        before: _Output | None,
        subject: str,
        actor: Actor,
    ) -> ReleaseReport:
        facts = self._protection.facts(candidate.table)
        rows = self._count(rows_of(candidate.table), {candidate.table: output.view})["rows"]
        report = ReleaseReport(
            id=new_id("rel"),
            table=candidate.table,
            org_id=candidate.provider_id if facts is None else facts.org_id,
            version=candidate.table_version,
            audience=str(audience),
            subject=subject,
            rows=rows,
            findings=tuple(self._findings(candidate.table, output, before, rows)),
            by=actor.id,
            at=self._clock.now(),
        )
        report = replace(report, sealed=self._seal(report))
        with self._db.begin() as tx:
            ReleaseStore(tx.connection).add(report)
            detail: dict[str, JsonValue] = {
                "report": report.id,
                "version": report.version,
                "audience": report.audience,
                "passed": report.passed,
                "failed": [one.check for one in report.failed],
                "digest": report.digest,
            }
            self._evidence.record(tx, actor, "protection.release_check", target=report.table, detail=detail)
        return report

    def _findings(self, table: str, output: _Output, before: _Output | None, rows: int) -> list[Finding]:
        def count(query: exp.Select) -> Mapping[str, int]:
            return self._count(query, {table: output.view})

        keys, sensitive = output.shown(ColumnRole.QUASI), output.shown(ColumnRole.SENSITIVE)
        counts, persons = output.counts, output.roles.persons
        said = self._mentioned(table, output)
        unsure = {key: hits for key, hits in said.items() if key.rpartition("/")[2] in UNSURE}
        found = [
            _levels(output),
            self._identifiers(table, output, {key: hits for key, hits in said.items() if key not in unsure}),
            _doubted(unsure),
            _considered(output),
            *self._anonymity(table, output, rows),
            closeness_of(table, keys, sensitive, output.limits, count, asked=persons and rows > 0),
            self._cells(table, output),
            complement(table, output.dimensions, counts, output.limits, count),
            self._difference(table, output, before),
        ]
        return [*found, effect(found, persons=persons, aggregate=bool(counts) and not keys)]

    def _seal(self, report: ReleaseReport) -> str:
        """Return the digest of a report sealed under the root key; nothing where there is no key."""
        keyed = self._protection.keyed
        if keyed is None:
            return ""
        return keyed.vault.seal(report.digest, purpose=_SEAL, context=report.id)

    def _examined(self, report: ReleaseReport) -> ReleaseReport:
        """Say whether a report is still what was sealed: whoever changes it in the database has no key."""
        keyed = self._protection.keyed
        if keyed is None or not report.sealed:
            return report
        try:
            said = keyed.vault.open(report.sealed, purpose=_SEAL, context=report.id)
        except Unavailable:
            return report
        except BeijiangError:
            return replace(report, intact=False)
        return replace(report, intact=said == report.digest)

    def _watch(self, table: str) -> None:
        """Tell the department once that what is released now would not be released again, and take it back when it is over."""
        release = self._catalog.released(table)
        if self.alerts is None or release is None:
            return
        failed = [report for report in self._reports(release, SYSTEM, alone=True) if not report.passed]
        if not failed:
            self.alerts.clear(AlertKind.RELEASE, table)
            return
        report = failed[0]
        zh, en = "、".join(f.name.zh for f in report.failed), ", ".join(f.name.en for f in report.failed)
        words = Text(
            f"表 {table} 已发布的第 {report.version} 版按现行要求不再达标（{zh}）。请更改脱敏方式或开放的数据项，或撤回发布。",
            f"Version {report.version} of {table} is released and falls below what is demanded now ({en}). Change masks or offered items, or withdraw it.",
        )
        self.alerts.say(AlertKind.RELEASE, table, report.org_id, words)

    def _output(self, candidate: Release, audience: Audience) -> _Output | None:
        seen = self._gate.rehearse(candidate, audience)
        if seen is None:
            return None
        limits = Limits.on(self._clock.now().date(), str(audience), list(release_limits()))
        return _Output(*seen, self._roles(candidate.table), limits)

    def _before(self, candidate: Release, audience: Audience, output: _Output) -> _Output | None:
        """Return what this audience has now, if it is another version with the same quasi-identifiers."""
        release = self._catalog.released(candidate.table)
        if release is None or release.table_version == candidate.table_version:
            return None
        before = self._output(release, audience)
        keys = output.shown(ColumnRole.QUASI)
        return before if before is not None and keys and before.shown(ColumnRole.QUASI) == keys else None

    def _identifiers(self, table: str, output: _Output, said: Mapping[str, int]) -> Finding:
        """Run the detectors on the real output, in all rows; free text is looked into for numbers of persons.

        What its sentences surely say is added.
        """
        types = {c.name: c.type for c in output.columns if c.type in {"text", "integer"}}
        masked = {c.name for c in output.columns if c.masked}
        encrypted = output.encrypted
        explained = set(output.roles.having(ColumnRole.PLAIN))
        found: dict[str, int] = {}
        names = list(types)
        for start in range(0, len(names), COLUMNS_AT_ONCE):
            part = {name: types[name] for name in names[start : start + COLUMNS_AT_ONCE]}
            row = self._count(survey(table, part, Seen()), {table: output.view})
            counted = {name: counts_of(row, i) for i, name in enumerate(part)}
            wanted = {name: sums for name, counts in counted.items() if (sums := wanted_checks(counts))}
            passed = self._count(checks(table, wanted, Seen()), {table: output.view}) if wanted else {}
            for i, (name, which) in enumerate(wanted.items()):
                hard = [one for one in which if one in _HARD and name not in encrypted]
                found |= {f"{name}/{one}": hits for one in hard if (hits := passed[f"c{i}_{one}"])}
                valid = passed.get(f"c{i}_card_valid", 0)
                if name not in masked | explained and valid >= _MANY * counted[name].values > 0:
                    found[f"{name}/card_valid"] = valid
            for name, counts in counted.items():
                least = _MANY if types[name] == "integer" else 0.0
                soft = [one for one in _SOFT if counts.hits.get(one) and counts.share(one) > least]
                found |= {f"{name}/{one}": counts.hits[one] for one in soft if name not in masked | explained}
        found |= said
        outcome = Outcome.FAILED if found else Outcome.PASSED
        columns = tuple(dict.fromkeys(key.rpartition("/")[0] for key in found))
        return Finding(check="identifiers", outcome=outcome, numbers=found, limit=0, columns=columns, basis=_BASIS[2])

    def _mentioned(self, table: str, output: _Output) -> dict[str, int]:
        """Count the sentences that name persons, say where they live, or hold codes of sole traders; masks excuse nothing.

        What a column is graded as by itself is judged by its level: an address of a firm may read like a dwelling.
        """
        left_out = output.encrypted | set(output.roles.having(ColumnRole.PLAIN))
        texts = [c.name for c in output.columns if c.type == "text" and c.name not in left_out]
        kinds = {name: grade.kind for name, grade in self._protection.grades_of(table).items()}
        found: dict[str, int] = {}
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            part = texts[start : start + TEXTS_AT_ONCE]
            for row in self._rows(mentions(table, part), {table: output.view}):
                name = part[row.pop("place")]
                graded = GRADED_AS.get(kinds.get(name, ""), frozenset())
                found |= {f"{name}/{which}": hits for which, hits in row.items() if hits and which not in graded}
        return found

    def _anonymity(self, table: str, output: _Output, rows: int) -> Iterator[Finding]:
        """Measure k over the quasi-identifiers that are shown, and l of the sensitive attributes in their classes."""
        keys, sensitive = output.shown(ColumnRole.QUASI), output.shown(ColumnRole.SENSITIVE)
        limits, basis = output.limits.values, output.limits.basis
        asked = output.roles.persons and rows > 0
        row = {}
        if asked and (keys or sensitive):
            row = self._count(classes(table, keys, sensitive, limits["k"]), {table: output.view})
        if asked and keys:
            outcome = Outcome.PASSED if row["k"] >= limits["k"] else Outcome.FAILED
            numbers = {name: row[name] for name in ("k", "classes", "unique", "rows_below")}
            yield Finding(
                check="k", outcome=outcome, numbers=numbers, limit=limits["k"], columns=keys, basis=basis["k"]
            )
        else:
            yield Finding(check="k", outcome=Outcome.NOT_APPLICABLE, limit=limits["k"], basis=basis["k"])
        if asked and sensitive:
            least = {name: row[f"l{i}"] for i, name in enumerate(sensitive)}
            outcome = Outcome.PASSED if min(least.values()) >= limits["l"] else Outcome.FAILED
            yield Finding(
                check="l", outcome=outcome, numbers=least, limit=limits["l"], columns=sensitive, basis=basis["l"]
            )
        else:
            yield Finding(check="l", outcome=Outcome.NOT_APPLICABLE, limit=limits["l"], basis=basis["l"])

    def _cells(self, table: str, output: _Output) -> Finding:
        counts = output.counts
        limit, basis = output.limits.values["cell"], output.limits.basis["cell"]
        if not counts:
            return Finding(check="cells", outcome=Outcome.NOT_APPLICABLE, limit=limit, basis=basis)
        row = self._count(small_cells(table, counts, limit), {table: output.view})
        small = {name: row[f"c{i}"] for i, name in enumerate(counts)}
        outcome = Outcome.FAILED if any(small.values()) else Outcome.PASSED
        return Finding(check="cells", outcome=outcome, numbers=small, limit=limit, columns=counts, basis=basis)

    def _difference(self, table: str, output: _Output, before: _Output | None) -> Finding:
        keys, limit = output.shown(ColumnRole.QUASI), output.limits.values["k"]
        if before is None or not output.roles.persons:
            return Finding(check="difference", outcome=Outcome.NOT_APPLICABLE, limit=limit, basis=_BASIS[7])
        old = f"{table}\n"  # no table has a line break in its name
        row = self._count(differing(table, old, keys, limit), {table: output.view, old: before.view})
        outcome = Outcome.FAILED if row["new_below"] else Outcome.PASSED
        return Finding(check="difference", outcome=outcome, numbers=row, limit=limit, columns=keys, basis=_BASIS[7])

    def _count(self, query: exp.Select, views: Mapping[str, View]) -> dict[str, int]:
        """Return the one row of whole numbers that a query comes to."""
        return self._rows(query, views)[0]

    def _rows(self, query: exp.Select, views: Mapping[str, View]) -> list[dict[str, int]]:
        """Return the rows of whole numbers that a query comes to; values of the data never leave here."""
        answer = self._engine.fetch(query, views, QueryLimits(seconds=SECONDS))
        return [{name: int(value or 0) for name, value in row.items()} for row in answer.to_pylist()]

    def _roles(self, table: str) -> Roles:
        kinds = {name: grade.kind for name, grade in self._protection.grades_of(table).items()}
        persons = about_persons(kinds)
        with self._db.read() as connection:
            said = ReleaseStore(connection).roles(table)
        if said is None:
            return Roles(table=table, roles=_proposed(kinds) if persons else {}, persons=persons)
        roles = {name: ColumnRole(role) for name, role in said.roles.items()}
        persons = persons or bool({ColumnRole.QUASI, ColumnRole.SENSITIVE} & set(roles.values()))
        return Roles(
            table=table,
            roles=roles,
            persons=persons,
            declared_by=said.set_by,
            declared_at=said.set_at,
            reason=said.reason,
        )

    def _seen(self, actor: Actor, table: str) -> TableFacts:
        facts = self._protection.facts(table)
        if not self._access.allows(actor, Permission.PROTECTION_GRADE_READ, None if facts is None else facts.org_id):
            self._access.require(actor, Permission.PROTECTION_GRADE_READ)
            facts = None
        if facts is None:
            raise NotFound(
                f"没有名为 {table[:60]} 的表，或者它还没有定级。",
                f"There is no table named {table[:60]}, or it is not graded yet.",
                code="table_not_found",
            )
        return facts


_BASIS: Final = {2: "standards 7.7 row 2", 3: "standards 7.7 row 3", 7: "standards 7.7 row 7"}


def _levels(output: _Output) -> Finding:
    """Judge each column after treatment: what is masked counts as one level less, L4 is never shown."""
    highest = output.limits.values["level"]
    after = {
        duty.column: duty.grade.level.rank - (1 if duty.treatment is Treatment.MASKED else 0)
        for duty in output.sight.obligations
    }
    above = {name: level for name, level in after.items() if level > highest}
    outcome = Outcome.FAILED if above else Outcome.PASSED
    return Finding(
        check="levels",
        outcome=outcome,
        numbers=above,
        limit=highest,
        columns=tuple(above),
        basis=output.limits.basis["level"],
    )


def _doubted(unsure: Mapping[str, int]) -> Finding:
    """Note the sentences that people have to read: they may name persons, and everyday words begin with surnames too."""
    columns = tuple(dict.fromkeys(key.rpartition("/")[0] for key in unsure))
    outcome = Outcome.NOTED if unsure else Outcome.PASSED
    return Finding(check="doubted", outcome=outcome, numbers=unsure, columns=columns, basis=_BASIS[2])


def _considered(output: _Output) -> Finding:
    """Note whether the department declared quasi-identifiers, or the platform's proposals were used."""
    named = (*output.roles.having(ColumnRole.QUASI), *output.roles.having(ColumnRole.SENSITIVE))
    outcome = Outcome.PASSED if output.roles.declared else Outcome.NOTED
    outcome = outcome if output.roles.persons else Outcome.NOT_APPLICABLE
    return Finding(check="quasi", outcome=outcome, columns=named, basis=_BASIS[3])


def _proposed(kinds: Mapping[str, str]) -> dict[str, ColumnRole]:
    """Propose roles by kinds of items, and by names that speak of age, place or occupation."""
    by_kind, by_name = roles_of_kinds(), context()["quasi"]
    roles: dict[str, ColumnRole] = {}
    for column, kind in kinds.items():
        if kind in by_kind:
            roles[column] = ColumnRole(by_kind[kind])
        elif re.search(by_name, column):
            roles[column] = ColumnRole.QUASI
    return roles


@cache
def _looked_for() -> str:
    """Return the digest of all that texts and numbers are searched for: a report of before a change is none of what is asked now."""
    types = {"a": "text", "b": "integer"}
    asked = (mentions("t", ["a"]), survey("t", types, Seen()), checks("t", dict.fromkeys(types, tuple(CHECKS)), Seen()))
    return hashlib.sha256("\n".join(query.sql() for query in asked).encode()).hexdigest()


def _subject(output: _Output, before: _Output | None) -> str:
    roles = sorted((name, str(role)) for name, role in output.roles.roles.items())
    body: Sequence[object] = [
        CHECK_EDITION,
        _looked_for(),
        output.sight.digest,
        None if before is None else before.sight.digest,
        roles,
        output.roles.persons,
        output.roles.declared,
        sorted(output.limits.values.items()),
    ]
    return hashlib.sha256(json.dumps(body, ensure_ascii=False).encode()).hexdigest()
