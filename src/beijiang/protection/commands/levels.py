"""Grades of whole tables, and what waits for a second person, of ``beijiang protection``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from beijiang.kit import Invalid, Text
from beijiang.protection.commands.grades import AS, acting, agreement_of
from beijiang.protection.models.assessing import AffectedObject, AssessmentDraft, Harm, matrix
from beijiang.protection.plain import assessment_json, cell_json, floor_json, grading_json, lowering_json, view_json
from beijiang.terminal import Column, as_json, asked_after, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.protection.service import Protection

__all__ = ["add"]

_TABLE = typer.Argument(help="Name of the table.")
_ID = typer.Argument(help="Id of the proposal.")
_HARMS = typer.Option(
    ...,
    "--harm",
    help="OBJECT=DEGREE, like public_interest=serious; degrees are none, general, serious, extreme. May be given several times.",
)
_FACTORS = typer.Option([], "--factor", help="What was weighed, like scale or precision; may be given several times.")
_SEEN = typer.Option(None, help="The `seen` of the proposal as you read it; without it you are shown and asked.")
_WAITING = (
    Column("id", Text("标识", "id"), whole=True),
    Column("table", Text("表", "table")),
    Column("column", Text("数据项", "column")),
    Column("change", Text("变更", "change"), whole=True),
    Column("reason", Text("理由", "reason")),
    Column("by_name", Text("提出人", "proposed by")),
    Column("now", Text("现状", "now")),
    Column("state", Text("状态", "state")),
)
_CELLS = (
    Column("object", Text("影响对象", "object"), whole=True),
    Column("harm", Text("危害程度", "harm"), whole=True),
    Column("tier", Text("数据级别", "tier")),
    Column("level", Text("最低等级", "least grade")),
    Column("basis", Text("依据", "basis"), spare=True),
)
_ASSESSED = (
    Column("table", Text("表", "table"), whole=True),
    Column("revision", Text("版", "version"), right=True),
    Column("tier", Text("数据级别", "tier")),
    Column("level", Text("等级", "grade")),
    Column("object", Text("影响对象", "object")),
    Column("harm", Text("危害程度", "harm")),
    Column("state", Text("状态", "state")),
    Column("reason", Text("理由", "reason")),
)
_FLOORS = (
    Column("column", Text("数据项", "column"), whole=True),
    Column("level", Text("最低等级", "least grade")),
    Column("source", Text("来源", "source")),
    Column("subject", Text("数据元或定级", "element or assessment"), whole=True),
    Column("at", Text("时间", "at")),
    Column("ended_at", Text("结束", "ended")),
)


def add(group: typer.Typer, get: Callable[[], Protection], access: Callable[[], Access]) -> None:
    """Add the commands to the group of protection."""

    @group.command("matrix")
    def the_matrix() -> None:
        """Show what harm to whom makes of data (GB/T 43697), and the least grade that follows."""
        show([cell_json(cell) for cell in matrix(get().today()).values()], _CELLS)

    @group.command("assess")
    def assess(
        table: str = _TABLE,
        category: str = typer.Option(..., help="The sector, as beijiang's list has it: health, government ..."),
        harm: list[str] = _HARMS,
        factor: list[str] = _FACTORS,
        reason: str = typer.Option(..., help="Why; kept in the evidence."),
        person: str = AS,
    ) -> None:
        """Assess a table by the matrix; what is stricter holds at once, what is weaker waits for another person."""
        draft = AssessmentDraft(category=category, harms=_harms(harm), factors=tuple(factor), reason=reason)
        made, lowering = get().assess(acting(access, person), table, draft)
        show([assessment_json(made)], _ASSESSED)
        if lowering is not None and not as_json():
            say(agreement_of(lowering.id))

    @group.command("assessment")
    def assessment(table: str = _TABLE, person: str = AS) -> None:
        """Show how a table is graded as a whole, with its assessments and what asks for a review."""
        found = get().grading(acting(access, person), table)
        if as_json():
            show([grading_json(found)])
            return
        say(
            Text(
                f"{found.table}：{found.tier.text.zh}，{found.level}。",
                f"{found.table}: {found.tier.text.en}, {found.level}.",
            )
        )
        for one in found.due:
            say(
                Text(
                    f"须复核：{one.rule.text.zh}（{one.rule.basis}）。",
                    f"To be reviewed: {one.rule.text.en} ({one.rule.basis}).",
                )
            )
        show([assessment_json(one) for one in found.history], _ASSESSED)

    @group.command("assessments")
    def assessments(person: str = AS) -> None:
        """Show the assessments in force of all tables, core and important data first."""
        show([assessment_json(one) for one in get().assessed(acting(access, person))], _ASSESSED)

    @group.command("floors")
    def floors(table: str = _TABLE, person: str = AS) -> None:
        """Show the least grades of a table's columns that data elements and assessments ask for."""
        show([floor_json(one) for one in get().floors(acting(access, person), table)], _FLOORS)

    _add_deciding(group, get, access)


def _add_deciding(group: typer.Typer, get: Callable[[], Protection], access: Callable[[], Access]) -> None:
    @group.command("lowerings")
    def lowerings(
        table: str = typer.Option("", "--table", help="All that was ever proposed of this table."), person: str = AS
    ) -> None:
        """Show what would lower a grade and waits for a second person."""
        show([view_json(one) for one in get().lowerings(acting(access, person), table or None)], _WAITING)

    @group.command("show-lowering")
    def lowering(proposal: str = _ID, person: str = AS) -> None:
        """Show one proposal, with the value of seen to decide with."""
        show(view_json(get().lowering(acting(access, person), proposal)))

    @group.command("decide")
    def decide(
        proposal: str = _ID,
        agree: bool = typer.Option(..., "--agree/--refuse", help="Agree, or refuse with a reason."),
        reason: str = typer.Option("", help="Why; needed to refuse."),
        seen: str = _SEEN,
        person: str = AS,
    ) -> None:
        """Agree to a lowered grade as a second person, or refuse it. Without --seen it is shown first."""
        who = acting(access, person)
        if seen is None:
            found = get().lowering(who, proposal)
            seen = asked_after(lambda: show(view_json(found)), found.shown.token)
        done = get().decide_lowering(who, proposal, agree=agree, reason=reason, seen=seen)
        show([lowering_json(done)], _WAITING)

    @group.command("withdraw-lowering")
    def withdraw(proposal: str = _ID, reason: str = typer.Option("", help="Why."), person: str = AS) -> None:
        """Take a proposal back; the stricter grade goes on to hold."""
        show([lowering_json(get().withdraw_lowering(acting(access, person), proposal, reason))], _WAITING)


def _harms(given: list[str]) -> dict[AffectedObject, Harm]:
    try:
        return {
            AffectedObject(name.strip()): Harm(degree.strip()) for name, _, degree in (g.partition("=") for g in given)
        }
    except ValueError:
        objects, degrees = ", ".join(AffectedObject), ", ".join(Harm)
        raise Invalid(
            f"危害写作 对象=程度。对象：{objects}；程度：{degrees}。",
            f"A harm is written OBJECT=DEGREE. Objects: {objects}; degrees: {degrees}.",
            code="unknown_word",
        ) from None
