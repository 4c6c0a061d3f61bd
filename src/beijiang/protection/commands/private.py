"""``beijiang protection private``: noisy statistics."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import Invalid, Text
from beijiang.protection.commands.grades import AS, acting
from beijiang.protection.models.private import OfferDraft, PrivateKind, PrivateQuestion, epsilon_of, micro_of
from beijiang.protection.models.where import read_domain, read_where
from beijiang.terminal import Column, as_json, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.protection.models.private import Budget, PrivateAnswer, PrivateOffer, Spend
    from beijiang.protection.service import Private

__all__ = ["private"]

_OFFERS = (
    Column("table", Text("数据表", "table"), whole=True),
    Column("columns", Text("可查询的数据项", "columns"), whole=True),
    Column("level", Text("级别", "level")),
    Column("approved", Text("已同意", "approved")),
    Column("expires", Text("到期", "expires")),
    Column("spent", Text("已用 ε", "spent"), right=True),
    Column("left", Text("剩余 ε", "left"), right=True),
    Column("renews", Text("更新", "renews")),
)
_CELLS = (
    Column("keys", Text("分组", "group"), whole=True),
    Column("value", Text("约", "about"), right=True),
    Column("low", Text("95% 下限", "95% low"), right=True),
    Column("high", Text("95% 上限", "95% high"), right=True),
)
_LEDGER = (
    Column("id", Text("标识", "id")),
    Column("at", Text("时间", "at")),
    Column("consumer", Text("使用方", "consumer")),
    Column("question", Text("问题", "question"), whole=True),
    Column("cost", Text("ε", "epsilon"), right=True),
    Column("answered", Text("已答", "answered")),
)
_TABLE = typer.Argument(help="Name of the table.")
_REASON = typer.Option(..., help="Why; kept in the evidence.")
_DOMAINS = typer.Option(
    ...,
    "--domain",
    help="COLUMN=KEY,KEY,... to group by; COLUMN=LOW..HIGH or COLUMN=LOW..HIGH/STEP of numbers; COLUMN=@CODE_SET.",
)
_WHERE = typer.Option(
    [], "--where", help="COLUMN=KEY, COLUMN__in=KEY,KEY, or COLUMN__gte=NUMBER; several hold together."
)
_KIND = typer.Option(PrivateKind.COUNT, help="What to ask for.")
_BY = typer.Option([], "--by", help="Group by this column; may be given again.")


def private(get: Callable[[], Private], access: Callable[[], Access]) -> typer.Typer:
    """Return the group of commands of noisy statistics."""
    group = typer.Typer(help="Noisy statistics (differential privacy): offer, ask, ledger.", no_args_is_help=True)
    _add_offering(group, get, access)

    @group.command("list")
    def offers(person: str = AS) -> None:
        """Show the tables that are offered, and what is left of the budget."""
        show([_offer(*one) for one in get().offers(acting(access, person))], _OFFERS)

    @group.command("ask")
    def ask(
        table: str = _TABLE,
        kind: PrivateKind = _KIND,
        column: str = typer.Option("", help="Column of a sum or mean."),
        by: list[str] = _BY,
        where: list[str] = _WHERE,
        epsilon: str = typer.Option("0.1", help="What it may cost: more is more exact."),
        only_estimate: bool = typer.Option(False, "--estimate", help="Only say how good the answer would be."),
        person: str = AS,
    ) -> None:
        """Ask a noisy count, sum or mean; the same question gets the same answer at no cost."""
        filters = tuple(read_where(one) for one in where)
        question = PrivateQuestion(
            kind=kind, column=column or None, by=tuple(by), where=filters, micro=micro_of(epsilon)
        )
        who = acting(access, person)
        if only_estimate:
            found = get().estimate(who, table, question)
            row = {"within": found.within, "cells": found.cells, "cost": epsilon_of(found.micro)}
            columns = [
                Column("within", Text("误差（95%）不超过", "within (95 %)")),
                Column("cells", Text("格数", "cells")),
            ]
            show([row], [*columns, Column("cost", Text("花费 ε", "costs epsilon"))])
            return
        _print(get().ask(who, table, question))

    @group.command("ledger")
    def ledger(table: str = _TABLE, person: str = AS) -> None:
        """Show what was asked and what it cost: one's own organisation's questions; the owner sees all."""
        show([_spend(one) for one in get().ledger(acting(access, person), table)], _LEDGER)

    return group


def _add_offering(group: typer.Typer, get: Callable[[], Private], access: Callable[[], Access]) -> None:
    @group.command("offer")
    def offer(
        table: str = _TABLE,
        key: str = typer.Option(..., "--person-column", help="Column that tells which person a row is about."),
        domains: list[str] = _DOMAINS,
        rows_per_person: int = typer.Option(1, help="Rows of a person that count at most."),
        consumer_epsilon: str = typer.Option("", help="Budget of each consumer in a period; by default the largest."),
        total_epsilon: str = typer.Option("", help="Budget of all consumers together."),
        reason: str = _REASON,
        person: str = AS,
    ) -> None:
        """Offer a table for noisy statistics. Keys and bounds must be public, not taken from the data."""
        draft = OfferDraft(
            person=key,
            domains=dict(_domain(one) for one in domains),
            reason=reason,
            rows_per_person=rows_per_person,
            consumer_epsilon=consumer_epsilon,
            total_epsilon=total_epsilon,
        )
        who = acting(access, person)
        show([_offer(*get().shown(who, get().offer(who, table, draft).table))], _OFFERS)

    @group.command("approve")
    def approve(
        table: str = _TABLE,
        seen: str = typer.Option(None, help="The `seen` of the offer as you read it; nothing else is agreed to."),
        person: str = AS,
    ) -> None:
        """Agree to an offer with columns of the highest grade, as a second person of another organisation."""
        who = acting(access, person)
        show([_offer(*get().shown(who, get().approve(who, table, seen=seen).table))], _OFFERS)

    @group.command("withdraw")
    def withdraw(table: str = _TABLE, reason: str = _REASON, person: str = AS) -> None:
        """End an offer; nothing is answered any more."""
        get().withdraw(acting(access, person), table, reason)
        say(Text("已停止，不再回答。", "Ended; nothing is answered any more."))


def _domain(words: str) -> tuple[str, dict[str, Any]]:
    column, equals, value = words.partition("=")
    if not equals or not column.strip() or not value.strip():
        raise Invalid(
            f"“{words[:60]}”读不懂。请写成 列=取值,取值 或 列=下界..上界/步长 或 列=@代码集。",
            f'"{words[:60]}" is not understood. Write COLUMN=KEY,KEY or COLUMN=LOW..HIGH/STEP or COLUMN=@CODE_SET.',
            code="bad_domain",
        )
    return column.strip(), read_domain(value)


def _print(answer: PrivateAnswer) -> None:
    if as_json():
        show([answer.to_json()])
        return
    show([{**cell.to_json(), "keys": " · ".join(cell.keys) or "*"} for cell in answer.cells], _CELLS)
    cost = epsilon_of(answer.cost)
    say(Text(f"第 {answer.version} 版，花费 ε {cost}。", f"Version {answer.version}; it cost epsilon {cost}."))


def _offer(offer: PrivateOffer, budget: Budget) -> dict[str, Any]:
    return {
        "table": offer.table,
        "columns": "、".join(offer.domains),
        "level": f"L{offer.level}",
        "approved": offer.approved,
        "seen": offer.shown.token,
        "expires": offer.expires.isoformat(),
        "spent": epsilon_of(budget.spent),
        "left": epsilon_of(budget.left),
        "renews": budget.renews.isoformat(),
    }


def _spend(spend: Spend) -> dict[str, Any]:
    asked = spend.question
    where = " ".join(f"{column}__{op}={value}" for column, op, value in asked["where"])
    words = [asked["kind"], asked["column"] or "", *(f"by {name}" for name in asked["by"]), where]
    return {
        "id": spend.id,
        "at": spend.at,
        "consumer": spend.consumer,
        "question": " ".join(word for word in words if word),
        "cost": epsilon_of(spend.micro),
        "answered": spend.cells is not None,
    }
