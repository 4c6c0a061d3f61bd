"""``beijiang exchange``: ask for data, decide, stand in, and end what was granted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.exchange.commands.narrowing import CALLS, EARLIER, MASKED, ROWS, WHERE, WITHOUT, WITHOUT_WAY, narrowing_of
from beijiang.exchange.commands.told import REQUESTS, STEPS, proved, told_give
from beijiang.exchange.models import (
    GranteeKind,
    GrantQuery,
    GrantState,
    Item,
    RequestDraft,
    RequestQuery,
    RequestState,
    Terms,
    Way,
)
from beijiang.kit import SYSTEM, Actor, Text
from beijiang.protection import Handling, doubt_text, files, read_where, rowquery, written
from beijiang.terminal import Column, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.exchange.models import Delegation, Grant, Plan, Request, Step
    from beijiang.exchange.service import Exchange

__all__ = ["commands", "request_row"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_REQUEST = typer.Argument(help="Id of the request.")
_GRANT = typer.Argument(help="Id of the grant.")
_RESOURCE = typer.Argument(help="Id of the resource in the catalog.")
_ITEM = typer.Option([], "--item", help="Column that is asked for; COLUMN:as_is for its values as they are.")
_WAY = typer.Option([Way.API], "--way", help="How the data are to be had.")
_SAME_WAY = typer.Option([], "--way", help="How the data are to be had; as before when left out.")
_SINCE = typer.Option(None, help="First day; today when left out.", formats=["%Y-%m-%d"])
_UNTIL = typer.Option(None, help="Last day; 180 days on when left out.", formats=["%Y-%m-%d"])
_PURPOSE = typer.Option("", help="Code of the purpose; see exchange purposes.")
_USE = typer.Option("", help="In which business the data are used, and how.")
_BASIS = typer.Option("", help="Document and article that the business rests on.")
_FOR = typer.Option(GranteeKind.ORGANISATION, "--for", help="Who may use the grant.")
_HOLDER = typer.Option("", "--holder", help="Id of the person or API key, unless it is the whole organisation.")
_IMPACT = typer.Option("", help="Reference of the impact assessment, for sensitive items.")
_WORDS = typer.Option("", "--words", help="What is said with it; kept in the evidence.")
_REASON = typer.Option(..., "--words", help="The reason; kept in the evidence.")
_PUBLISHED = typer.Option("", "--reason", help="Code of the published reason, for an application of the public.")

_PROBLEMS = (
    Column("column", Text("数据项", "item")),
    Column("text", Text("问题", "what stands against it")),
)
_STAGES = (
    Column("name", Text("环节", "stage")),
    Column("org", Text("办理", "by")),
    Column("due", Text("最迟", "due")),
    Column("limit", Text("时限规则", "rule"), spare=True),
)
_GRANTS = (
    Column("id", Text("授权号", "id"), whole=True),
    Column("state", Text("状态", "state")),
    Column("resource", Text("资源", "resource")),
    Column("org_id", Text("使用部门", "consumer")),
    Column("provider_id", Text("提供部门", "provider")),
    Column("items", Text("数据项", "items")),
    Column("where", Text("行范围", "rows")),
    Column("ways", Text("方式", "ways")),
    Column("until", Text("截止", "until")),
)
_USAGE = (
    Column("day", Text("日期", "day")),
    Column("calls", Text("次数", "calls"), right=True),
    Column("rows", Text("行数", "rows"), right=True),
)
_DELEGATIONS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("by", Text("委托人", "of")),
    Column("to", Text("代办人", "to")),
    Column("since", Text("起", "since")),
    Column("until", Text("止", "until")),
    Column("reason", Text("事由", "why")),
    Column("ended", Text("已终止", "ended")),
)
_PURPOSES = (Column("code", Text("代码", "code")), Column("text", Text("用途", "purpose")))


def commands(get: Callable[[], Exchange], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(help="Sharing: ask for data, decide, and end what was granted.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    _add_asking(group, get, who)
    _add_basket(group, get, who)
    _add_decisions(group, get, who)
    _add_delegations(group, get, who)
    _add_grants(group, get, who)
    _add_delivery(group, get, who)
    return group


def _add_asking(group: typer.Typer, get: Callable[[], Exchange], who: Callable[[str], Actor]) -> None:
    @group.command("purposes")
    def purposes_() -> None:
        """Show the purposes that a request may state."""
        from beijiang.exchange.models import purposes

        show([{"code": code, "text": text} for code, text in purposes().items()], _PURPOSES)

    @group.command("plan")
    def plan(
        resource: str = _RESOURCE,
        item: list[str] = _ITEM,
        way: list[Way] = _WAY,
        since: datetime | None = _SINCE,
        until: datetime | None = _UNTIL,
        where: list[str] = WHERE,
        purpose: str = _PURPOSE,
        use: str = _USE,
        basis: str = _BASIS,
        impact: str = _IMPACT,
        person: str = _AS,
    ) -> None:
        """Show what would happen to a request: what stands against it, and who decides by when."""
        facts = {"purpose": purpose, "use": use, "basis": basis, "impact": impact}
        _tell_plan(get().plan(who(person), _draft(resource, _terms(get(), item, way, since, until, where), **facts)))

    @group.command("ask")
    def ask(
        resource: str = _RESOURCE,
        item: list[str] = _ITEM,
        way: list[Way] = _WAY,
        since: datetime | None = _SINCE,
        until: datetime | None = _UNTIL,
        where: list[str] = WHERE,
        calls: int | None = CALLS,
        rows: int | None = ROWS,
        purpose: str = _PURPOSE,
        use: str = _USE,
        basis: str = _BASIS,
        holder_kind: GranteeKind = _FOR,
        holder: str = _HOLDER,
        impact: str = _IMPACT,
        system: str = typer.Option("", help="The system that receives the data."),
        contact: str = typer.Option("", help="Whom the provider may ask: name and telephone."),
        basket: bool = typer.Option(False, "--basket", help="Keep it in the basket instead of handing it in."),
        person: str = _AS,
    ) -> None:
        """Ask for items of a resource; what needs no approval is granted at once."""
        terms = _terms(get(), item, way, since, until, where, calls, rows)
        facts = {"purpose": purpose, "use": use, "basis": basis, "impact": impact, "grantee_id": holder}
        facts |= {"system": system, "contact": contact}
        draft = _draft(resource, terms, grantee_kind=holder_kind, **facts)
        made = get().put(who(person), draft)
        done = [made] if basket else get().submit(who(person), [made.id])
        show([request_row(one) for one in done], REQUESTS)

    @group.command("supply")
    def supply(
        request: str = _REQUEST,
        item: list[str] = _ITEM,
        way: list[Way] = _SAME_WAY,
        since: datetime | None = _SINCE,
        until: datetime | None = _UNTIL,
        where: list[str] = WHERE,
        calls: int | None = CALLS,
        rows: int | None = ROWS,
        purpose: str = _PURPOSE,
        use: str = _USE,
        basis: str = _BASIS,
        impact: str = _IMPACT,
        words: str = _REASON,
        person: str = _AS,
    ) -> None:
        """Complete a request that was sent back; what is left out stays as it was."""
        before = get().request(who(person), request).request.draft
        old = before.terms
        items = [f"{one.column}:{one.handling.value}" for one in old.items]
        conditions = where or [written(one) for one in old.filters]
        terms = Terms(
            items=_items(item or items),
            ways=frozenset(way) or old.ways,
            since=_day(since) or old.since,
            until=_day(until) or old.until,
            filters=tuple(read_where(text) for text in conditions),
            calls_per_day=calls or old.calls_per_day,
            rows_per_day=rows or old.rows_per_day,
        )
        facts = {"purpose": purpose, "use": use, "basis": basis, "impact": impact}
        given = {name: value or getattr(before, name) for name, value in facts.items()}
        kept = {"grantee_kind": before.grantee_kind, "grantee_id": before.grantee_id, "system": before.system}
        draft = _draft(before.resource_id, terms, **given, **kept, contact=before.contact)
        show([request_row(get().supply(who(person), request, draft, words))], REQUESTS)


def _add_basket(group: typer.Typer, get: Callable[[], Exchange], who: Callable[[str], Actor]) -> None:
    @group.command("basket")
    def basket(person: str = _AS) -> None:
        """Show what you put together and have not handed in."""
        show([request_row(one) for one in get().basket(who(person))], REQUESTS)

    @group.command("submit")
    def submit(requests: list[str] = typer.Argument(help="Ids of the requests."), person: str = _AS) -> None:  # noqa: B008
        """Hand in requests of the basket, all or none."""
        show([request_row(one) for one in get().submit(who(person), requests)], REQUESTS)

    @group.command("discard")
    def discard(request: str = _REQUEST, person: str = _AS) -> None:
        """Take a request out of the basket."""
        get().discard(who(person), request)
        say(Text("已删除。", "Removed."))

    @group.command("withdraw")
    def withdraw(request: str = _REQUEST, words: str = _REASON, person: str = _AS) -> None:
        """Take a request back before it is decided."""
        show([request_row(get().withdraw(who(person), request, words))], REQUESTS)

    @group.command("requests")
    def requests(
        words: str = typer.Option("", "--find", help="Words of the resource's or table's name, or an id."),
        state: list[RequestState] = typer.Option([], help="Only in these states."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Show the requests of and to your organisation, newest first."""
        found, _ = get().requests(who(person), RequestQuery(words=words, states=frozenset(state)))
        show([request_row(one) for one in found], REQUESTS)

    @group.command("waiting")
    def waiting(person: str = _AS) -> None:
        """Show the requests whose stage is yours to decide, oldest first."""
        show([request_row(one) for one in get().waiting(who(person))], REQUESTS)

    @group.command("show")
    def show_(
        request: str = _REQUEST,
        minutes: Path | None = typer.Option(None, help="Write the minutes (审批单) to this PDF file."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Show one request and what happened to it."""
        if minutes is not None:
            minutes.write_bytes(get().minutes(who(person), request, language()).content)
            return
        found = get().request(who(person), request)
        show([request_row(found.request)], REQUESTS)
        show([_step(step) for step in found.steps], STEPS)


def _add_decisions(group: typer.Typer, get: Callable[[], Exchange], who: Callable[[str], Actor]) -> None:
    @group.command("approve")
    def approve(
        request: str = _REQUEST,
        words: str = _WORDS,
        without: list[str] = WITHOUT,
        masked: list[str] = MASKED,
        without_way: list[Way] = WITHOUT_WAY,
        until: datetime | None = EARLIER,
        where: list[str] = WHERE,
        calls: int | None = CALLS,
        rows: int | None = ROWS,
        revision: int | None = typer.Option(None, help="The revision that was looked at; another one is refused."),
        person: str = _AS,
    ) -> None:
        """Pass a request on, or grant it after the last stage; with less than asked for if you say so."""
        less = narrowing_of(without, masked, without_way, until, where, calls, rows)
        show([request_row(get().approve(who(person), request, words, less, revision))], REQUESTS)

    @group.command("refuse")
    def refuse(request: str = _REQUEST, words: str = _REASON, published: str = _PUBLISHED, person: str = _AS) -> None:
        """Refuse a request."""
        show([request_row(get().refuse(who(person), request, words, published))], REQUESTS)

    @group.command("ask-more")
    def ask_more(request: str = _REQUEST, words: str = _REASON, person: str = _AS) -> None:
        """Send a request back to be completed; once, with everything that is missing."""
        show([request_row(get().ask_more(who(person), request, words))], REQUESTS)


def _add_delegations(group: typer.Typer, get: Callable[[], Exchange], who: Callable[[str], Actor]) -> None:
    @group.command("delegations")
    def delegations(person: str = _AS) -> None:
        """Show who decides in your place, and in whose place you decide."""
        show([_delegation(one) for one in get().delegations(who(person))], _DELEGATIONS)

    @group.command("delegate")
    def delegate(
        to: str = typer.Argument(help="Login of a person of your organisation."),
        since: datetime = typer.Option(..., help="First day.", formats=["%Y-%m-%d"]),  # noqa: B008
        until: datetime = typer.Option(..., help="Last day.", formats=["%Y-%m-%d"]),  # noqa: B008
        words: str = _REASON,
        person: str = _AS,
    ) -> None:
        """Let somebody decide in your place for some days."""
        made = get().delegate(who(person), to, since.date(), until.date(), words)
        show([_delegation(made)], _DELEGATIONS)

    @group.command("end-delegation")
    def end(delegation: str = typer.Argument(help="Id of the delegation."), person: str = _AS) -> None:
        """End a delegation that you made."""
        get().end_delegation(who(person), delegation)
        say(Text("已终止代办。", "The delegation is ended."))


def _add_grants(group: typer.Typer, get: Callable[[], Exchange], who: Callable[[str], Actor]) -> None:
    @group.command("grants")
    def grants(
        words: str = typer.Option("", "--find", help="Words of the resource's or table's name, or an id."),
        state: GrantState | None = typer.Option(None, help="Only in this state."),  # noqa: B008
        table: str = typer.Option("", help="Only on this table."),
        person: str = _AS,
    ) -> None:
        """Show the grants of and to your organisation, newest first."""
        found, _ = get().grants(who(person), GrantQuery(words=words, state=state, table=table or None))
        show([_grant(one, one.standing(get().today)) for one in found], _GRANTS)

    @group.command("grant")
    def grant(grant: str = _GRANT, person: str = _AS) -> None:
        """Show one grant, who decided on it, and what was had under it."""
        found = get().grant(who(person), grant)
        show([_grant(found.grant, found.standing)], _GRANTS)
        show([_step(step) for step in found.steps], STEPS)
        show([{"day": one.day.isoformat(), "calls": one.calls, "rows": one.rows} for one in found.usage], _USAGE)

    @group.command("give")
    def give(
        org: str = typer.Argument(help="Id of the organisation that gets it."),
        resource: str = _RESOURCE,
        item: list[str] = _ITEM,
        way: list[Way] = _WAY,
        since: datetime | None = _SINCE,
        until: datetime | None = _UNTIL,
        where: list[str] = WHERE,
        purpose: str = _PURPOSE,
        use: str = _USE,
        basis: str = _BASIS,
        words: str = _REASON,
        plan: bool = typer.Option(False, "--plan", help="Show what it would do, and change nothing."),
        person: str = _AS,
    ) -> None:
        """Give a department a grant that it did not ask for."""
        draft = _draft(resource, _terms(get(), item, way, since, until, where), purpose=purpose, use=use, basis=basis)
        if plan:
            told_give(get().plan_give(who(person), org, draft))
            return
        made = get().give(who(person), org, draft, words)
        show([_grant(made, made.standing(get().today))], _GRANTS)

    @group.command("narrow")
    def narrow(
        grant: str = _GRANT,
        words: str = _REASON,
        without: list[str] = WITHOUT,
        masked: list[str] = MASKED,
        without_way: list[Way] = WITHOUT_WAY,
        until: datetime | None = EARLIER,
        where: list[str] = WHERE,
        calls: int | None = CALLS,
        rows: int | None = ROWS,
        person: str = _AS,
    ) -> None:
        """Take something away from a grant; it holds for the very next access."""
        less = narrowing_of(without, masked, without_way, until, where, calls, rows)
        changed = get().narrow(who(person), grant, less, words)
        show([_grant(changed, changed.standing(get().today))], _GRANTS)

    @group.command("suspend")
    def suspend(grant: str = _GRANT, words: str = _REASON, person: str = _AS) -> None:
        """Stop a grant for the time being."""
        show([_grant(get().suspend(who(person), grant, words), GrantState.SUSPENDED)], _GRANTS)

    @group.command("resume")
    def resume(grant: str = _GRANT, words: str = _REASON, person: str = _AS) -> None:
        """Let a suspended grant go on."""
        changed = get().resume(who(person), grant, words)
        show([_grant(changed, changed.standing(get().today))], _GRANTS)

    @group.command("revoke")
    def revoke(grant: str = _GRANT, words: str = _REASON, person: str = _AS) -> None:
        """End a grant for good; the very next access is refused."""
        show([_grant(get().revoke(who(person), grant, words), GrantState.REVOKED)], _GRANTS)

    @group.command("give-up")
    def give_up(grant: str = _GRANT, words: str = _REASON, person: str = _AS) -> None:
        """End a grant that your organisation needs no longer."""
        show([_grant(get().give_up(who(person), grant, words), GrantState.REVOKED)], _GRANTS)


def _add_delivery(group: typer.Typer, get: Callable[[], Exchange], who: Callable[[str], Actor]) -> None:
    purpose = typer.Option("", help="Code of the purpose; one that a grant of yours is for.")

    @group.command("rows")
    def rows(
        table: str = typer.Argument(help="Name of the table."),
        where: list[str] = WHERE,
        limit: int = typer.Option(20, help="Rows to show.", min=1, max=1000),
        purpose: str = purpose,
        person: str = _AS,
    ) -> None:
        """Show rows as far as your grant goes; the access is on record."""
        asked = rowquery.RowQuery(filters=tuple(read_where(text) for text in where), size=limit)
        page = get().rows(who(person), table, asked, purpose)
        show(page.rows, tuple(Column(c.name, Text(c.name, c.name)) for c in page.columns))
        if page.in_doubt:
            say(doubt_text(page.in_doubt))
        say(Text(f"回执 {page.receipt}", f"Receipt {page.receipt}"))

    @group.command("verify")
    def verify(
        table: str = typer.Argument(help="Name of the table."),
        value: list[str] = typer.Option(..., "--value", help="COLUMN=VALUE, for all items of the grant."),  # noqa: B008
        purpose: str = purpose,
        person: str = _AS,
    ) -> None:
        """Tell whether values belong together: yes or no, no value."""
        asked = dict(one.partition("=")[::2] for one in value)
        found = get().verify(who(person), table, asked, purpose)
        words = Text("一致", "they match") if found.match else Text("不一致", "they do not match")
        say(Text(f"{words.zh}。{proved(found).zh}", f"{words.en}. {proved(found).en}"))
        if found.in_doubt:
            say(doubt_text(found.in_doubt))

    @group.command("download")
    def download(
        table: str = typer.Argument(help="Name of the table."),
        out: Path = typer.Argument(help="File to write; its ending says which: csv, xlsx, json or parquet."),  # noqa: B008
        where: list[str] = WHERE,
        encoding: str = typer.Option("utf-8", help="Of a CSV: utf-8, utf-8-sig or gb18030."),
        purpose: str = purpose,
        person: str = _AS,
    ) -> None:
        """Write all rows as far as your grant goes to a file."""
        order = files.DownloadOrder(
            form=files.parse_format(out.suffix.removeprefix(".")),
            encoding=files.parse_encoding(encoding),
            filters=tuple(read_where(text) for text in where),
        )
        made = get().file(who(person), table, order, purpose)
        with out.open("wb") as file:
            file.writelines(made.content)
        say(Text(f"已写入 {out}，回执 {made.receipt}", f"Written to {out}; receipt {made.receipt}"))
        if made.in_doubt:
            say(doubt_text(made.in_doubt))


def _items(words: list[str]) -> tuple[Item, ...]:
    found = []
    for word in words:
        column, mark, handling = word.rpartition(":")
        known = mark and handling in set(Handling)
        found.append(Item(column if known else word, Handling(handling) if known else Handling.MASKED))
    return tuple(found)


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _terms(
    service: Exchange,
    items: list[str],
    ways: list[Way],
    since: datetime | None,
    until: datetime | None,
    where: list[str],
    calls: int | None = None,
    rows: int | None = None,
) -> Terms:
    begin = _day(since) or service.today
    return Terms(
        items=_items(items),
        ways=frozenset(ways),
        since=begin,
        until=_day(until) or begin + timedelta(days=180),
        filters=tuple(read_where(text) for text in where),
        calls_per_day=calls,
        rows_per_day=rows,
    )


def _draft(resource: str, terms: Terms, **facts: Any) -> RequestDraft:
    return RequestDraft(**{"purpose": "", "use": "", **facts}, resource_id=resource, terms=terms)


def _tell_plan(plan: Plan) -> None:
    show([{"column": p.column, "text": p.text} for p in plan.problems], _PROBLEMS)
    show(
        [
            {
                "name": one.stage.name,
                "org": one.org_id or one.stage.side.text,
                "due": None if one.due_on is None else one.due_on.isoformat(),
                "limit": one.limit,
            }
            for one in plan.stages
        ],
        _STAGES,
    )


def request_row(one: Request) -> dict[str, Any]:
    """Return a request as a line of the list."""
    return {
        "id": one.id,
        "revision": one.revision,
        "state": one.state.text,
        "resource": one.resource_name,
        "org_id": one.org_id,
        "provider_id": one.provider_id,
        "items": "、".join(one.offered.columns),
        "until": one.offered.until.isoformat(),
        "grant_id": one.grant_id,
        "node": "" if one.afar is None else f"{'→' if one.afar.outward else '←'} {one.afar.node_id}",
    }


def _step(one: Step) -> dict[str, Any]:
    return {
        "at": one.at.isoformat(timespec="seconds"),
        "by": one.name,
        "behalf": one.behalf,
        "move": one.move.text,
        "words": one.words,
    }


def _grant(one: Grant, standing: GrantState) -> dict[str, Any]:
    return {
        "id": one.id,
        "state": standing.text,
        "resource": one.resource_name,
        "org_id": one.org_id,
        "provider_id": one.provider_id,
        "items": "、".join(one.terms.columns),
        "where": "；".join(written(f) for f in one.terms.filters),
        "ways": "、".join(sorted(way.value for way in one.terms.ways)),
        "until": one.terms.until.isoformat(),
    }


def _delegation(one: Delegation) -> dict[str, Any]:
    return {
        "id": one.id,
        "by": one.by_name,
        "to": one.to_name,
        "since": one.since.isoformat(),
        "until": one.until.isoformat(),
        "reason": one.reason,
        "ended": None if one.ended_at is None else one.ended_at.isoformat(timespec="seconds"),
    }
