"""``beijiang app canary …`` and the ratings: the parts of an application's life that readers take part in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.apps.models import CanaryKind, CanaryTo
from beijiang.kit import SYSTEM, Actor, Text
from beijiang.terminal import Column, as_json, asked_after, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.apps.models import Comparison, Side
    from beijiang.apps.service import AppCanaries, RatingsOfApps

__all__ = ["add_canaries", "add_ratings"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_APP = typer.Argument(help="Id of the application.")
_REASON = typer.Option(..., help="Why; kept in the evidence.")
_SEEN = typer.Option(None, help="The `seen` of the trial as you read it; without it you are shown and asked.")
_RATING = typer.Argument(help="Id of the rating; see beijiang app ratings.")

_SIDES = (
    Column("version", Text("版本", "version"), right=True),
    Column("trial", Text("试发", "on trial")),
    Column("answers", Text("回答", "answers"), right=True),
    Column("errors", Text("出错", "errors"), right=True),
    Column("median_within", Text("一半在（秒）内", "half within (s)"), right=True),
    Column("p95_within", Text("95% 在（秒）内", "95% within (s)"), right=True),
)
_RATINGS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("stars", Text("星", "stars"), right=True),
    Column("words", Text("评价", "words")),
    Column("answer", Text("回复", "answer")),
    Column("hidden", Text("隐藏理由", "hidden because")),
    Column("at", Text("日期", "day")),
)


def add_canaries(group: typer.Typer, get: Callable[[], AppCanaries], access: Callable[[], Access]) -> None:
    """Add the commands of versions on trial."""
    canary = typer.Typer(help="A new version on trial: begin, compare, promote or withdraw.", no_args_is_help=True)
    group.add_typer(canary, name="canary")

    @canary.command("begin")
    def begin(
        app: str = _APP,
        number: int = typer.Argument(help="Number of the version."),
        to: CanaryKind = typer.Option(..., help="share, people or departments."),  # noqa: B008
        names: list[str] = typer.Option([], "--name", help="A department's id or a person's login."),  # noqa: B008
        percent: int = typer.Option(0, help="Share of the readers, 1 to 99."),
        person: str = _AS,
    ) -> None:
        """Give an approved version to some of the readers first."""
        found = get().begin(_who(access, person), app, number, CanaryTo(kind=to, names=names, percent=percent))
        say(
            Text(
                f"第 {number} 版开始试发：{found.kind.text.zh}。",
                f"Version {number} is on trial: {found.kind.text.en}.",
            )
        )

    @canary.command("show")
    def show_(app: str = _APP, person: str = _AS) -> None:
        """Show errors and answer times of the version on trial and of the one before, side by side."""
        _compared(get().comparison(_who(access, person), app))

    @canary.command("promote")
    def promote(app: str = _APP, reason: str = _REASON, seen: str = _SEEN, person: str = _AS) -> None:
        """Give all readers the version on trial. Without --seen both versions are shown first."""
        actor = _who(access, person)
        if seen is None:
            held = get().comparison(actor, app)
            seen = "" if held is None else asked_after(lambda: _compared(held), held.shown.token)
        found = get().promote(actor, app, reason, seen=seen)
        say(Text(f"第 {found.current} 版已转正。", f"Version {found.current} goes to all readers."))

    @canary.command("withdraw")
    def withdraw(app: str = _APP, reason: str = _REASON, person: str = _AS) -> None:
        """End the trial; all readers have the version before."""
        found = get().withdraw(_who(access, person), app, reason)
        say(Text(f"已撤回，都用第 {found.current} 版。", f"Withdrawn; all readers have version {found.current}."))


def add_ratings(group: typer.Typer, get: Callable[[], RatingsOfApps], access: Callable[[], Access]) -> None:
    """Add the commands of ratings."""

    @group.command("ratings")
    def ratings(app: str = _APP, person: str = _AS) -> None:
        """Show what readers think of an application."""
        found = get().of(_who(access, person), app)
        average = found.stars.average
        count = found.stars.count
        if average is not None:
            say(Text(f"平均 {average:.1f} 星，{count} 人", f"{average:.1f} stars on average, {count} readers"))
        show([one.to_json() for one in found.ratings], _RATINGS)

    @group.command("rate")
    def rate(
        app: str = _APP,
        stars: int = typer.Option(0, help="One to five."),
        words: str = typer.Option("", help="What you think, if you like."),
        remove: bool = typer.Option(False, "--remove", help="Take your rating back."),
        person: str = _AS,
    ) -> None:
        """Rate an application, change the rating, or take it back."""
        if remove:
            get().remove(_who(access, person), app)
            say(Text("评价已撤回。", "Your rating is taken back."))
            return
        get().rate(_who(access, person), app, stars, words)
        say(Text("谢谢您的评价。", "Thank you for your rating."))

    @group.command("answer-rating")
    def answer(
        app: str = _APP, rating: str = _RATING, words: str = typer.Option(..., help="What you say."), person: str = _AS
    ) -> None:
        """Answer a rating for the department that makes the application."""
        get().answer(_who(access, person), app, rating, words)
        say(Text("已回复。", "Answered."))

    @group.command("hide-rating")
    def hide(
        app: str = _APP,
        rating: str = _RATING,
        reason: str = typer.Option("", help="Why; kept in the evidence. Left out: show it again."),
        person: str = _AS,
    ) -> None:
        """Hide a rating that is out of place, or show it again."""
        if reason:
            get().hide(_who(access, person), app, rating, reason)
        else:
            get().show(_who(access, person), app, rating)
        say(Text("已隐藏。", "Hidden.") if reason else Text("已恢复显示。", "Shown again."))


def _who(access: Callable[[], Access], login: str) -> Actor:
    return access().actor_for_person(login) if login else SYSTEM


def _compared(found: Comparison | None) -> None:
    if found is not None and not as_json():
        to = "、".join(found.canary.names) or f"{found.canary.percent} %"
        at = found.canary.at.isoformat(timespec="seconds")
        say(Text(f"自 {at} 试发给：{to}。", f"On trial since {at} for: {to}."))
    sides = [] if found is None else [_side(found.before, trial=False), _side(found.trial, trial=True)]
    seen = {} if found is None or not as_json() else {"seen": found.shown.token}
    show([{**side, **seen} for side in sides], _SIDES)


def _side(one: Side, *, trial: bool) -> dict[str, Any]:
    return {**one.to_json(), "trial": trial}
