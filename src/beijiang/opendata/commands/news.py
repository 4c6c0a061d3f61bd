"""``beijiang portal news`` and ``beijiang data statistics``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import ANONYMOUS, SYSTEM, Actor, Text
from beijiang.opendata.news import News, NewsDraft
from beijiang.terminal import Column, asked_after, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.opendata.announcing import Newsroom
    from beijiang.opendata.counting import Statistics

__all__ = ["add_statistics", "news"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_NEWS = typer.Argument(help="Id of the news.")
_SEEN = typer.Option(None, help="The `seen` of the news as you read it; without it you are shown and asked.")
_COLUMNS = (
    Column("id", Text("编号", "id"), whole=True),
    Column("state", Text("状态", "state")),
    Column("title", Text("标题", "title")),
    Column("published_at", Text("发布", "published")),
)


def news(get: Callable[[], Newsroom], access: Callable[[], Access]) -> typer.Typer:
    """Return the commands of news."""
    group = typer.Typer(help="News of the portal: list, write, publish, withdraw.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("list")
    def list_(person: str = _AS) -> None:
        """List all news, drafts too."""
        show([_row(one) for one in get().desk(who(person))], _COLUMNS)

    @group.command("write")
    def write(
        title_zh: str = typer.Option(..., help="Title in Chinese."),
        title_en: str = typer.Option(..., help="Title in English."),
        body_zh: Path = typer.Option(..., help="Markdown file with the Chinese text.", exists=True, dir_okay=False),  # noqa: B008
        body_en: Path = typer.Option(..., help="Markdown file with the English text.", exists=True, dir_okay=False),  # noqa: B008
        news: str = typer.Option("", help="Id of the news whose text this replaces."),
        person: str = _AS,
    ) -> None:
        """Write a draft, or another text for news that exist."""
        body = Text(body_zh.read_text(encoding="utf-8"), body_en.read_text(encoding="utf-8"))
        draft = NewsDraft(title=Text(title_zh, title_en), body=body)
        show([_row(get().write(who(person), draft, news))], _COLUMNS)

    @group.command("publish")
    def publish(news: str = _NEWS, seen: str = _SEEN, person: str = _AS) -> None:
        """Publish a draft, or again what was withdrawn. Without --seen it is shown first."""
        actor = who(person)
        if seen is None:
            found = next((one for one in get().desk(actor) if one.id == news), None)
            seen = "" if found is None else asked_after(lambda: show(_whole(found)), found.shown.token)
        show([_row(get().publish(actor, news, seen=seen))], _COLUMNS)

    @group.command("withdraw")
    def withdraw(news: str = _NEWS, reason: str = typer.Option(..., help="Why."), person: str = _AS) -> None:
        """Withdraw published news."""
        show([_row(get().withdraw(who(person), news, reason))], _COLUMNS)

    return group


def add_statistics(group: typer.Typer, get: Callable[[], Statistics]) -> None:
    """Add ``statistics`` to the group of open data."""

    @group.command("statistics")
    def statistics(
        dataset: str = typer.Argument("", help="Id of a data set; without it the whole portal."),
        months: int = typer.Option(12, help="How many months back."),
    ) -> None:
        """Show how much open data is used; fewer than ten is told as <10, others in tens."""
        from beijiang.opendata.usage import UseKind, told_count

        found = get().usage(ANONYMOUS, months, dataset)
        rows = [
            {"month": month, **{k.value: told_count(found.by_month[k][i]) for k in UseKind}}
            for i, month in enumerate(found.months)
        ]
        columns = [Column("month", Text("月份", "month")), *(Column(k.value, k.text, right=True) for k in UseKind)]
        show(rows, columns)


def _whole(one: News) -> dict[str, Any]:
    texts = {
        f"{part} {tongue}": text for part in ("title", "body") for tongue, text in asdict(getattr(one, part)).items()
    }
    return {**_row(one), **texts}


def _row(one: News) -> dict[str, Any]:
    return {
        "seen": one.shown.token,
        "id": one.id,
        "state": one.state.value,
        "title": one.title.zh,
        "published_at": None if one.published_at is None else one.published_at.isoformat(timespec="minutes"),
    }
