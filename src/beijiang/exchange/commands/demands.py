"""``beijiang exchange demand``: say what is needed, find its source, supply it, evaluate it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.exchange.commands.told import PLANNED
from beijiang.exchange.models import DemandDraft, DemandMove, DemandQuery, Evaluation
from beijiang.exchange.service import Answer
from beijiang.kit import SYSTEM, Actor, Text
from beijiang.standards import SheetFormat
from beijiang.terminal import Column, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.catalog import SearchHit
    from beijiang.exchange.models import Demand, DemandPlan, Step
    from beijiang.exchange.service import Demands

__all__ = ["demands"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_DEMAND = typer.Argument(help="Id of the demand.")

_DEMANDS = (
    Column("id", Text("需求号", "id"), whole=True),
    Column("state", Text("状态", "state")),
    Column("title", Text("需求", "demand")),
    Column("org_id", Text("需求部门", "needed by")),
    Column("source_org", Text("数源部门", "source")),
    Column("supply_by", Text("供数期限", "supply by")),
    Column("evaluation", Text("评价", "evaluation")),
)
_STEPS = (
    Column("at", Text("时间", "at")),
    Column("by", Text("经办", "by")),
    Column("behalf", Text("代办", "for"), spare=True),
    Column("move", Text("事项", "what")),
    Column("words", Text("意见", "words")),
)
_HITS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("资源", "entry")),
    Column("provider", Text("提供方", "provider")),
)
_NEGATIVE = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("资源", "entry")),
    Column("item", Text("数据项", "item")),
    Column("basis", Text("不予共享的依据", "basis")),
)


def demands(get: Callable[[], Demands], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(help="Demands: what is needed, who is its source, when it is there.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("raise")
    def raise_(
        title: str = typer.Argument(help="What is needed, in a few words."),
        items: str = typer.Option(..., help="The data items, as you call them."),
        purpose: str = typer.Option(..., help="Code of the purpose; see exchange purposes."),
        use: str = typer.Option(..., help="In which business they are used."),
        basis: str = typer.Option("", help="Document and article."),
        wished: datetime | None = typer.Option(None, help="Wished by this day.", formats=["%Y-%m-%d"]),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Say what your department needs."""
        by = None if wished is None else wished.date()
        draft = DemandDraft(title=title, items=items, purpose=purpose, use=use, basis=basis, wished_by=by)
        show([_row(get().raise_(who(person), draft))], _DEMANDS)

    @group.command("list")
    def list_(
        words: str = typer.Option("", "--find", help="Words of the title, or an id."),
        duties: bool = typer.Option(False, "--duties", help="Only what is somebody's duty to supply."),
        waiting: bool = typer.Option(False, "--waiting", help="Only those whose next step is yours."),
        person: str = _AS,
    ) -> None:
        """Show the demands of and to your organisation, newest first."""
        found = (
            get().waiting(who(person))
            if waiting
            else get().demands(who(person), DemandQuery(words=words, duties=duties))[0]
        )
        show([_row(one) for one in found], _DEMANDS)

    @group.command("show")
    def show_(demand: str = _DEMAND, person: str = _AS) -> None:
        """Show one demand and what happened to it."""
        found = get().demand(who(person), demand)
        show([_row(found.demand)], _DEMANDS)
        show([_step(step) for step in found.steps], _STEPS)

    @group.command("move")
    def move(
        demand: str = _DEMAND,
        move: DemandMove = typer.Argument(help="The step."),  # noqa: B008
        words: str = typer.Option("", help="What is said with it; kept in the evidence."),
        org: str = typer.Option("", help="Of dispatch: to whom; of deny: who it is instead."),
        resource: str = typer.Option("", help="Of match and complete: id of the entry."),
        supply_by: datetime | None = typer.Option(None, help="Of confirm and postpone: the day.", formats=["%Y-%m-%d"]),  # noqa: B008
        evaluation: Evaluation | None = typer.Option(None, help="Of evaluate."),  # noqa: B008
        plan: bool = typer.Option(False, "--plan", help="Show what the step would do, and change nothing."),
        person: str = _AS,
    ) -> None:
        """Take a step with a demand."""
        day = None if supply_by is None else supply_by.date()
        answer = Answer(org_id=org, resource_id=resource, supply_by=day, evaluation=evaluation)
        if plan:
            _show_plan(get().plan_move(who(person), demand, move, answer))
            return
        show([_row(get().move(who(person), demand, move, words, answer))], _DEMANDS)

    @group.command("ledger")
    def ledger(
        out: Path = typer.Argument(help="File to write; its ending says which: xlsx, csv or pdf."),  # noqa: B008
        duties: bool = typer.Option(False, "--duties", help="Only what is somebody's duty to supply."),
        person: str = _AS,
    ) -> None:
        """Write the ledger of supply and demand."""
        known = {f".{form.value}": form for form in SheetFormat}
        form = known.get(out.suffix.lower(), SheetFormat.XLSX)
        out.write_bytes(get().ledger(who(person), form, language(), duties=duties).content)
        say(Text(f"已写入 {out}。", f"Written to {out}."))

    _add_hints(group, get, who)
    _add_revise(group, get, who)
    return group


def _add_hints(group: typer.Typer, get: Callable[[], Demands], who: Callable[[str], Actor]) -> None:
    @group.command("similar")
    def similar(
        words: str = typer.Argument(help="What is needed."),
        items: str = typer.Option("", help="The data items, with commas between."),
        person: str = _AS,
    ) -> None:
        """Show entries of the catalog that may be what is needed."""
        show([_hit(one) for one in get().similar(who(person), words, items)], _HITS)

    @group.command("hints")
    def hints(demand: str = _DEMAND, person: str = _AS) -> None:
        """Show what may help with a demand: entries that may be it, duties to supply the same, what is not shared and why."""
        found = get().hints(who(person), demand)
        show([_hit(one) for one in found.entries], _HITS)
        show([_row(one) for one in found.duties], _DEMANDS)
        show(
            [
                {"id": one.resource_id, "name": one.name, "item": one.item, "basis": one.basis}
                for one in found.not_shared
            ],
            _NEGATIVE,
        )


def _add_revise(group: typer.Typer, get: Callable[[], Demands], who: Callable[[str], Actor]) -> None:
    @group.command("revise")
    def revise(
        demand: str = _DEMAND,
        words: str = typer.Option(..., help="What was changed; kept in the evidence."),
        title: str = typer.Option("", help="What is needed; what is left out stays as it was."),
        items: str = typer.Option("", help="The data items."),
        purpose: str = typer.Option("", help="Code of the purpose."),
        use: str = typer.Option("", help="In which business they are used."),
        basis: str = typer.Option("", help="Document and article."),
        wished: datetime | None = typer.Option(None, help="Wished by this day.", formats=["%Y-%m-%d"]),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Change a demand that was returned, and hand it in again."""
        given = {"title": title, "items": items, "purpose": purpose, "use": use, "basis": basis}
        changed: dict[str, Any] = {name: value for name, value in given.items() if value}
        if wished is not None:
            changed["wished_by"] = wished.date()
        draft = replace(get().demand(who(person), demand).demand.draft, **changed)
        show([_row(get().revise(who(person), demand, draft, words))], _DEMANDS)


def _show_plan(plan: DemandPlan) -> None:
    due = "-" if plan.deadline is None else plan.deadline.last_day.isoformat()
    facts = (
        (Text("将变为", "would be"), plan.after.text),
        (Text("办理部门", "with"), plan.org_id or "-"),
        (Text("期限", "until"), due),
        (Text("时限依据", "by"), f"{plan.basis} {plan.rule}".strip() or "-"),
        (Text("该部门在办", "it has in hand"), str(len(plan.has))),
    )
    show([{"what": what, "found": found} for what, found in facts], PLANNED)
    show([_row(one) for one in plan.has], _DEMANDS)


def _hit(one: SearchHit) -> dict[str, Any]:
    return {"id": one.id, "name": one.title, "provider": one.provider_name}


def _row(one: Demand) -> dict[str, Any]:
    return {
        "id": one.id,
        "state": one.state.text,
        "title": one.draft.title,
        "org_id": one.org_id,
        "source_org": one.source_org,
        "supply_by": None if one.supply_by is None else one.supply_by.isoformat(),
        "evaluation": None if one.evaluation is None else one.evaluation.text,
    }


def _step(one: Step) -> dict[str, Any]:
    at = one.at.isoformat(timespec="seconds")
    return {"at": at, "by": one.name, "behalf": one.behalf, "move": one.move.text, "words": one.words}
