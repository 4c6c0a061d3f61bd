"""三级联动: which node this is, the tree of nodes, links that are decided on both sides, and letters in and out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, Seen, language, person
from beijiang.console.routes.sharing import Said, Short
from beijiang.federation import Bearing, Identity, Letter, LetterState, Link, LinkState, Way
from beijiang.kit import BeijiangError, Text

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.federation import Card
    from beijiang.kit import Actor

HERE = "/console/federation"
Code = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True, slots=True)
class _Spot:
    """One node in the picture."""

    node_id: str
    name: Text
    tier: int
    parent: str
    own: bool
    link: Link | None
    waiting: int
    below: tuple[_Spot, ...] = ()


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages."""
    pages, nodes, letters = APIRouter(prefix="/console", include_in_schema=False), platform.nodes, platform.letters

    def show(request: Request, way: str = "", state: str = "", node: str = "", **more: object) -> HTMLResponse:
        who = person(request)
        identity, links, counts = nodes.identity(who), nodes.links(who), letters.counts(who)
        ways = (Way(way),) if way in set(Way) else tuple(Way)
        states = (LetterState(state),) if state in set(LetterState) else tuple(LetterState)
        found, total = letters.page(who, node, ways, states)
        units = nodes.units(who)
        spoken = language(request)
        return frame.page(
            request,
            "federation.html",
            identity=identity,
            links=links,
            counts=counts,
            tree=_tree(units, identity, links, counts),
            invitations=nodes.invitations(who),
            catalogs=platform.cascade.standings(who),
            troubles=platform.link_watch.troubles(who),
            kept=platform.link_watch.kept(who),
            letters=found,
            total=total,
            way=way,
            state=state,
            node=node,
            nodes=[("", Text("全部", "all").in_language(spoken)), *((one.node_id, one.node_id) for one in links)],
            ways=[
                ("", Text("全部", "all").in_language(spoken)),
                *((one.value, one.text.in_language(spoken)) for one in Way),
            ],
            states=[
                ("", Text("全部", "all").in_language(spoken)),
                *((one.value, one.text.in_language(spoken)) for one in LetterState),
            ],
            bearings=[(one.value, one.text.in_language(spoken)) for one in Bearing],
            units=[(one["node_id"], f"{one['node_id']} {one['name_zh']}") for one in units],
            may_link=platform.access.allows(who, Permission.FEDERATION_NODE_LINK),
            may_resend=platform.access.allows(who, Permission.FEDERATION_LETTER_RESEND),
            **{"invitation": None, "offered": None, **more},
        )

    @pages.get("/federation")
    def all_(
        request: Request, way: str = "", state: str = "", node: Annotated[str, Query(max_length=40)] = ""
    ) -> HTMLResponse:
        return show(request, way, state, node)

    @pages.post("/federation/identity")
    def identity(
        request: Request,
        node_id: Short = "",
        name_zh: Short = "",
        name_en: Short = "",
        tier: Annotated[int, Form()] = 0,
        region_code: Short = "",
        url: Short = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = nodes.set_identity(person(request), Identity(node_id, name_zh, name_en, tier, region_code, url))
            return HERE, Text(f"本节点是 {made.node_id}。", f"This node is {made.node_id}.")

        return frame.attempt(request, HERE, step)

    @pages.post("/federation/key")
    def key(request: Request) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = nodes.replace_key(person(request))
            return HERE, Text(
                f"已更换密钥，新指纹 {made.fingerprint}；已联结节点将收到通知信。",
                f"The key was replaced, its fingerprint is {made.fingerprint}; linked nodes are told by letter.",
            )

        return frame.attempt(request, HERE, step)

    @pages.post("/federation/invite")
    def invite(request: Request, node_id: Short = "", bearing: Short = "") -> Response:
        try:
            made = nodes.invite(person(request), node_id.strip(), Bearing(bearing or Bearing.BELOW))
        except BeijiangError as error:
            return frame.after(request, HERE, error.text, "bad")
        return show(request, invitation=made)

    @pages.post("/federation/look")
    def look(request: Request, invitation: Code = "") -> Response:
        try:
            offered = nodes.look(person(request), invitation)
        except BeijiangError as error:
            return frame.after(request, HERE, error.text, "bad")
        return show(request, offered=offered)

    @pages.post("/federation/accept")
    def accept(request: Request, invitation: Code = "", seen: Seen = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            link = nodes.accept(person(request), invitation, seen)
            return HERE, Text(
                f"已接受。请把本节点的指纹告诉 {link.card.name_zh}，由对方核对后确认。",
                f"Accepted. Tell {link.card.name_en} the fingerprint of this node; it compares and confirms.",
            )

        return frame.attempt(request, HERE, step)

    @pages.post("/federation/links/{node_id}/confirm")
    def confirm(request: Request, node_id: str, seen: Seen = "") -> RedirectResponse:
        return frame.attempt(request, HERE, lambda: _said(nodes.confirm(person(request), node_id, seen)))

    def turn(do: Callable[[Actor, str, str], Link]) -> Callable[..., RedirectResponse]:
        def decided(request: Request, node_id: str, words: Said = "") -> RedirectResponse:
            return frame.attempt(request, HERE, lambda: _said(do(person(request), node_id, words)))

        return decided

    for name, do in (("suspend", nodes.suspend), ("resume", nodes.resume), ("end", nodes.end)):
        pages.add_api_route(f"/federation/links/{{node_id}}/{name}", turn(do), methods=["POST"], name=name)

    @pages.get("/federation/letters/{node_id}/{way}/{letter_id}")
    def letter(request: Request, node_id: str, way: Way, letter_id: str) -> HTMLResponse:
        found = letters.letter(person(request), node_id, way, letter_id)
        may = platform.access.allows(person(request), Permission.FEDERATION_LETTER_RESEND)
        body = json.dumps(found.body, ensure_ascii=False, indent=1, sort_keys=True)
        return frame.page(
            request, "federation_letter.html", letter=found, body=body, may_resend=may and _resendable(found)
        )

    @pages.post("/federation/letters/{node_id}/{letter_id}/resend")
    def resend(request: Request, node_id: str, letter_id: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = letters.resend(person(request), node_id, letter_id)
            return HERE, Text(f"已排队发出：{made.id}。", f"On its way: {made.id}.")

        return frame.attempt(request, HERE, step)

    return pages


def _resendable(letter: Letter) -> bool:
    return letter.way is Way.OUT and letter.state in {LetterState.WAITING, LetterState.REFUSED}


def _said(link: Link) -> tuple[str, Text]:
    name, state = link.card.name, link.state.text
    return HERE, Text(f"{name.zh}：{state.zh}。", f"{name.en}: {state.en}.")


def _tree(
    units: Sequence[dict[str, str]], own: Card | None, links: Sequence[Link], counts: dict[str, dict[str, int]]
) -> tuple[_Spot, ...]:
    """Return the nodes as they stand above and below each other: the listed units, those linked, and this one."""
    known = {link.node_id: link for link in links if link.state is not LinkState.ENDED}
    spots: dict[str, tuple[Text, int, str]] = {
        unit["node_id"]: (Text(unit["name_zh"], unit["name_en"]), int(unit["admin_tier"]), unit["parent_node"])
        for unit in units
    }
    own_id = own.node_id if own else ""
    above = next((link.node_id for link in known.values() if link.bearing is Bearing.ABOVE), "")
    if own is not None:
        spots.setdefault(own.node_id, (own.name, own.tier, above))
    for link in known.values():
        parent = own_id if link.bearing is Bearing.BELOW else ""
        spots.setdefault(link.node_id, (link.card.name, link.card.tier, parent))

    def spot(node_id: str, path: frozenset[str]) -> _Spot:
        name, tier, parent = spots[node_id]
        below = [one for one, (_, _, over) in spots.items() if over == node_id and one not in path]
        return _Spot(
            node_id,
            name,
            tier,
            parent,
            node_id == own_id,
            known.get(node_id),
            counts.get(node_id, {}).get("out.waiting", 0),
            tuple(spot(one, path | {node_id}) for one in below),
        )

    return tuple(spot(one, frozenset()) for one, (_, _, parent) in spots.items() if parent not in spots)
