"""``beijiang exchange recall``, ``dispute`` and ``rating``: what comes after a grant."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.exchange.models import (
    DisputeDraft,
    DisputeKind,
    DisputeMove,
    DisputeQuery,
    Kept,
    Outcome,
    RecallDraft,
    RecallQuery,
    Remedy,
)
from beijiang.kit import SYSTEM, Actor, Text
from beijiang.terminal import Column, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.exchange.models import Dispute, Duty, Rating, Recall
    from beijiang.exchange.service import Disputes, RatingBook, Recalls

__all__ = ["acting", "disputes", "ratings", "recalls"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_RESOURCE = typer.Argument(help="Id of the entry.")
_ORG = typer.Argument(help="Id of the department.")
_WORDS = typer.Option("", help="What is said with it; kept in the evidence.")

_RECALLS = (
    Column("id", Text("召回号", "id"), whole=True),
    Column("name", Text("资源", "entry")),
    Column("versions", Text("版本", "versions")),
    Column("remedy", Text("处理", "remedy")),
    Column("served", Text("现行版本", "served now")),
    Column("at", Text("时间", "at")),
    Column("reason", Text("原因", "reason")),
)
_DUTIES = (
    Column("recall", Text("召回号", "recall"), whole=True),
    Column("org", Text("接收部门", "receiver")),
    Column("reads", Text("取数次数", "reads")),
    Column("state", Text("状态", "state")),
    Column("kept", Text("处理结果", "what became of it")),
    Column("by", Text("确认人", "by")),
    Column("words", Text("说明", "words")),
)
_RECEIVERS = (
    Column("org", Text("接收部门", "receiver")),
    Column("reads", Text("取数次数", "reads")),
    Column("last", Text("最近一次", "last")),
)
_LIMIT = (
    Column("raised", Text("提出", "raised")),
    Column("until", Text("可提出至", "could be raised until")),
    Column("limit", Text("期限规则", "rule of that")),
)
_TERMS = (
    Column("title", Text("资源", "entry")),
    Column("until", Text("提出期限", "until")),
    Column("late", Text("已过期", "late")),
    Column("ground", Text("法律依据", "legal ground")),
    Column("rule", Text("期限规则", "rule of the time"), whole=True),
    Column("rule_basis", Text("规则依据", "its basis")),
)
_DISPUTES = (
    Column("id", Text("异议号", "id"), whole=True),
    Column("kind", Text("事由", "about")),
    Column("state", Text("状态", "state")),
    Column("title", Text("资源", "entry")),
    Column("org", Text("提出部门", "raised by")),
    Column("against", Text("对方部门", "against")),
    Column("outcome", Text("裁定", "decision")),
    Column("effect", Text("结果的执行", "what follows")),
)
_STEPS = (
    Column("at", Text("时间", "at")),
    Column("by", Text("经办", "by")),
    Column("move", Text("事项", "what")),
    Column("words", Text("意见", "words")),
)
_RATINGS = (
    Column("org", Text("部门", "department")),
    Column("stars", Text("星级", "stars")),
    Column("words", Text("评价", "words")),
    Column("answer", Text("答复", "answer")),
)


def recalls(get: Callable[[], Recalls], access: Callable[[], Access]) -> typer.Typer:
    """Return the commands of recalls."""
    group = typer.Typer(help="Recalls: withdraw versions that were handed over.", no_args_is_help=True)
    who = acting(access)

    @group.command("versions")
    def versions(resource: str = _RESOURCE, person: str = _AS) -> None:
        """Show the versions that readers had, and how many times each was handed over."""
        found = get().versions(who(person), resource)
        columns = (Column("version", Text("版本", "version")), Column("reads", Text("取数次数", "reads")))
        show([{"version": version, "reads": reads} for version, reads in found], columns)

    @group.command("make")
    def make(
        resource: str = _RESOURCE,
        version: list[int] = typer.Option(..., help="A version of the table; give it again for more."),  # noqa: B008
        reason: str = typer.Option("", help="Why; every receiver reads it."),
        remedy: Remedy = typer.Option(Remedy.DELETE, help="What receivers have to do."),  # noqa: B008
        plan: bool = typer.Option(False, "--plan", help="Only show whom it would reach."),
        person: str = _AS,
    ) -> None:
        """Recall versions: readers stop at the next request, receivers have to confirm."""
        draft = RecallDraft(resource_id=resource, versions=tuple(version), reason=reason, remedy=remedy)
        if not plan:
            show([_recall(get().recall(who(person), draft))], _RECALLS)
            return
        found = get().plan(who(person), draft)
        rows = [
            {"org": one.org_id or "-", "reads": one.reads, "last": one.last_at.isoformat(timespec="seconds")}
            for one in found.receivers
        ]
        show(rows, _RECEIVERS)
        instead = "-" if found.would_serve is None else str(found.would_serve)
        say(Text(f"召回后读者得到的版本：{instead}。", f"Readers would have version {instead} then."))

    @group.command("list")
    def list_(
        words: str = typer.Option("", "--find", help="Words of the entry's name, or an id."), person: str = _AS
    ) -> None:
        """Show the recalls by and for your organisation."""
        found, _ = get().recalls(who(person), RecallQuery(words=words))
        show([_recall(one) for one in found], _RECALLS)

    @group.command("show")
    def show_(recall: str = typer.Argument(help="Id of the recall."), person: str = _AS) -> None:
        """Show one recall and what its receivers confirmed."""
        found = get().view(who(person), recall)
        show([_recall(found.recall)], _RECALLS)
        show([_duty(one) for one in found.duties], _DUTIES)

    @group.command("confirm")
    def confirm(
        recall: str = typer.Argument(help="Id of the recall."),
        org: str = _ORG,
        kept: Kept = typer.Argument(help="What became of the copies."),  # noqa: B008
        words: str = _WORDS,
        person: str = _AS,
    ) -> None:
        """Confirm for a department what became of its copies."""
        show([_duty(get().confirm(who(person), recall, org, kept, words))], _DUTIES)

    @group.command("excuse")
    def excuse(
        recall: str = typer.Argument(help="Id of the recall."), org: str = _ORG, words: str = _WORDS, person: str = _AS
    ) -> None:
        """Free a department from its duty."""
        show([_duty(get().excuse(who(person), recall, org, words))], _DUTIES)

    return group


def disputes(get: Callable[[], Disputes], access: Callable[[], Access]) -> typer.Typer:
    """Return the commands of disputes."""
    group = typer.Typer(
        help="Disputes: a refusal, a narrowed or ended grant, a correction, silence, a kind of sharing, a source.",
        no_args_is_help=True,
    )
    who = acting(access)

    @group.command("raise")
    def raise_(
        kind: DisputeKind = typer.Argument(help="What is not agreed with."),  # noqa: B008
        subject: str = typer.Argument(help="Id of the request, grant, ticket or entry, as the kind has it."),
        words: str = typer.Option(..., help="Why."),
        person: str = _AS,
    ) -> None:
        """Raise a dispute for your department."""
        draft = DisputeDraft(kind=kind, subject=subject, words=words)
        show([_dispute(get().raise_(who(person), draft))], _DISPUTES)

    @group.command("terms")
    def terms(
        kind: DisputeKind = typer.Argument(help="What is not agreed with."),  # noqa: B008
        subject: str = typer.Argument(help="Id of the request, grant, ticket or entry, as the kind has it."),
        person: str = _AS,
    ) -> None:
        """Show by when and on what legal ground something may be disputed; nothing is raised."""
        found = get().terms(who(person), kind, subject)
        show([{"title": found.title, "late": found.late, **found.facts()}], _TERMS)

    @group.command("list")
    def list_(
        words: str = typer.Option("", "--find", help="Words of the entry's name, or an id."),
        open_only: bool = typer.Option(False, "--open", help="Only those that are not over."),
        person: str = _AS,
    ) -> None:
        """Show the disputes of and against your organisation."""
        found, _ = get().disputes(who(person), DisputeQuery(words=words, open_only=open_only))
        show([_dispute(one) for one in found], _DISPUTES)

    @group.command("show")
    def show_(dispute: str = typer.Argument(help="Id of the dispute."), person: str = _AS) -> None:
        """Show one dispute with both sides' words."""
        found = get().view(who(person), dispute)
        show([{**_dispute(found.dispute), **_limit(found.dispute)}], (*_DISPUTES, *_LIMIT))
        steps = [
            {"at": s.at.isoformat(timespec="seconds"), "by": s.name, "move": s.move.text, "words": s.words}
            for s in found.steps
        ]
        show(steps, _STEPS)

    @group.command("move")
    def move(
        dispute: str = typer.Argument(help="Id of the dispute."),
        move: DisputeMove = typer.Argument(help="The step."),  # noqa: B008
        words: str = _WORDS,
        outcome: Outcome | None = typer.Option(None, help="Of decide."),  # noqa: B008
        basis: str = typer.Option("", help="Of decide: document and article."),
        person: str = _AS,
    ) -> None:
        """Take a step with a dispute."""
        moved = get().move(who(person), dispute, move, words, outcome=outcome, basis=basis)
        show([_dispute(moved)], _DISPUTES)

    return group


def ratings(get: Callable[[], RatingBook], access: Callable[[], Access]) -> typer.Typer:
    """Return the commands of ratings."""
    group = typer.Typer(help="Ratings: what departments think of what they got.", no_args_is_help=True)
    who = acting(access)

    @group.command("show")
    def show_(resource: str = _RESOURCE, person: str = _AS) -> None:
        """Show the ratings of an entry."""
        show([_rating(one) for one in get().of(who(person), resource).ratings], _RATINGS)

    @group.command("give")
    def give(
        resource: str = _RESOURCE,
        stars: int = typer.Argument(help="One to five."),
        words: str = _WORDS,
        person: str = _AS,
    ) -> None:
        """Say what your department thinks of an entry that it got."""
        show([_rating(get().rate(who(person), resource, stars, words))], _RATINGS)

    @group.command("answer")
    def answer(resource: str = _RESOURCE, org: str = _ORG, words: str = _WORDS, person: str = _AS) -> None:
        """Answer a department's rating for the provider."""
        show([_rating(get().answer(who(person), resource, org, words))], _RATINGS)

    return group


def acting(access: Callable[[], Access]) -> Callable[[str], Actor]:
    """Return what finds the person to act as, the platform without a login."""
    return lambda login: access().actor_for_person(login) if login else SYSTEM


def _recall(one: Recall) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.resource_name,
        "versions": ", ".join(map(str, one.versions)),
        "remedy": one.remedy.text,
        "served": one.served,
        "at": one.at.isoformat(timespec="seconds"),
        "reason": one.reason,
    }


def _duty(one: Duty) -> dict[str, Any]:
    return {
        "recall": one.recall_id,
        "org": one.org_id,
        "reads": one.reads,
        "state": one.state.text,
        "kept": None if one.kept is None else one.kept.text,
        "by": one.by_name,
        "words": one.words,
    }


def _dispute(one: Dispute) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind.text,
        "state": one.state.text,
        "title": one.title,
        "org": one.org_id,
        "against": one.against,
        "outcome": None if one.outcome is None else one.outcome.text,
        "effect": None if one.effect is None else one.effect.text,
    }


def _limit(one: Dispute) -> dict[str, Any]:
    found = one.limit
    words = None if found is None else f"{found.rule}: {found.days}; {found.basis}"
    return {
        "raised": one.created_at.isoformat(timespec="seconds"),
        "until": None if found is None else found.until.isoformat(),
        "limit": words,
    }


def _rating(one: Rating) -> dict[str, Any]:
    return {"org": one.org_id, "stars": one.stars, "words": one.words, "answer": one.answer}
