"""``beijiang assess figure``: statistical indicators, values, targets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.assess.commands.openings import add_openings
from beijiang.assess.commands.shared import AS, form_of, who_by, write
from beijiang.assess.models import (  # fmt: skip
    REGION,
    Better,
    FigureDraft,
    Operator,
    Period,
    PeriodKind,
    Stage,
    Target,
    ValueDraft,
    ValueKind,
)
from beijiang.kit import Text
from beijiang.terminal import Column, asked_after, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.assess.commands.shared import Who
    from beijiang.assess.models import FigureRow, Value
    from beijiang.assess.service import Figures, PublicFigures

__all__ = ["add_figures"]

_CODE = typer.Argument(help="Code of the indicator.")
_REASON = typer.Option(..., help="Why; kept in the evidence.")
_REGION = typer.Option(REGION, help="Region code (GB/T 2260).")
_PERIOD = typer.Argument(help="2026-10, 2026Q3 or 2026, as the indicator is measured.")
_STAGE = typer.Option(Stage.FINAL, help="How final it is.")
_KIND = typer.Option(ValueKind.LEVEL, help="What a value is.")
_EVERY = typer.Option(PeriodKind.YEAR, help="How often it is measured.")
_BETTER = typer.Option(Better.HIGHER, help="Which way is better.")
_IDS = typer.Argument(help="Ids of values, several.")
_OUT = typer.Option(..., "--out", help="File to write; .csv or .xlsx.")
_ROWS = (
    Column("code", Text("指标", "indicator"), whole=True),
    Column("name", Text("名称", "name")),
    Column("period", Text("期间", "period")),
    Column("value", Text("数值", "value"), right=True),
    Column("target", Text("目标", "target"), right=True),
    Column("unit", Text("单位", "unit")),
    Column("met", Text("达标", "met")),
    Column("org_id", Text("责任部门", "department"), spare=True),
    Column("waiting", Text("待审批", "waiting"), right=True),
)
_VALUES = (
    Column("id", Text("标识", "id"), whole=True),
    Column("code", Text("指标", "indicator"), spare=True),
    Column("region", Text("地区", "region")),
    Column("period", Text("期间", "period")),
    Column("value", Text("数值", "value"), right=True),
    Column("revision", Text("修订", "revision"), right=True),
    Column("stage", Text("阶段", "stage"), spare=True),
    Column("state", Text("状态", "state")),
    Column("by", Text("填报", "by"), spare=True),
)

_SEEN = typer.Option(
    [], "--seen", help="ID=TOKEN, the `seen` of a value as you read it; several. Without it you are shown and asked."
)


def add_figures(
    group: typer.Typer,
    get: Callable[[], Figures],
    public: Callable[[], PublicFigures],
    access: Callable[[], Access],
) -> None:
    """Add the commands of statistical indicators."""
    figures = typer.Typer(help="Statistical indicators: values, targets, release.", no_args_is_help=True)
    who = who_by(access)
    _add_reading(figures, get, who)
    _add_defining(figures, get, who)
    _add_values(figures, get, who)
    add_openings(figures, public, who)
    group.add_typer(figures, name="figure")


def _add_reading(figures: typer.Typer, get: Callable[[], Figures], who: Who) -> None:
    @figures.command("list")
    def list_(person: str = AS) -> None:
        """Show the indicators with their newest value and target."""
        show([_row(one) for one in get().figures(who(person))], _ROWS)

    @figures.command("show")
    def show_(code: str = _CODE, person: str = AS) -> None:
        """Show every revision of an indicator's values, the newest first."""
        view = get().figure(who(person), code)
        seen = view.seen
        show([{**_value(v), "seen": seen.get(v.id)} for v in view.revisions], _VALUES)

    @figures.command("export")
    def export(out: Path = _OUT, code: str = typer.Option("", help="Only this indicator."), person: str = AS) -> None:
        """Write released values to a file; a workbook has indicators and targets too."""
        write(get().export(who(person), form_of(out), language(), code), out)


def _add_defining(figures: typer.Typer, get: Callable[[], Figures], who: Who) -> None:
    @figures.command("define")
    def define(
        code: str = _CODE,
        name: str = typer.Option(..., help="Name in Chinese."),
        english: str = typer.Option("", help="Name in English."),
        unit: str = typer.Option(..., help="Unit in Chinese."),
        english_unit: str = typer.Option("", help="Unit in English."),
        definition: str = typer.Option("", help="What is counted, and how."),
        every: PeriodKind = _EVERY,
        kind: ValueKind = _KIND,
        better: Better = _BETTER,
        org: str = typer.Option(..., help="Responsible department."),
        basis: str = typer.Option("", help="By which document."),
        query: str = typer.Option("", help="SELECT that gives its value; :first, :last and :period are put in."),
        reason: str = _REASON,
        person: str = AS,
    ) -> None:
        """Add an indicator, or its next version."""
        draft = FigureDraft(
            code=code, name_zh=name, name_en=english, definition=definition, unit_zh=unit, unit_en=english_unit,
            period_kind=every, value_kind=kind, better=better, org_id=org, basis=basis, formula=query,
        )  # fmt: skip
        made = get().define(who(person), draft, reason)
        say(Text(f"已保存第 {made.version} 版。", f"Version {made.version} is kept."))

    @figures.command("retire")
    def retire(code: str = _CODE, reason: str = _REASON, person: str = AS) -> None:
        """Take an indicator out of use; its values stay."""
        get().retire(who(person), code, reason)
        say(Text("已停用。", "Out of use."))

    @figures.command("target")
    def target(
        code: str = _CODE,
        period: str = _PERIOD,
        operator: Operator = typer.Argument(help="≥, = or ≤."),  # noqa: B008
        value: str = typer.Argument(help="The number."),
        basis: str = typer.Option(..., help="By which document."),
        region: str = _REGION,
        person: str = AS,
    ) -> None:
        """Set what a value should come to."""
        made = Target(
            code=code,
            region=region,
            period=Period.parse(period),
            operator=operator,
            value=value,
            basis=basis,
            org_id="",
        )
        get().set_target(who(person), made)
        say(Text("目标已设定。", "The target is set."))

    @figures.command("load-plan")
    def load(person: str = AS) -> None:
        """Add the numeric targets of the 2018 work plan that are not there yet."""
        added = len(get().load_plan(who(person)))
        say(Text(f"新增 {added} 项指标。", f"{added} indicators added."))


def _add_values(figures: typer.Typer, get: Callable[[], Figures], who: Who) -> None:
    @figures.command("report")
    def report(
        code: str = _CODE,
        period: str = _PERIOD,
        value: str = typer.Argument(help="The number, exact."),
        region: str = _REGION,
        dimension: str = typer.Option("", help="Group, where the indicator has some."),
        stage: Stage = _STAGE,
        source: str = typer.Option("", help="Where the number comes from."),
        reason: str = typer.Option("", help="Why; needed to revise a released value."),
        person: str = AS,
    ) -> None:
        """Report a value; somebody else releases it."""
        draft = ValueDraft(
            code=code, period=Period.parse(period), value=value, region=region, dimension=dimension, stage=stage, source=source
        )  # fmt: skip
        show([_value(v) for v in get().report(who(person), [draft], reason)], _VALUES)

    @figures.command("compute")
    def compute(
        code: str = _CODE,
        period: str = _PERIOD,
        stage: Stage = _STAGE,
        reason: str = typer.Option("", help="Why; needed to revise a released value."),
        person: str = AS,
    ) -> None:
        """Report what the indicator's query gives for a period; somebody else releases it."""
        show([_value(v) for v in get().compute(who(person), code, Period.parse(period), stage, reason)], _VALUES)

    @figures.command("import")
    def import_(
        file: Path = typer.Argument(help="CSV or .xlsx with the columns of an export.", exists=True, dir_okay=False),  # noqa: B008
        reason: str = typer.Option("", help="Why; needed to revise released values."),
        person: str = AS,
    ) -> None:
        """Report the values of a file, all or none."""
        show([_value(v) for v in get().import_values(who(person), file.name, file.read_bytes(), reason)], _VALUES)

    @figures.command("decide")
    def decide(
        values: list[str] = _IDS,
        approve: bool = typer.Option(..., "--approve/--return", help="Release them, or return them with words."),
        words: str = typer.Option("", help="What to say."),
        seen: list[str] = _SEEN,
        person: str = AS,
    ) -> None:
        """Release values that wait, or return them. Without --seen they are shown first."""
        actor = who(person)
        tokens = dict(one.split("=", 1) for one in seen if "=" in one)
        if approve and not seen:
            found = get().to_decide(actor, values)
            if asked_after(lambda: show([_value(v) for v, _ in found], _VALUES), "yes"):
                tokens = {value.id: shown.token for value, shown in found}
        show([_value(v) for v in get().decide(actor, values, approve=approve, words=words, seen=tokens)], _VALUES)


def _row(one: FigureRow) -> dict[str, Any]:
    tongue = language()
    return {
        "code": one.figure.code,
        "name": one.figure.name.in_language(tongue),
        "period": str(one.value.period) if one.value else None,
        "value": one.value.value if one.value else None,
        "target": f"{one.target.operator.value}{one.target.value} ({one.target.period})" if one.target else None,
        "unit": one.figure.unit.in_language(tongue),
        "met": one.met,
        "org_id": one.figure.org_id,
        "waiting": one.waiting,
    }


def _value(one: Value) -> dict[str, Any]:
    names = ("id", "code", "region", "value", "revision")
    return {
        **{name: getattr(one, name) for name in names},
        "period": str(one.period),
        "stage": one.stage.value,
        "state": one.state.value,
        "by": one.by_name,
    }
