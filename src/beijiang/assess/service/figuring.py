"""Statistical indicators: definitions in versions, values reported by one person and released by another, targets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.assess.errors import decided, no_figure, no_value, own_proposal
from beijiang.assess.models import (
    REGION,
    Better,
    Figure,
    FigureDraft,
    FigureRow,
    FigureView,
    Operator,
    Period,
    PeriodKind,
    Stage,
    Target,
    Value,
    ValueDraft,
    ValueKind,
    ValueState,
    holding,
    met,
    packaged,
    read_number,
)
from beijiang.assess.service.base import Base
from beijiang.assess.service.querying import drafts_of, with_period
from beijiang.assess.service.sheets import figures_file, read_values, targets_file, values_file
from beijiang.assess.store import FigureStore, PlanTableStore
from beijiang.kit import Conflict, Invalid, Shown, new_id

if TYPE_CHECKING:
    from datetime import tzinfo

    from beijiang.access import Access
    from beijiang.db import Database, UnitOfWork
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor, Clock, Language
    from beijiang.kit.errors import JsonValue
    from beijiang.lineage import Lineage
    from beijiang.protection import SqlGateway
    from beijiang.quality import HandedOut
    from beijiang.standards import SheetFormat, Standards

__all__ = ["Figures"]

MANY: Final = 5_000
PLAN: Final = "内蒙古自治区大数据发展 2018 年工作要点 / 2018 work plan"


def address(code: str) -> str:
    """Return under which address lineage knows an indicator."""
    return f"assess://figures/{code}"


class Figures(Base):
    """What the region measures: indicators, actual values, targets."""

    def __init__(  # noqa: PLR0913, PLR0917 - wired once, in build.py
        self,
        db: Database,
        access: Access,
        evidence: Evidence,
        standards: Standards,
        clock: Clock,
        zone: tzinfo,
        sql: SqlGateway,
        lineage: Lineage,
    ) -> None:
        super().__init__(db, access, evidence, standards, clock, zone)
        self.sql = sql
        self.lineage = lineage
        self.released: Callable[[str], None] = lambda _code: None
        """Hears of an indicator of which values were released; wired in build.py."""

    def figures(self, actor: Actor) -> Sequence[FigureRow]:
        """Return the indicators in force with the region's newest released value against its target."""
        self.access.require(actor, Permission.ASSESS_FIGURE_READ)
        with self.db.read() as connection:
            store = FigureStore(connection)
            known, values, targets = store.figures(), store.values(), store.targets()
        rows = []
        for figure in known:
            mine = [v for v in values if v.code == figure.code]
            held = [v for v in holding(mine) if v.region == REGION and not v.dimension]
            newest = max(held, key=lambda v: v.period.first, default=None)
            wanted = [t for t in targets if t.code == figure.code and t.region == REGION]
            target = next((t for t in wanted if newest and t.period == newest.period), None)
            target = target or max(wanted, key=lambda t: t.period.first, default=None)
            comparable = newest and target and target.period == newest.period
            waits = sum(v.state is ValueState.PROPOSED for v in mine) if self._sees(actor, figure) else 0
            reached = met(target, newest, figure.better) if comparable and target and newest else None
            rows.append(FigureRow(figure, newest, target, reached, waits))
        return rows

    def in_force(self, actor: Actor) -> Sequence[Figure]:
        """Return the indicators in force as they are defined, without their values."""
        self.access.require(actor, Permission.ASSESS_FIGURE_READ)
        with self.db.read() as connection:
            return FigureStore(connection).figures()

    def figure(self, actor: Actor, code: str) -> FigureView:
        """Return an indicator with its values, targets and versions; what waits is shown to whom it concerns.

        Raises:
            NotFound: there is none with this code.

        """
        self.access.require(actor, Permission.ASSESS_FIGURE_READ)
        with self.db.read() as connection:
            store = FigureStore(connection)
            versions = store.versions(code)
            if not versions:
                raise no_figure(code)
            values, targets = store.values(code), store.targets(code)
        figure = versions[0]
        inner = self._sees(actor, figure)
        shown = [v for v in values if inner or v.state is ValueState.APPROVED]
        return FigureView(figure, versions, holding(values), shown, targets)

    def define(self, actor: Actor, draft: FigureDraft, reason: str) -> Figure:
        """Add an indicator, or its next version.

        Raises:
            Invalid: the draft cannot be used, or no reason is given.

        """
        self.access.require(actor, Permission.ASSESS_FIGURE_MANAGE, draft.org_id)
        self.access.organisation(draft.org_id)
        draft.checked()
        with self.db.read() as connection:
            before = FigureStore(connection).versions(draft.code)
        if before:
            self.access.require(actor, Permission.ASSESS_FIGURE_MANAGE, before[0].org_id)
        return self._define(actor, draft, self._words(reason), before)

    def retire(self, actor: Actor, code: str, reason: str) -> Figure:
        """Take an indicator out of use; its values stay.

        Raises:
            NotFound: there is none with this code.

        """
        figure = self._manageable(actor, code)
        plain = {name: getattr(figure, name) for name in FigureDraft.__dataclass_fields__}
        gone = self._define(actor, FigureDraft(**plain), self._words(reason), [figure], retired=True)
        self.lineage.declare(address(code), figure.org_id, {}, run_id="", person=actor.id)
        return gone

    def report(self, actor: Actor, drafts: Sequence[ValueDraft], reason: str = "") -> Sequence[Value]:
        """Report values, all or none; somebody else releases them. A value that is released is revised with a reason.

        Raises:
            NotFound: an indicator or region is unknown.
            Invalid: a number is none, a period does not fit, or a revision has no reason.

        """
        self.access.require(actor, Permission.ASSESS_FIGURE_READ)
        figures = {code: self._manageable(actor, code) for code in {draft.code for draft in drafts}}
        if not drafts or len(drafts) > MANY:
            raise Invalid(f"一次填报 1 到 {MANY} 个数值。", f"Report 1 to {MANY} values at once.", code="bad_values")
        made: list[Value] = []
        with self.db.begin() as tx:
            store = FigureStore(tx.connection)
            released = {v.place for code in figures for v in store.values(code, ValueState.APPROVED)}
            for draft in drafts:
                value = self._value(actor, draft, figures[draft.code], reason.strip())
                if value.place in released and not value.reason:
                    self._words(reason)
                if value.place in {one.place for one in made}:
                    raise Invalid(
                        f"“{value.code} {value.period} {value.region}”重复。",
                        f'"{value.code} {value.period} {value.region}" is there twice.',
                        code="bad_values",
                    )
                made.append(replace(value, revision=store.next_revision(value.place)))
            store.add_values(made)
            for value in made:
                self._tell(tx, actor, "assess.figure_report", value)
        return made

    def compute(
        self, actor: Actor, code: str, period: Period, stage: Stage = Stage.FINAL, reason: str = ""
    ) -> Sequence[Value]:
        """Report the values that an indicator's query gives for a period; it runs with the actor's rights and masks.

        Raises:
            NotFound: there is no such indicator.
            Invalid: it has no query, or one that cannot be used (``bad_formula``).
            Refused: the gateway refuses the query, or its answer is graded too high (``figure_graded``).

        """
        figure = self._manageable(actor, code)
        self._fits(figure, period)
        answer = self.sql.run(actor, with_period(figure.formula, period), f"统计指标 {figure.code} {period}")
        made = self.report(actor, drafts_of(answer, figure, period, stage, self.today), reason)
        self.lineage.declare(
            address(code), figure.org_id, answer.origins, run_id=answer.receipt, person=actor.id, rows=len(made)
        )
        return made

    def to_decide(self, actor: Actor, value_ids: Collection[str]) -> Sequence[tuple[Value, Shown]]:
        """Return values that wait for the actor's word, each with what is decided on.

        Raises:
            NotFound: there is no such value.
            Refused: the actor reported one of them.
            Conflict: one is decided.

        """
        return [self._waiting(actor, value_id) for value_id in dict.fromkeys(value_ids)]

    def decide(
        self,
        actor: Actor,
        value_ids: Collection[str],
        *,
        approve: bool,
        words: str = "",
        seen: Mapping[str, str] | None = None,
    ) -> Sequence[Value]:
        """Release values that wait, or return them with words; never one's own.

        ``seen`` holds, by the id of each value to release, the token of what was shown.

        Raises:
            NotFound: there is no such value.
            Refused: the actor reported one of them.
            Conflict: one is decided, was corrected meanwhile, or its indicator was defined anew (``changed_since_seen``).

        """
        done = []
        for value, shown in self.to_decide(actor, value_ids):
            if approve:
                shown.check(None if seen is None else seen.get(value.id, ""))
            done.append(
                replace(
                    value,
                    state=ValueState.APPROVED if approve else ValueState.RETURNED,
                    decided_by=actor.id,
                    decided_name=actor.name,
                    decided_at=self.clock.now(),
                    decision=words.strip() if approve else self._words(words),
                )
            )
        with self.db.begin() as tx:
            for value in done:
                if not FigureStore(tx.connection).decide(value):
                    raise decided()
            PlanTableStore(tx.connection).mark(self.clock.now())
            for value in done:
                self._tell(tx, actor, "assess.figure_decide", value)
        for code in sorted({value.code for value in done if approve}):
            self.released(code)
        return done

    def set_target(self, actor: Actor, target: Target) -> Target:
        """Set what a value should come to, in place of what was said before.

        Raises:
            NotFound: the indicator or region is unknown.
            Invalid: the number is none, the period does not fit, or the basis is missing.

        """
        figure = self._manageable(actor, target.code)
        self._fits(figure, target.period)
        self.standards.region(target.region)
        made = replace(
            target,
            value=read_number(target.value),
            basis=self._words(target.basis),
            org_id=target.org_id or figure.org_id,
            by_name=actor.name,
            at=self.clock.now(),
        )
        self.access.organisation(made.org_id)
        with self.db.begin() as tx:
            store = FigureStore(tx.connection)
            same = [t for t in store.targets(made.code) if (t.region, t.period) == (made.region, made.period)]
            store.put_target(made)
            before = f"{same[0].operator.value}{same[0].value}" if same else None
            detail: dict[str, JsonValue] = {
                "region": made.region,
                "period": str(made.period),
                "target": f"{made.operator.value}{made.value}",
                "before": before,
                "basis": made.basis,
            }
            PlanTableStore(tx.connection).mark(self.clock.now())
            self.evidence.record(tx, actor, "assess.figure_target", target=made.code, detail=detail)
        return made

    def load_plan(self, actor: Actor) -> Sequence[Figure]:
        """Add the numeric targets of the 2018 work plan, those that are not there yet."""
        self.access.require(actor, Permission.ASSESS_FIGURE_MANAGE)
        with self.db.read() as connection:
            known = {figure.code for figure in FigureStore(connection).figures()}
        added = []
        for row in packaged("figures_2018"):
            if row["code"] in known:
                continue
            draft = FigureDraft(
                code=row["code"],
                name_zh=row["name_zh"],
                name_en=row["name_en"],
                definition=row["definition"],
                unit_zh=row["unit_zh"],
                unit_en=row["unit_en"],
                org_id=row["org_id"],
                period_kind=PeriodKind.YEAR,
                value_kind=ValueKind(row["value_kind"]),
                better=Better(row["better"]),
                basis=f"{PLAN} {row['section']}",
            )
            added.append(self.define(actor, draft, PLAN))
            self.set_target(
                actor,
                Target(
                    code=draft.code,
                    region=REGION,
                    period=Period.parse("2018"),
                    operator=Operator(row["operator"]),
                    value=row["target"],
                    basis=draft.basis,
                    org_id=draft.org_id,
                ),
            )
        return added

    def export(self, actor: Actor, form: SheetFormat, language: Language, code: str = "") -> HandedOut:
        """Return released values as a file that ``import_values`` reads back; a workbook has indicators and targets too."""
        self.access.require(actor, Permission.ASSESS_FIGURE_READ)
        with self.db.read() as connection:
            store = FigureStore(connection)
            figures = [f for f in store.figures() if code in {"", f.code}]
            targets = [t for t in store.targets() if code in {"", t.code}]
            values = holding(store.values(code or None))
        return values_file(values, [figures_file(figures, language), targets_file(targets, language)], form, language)

    def import_values(self, actor: Actor, name: str, content: bytes, reason: str = "") -> Sequence[Value]:
        """Report the values of a CSV file or workbook, all or none; lines that cannot be used are told.

        Raises:
            Invalid: the file or a line of it cannot be used (``bad_lines``, with line and reason).

        """
        self.access.require(actor, Permission.ASSESS_FIGURE_READ)
        return self.report(actor, read_values(name, content), reason)

    # Inside

    def _sees(self, actor: Actor, figure: Figure) -> bool:
        return self.access.allows(actor, Permission.ASSESS_FIGURE_READ, figure.org_id)

    def _manageable(self, actor: Actor, code: str) -> Figure:
        with self.db.read() as connection:
            versions = FigureStore(connection).versions(code)
        if not versions or versions[0].retired:
            self.access.require(actor, Permission.ASSESS_FIGURE_READ)
            raise no_figure(code)
        self.access.require(actor, Permission.ASSESS_FIGURE_MANAGE, versions[0].org_id)
        return versions[0]

    def _waiting(self, actor: Actor, value_id: str) -> tuple[Value, Shown]:
        with self.db.read() as connection:
            store = FigureStore(connection)
            value = store.value(value_id)
            figure = store.versions(value.code)[0] if value else None
            newest = store.next_revision(value.place) - 1 if value else 0
        if value is None or figure is None or not self._sees(actor, figure):
            self.access.require(actor, Permission.ASSESS_FIGURE_READ)
            raise no_value()
        self.access.require(actor, Permission.ASSESS_FIGURE_APPROVE, figure.org_id)
        if value.by == actor.id:
            raise own_proposal()
        if value.state is not ValueState.PROPOSED:
            raise decided()
        return value, value.shown(figure, newest)

    def _define(
        self, actor: Actor, draft: FigureDraft, reason: str, before: Sequence[Figure], *, retired: bool = False
    ) -> Figure:
        version = before[0].version + 1 if before else 1
        made = Figure(
            **{name: getattr(draft, name) for name in FigureDraft.__dataclass_fields__},
            version=version,
            retired=retired,
            reason=reason,
            by=actor.id,
            by_name=actor.name,
            at=self.clock.now(),
        )
        if before and asdict(replace(made, version=0, reason="", by="", by_name="", at=before[0].at)) == asdict(
            replace(before[0], version=0, reason="", by="", by_name="")
        ):
            raise Conflict("定义没有变化。", "Nothing of the definition changed.", code="unchanged")
        with self.db.begin() as tx:
            FigureStore(tx.connection).add(made)
            PlanTableStore(tx.connection).mark(self.clock.now())
            detail: Mapping[str, JsonValue] = {"version": version, "name": made.name_zh, "unit": made.unit_zh,
                                               "org": made.org_id, "retired": retired, "reason": reason}  # fmt: skip
            self.evidence.record(tx, actor, "assess.figure_define", target=made.code, detail=detail)
        return made

    def _value(self, actor: Actor, draft: ValueDraft, figure: Figure, reason: str) -> Value:
        self._fits(figure, draft.period)
        self.standards.region(draft.region)
        if draft.dimension and figure.dimensions and draft.dimension not in figure.dimensions:
            raise Invalid(
                f"“{draft.dimension[:40]}”不是该指标的分组。",
                f'"{draft.dimension[:40]}" is no group of this indicator.',
                code="bad_values",
            )
        return Value(
            id=new_id("fgv"),
            code=draft.code,
            region=draft.region,
            period=draft.period,
            dimension=draft.dimension.strip()[:100],
            stage=draft.stage,
            value=read_number(draft.value),
            source=draft.source.strip()[:1000] or figure.source,
            revision=0,
            state=ValueState.PROPOSED,
            reason=reason,
            by=actor.id,
            by_name=actor.name,
            at=self.clock.now(),
        )

    @staticmethod
    def _fits(figure: Figure, period: Period) -> None:
        if period.kind is not figure.period_kind:
            raise Invalid(
                f"“{figure.name_zh}”按{figure.period_kind.text.zh}统计，“{period}”不是。",
                f'"{figure.name_en}" is measured by {figure.period_kind.text.en}; "{period}" is none.',
                code="bad_period",
            )

    def _tell(self, tx: UnitOfWork, actor: Actor, action: str, value: Value) -> None:
        detail: dict[str, JsonValue] = {
            "region": value.region,
            "period": str(value.period),
            "dimension": value.dimension,
            "revision": value.revision,
            "value": value.value,
            "stage": value.stage.value,
            "state": value.state.value,
            "words": value.decision or value.reason,
        }
        self.evidence.record(tx, actor, action, target=value.code, detail=detail)
