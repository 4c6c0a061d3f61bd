"""Grants (授权): what is had under them, and how they end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from beijiang.console.lists import grant_table
from beijiang.console.routes.frame import Frame, language, person
from beijiang.console.routes.listed import listed
from beijiang.console.routes.shares import card
from beijiang.console.routes.sharing import Lessened, Many, Said, Word, names
from beijiang.exchange import MEETING, DisputeKind, GrantQuery, GrantState, Way, purposes
from beijiang.kit import Text
from beijiang.opendata import told
from beijiang.protection import doubt_text, read_where

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.protection import Counted, Verified


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of grants."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    exchange = platform.exchange

    @pages.get("/grants")
    def grants(request: Request, state: Word = "active", side: Word = "") -> Response:
        who = person(request)
        wanted = GrantState(state) if state in set(GrantState) else None
        query = GrantQuery(
            state=wanted,
            org_id=who.org_id if side == "ours" else None,
            provider_id=who.org_id if side == "given" else None,
        )
        return listed(
            frame,
            platform,
            request,
            "sharing_grants.html",
            grant_table(platform, who, query, names(platform)),
            state=state,
            side=side,
        )

    @pages.get("/grants/{grant_id}")
    def one(request: Request, grant_id: str) -> HTMLResponse:
        who = person(request)
        view = exchange.grant(who, grant_id)
        return frame.page(
            request,
            "sharing_grant.html",
            view=view,
            stops=platform.stops.of(who, grant_id),
            g=view.grant,
            disputable=platform.disputes.disputable(who, grant_id, (DisputeKind.REVOCATION, DisputeKind.NARROWING)),
            share=card(platform, who, view),
            met=platform.intersections.mine(who, grant_id) if view.grant.terms.ways & MEETING else (),
            rows=[told(one, language(request)) for one in view.grant.terms.filters],
            names=names(platform),
            purposes=purposes(),
            ways=tuple(Way),
            most=max((day.rows for day in view.usage), default=0),
            handled={item.column: item.handling for item in view.grant.terms.items},
            flight=platform.flight.state().address,
        )

    @pages.get("/grants/{grant_id}/rows")
    def look(
        request: Request, grant_id: str, after: Annotated[str | None, Query(max_length=2000)] = None
    ) -> HTMLResponse:
        who = person(request)
        found = exchange.look(who, grant_id, after)
        return frame.page(request, "sharing_rows.html", view=exchange.grant(who, grant_id), found=found, after=after)

    @pages.post("/grants/{grant_id}/verify")
    def verify(
        request: Request,
        grant_id: str,
        column: Many = [],  # noqa: B006
        value: Many = [],  # noqa: B006
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            who = person(request)
            grant = exchange.grant(who, grant_id).grant
            asked = dict(zip(column, value, strict=False))
            found = exchange.verify(who, grant.table, asked, grant.purpose)
            word = Text("一致", "they match") if found.match else Text("不一致", "they do not match")
            proof = _proof(found)
            return f"/console/grants/{quote(grant_id)}", Text(
                f"核验结果：{word.zh}。{proof.zh}", f"Verified: {word.en}. {proof.en}"
            )

        return frame.attempt(request, f"/console/grants/{quote(grant_id)}", step)

    @pages.post("/grants/{grant_id}/count")
    def count(request: Request, grant_id: str, where: Said = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            who = person(request)
            grant = exchange.grant(who, grant_id).grant
            asked = [read_where(line) for line in where.splitlines() if line.strip()]
            found = exchange.count(who, grant.table, asked, grant.purpose)
            number = Text(f"少于 {found.least}", f"fewer than {found.least}")
            if found.count is not None:
                number = Text(f"{found.count:,}", f"{found.count:,}")
            proof = _proof(found)
            return f"/console/grants/{quote(grant_id)}", Text(
                f"统计结果：约 {number.zh} 行。{proof.zh}", f"Counted: about {number.en} rows. {proof.en}"
            )

        return frame.attempt(request, f"/console/grants/{quote(grant_id)}", step)

    @pages.post("/grants/{grant_id}/intersections/{intersection}")
    def drop(request: Request, grant_id: str, intersection: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.intersections.drop(person(request), intersection)
            return f"/console/grants/{quote(grant_id)}#intersections", Text("已放弃。", "Given up.")

        return frame.attempt(request, f"/console/grants/{quote(grant_id)}", step)

    @pages.post("/grants/{grant_id}")
    def change(
        request: Request,
        grant_id: str,
        do: Annotated[Literal["narrow", "suspend", "resume", "give_up", "revoke"], Form()],
        less: Lessened,
        words: Said = "",
    ) -> RedirectResponse:
        back = f"/console/grants/{quote(grant_id)}"

        def step() -> tuple[str, Text]:
            who = person(request)
            if do == "narrow":
                exchange.narrow(who, grant_id, less.read(), words)
                return back, Text("已收窄，下一次访问起生效。", "Narrowed from the next access on.")
            act, told = {
                "suspend": (exchange.suspend, Text("已暂停，下一次访问起生效。", "Suspended from the next access on.")),
                "resume": (exchange.resume, Text("已恢复。", "It goes on.")),
                "give_up": (exchange.give_up, Text("已放弃这项授权。", "Given up.")),
            }.get(do, (exchange.revoke, Text("已撤销，下一次访问起生效。", "Revoked from the next access on.")))
            act(who, grant_id, words)
            return back, told

        return frame.attempt(request, back, step)

    return pages


def _proof(found: Verified | Counted) -> Text:
    """Return what the reader keeps of an answer, and what of it is being looked into."""
    doubt = doubt_text(found.in_doubt) if found.in_doubt else Text("", "")
    return Text(
        f"回执 {found.receipt}，盐值 {found.salt}（请留存，核对时用）。{doubt.zh}",
        f"Receipt {found.receipt}, salt {found.salt} (keep both to prove it). {doubt.en}".strip(),
    )
