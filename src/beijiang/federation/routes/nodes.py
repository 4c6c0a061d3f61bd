"""Nodes, links and letters as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.federation.models import Bearing, LetterState, Way
from beijiang.federation.service import Identity
from beijiang.web.bounds import Whole

if TYPE_CHECKING:
    from beijiang.federation.service import Letters, LinkWatch, Nodes
    from beijiang.kit import Actor

__all__ = ["router"]

NodeId = Annotated[str, Path(max_length=40)]
LetterId = Annotated[str, Path(max_length=40)]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class IdentityOrder(_Order):
    """Which node this platform is."""

    node_id: str = Field(max_length=40, description="As in jurisdictions.csv, or one of your own for a unit below.")
    name_zh: str = Field(default="", max_length=100)
    name_en: str = Field(default="", max_length=100)
    tier: Whole = Field(default=0, description="1 region, 2 league or city, 3 banner or county.")
    region_code: str = Field(default="", max_length=12)
    url: str = Field(default="", max_length=300, description="Where others reach it; empty: public_url.")


class InviteOrder(_Order):
    """Which node is invited."""

    node_id: str = Field(max_length=40)
    bearing: Bearing = Field(description="Where it stands, seen from here.")


class InvitationOrder(_Order):
    """An invitation that was handed over."""

    invitation: str = Field(max_length=2000)


class AcceptOrder(InvitationOrder):
    """An invitation to accept, and what was shown of it."""

    seen: str = Field(default="", max_length=300, description="The `seen` of the answer to /invitations/look.")


class ConfirmOrder(_Order):
    """What was shown of the link."""

    seen: str = Field(default="", max_length=300, description="The `seen` of the link as it was read.")


class WordsOrder(_Order):
    """Why."""

    words: str = Field(max_length=1000)


def router(nodes: Nodes, letters: Letters, watch: LinkWatch) -> APIRouter:
    """Return the endpoints of ``/api/v1/federation`` for people and programs of this platform."""
    api = APIRouter(prefix="/api/v1/federation", tags=["federation"])

    @api.put("/node", summary="Say which node this is; linked nodes are told")
    def set_identity(request: Request, order: IdentityOrder) -> dict[str, Any]:
        return nodes.set_identity(_actor(request), Identity(**order.model_dump())).model_dump()

    @api.post("/node/key", summary="Replace the signing key; linked nodes are told by letter")
    def replace_key(request: Request) -> dict[str, Any]:
        return nodes.replace_key(_actor(request)).model_dump()

    @api.get("/links", summary="Links to other nodes, those above first")
    def links(request: Request) -> dict[str, Any]:
        counts = letters.counts(_actor(request))
        found = nodes.links(_actor(request))
        return {"links": [{**one.to_json(), "letters": counts.get(one.node_id, {})} for one in found]}

    @api.get("/links/{node_id}", summary="One link, with the `seen` to confirm it")
    def link(request: Request, node_id: NodeId) -> dict[str, Any]:
        return nodes.link(_actor(request), node_id).to_json()

    @api.get("/invitations", summary="Invitations that are still good")
    def invitations(request: Request) -> dict[str, Any]:
        return {"invitations": nodes.invitations(_actor(request))}

    @api.post("/invitations", status_code=201, summary="Invite a node; the invitation is shown this once")
    def invite(request: Request, order: InviteOrder) -> dict[str, Any]:
        made = nodes.invite(_actor(request), order.node_id, order.bearing)
        return {"invitation": str(made), "node_id": made.invited, "expires_at": made.expires_at}

    @api.post("/invitations/look", summary="See which node an invitation leads to; nothing is decided")
    def look(request: Request, order: InvitationOrder) -> dict[str, Any]:
        return nodes.look(_actor(request), order.invitation).to_json()

    @api.post("/invitations/accept", status_code=201, summary="Accept an invitation; the other side then confirms")
    def accept(request: Request, order: AcceptOrder) -> dict[str, Any]:
        return nodes.accept(_actor(request), order.invitation, order.seen).to_json()

    @api.post("/links/{node_id}/confirm", summary="Confirm a link whose fingerprint was compared")
    def confirm(request: Request, node_id: NodeId, order: ConfirmOrder) -> dict[str, Any]:
        return nodes.confirm(_actor(request), node_id, order.seen).to_json()

    @api.post("/links/{node_id}/suspend", summary="Suspend a link; letters wait on both sides")
    def suspend(request: Request, node_id: NodeId, order: WordsOrder) -> dict[str, Any]:
        return nodes.suspend(_actor(request), node_id, order.words).to_json()

    @api.post("/links/{node_id}/resume", summary="Let a suspended link go on")
    def resume(request: Request, node_id: NodeId, order: WordsOrder) -> dict[str, Any]:
        return nodes.resume(_actor(request), node_id, order.words).to_json()

    @api.post("/links/{node_id}/end", summary="End a link; what waits is taken back")
    def end(request: Request, node_id: NodeId, order: WordsOrder) -> dict[str, Any]:
        return nodes.end(_actor(request), node_id, order.words).to_json()

    @api.get("/letters", summary="Letters that came and went, newest first, 200 at a time")
    def page(
        request: Request,
        node: Annotated[str, Query(max_length=40)] = "",
        way: Annotated[list[Way], Query()] = list(Way),  # noqa: B006 - FastAPI copies it
        state: Annotated[list[LetterState], Query()] = list(LetterState),  # noqa: B006
        skip: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    ) -> dict[str, Any]:
        found, total = letters.page(_actor(request), node, way, state, skip)
        return {"letters": [one.to_json() for one in found], "total": total}

    @api.get("/letters/{node_id}/{way}/{letter_id}", summary="One letter with its body")
    def letter(request: Request, node_id: NodeId, way: Way, letter_id: LetterId) -> dict[str, Any]:
        found = letters.letter(_actor(request), node_id, way, letter_id)
        return {**found.to_json(), "body": found.body}

    @api.get("/retention", summary="How long letters are kept, by which law, and how many are past it")
    def retention(request: Request) -> dict[str, Any]:
        return {"letters": [one.to_json() for one in watch.kept(_actor(request))]}

    @api.get("/troubles", summary="Open alerts about linked nodes: who is late, of whom no more entries are taken")
    def troubles(request: Request) -> dict[str, Any]:
        return {"troubles": [one.to_json() for one in watch.troubles(_actor(request))]}

    @api.post("/letters/{node_id}/out/{letter_id}/resend", summary="Post a waiting letter now, or a refused one anew")
    def resend(request: Request, node_id: NodeId, letter_id: LetterId) -> dict[str, Any]:
        return letters.resend(_actor(request), node_id, letter_id).to_json()

    return api


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
