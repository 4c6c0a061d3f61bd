"""What requests look like at a terminal, and the lines of those that come as JSON from a server far away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from beijiang.exchange.models import RequestState
from beijiang.exchange.models.moves import move_of
from beijiang.kit import Text
from beijiang.terminal import Column, language, say, show

if TYPE_CHECKING:
    from beijiang.exchange.models.changes import GivePlan
    from beijiang.protection import Counted, Verified

__all__ = ["PLANNED", "REQUESTS", "STEPS", "proved", "told_give", "told_request", "told_step"]

REQUESTS: Final = (
    Column("id", Text("申请号", "id"), whole=True),
    Column("revision", Text("修订", "revision"), right=True),
    Column("state", Text("状态", "state")),
    Column("resource", Text("资源", "resource")),
    Column("org_id", Text("使用部门", "consumer")),
    Column("provider_id", Text("提供部门", "provider")),
    Column("items", Text("数据项", "items")),
    Column("until", Text("截止", "until")),
    Column("grant_id", Text("授权", "grant"), spare=True),
    Column("node", Text("节点", "node"), spare=True),
)
PLANNED: Final = (Column("what", Text("事项", "what")), Column("found", Text("结果", "would be")))
STEPS: Final = (
    Column("at", Text("时间", "at")),
    Column("by", Text("经办", "by")),
    Column("behalf", Text("代办", "for"), spare=True),
    Column("move", Text("事项", "what")),
    Column("words", Text("意见", "words")),
)


def told_request(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request as a line of the list."""
    offered, afar = one["offered"], one["afar"]
    return {
        **{key: one[key] for key in ("id", "revision", "resource", "org_id", "provider_id", "grant_id")},
        "state": RequestState(one["state"]).text.in_language(language()),
        "items": "、".join(item["column"] for item in offered["items"]),
        "until": offered["until"],
        "node": "" if afar is None else f"{'→' if afar['outward'] else '←'} {afar['node_id']}",
    }


def told_step(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return one thing that happened to a request."""
    move = move_of(str(one["move"])).text.in_language(language())
    return {**{key: one[key] for key in ("at", "by", "behalf", "words")}, "move": move}


def proved(found: Verified | Counted) -> Text:
    """Return what to keep of an answer in order to prove it later."""
    return Text(f"回执 {found.receipt}，盐值 {found.salt}", f"Receipt {found.receipt}, salt {found.salt}")


def told_give(plan: GivePlan) -> None:
    """Print what giving a grant would do."""
    show([{"what": one.column or "-", "found": one.text} for one in plan.problems], PLANNED)
    facts = [
        (Text("将给出", "would be given"), ", ".join(plan.terms.columns)),
        (Text("该部门已有", "it has already"), ", ".join(plan.held) or "-"),
        (Text("读取该表的应用", "its applications that read the table"), ", ".join(plan.applications) or "-"),
    ]
    show([{"what": what, "found": found} for what, found in facts], PLANNED)
    say(
        Text("有上述问题，不能授权。", "It cannot be given as it is.")
        if plan.problems
        else Text("可以授权；什么都还没有改变。", "It can be given; nothing was changed.")
    )
