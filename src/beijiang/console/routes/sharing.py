"""Sharing (数据共享): find what departments hold, ask for it, decide, and what was granted."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from beijiang.access import Permission
from beijiang.catalog import SearchQuery
from beijiang.console.lists import request_table
from beijiang.console.routes.afar import travelled
from beijiang.console.routes.frame import Frame, language, number, person
from beijiang.console.routes.listed import listed
from beijiang.console.routes.tickets import handed_out
from beijiang.exchange import (
    PUBLIC,
    TRAVELLING_WAYS,
    DisputeKind,
    GranteeKind,
    Item,
    RequestDraft,
    RequestQuery,
    RequestState,
    Terms,
    Way,
    every_purpose,
    longest,
    purposes,
    refusals,
)
from beijiang.kit import HOW_MANY, BeijiangError, Invalid, Text
from beijiang.opendata import told
from beijiang.protection import Handling, read_where, written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.build import Platform
    from beijiang.catalog import Entry, Published, SearchHit, SearchPage
    from beijiang.exchange import EntryAfar, Narrowing
    from beijiang.federation import LinkedEntry
    from beijiang.kit import Actor

HERE = "/console/sharing"
OPEN = frozenset(state for state in RequestState if not state.is_over and state is not RequestState.DRAFT)
Word = Annotated[str, Query(max_length=200)]
Said = Annotated[str, Form(max_length=2000)]
Short = Annotated[str, Form(max_length=200)]
Many = Annotated[list[str], Form()]


@dataclass(frozen=True, slots=True, kw_only=True)
class NarrowingForm:
    """The part of a form that says what is given less, as it was ticked and written; the names are those of the fields."""

    column: Sequence[str]
    take: Sequence[str]
    mask: Sequence[str]
    way: Sequence[str]
    offered_way: Sequence[str]
    until: str
    where: str
    calls: str
    rows: str

    def read(self) -> Narrowing:
        """Return what it takes away: columns and ways that were offered and are not ticked, and what limits more."""
        from beijiang.exchange import Narrowing

        return Narrowing(
            without=frozenset(self.column) - frozenset(self.take),
            masked=frozenset(self.mask) & frozenset(self.take),
            without_ways=frozenset(Way(one) for one in set(self.offered_way) - set(self.way) if one in set(Way)),
            until=day_of(self.until),
            filters=conditions(self.where),
            calls_per_day=quota_of(self.calls),
            rows_per_day=quota_of(self.rows),
        )

    def kept(self) -> list[tuple[str, str]]:
        """Return the fields with their values, to be said again when it is confirmed."""
        found: list[tuple[str, str]] = []
        for one in fields(self):
            value = getattr(self, one.name)
            found += [(one.name, value)] if isinstance(value, str) else [(one.name, each) for each in value]
        return found


def _lessened(
    column: Many = [],  # noqa: B006
    take: Many = [],  # noqa: B006
    mask: Many = [],  # noqa: B006
    way: Many = [],  # noqa: B006
    offered_way: Many = [],  # noqa: B006
    until: Short = "",
    where: Said = "",
    calls: Short = "",
    rows: Short = "",
) -> NarrowingForm:
    return NarrowingForm(
        column=column,
        take=take,
        mask=mask,
        way=way,
        offered_way=offered_way,
        until=until,
        where=where,
        calls=calls,
        rows=rows,
    )


Lessened = Annotated[NarrowingForm, Depends(_lessened)]
"""What a form takes away: at a decision, at a change of a grant, and at the plans of both."""


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of requests."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_lists(pages, frame, platform)
    _add_form(pages, frame, platform)
    _add_one(pages, frame, platform)
    _add_decisions(pages, frame, platform)
    return pages


def names(platform: Platform) -> Mapping[str, str]:
    """Return what departments are called in lists."""
    return {PUBLIC: "公众 / the public"} | {one.id: one.short for one in platform.access.organisations()}


def conditions(text: str) -> tuple[Any, ...]:
    """Read the conditions of a form, one a line."""
    return tuple(read_where(line.strip()) for line in text.splitlines() if line.strip())


def day_of(text: str) -> date | None:
    """Read a day of a form, None for an empty field.

    Raises:
        Invalid: it is no day.

    """
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Invalid(f"“{text[:20]}”不是日期。", f'"{text[:20]}" is not a day.', code="bad_day") from None


def quota_of(text: str) -> int | None:
    """Read a quota of a form, None for an empty field.

    Raises:
        Invalid: it is no whole number above zero.

    """
    plain = text.strip().replace(",", "").replace("，", "")
    if not plain:
        return None
    if number(plain) < 1:
        raise Invalid(
            f"“{text[:20]}”不是大于零的整数。", f'"{text[:20]}" is no whole number above zero.', code="bad_quota"
        )
    return number(plain)


def _add_lists(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    exchange = platform.exchange

    @pages.get("/sharing")
    def requests(request: Request, show: Word = "") -> Response:
        who = person(request)
        waiting = exchange.request_part(who, RequestQuery(mine=True), HOW_MANY).found
        shown = show or ("mine" if waiting else "open")
        states = {"open": OPEN, "over": frozenset(s for s in RequestState if s.is_over)}.get(shown, frozenset())
        query = RequestQuery(states=states, mine=shown == "mine")
        may_ask = _may_ask(platform, who)
        return listed(
            frame,
            platform,
            request,
            "sharing.html",
            request_table(platform, query, names(platform), actor=who, bulk=shown == "mine"),
            waiting=waiting,
            basket=len(exchange.basket(who)) if may_ask else 0,
            show=shown,
            may_ask=may_ask,
        )

    @pages.get("/sharing/find")
    def find(request: Request, q: Word = "", page: Annotated[int, Query(ge=1, le=100)] = 1) -> HTMLResponse:
        who = person(request)
        found = platform.catalog.search(who, SearchQuery(text=q, page=page))
        linked, twins, total = _linked(platform, who, q, found)
        hits: list[SearchHit | LinkedEntry] = [*found.hits, *linked]
        shown = [(hit, _published(platform, who, hit.id)) for hit in hits]
        served = {hit.id for hit, known in shown if known and not known.table and _is_called(platform, who, hit.id)}
        return frame.page(
            request,
            "sharing_find.html",
            found=found,
            total=total,
            linked={one.id: one for one in linked},
            twins=twins,
            shown=shown,
            served=served,
            afar=_afar(platform, [hit.id for hit, known in shown if known and not known.table]),
            q=q,
            may_ask=_may_ask(platform, who),
            org=who.org_id,
        )

    @pages.get("/sharing/basket")
    def basket(request: Request) -> HTMLResponse:
        who = person(request)
        drafts = exchange.basket(who)
        plans = {one.id: exchange.plan(who, one.draft) for one in drafts}
        return frame.page(
            request, "sharing_basket.html", drafts=drafts, plans=plans, names=names(platform), purposes=purposes()
        )

    @pages.post("/sharing/basket")
    def hand_in(request: Request, chosen: Many = [], do: Short = "submit") -> RedirectResponse:  # noqa: B006
        def step() -> tuple[str, Text]:
            who = person(request)
            if do.startswith("discard:"):
                exchange.discard(who, do.removeprefix("discard:"))
                return f"{HERE}/basket", Text("已删除。", "Removed.")
            done = exchange.submit(who, chosen)
            ready = sum(one.grant_id is not None for one in done)
            words = Text(
                f"已提交 {len(done)} 件" + (f"，其中 {ready} 件无需审批，已授权。" if ready else "。"),
                f"{len(done)} handed in" + (f"; {ready} needed no approval and are granted." if ready else "."),
            )
            return f"{HERE}?show=open" if ready < len(done) else "/console/grants", words

        return frame.attempt(request, f"{HERE}/basket", step)


def _add_form(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    exchange = platform.exchange

    @pages.get("/sharing/ask")
    def ask(request: Request, resource: Word = "", again: Word = "") -> HTMLResponse:
        who = person(request)
        if again:
            before = exchange.request(who, again).request
            return _form(frame, platform, request, before.draft, request_id=again, state=before.state)
        known = platform.catalog.published(who, resource)
        return _form(frame, platform, request, _first(platform, who, resource, known.version.entry))

    @pages.post("/sharing/ask", response_model=None)
    def put(
        request: Request,
        resource: Short,
        column: Many = [],  # noqa: B006
        take: Many = [],  # noqa: B006
        handling: Many = [],  # noqa: B006
        way: Many = [],  # noqa: B006
        since: Short = "",
        until: Short = "",
        where: Said = "",
        calls: Short = "",
        rows: Short = "",
        purpose: Short = "",
        use: Said = "",
        basis: Said = "",
        kind: Short = "organisation",
        holder: Short = "",
        system: Short = "",
        contact: Short = "",
        impact: Short = "",
        words: Said = "",
        do: Short = "plan",
        request_id: Short = "",
    ) -> HTMLResponse | RedirectResponse:
        who = person(request)
        first = _first(platform, who, resource, platform.catalog.published(who, resource).version.entry)
        try:
            draft = RequestDraft(
                resource_id=resource,
                terms=Terms(
                    items=_items(column, take, handling),
                    ways=frozenset(Way(one) for one in way if one in set(Way)),
                    since=day_of(since) or first.terms.since,
                    until=day_of(until) or first.terms.until,
                    filters=conditions(where),
                    calls_per_day=quota_of(calls),
                    rows_per_day=quota_of(rows),
                ),
                purpose=purpose,
                use=use,
                basis=basis,
                grantee_kind=GranteeKind(kind) if kind in set(GranteeKind) else GranteeKind.ORGANISATION,
                grantee_id=holder.strip(),
                system=system,
                contact=contact,
                impact=impact,
            )
        except BeijiangError as error:
            return _form(frame, platform, request, first, request_id=request_id, fault=error.text)
        state = exchange.request(who, request_id).request.state if request_id else RequestState.DRAFT
        try:
            told = None if do == "plan" else _acted(platform, who, do, draft, request_id, words)
        except BeijiangError as error:
            if error.status in {401, 404}:
                raise
            return _form(frame, platform, request, draft, request_id=request_id, fault=error.text, state=state)
        if told is None:
            return _form(frame, platform, request, draft, request_id=request_id, planned=True, state=state)
        return frame.after(request, *told)


def _acted(
    platform: Platform, who: Actor, do: str, draft: RequestDraft, request_id: str, words: str
) -> tuple[str, Text]:
    """Do what a button of the form says; return where to go, and what to tell."""
    exchange = platform.exchange
    if do == "supply":
        exchange.supply(who, request_id, draft, words)
        return f"{HERE}/requests/{quote(request_id)}", Text("已补正，继续办理。", "Completed; it goes on.")
    made = exchange.put(who, draft, request_id)
    if do == "keep":
        return f"{HERE}/basket", Text("已放入待提交的申请。", "Put with the requests to hand in.")
    done = exchange.submit(who, [made.id])[0]
    if done.grant_id is not None:
        return f"/console/grants/{done.grant_id}", Text("无需审批，已授权。", "It needed no approval and is granted.")
    return f"{HERE}/requests/{done.id}", Text("已提交，等待审核。", "Handed in; it waits for review.")


def _add_one(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    exchange = platform.exchange

    def shown(request: Request, request_id: str, template: str) -> HTMLResponse:
        who = person(request)
        view = exchange.request(who, request_id)
        one = view.request
        entry = platform.catalog.published(who, one.draft.resource_id).version.entry
        return frame.page(
            request,
            template,
            view=view,
            r=one,
            disputable=platform.disputes.disputable(
                who, one.id, (DisputeKind.SILENCE, DisputeKind.REFUSAL, DisputeKind.NARROWING)
            ),
            entry=entry,
            items={item.column: item for item in entry.items},
            offered=set(one.offered.columns),
            handled={item.column: item.handling for item in one.offered.items},
            rows=[told(condition, language(request)) for condition in one.offered.filters],
            names=names(platform),
            purposes=every_purpose(),
            refusals=refusals(),
            ways=tuple(Way),
            **travelled(platform, person(request), one),
        )

    @pages.get("/sharing/requests/{request_id}")
    def one(request: Request, request_id: str) -> HTMLResponse:
        return shown(request, request_id, "sharing_request.html")

    @pages.get("/sharing/requests/{request_id}/minutes")
    def minutes(request: Request, request_id: str) -> HTMLResponse:
        return shown(request, request_id, "sharing_minutes.html")

    @pages.get("/sharing/requests/{request_id}/minutes.pdf")
    def minutes_file(request: Request, request_id: str) -> Response:
        return handed_out(exchange.minutes(person(request), request_id, language(request)))


def _add_decisions(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    exchange = platform.exchange

    @pages.post("/sharing/requests/{request_id}/decide")
    def decide(
        request: Request,
        request_id: str,
        do: Annotated[Literal["approve", "refuse", "ask_more", "withdraw"], Form()],
        less: Lessened,
        words: Said = "",
        revision: Short = "",
        reason: Short = "",
    ) -> RedirectResponse:
        back = f"{HERE}/requests/{quote(request_id)}"

        def step() -> tuple[str, Text]:
            who = person(request)
            if do == "approve":
                done = exchange.approve(who, request_id, words, less.read(), number(revision))
            elif do == "refuse":
                done = exchange.refuse(who, request_id, words, reason)
            elif do == "ask_more":
                done = exchange.ask_more(who, request_id, words)
            else:
                done = exchange.withdraw(who, request_id, words)
            seen = {one.id for one in exchange.requests(who, RequestQuery(words=request_id))[0]}
            return back if request_id in seen else HERE, Text(
                f"已办理，申请现为“{done.state.text.zh}”。", f"Done; the request is now: {done.state.text.en}."
            )

        return frame.attempt(request, back, step)

    @pages.get("/sharing/delegations")
    def delegations(request: Request) -> HTMLResponse:
        who = person(request)
        may = platform.access.allows(who, Permission.EXCHANGE_REQUEST_DELEGATE, who.org_id)
        return frame.page(
            request,
            "sharing_delegations.html",
            given=exchange.delegations(who),
            me=who.id,
            may=may,
            today=exchange.today,
        )

    @pages.post("/sharing/delegations")
    def delegate(
        request: Request, to: Short = "", since: Short = "", until: Short = "", words: Said = "", end: Short = ""
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            who = person(request)
            if end:
                exchange.end_delegation(who, end)
                return f"{HERE}/delegations", Text("已终止代办。", "The delegation is ended.")
            begin = day_of(since) or exchange.today
            made = exchange.delegate(who, to, begin, day_of(until) or begin, words)
            return f"{HERE}/delegations", Text(
                f"{made.to_name} 可代您审批至 {made.until}。",
                f"{made.to_name} decides in your place until {made.until}.",
            )

        return frame.attempt(request, f"{HERE}/delegations", step)


def _items(column: Sequence[str], take: Sequence[str], handling: Sequence[str]) -> tuple[Item, ...]:
    asked = dict(zip(column, handling, strict=False))
    return tuple(
        Item(name, Handling.AS_IS if asked.get(name) == Handling.AS_IS.value else Handling.MASKED)
        for name in column
        if name in set(take)
    )


def _first(platform: Platform, who: Actor, resource: str, entry: Entry) -> RequestDraft:
    """Return a draft in which only what needs no approval is ticked: who needs more chooses it."""
    today = platform.exchange.today
    plain = [item for item in entry.items if str(item.level or "L1") < "L3"]
    items = tuple(Item(i.column, Handling.AS_IS) for i in plain if entry.share_type_of(i).value == "unconditional")
    levels = [str(item.level or "L1") for item in entry.items]
    last = min(longest(levels, today), today + timedelta(days=365))
    ways = frozenset({Way.SERVICE} if _is_called(platform, who, resource) else {Way.PAGE, Way.API})
    ways = TRAVELLING_WAYS if _afar(platform, [resource]) else ways
    terms = Terms(items=items, ways=ways, since=today, until=last)
    return RequestDraft(resource_id=resource, terms=terms, purpose="", use="", contact=who.name)


def _form(
    frame: Frame,
    platform: Platform,
    request: Request,
    draft: RequestDraft,
    *,
    request_id: str = "",
    fault: Text | None = None,
    planned: bool = False,
    state: RequestState = RequestState.DRAFT,
) -> HTMLResponse:
    who = person(request)
    entry = platform.catalog.published(who, draft.resource_id).version.entry
    afar = _afar(platform, [draft.resource_id]).get(draft.resource_id)
    return frame.page(
        request,
        "sharing_ask.html",
        entry=entry,
        draft=draft,
        chosen={item.column: item.handling for item in draft.terms.items},
        where="\n".join(written(one) for one in draft.terms.filters),
        plan=platform.exchange.plan(who, draft) if planned else None,
        purposes=purposes(),
        kinds=tuple(kind for kind in GranteeKind if kind is not GranteeKind.PUBLIC),
        ways=_ways(platform, who, draft.resource_id, afar),
        afar=afar,
        keys=platform.access.keys(who) if platform.access.allows(who, Permission.ACCESS_KEY_ISSUE) else (),
        names=names(platform),
        fault=fault,
        request_id=request_id,
        supplying=state is RequestState.SUPPLEMENT,
    )


def _is_called(platform: Platform, who: Actor, resource_id: str) -> bool:
    """Tell whether a service stands behind an entry that can be asked for."""
    found = platform.offered.behind(who, resource_id)
    return found is not None and found.live is not None


def _linked(
    platform: Platform, who: Actor, words: str, found: SearchPage
) -> tuple[Sequence[LinkedEntry], Mapping[str, str], int]:
    """Return the entries of linked nodes that fill a page of results after those of this node, which of those they are too, and how many there are in all."""
    if not platform.access.allows(who, Permission.CATALOG_RESOURCE_READ, who.org_id):
        return (), {}, found.total
    skip = max(0, (found.page - 1) * found.size - found.total)
    linked, more = platform.cascade.entries(who, words, skip=skip, most=found.size - len(found.hits))
    return linked, platform.cascade.twins(who), found.total + more


def _afar(platform: Platform, resource_ids: Sequence[str]) -> Mapping[str, EntryAfar]:
    """Return those of some entries without a table that another node holds."""
    known = platform.exchange.afar
    found = {} if known is None else {one: known.entry(one) for one in resource_ids}
    return {one: where for one, where in found.items() if where is not None}


def _ways(platform: Platform, who: Actor, resource_id: str, afar: EntryAfar | None) -> tuple[Way, ...]:
    if afar is not None:
        return tuple(way for way in Way if way in TRAVELLING_WAYS)
    called = _is_called(platform, who, resource_id)
    return tuple(way for way in Way if (way is Way.SERVICE) is called)


def _may_ask(platform: Platform, who: Actor) -> bool:
    return platform.access.allows(who, Permission.EXCHANGE_REQUEST_MAKE, who.org_id)


def _published(platform: Platform, who: Actor, resource_id: str) -> Published | None:
    try:
        return platform.catalog.published(who, resource_id)
    except BeijiangError:
        return None
