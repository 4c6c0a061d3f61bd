"""``beijiang assess``: compute periods, rank departments, look behind a number, freeze, weights, appeals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.assess.commands.shared import AS, OUT, PERIOD, Who, day_of, form_of, who_by, write
from beijiang.assess.models import AppealState, Period, PeriodKind, indicators
from beijiang.kit import Invalid, Text
from beijiang.terminal import Column, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.assess.models import Appeal, Book, Sheet
    from beijiang.assess.service import Assess

__all__ = ["commands"]

_ORG = typer.Argument(help="Department.")
_INDICATOR = typer.Argument(help="Indicator.")
_WEIGHTS = typer.Argument(help="indicator=weight, several.")
_PLACES = typer.Option([], help="Place of a fact, from 0; several.")
_PERIODS = (
    Column("period", Text("期间", "period"), whole=True),
    Column("weights", Text("权重版本", "weights"), right=True),
    Column("computed", Text("计算时间", "computed")),
    Column("by", Text("计算人", "by"), spare=True),
    Column("frozen", Text("冻结", "frozen")),
    Column("missing", Text("无来源指标", "without a source"), right=True),
)
_RANKS = (
    Column("rank", Text("名次", "rank"), right=True),
    Column("tier", Text("层级", "tier"), right=True),
    Column("org_id", Text("部门", "department"), whole=True),
    Column("total", Text("综合得分", "total"), right=True),
    Column("scored", Text("已计分指标", "scored"), right=True),
    Column("covered", Text("权重覆盖", "covered"), right=True),
)
_MARKS = (
    Column("indicator", Text("指标", "indicator"), whole=True),
    Column("name", Text("名称", "name"), spare=True),
    Column("fraction", Text("分子/分母", "fraction"), right=True),
    Column("rate", Text("比率", "rate"), right=True),
    Column("score", Text("得分", "score"), right=True),
    Column("weight", Text("权重", "weight"), right=True),
    Column("state", Text("说明", "state")),
)
_FACTS = (
    Column("place", Text("序号", "place"), right=True),
    Column("subject", Text("对象", "subject")),
    Column("name", Text("名称", "name")),
    Column("a", Text("A", "A"), right=True),
    Column("b", Text("B", "B"), right=True),
    Column("counted", Text("计入", "counts")),
    Column("why", Text("原因", "why")),
)
_APPEALS = (
    Column("id", Text("申诉", "appeal"), whole=True),
    Column("period", Text("期间", "period")),
    Column("org_id", Text("部门", "department")),
    Column("indicator", Text("指标", "indicator")),
    Column("state", Text("结论", "state")),
    Column("words", Text("理由", "words")),
    Column("decision", Text("答复", "answer")),
)


def commands(get: Callable[[], Assess], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(help="Assessment of departments; statistical indicators; the work plan.", no_args_is_help=True)
    who = who_by(access)
    _add_reading(group, get, who)
    _add_computing(group, get, who)
    _add_weights(group, get, who)
    _add_appeals(group, get, who)
    return group


def _add_reading(group: typer.Typer, get: Callable[[], Assess], who: Who) -> None:
    @group.command("periods")
    def periods(kind: PeriodKind | None = typer.Option(None, help="Only of this kind."), person: str = AS) -> None:  # noqa: B008
        """Show the periods that were computed."""
        show([_period(one) for one in get().sheets(who(person), kind)], _PERIODS)

    @group.command("rank")
    def rank(period: str = PERIOD, out: Path | None = OUT, person: str = AS) -> None:
        """Show ranks and totals of all departments."""
        if out is not None:
            write(get().report(who(person), Period.parse(period), form_of(out), language()), out)
            return
        found = get().ranking(who(person), Period.parse(period))
        show(
            [
                {
                    "rank": p.rank,
                    "tier": p.group,
                    "org_id": p.org_id,
                    "total": _points(p.total),
                    "scored": p.scored,
                    "covered": f"{100 * p.covered:.0f}%",
                }
                for p in found.places
            ],
            _RANKS,
        )

    @group.command("show")
    def show_(period: str = PERIOD, org: str = _ORG, out: Path | None = OUT, person: str = AS) -> None:
        """Show one department, indicator by indicator; the file has every fact."""
        actor, which = who(person), Period.parse(period)
        if out is not None:
            write(get().department_report(actor, which, org, form_of(out), language()), out)
            return
        found, tongue = get().standing(actor, which, org), language()
        lines = []
        for one in indicators().values():
            mark, missing = found.marks.get(one.id), found.sheet.missing.get(one.id)
            told = mark.state.text if mark else missing or Text("无此类事实", "no such facts")
            lines.append(
                {
                    "indicator": one.id,
                    "name": one.name.in_language(tongue),
                    "fraction": mark.fraction if mark else None,
                    "rate": f"{100 * mark.rate:.1f}%" if mark and mark.rate is not None else None,
                    "score": _points(mark.score) if mark else None,
                    "weight": found.book.weight(one.id),
                    "state": told.in_language(tongue),
                }
            )
        show(lines, _MARKS)

    @group.command("facts")
    def facts(period: str = PERIOD, org: str = _ORG, indicator: str = _INDICATOR, person: str = AS) -> None:
        """Show every fact behind a number, counted or not, and why."""
        _, _, found = get().facts(who(person), Period.parse(period), org, indicator)
        tongue = language()
        show(
            [
                {
                    "place": n,
                    "subject": f.subject.text.in_language(tongue),
                    "ref": f.ref,
                    "name": f.name,
                    "a": f.a,
                    "b": f.b,
                    "counted": f.counted,
                    "why": f.why.in_language(tongue),
                }
                for n, f in enumerate(found)
            ],
            _FACTS,
        )


def _add_computing(group: typer.Typer, get: Callable[[], Assess], who: Who) -> None:
    @group.command("compute")
    def compute(period: str = PERIOD, person: str = AS) -> None:
        """Compute a period from the facts as they are now."""
        show([_period(get().compute(who(person), Period.parse(period)))], _PERIODS)

    @group.command("freeze")
    def freeze(period: str = PERIOD, person: str = AS) -> None:
        """Close the results of a period that is over; an appeal alone changes them then."""
        done = get().freeze(who(person), Period.parse(period))
        say(Text(f"{period} 已冻结，SHA-256 {done.digest}。", f"{period} is frozen, SHA-256 {done.digest}."))
        show([_period(done)], _PERIODS)


def _add_weights(group: typer.Typer, get: Callable[[], Assess], who: Who) -> None:
    @group.command("weights")
    def weights(person: str = AS) -> None:
        """Show all weights ever proposed, the newest first."""
        show([_book(one) for one in get().books(who(person))])

    @group.command("propose-weights")
    def propose(
        weights: list[str] = _WEIGHTS,
        since: str = typer.Option(..., help="First day of the periods that they count for, YYYY-MM-DD."),
        reason: str = typer.Option(..., help="Why; kept in the evidence."),
        fewest: int = typer.Option(2, help="How many scored indicators a rank needs."),
        person: str = AS,
    ) -> None:
        """Propose weights; indicators that are not named weigh nothing. Somebody else approves them."""
        made = get().propose_weights(
            who(person), dict(_weight(one) for one in weights), since=day_of(since), reason=reason, fewest=fewest
        )
        show([_book(made)])

    @group.command("decide-weights")
    def decide(
        version: int = typer.Argument(help="Version of the weights."),
        approve: bool = typer.Option(..., "--approve/--return", help="Approve them, or return them with words."),
        words: str = typer.Option("", help="What to say."),
        person: str = AS,
    ) -> None:
        """Approve or return proposed weights."""
        show([_book(get().decide_weights(who(person), version, approve=approve, words=words))])


def _add_appeals(group: typer.Typer, get: Callable[[], Assess], who: Who) -> None:
    @group.command("appeal")
    def appeal(
        period: str = PERIOD,
        org: str = _ORG,
        indicator: str = _INDICATOR,
        words: str = typer.Option(..., help="Why it is wrong."),
        person: str = AS,
    ) -> None:
        """Say that a frozen number is wrong."""
        show([_appeal(get().appeal(who(person), Period.parse(period), org, indicator, words))], _APPEALS)

    @group.command("appeals")
    def appeals(person: str = AS) -> None:
        """Show appeals, open ones first."""
        show([_appeal(one) for one in get().appeals(who(person))], _APPEALS)

    @group.command("answer")
    def answer(
        appeal: str = typer.Argument(help="Id of the appeal."),
        outcome: AppealState = typer.Argument(help="recomputed or kept."),  # noqa: B008
        words: str = typer.Option(..., help="The answer."),
        leave_out: list[int] = _PLACES,
        grant: list[int] = _PLACES,
        person: str = AS,
    ) -> None:
        """Answer an appeal; to recompute, leave facts out or count them as done, or have all gathered anew."""
        done = get().decide_appeal(who(person), appeal, outcome, words, leave_out=leave_out, grant=grant)
        show([_appeal(done)], _APPEALS)


def _period(one: Sheet) -> dict[str, Any]:
    return {
        "period": str(one.period),
        "weights": one.book,
        "computed": one.computed_at,
        "by": one.by,
        "frozen": one.frozen_at,
        "missing": len(one.missing),
    }


def _book(one: Book) -> dict[str, Any]:
    return {
        "version": one.version,
        "state": one.state.value,
        "since": one.since,
        "fewest": one.fewest,
        "weights": " ".join(f"{name}={weight:g}" for name, weight in one.weights.items() if weight),
        "reason": one.reason,
        "by": one.by_name,
        "decided_by": one.decided_name,
    }


def _appeal(one: Appeal) -> dict[str, Any]:
    names = ("id", "org_id", "indicator", "words", "decision")
    return {**{name: getattr(one, name) for name in names}, "period": str(one.period), "state": one.state.value}


def _weight(words: str) -> tuple[str, float]:
    name, _, value = words.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise Invalid("权重写作 quality_score=10。", "Write a weight as quality_score=10.", code="bad_option") from None


def _points(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f}"
