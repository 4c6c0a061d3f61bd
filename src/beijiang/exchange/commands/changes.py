"""``beijiang exchange plan-decision`` and ``plan-change``: what a decision would do, before it is taken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from beijiang.exchange.commands.matters import acting
from beijiang.exchange.commands.narrowing import CALLS, EARLIER, MASKED, ROWS, WHERE, WITHOUT, WITHOUT_WAY, narrowing_of
from beijiang.exchange.commands.told import PLANNED
from beijiang.exchange.models import Move, Way
from beijiang.kit import Text
from beijiang.protection import written
from beijiang.terminal import Column, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.exchange.models.changes import Less
    from beijiang.exchange.service import Exchange

__all__ = ["add_changes"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_STAGES = (
    Column("stage", Text("环节", "stage")),
    Column("by", Text("办理", "decides")),
    Column("due", Text("期限", "due")),
)


def add_changes(group: typer.Typer, get: Callable[[], Exchange], access: Callable[[], Access]) -> None:
    """Add the commands to those of exchange."""
    who = acting(access)

    @group.command("plan-decision")
    def decision(
        request: str = typer.Argument(help="Id of the request."),
        without: list[str] = WITHOUT,
        masked: list[str] = MASKED,
        without_way: list[Way] = WITHOUT_WAY,
        until: datetime | None = EARLIER,
        where: list[str] = WHERE,
        calls: int | None = CALLS,
        rows: int | None = ROWS,
        person: str = _AS,
    ) -> None:
        """Show what approving a request would do; nothing is changed."""
        less = narrowing_of(without, masked, without_way, until, where, calls, rows)
        found = get().plan_decision(who(person), request, less)
        show([{"what": problem.column or "-", "found": problem.text} for problem in found.problems], PLANNED)
        given = [_fact(Text("将给出", "would be given"), ", ".join(found.offered.columns)), *_less(found.less)]
        show(given, PLANNED)
        stages = [
            {
                "stage": one.stage.name,
                "by": one.org_id or one.stage.side.text,
                "due": one.due_on and one.due_on.isoformat(),
            }
            for one in found.stages
        ]
        show(stages, _STAGES)
        if not found.stages:
            say(
                Text("同意后送往对方节点。", "It would leave for the other node.")
                if found.leaves
                else Text("同意后即授权。", "It would be granted.")
            )

    @group.command("plan-change")
    def change(
        grant: str = typer.Argument(help="Id of the grant."),
        move: Move = typer.Argument(help="suspend, resume, cut, revoke or give_up."),  # noqa: B008
        without: list[str] = WITHOUT,
        masked: list[str] = MASKED,
        without_way: list[Way] = WITHOUT_WAY,
        until: datetime | None = EARLIER,
        where: list[str] = WHERE,
        calls: int | None = CALLS,
        rows: int | None = ROWS,
        person: str = _AS,
    ) -> None:
        """Show what a change of a grant would take away, from whom; nothing is changed."""
        less = narrowing_of(without, masked, without_way, until, where, calls, rows)
        found = get().plan_change(who(person), grant, move, less)
        facts = [
            _fact(Text("使用部门", "consumer"), found.grant.org_id),
            _fact(Text("授权状态", "the grant"), found.after.text),
            *_less(found.less),
            _fact(Text("仍可凭其他授权取得", "had under another grant"), ", ".join(found.kept)),
            _fact(Text("推送", "pushes"), ", ".join(f"{push.name} -> {push.target}" for push in found.pushes)),
            _fact(Text("API 密钥", "API keys"), str(found.keys)),
            _fact(Text("Delta Sharing 连接", "Delta Sharing profiles"), str(found.links)),
            _fact(Text("应用", "applications"), ", ".join(found.applications)),
            _fact(Text("使用次数", "accesses"), f"{found.calls}"),
            _fact(Text("最近使用", "last used"), "-" if found.last_used is None else found.last_used.isoformat()),
        ]
        show([fact for fact in facts if fact["found"]], PLANNED)


def _fact(what: Text, found: Any) -> dict[str, Any]:
    return {"what": what, "found": found}


def _less(one: Less) -> list[dict[str, Any]]:
    facts = [
        _fact(Text("不给的数据项", "items not given"), ", ".join(one.columns)),
        _fact(Text("改为脱敏", "masked only"), ", ".join(one.masked)),
        _fact(Text("不给的方式", "ways not opened"), ", ".join(one.ways)),
        _fact(Text("提前截止", "ends earlier, on"), "" if one.until is None else one.until.isoformat()),
        _fact(Text("只给这些行", "only rows that meet"), ", ".join(written(each) for each in one.filters)),
        _fact(Text("每日次数", "calls a day"), "" if one.calls_per_day is None else str(one.calls_per_day)),
        _fact(Text("每日行数", "rows a day"), "" if one.rows_per_day is None else str(one.rows_per_day)),
    ]
    return [fact for fact in facts if fact["found"]]
