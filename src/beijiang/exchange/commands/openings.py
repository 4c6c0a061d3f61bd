"""``beijiang portal openings``: conditions of conditional openings, and applications of the public."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

from beijiang.exchange.models import OPENING_WAYS, ApplicationDraft, ConditionsDraft, Item, Way, opening_purposes
from beijiang.kit import SYSTEM, Actor, Text
from beijiang.protection import Handling
from beijiang.terminal import Column, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.exchange.models import PublicOutcome, Request
    from beijiang.exchange.service import Openings

__all__ = ["openings"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_SET = typer.Argument(help="Id of the data set.")
_APPLICATION = typer.Argument(help="Id of the application.")
_WORDS = typer.Option(..., "--words", help="The reason, or what was done; kept in the evidence.")
_ROWS = (
    Column("id", Text("申请号", "id"), whole=True),
    Column("state", Text("状态", "state")),
    Column("title", Text("数据集", "data set")),
    Column("purpose", Text("用途", "purpose")),
    Column("until", Text("截止", "until")),
    Column("grant", Text("授权", "grant"), spare=True),
)
_OUTCOMES = (
    Column("title", Text("数据集", "data set")),
    Column("kind", Text("申请人", "applicant")),
    Column("purpose", Text("用途", "purpose")),
    Column("decision", Text("结果", "decision")),
    Column("days", Text("工作日", "working days"), right=True),
    Column("reason", Text("理由", "reason")),
)


def openings(get: Callable[[], Openings], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(help="Conditional opening: conditions, applications, outcomes.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    _add_conditions(group, get, who)
    _add_applications(group, get, who)
    return group


def _add_conditions(group: typer.Typer, get: Callable[[], Openings], who: Callable[[str], Actor]) -> None:
    @group.command("conditions")
    def conditions(data_set: str = _SET, person: str = _AS) -> None:
        """Show on which conditions a data set is open."""
        show(get().conditions(who(person), data_set).to_json())

    @group.command("set")
    def set_(
        data_set: str = _SET,
        *,
        for_whom: str = typer.Option(..., "--who", help="For whom it is open."),
        purpose: list[str] = typer.Option([], help="Code of a purpose; all when left out."),  # noqa: B008
        way: list[Way] = typer.Option(list(OPENING_WAYS), help="page, row_api or file."),  # noqa: B008
        duties: str = typer.Option(..., help="What its users have to do to keep it safe."),
        months: int = typer.Option(12, help="How long a grant lasts at most.", min=1, max=36),
        agreement: str = typer.Option(..., help="The text of the agreement."),
        person: str = _AS,
    ) -> None:
        """Set the conditions of a data set anew; grants of before stay as they were agreed to."""
        draft = ConditionsDraft(
            who=for_whom,
            purposes=frozenset(purpose or opening_purposes()),
            ways=frozenset(way),
            duties=duties,
            months=months,
            agreement=agreement,
        )
        made = get().set_conditions(who(person), data_set, draft)
        say(Text(f"条件第 {made.version} 版已生效。", f"Version {made.version} of the conditions holds."))

    @group.command("outcomes")
    def outcomes(
        data_set: str = typer.Argument("", help="Id of the data set; all when left out."), person: str = _AS
    ) -> None:
        """Show what became of applications; nothing of who applied but the kind."""
        found = get().outcomes(who(person), data_set)
        show([_outcome(one) for one in found.outcomes], _OUTCOMES)


def _add_applications(group: typer.Typer, get: Callable[[], Openings], who: Callable[[str], Actor]) -> None:
    @group.command("apply")
    def apply(
        data_set: str = _SET,
        *,
        item: list[str] = typer.Option(..., help="Column; COLUMN:as_is for its values as they are."),  # noqa: B008
        way: list[Way] = typer.Option([Way.API], help="page, row_api or file."),  # noqa: B008
        until: datetime | None = typer.Option(None, help="Last day; 90 days on when left out.", formats=["%Y-%m-%d"]),  # noqa: B008
        purpose: str = typer.Option(..., help="Code of the purpose."),
        use: str = typer.Option(..., help="How the data are used."),
        products: str = typer.Option(..., help="What is to be made of them."),
        measures: str = typer.Option(..., help="How they are kept safe."),
        agree: str = typer.Option(..., help="Digest of the conditions that were read (openings conditions)."),
        person: str = _AS,
    ) -> None:
        """Apply for data that are open on conditions."""
        today: date = get().today
        draft = ApplicationDraft(
            resource_id=data_set,
            items=tuple(_item(one) for one in item),
            ways=frozenset(way),
            since=today,
            until=until.date() if until else today + timedelta(days=90),
            purpose=purpose,
            use=use,
            products=products,
            measures=measures,
            agreed=agree,
        )
        show([_row(get().apply(who(person), draft))], _ROWS)

    @group.command("list")
    def list_(person: str = _AS) -> None:
        """List one's own applications."""
        show([_row(one.request) for one in get().applications(who(person))], _ROWS)

    @group.command("withdraw")
    def withdraw(application: str = _APPLICATION, words: str = _WORDS, person: str = _AS) -> None:
        """Take an application back before it is decided."""
        show([_row(get().withdraw(who(person), application, words))], _ROWS)

    @group.command("appeal")
    def appeal(application: str = _APPLICATION, words: str = _WORDS, person: str = _AS) -> None:
        """Appeal once against a refusal, in time."""
        show([_row(get().appeal(who(person), application, words))], _ROWS)

    @group.command("give-up")
    def give_up(application: str = _APPLICATION, words: str = _WORDS, person: str = _AS) -> None:
        """End what was granted, as it is needed no longer."""
        ended = get().give_up(who(person), application, words)
        say(Text(f"授权 {ended.id} 已终止。", f"The grant {ended.id} is ended."))


def _item(text: str) -> Item:
    column, _, handling = text.rpartition(":")
    return Item(column, Handling.AS_IS) if column and handling == Handling.AS_IS.value else Item(text)


def _row(one: Request) -> dict[str, Any]:
    return {
        "id": one.id,
        "state": one.state.text,
        "title": one.resource_name,
        "purpose": one.draft.purpose,
        "until": one.offered.until.isoformat(),
        "grant": one.grant_id or "",
    }


def _outcome(one: PublicOutcome) -> dict[str, Any]:
    return {
        "title": one.resource_name,
        "kind": one.kind.text,
        "purpose": one.purpose,
        "decision": one.decision.text,
        "days": one.days,
        "reason": one.reason or "",
    }
