"""Grades, row rules and masks of ``beijiang protection``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Actor, Text
from beijiang.protection.models.choices import MaskFunction
from beijiang.protection.models.reference import By, controls
from beijiang.protection.models.sight import AUDIENCE_NAMES, EVERYBODY, Audience
from beijiang.protection.models.where import read_where, written
from beijiang.terminal import Column, as_json, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.protection.models.choices import MaskChoice
    from beijiang.protection.models.grades import ColumnGrade
    from beijiang.protection.models.reference import Control
    from beijiang.protection.models.sight import RowRule, RuleEffect
    from beijiang.protection.service import Protection

__all__ = ["AS", "acting", "add", "agreement_of"]

AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_COLUMNS = (
    Column("column", Text("数据项", "column"), whole=True),
    Column("level", Text("级别", "level")),
    Column("kind", Text("类型", "kind")),
    Column("personal", Text("个人信息", "personal")),
    Column("mask", Text("脱敏方式", "mask"), spare=True),
    Column("source", Text("来源", "source")),
    Column("share", Text("命中率", "share"), right=True),
    Column("valid_share", Text("校验通过率", "valid"), right=True),
    Column("reason", Text("理由", "reason")),
)


_RULES = (
    Column("id", Text("标识", "id")),
    Column("audience", Text("对谁", "for whom")),
    Column("where", Text("只显示", "shown only where")),
    Column("hides", Text("隐去行数", "rows hidden"), right=True),
    Column("reason", Text("理由", "reason")),
    Column("at", Text("时间", "at")),
)
_MASKS = (
    Column("column", Text("数据项", "column"), whole=True),
    Column("mask", Text("脱敏方式", "mask"), whole=True),
    Column("weaker", Text("弱于默认", "weaker than default")),
    Column("reason", Text("理由", "reason")),
    Column("at", Text("时间", "at")),
    Column("ended_at", Text("结束", "ended"), spare=True),
)
_WHERE = typer.Option(
    ...,
    "--where",
    help="COLUMN=VALUE, or COLUMN__op=VALUE with ne, in, gt, contains, isnull ...; several hold together.",
)


_CONTROLS = (
    Column("stage", Text("阶段", "stage")),
    Column("level", Text("级别", "level")),
    Column("control", Text("要求", "control"), whole=True),
    Column("by", Text("由谁", "by")),
    Column("enforced_by", Text("落实", "enforced by"), spare=True),
)

_BY = typer.Option(None, help="Only what the platform does by the table or always, or the duties of people.")


def add(group: typer.Typer, get: Callable[[], Protection], access: Callable[[], Access]) -> None:
    """Add the commands of grades, row rules and masks to a group."""

    @group.command("grades")
    def grades(table: str = typer.Argument(help="Name of the table."), person: str = AS) -> None:
        """Show the grade of each column and why it has it."""
        show([_row(grade) for grade in get().grades(acting(access, person), table)], _COLUMNS)

    @group.command("controls")
    def controls_of_grades(
        level: str = typer.Option("", help="Only of this grade: L1 to L4."),
        by: By | None = _BY,
    ) -> None:
        """Show what each grade asks for at each stage in the life of data, and what enforces it."""
        found = [one for one in controls() if level in {"", str(one.level)} and by in {None, one.by}]
        show([_control(one) for one in found], _CONTROLS)

    @group.command("correct")
    def correct(
        table: str = typer.Argument(help="Name of the table."),
        column: str = typer.Argument(help="Name of the column."),
        level: str = typer.Option("", help="L1 to L4; without it the least level of the kind."),
        kind: str = typer.Option("", help="What the column holds, when the detectors were wrong."),
        reason: str = typer.Option("", help="Why; needed to lower a level or to change the kind."),
        person: str = AS,
    ) -> None:
        """Correct the grade of a column; what shows more waits until another person agrees."""
        done = get().correct(
            acting(access, person), table, column, level=level or None, kind=kind or None, reason=reason
        )
        waits = "" if done.lowering is None else done.lowering.id
        show([{**_row(done.grade), "waits": waits}], (*_COLUMNS, Column("waits", Text("待决定", "waits"), spare=True)))
        if waits and not as_json():
            say(agreement_of(waits))

    _add_rules(group, get, access)
    _add_masks(group, get, access)


def _add_rules(group: typer.Typer, get: Callable[[], Protection], access: Callable[[], Access]) -> None:
    @group.command("restrict")
    def restrict(
        table: str = typer.Argument(help="Name of the table."),
        where: list[str] = _WHERE,
        audience: Audience | None = typer.Option(None, help="Only for readers in this standing; else for all."),  # noqa: B008
        reason: str = typer.Option(..., help="Why; kept in the evidence."),
        person: str = AS,
    ) -> None:
        """Show only the rows that meet the conditions, through every exit, from now on."""
        actor = acting(access, person)
        made = get().restrict(actor, table, [read_where(one) for one in where], audience=audience, reason=reason)
        effect = get().rules(actor, made.table)
        show([_rule(rule, effect) for rule in effect.rules if rule.id == made.id], _RULES)

    @group.command("rules")
    def rules(table: str = typer.Argument(help="Name of the table."), person: str = AS) -> None:
        """Show the row rules in force and how many rows of the newest version each keeps back."""
        effect = get().rules(acting(access, person), table)
        show([_rule(rule, effect) for rule in effect.rules], _RULES)

    @group.command("lift")
    def lift(
        rule: str = typer.Argument(help="Id of the row rule."),
        reason: str = typer.Option(..., help="Why; kept in the evidence."),
        person: str = AS,
    ) -> None:
        """End a row rule; the rows are shown again at once."""
        ended = get().lift(acting(access, person), rule, reason)
        say(Text(f"行规则 {ended.id} 已解除。", f"Row rule {ended.id} is lifted."))


def _add_masks(group: typer.Typer, get: Callable[[], Protection], access: Callable[[], Access]) -> None:
    @group.command("masks")
    def masks(table: str = typer.Argument(help="Name of the table."), person: str = AS) -> None:
        """Show the masks that were chosen for a table's columns, in force and ended."""
        show([_mask(one) for one in get().masks(acting(access, person), table)], _MASKS)

    @group.command("mask")
    def mask(
        table: str = typer.Argument(help="Name of the table."),
        column: str = typer.Argument(help="Name of the column."),
        function: MaskFunction = typer.Argument(help="How to mask it."),  # noqa: B008
        parameters: list[str] = typer.Option([], "--with", help="NAME=VALUE; see the how-to on masks."),  # noqa: B008
        reason: str = typer.Option(..., help="Why; kept in the evidence."),
        person: str = AS,
    ) -> None:
        """Mask a column by a function of the list instead of its default, at every exit."""
        given = dict(one.partition("=")[::2] for one in parameters)
        made = get().choose_mask(acting(access, person), table, column, function, given, reason=reason)
        show([_mask(made)], _MASKS)

    @group.command("unmask")
    def unmask(
        table: str = typer.Argument(help="Name of the table."),
        column: str = typer.Argument(help="Name of the column."),
        reason: str = typer.Option(..., help="Why; kept in the evidence."),
        person: str = AS,
    ) -> None:
        """End the chosen mask of a column; its default holds again."""
        get().drop_mask(acting(access, person), table, column, reason)
        say(Text(f"列“{column}”恢复默认脱敏。", f'Column "{column}" has its default mask again.'))


def acting(access: Callable[[], Access], login: str) -> Actor:
    """Return whom a command acts as."""
    return access().actor_for_person(login) if login else SYSTEM


def agreement_of(lowering: str) -> Text:
    """Return what has to follow before something weaker holds."""
    return Text(
        f"降级须由另一名审核人员同意后生效，此前按原级别执行：beijiang protection decide {lowering}",
        f"It holds once another person agrees; the stricter grade holds until then: beijiang protection decide {lowering}",
    )


def _control(control: Control) -> dict[str, Any]:
    return {
        "stage": control.stage.text.in_language(language()),
        "level": str(control.level),
        "control": control.text.in_language(language()),
        "by": control.by.text.in_language(language()),
        "enforced_by": control.enforced_by or "—",
    }


def _row(grade: ColumnGrade) -> dict[str, Any]:
    from beijiang.protection.models.reference import kinds

    return {
        "column": grade.column,
        "level": str(grade.level),
        "kind": kinds()[grade.kind].name.in_language(language()),
        "personal": str(grade.personal),
        "mask": grade.mask,
        "source": str(grade.source),
        "share": round(grade.evidence.share, 3),
        "valid_share": round(grade.evidence.valid_share, 3),
        "reason": grade.reason,
    }


def _rule(rule: RowRule, effect: RuleEffect) -> dict[str, Any]:
    hides = effect.hidden[rule.id]
    broken = Text("全部（列已变，不向任何人提供）", "all (its column changed; nobody is served)")
    return {
        "id": rule.id,
        "audience": (AUDIENCE_NAMES[rule.audience] if rule.audience else EVERYBODY).in_language(language()),
        "where": " & ".join(written(one) for one in rule.filters),
        "hides": broken.in_language(language()) if hides is None else hides,
        "reason": rule.reason,
        "at": rule.at,
    }


def _mask(choice: MaskChoice) -> dict[str, Any]:
    return {
        "column": choice.column,
        "mask": choice.words,
        "weaker": choice.weaker,
        "reason": choice.reason,
        "at": choice.at,
        "ended_at": choice.ended_at,
    }
