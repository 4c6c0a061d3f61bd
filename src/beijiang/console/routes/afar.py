"""What can be done with a request that another node decides (跨级申请): ask for its data, collect them, give the grant back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, person
from beijiang.exchange import ASKER_MOVES, DISPUTE_MOVES, DisputeMove, DisputeState, GrantState
from beijiang.federation import ParcelForm
from beijiang.kit import Text
from beijiang.web import content_disposition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.build import Platform
    from beijiang.exchange import Request as ShareRequest
    from beijiang.kit import Actor

__all__ = ["router", "travelled"]

HERE = "/console/sharing/requests"
Short = Annotated[str, Form(max_length=40)]
Said = Annotated[str, Form(max_length=2000)]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the steps with requests that travel; they stand on the page of the request."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    @pages.post("/catalog/{resource_id}/node")
    def place(request: Request, resource_id: str, node: Short = "", entry: Short = "") -> RedirectResponse:
        back = f"/console/catalog/{quote(resource_id)}"

        def step() -> tuple[str, Text]:
            found = platform.travels.place(person(request), resource_id, node, entry.strip())
            if found is None:
                return back, Text("已登记为非他节点的数据。", "Stated: the data are not another node's.")
            return back, Text(
                f"数据在“{found.node_name.zh}”，发布后可以申请。",
                f"The data are held by {found.node_name.en}; once published they can be asked for.",
            )

        return frame.attempt(request, back, step)

    @pages.post("/sharing/requests/{request_id}/parcels")
    def want(request: Request, request_id: str, form: Annotated[ParcelForm, Form()]) -> RedirectResponse:
        back = f"{HERE}/{quote(request_id)}"

        def step() -> tuple[str, Text]:
            platform.travels.want(person(request), request_id, form)
            return back, Text(
                "已向对方节点索取，送达后在本页领取。", "Asked of the other node; collect it here when it has come."
            )

        return frame.attempt(request, back, step)

    @pages.post("/sharing/requests/{request_id}/give-back")
    def give_back(request: Request, request_id: str, words: Said) -> RedirectResponse:
        back = f"{HERE}/{quote(request_id)}"

        def step() -> tuple[str, Text]:
            platform.exchange.give_back(person(request), request_id, words)
            return back, Text("已告知对方节点。", "The other node is told.")

        return frame.attempt(request, back, step)

    @pages.post("/sharing/requests/{request_id}/dispute")
    def dispute(
        request: Request,
        request_id: str,
        words: Said,
        move: Annotated[Literal["raise", "agree", "reply", "appeal", "withdraw"], Form()] = "raise",
    ) -> RedirectResponse:
        back = f"{HERE}/{quote(request_id)}"

        def step() -> tuple[str, Text]:
            platform.exchange.dispute(person(request), request_id, DisputeMove(move), words)
            return back, Text("异议已送往对方节点。", "The other node is told that you disagree.")

        return frame.attempt(request, back, step)

    @pages.post("/sharing/parcels/{parcel_id}")
    def collect(request: Request, parcel_id: str) -> Response:
        found = platform.travels.collect(person(request), parcel_id)
        headers = {"Content-Disposition": content_disposition(found.parcel.file_name), "Cache-Control": "no-store"}
        return Response(found.content, media_type="application/octet-stream", headers=headers)

    return pages


def travelled(platform: Platform, who: Actor, one: ShareRequest) -> dict[str, Any]:
    """Return what the page of a request that travels shows beside the request; nothing for others."""
    if one.afar is None:
        return {}
    mine = platform.access.allows(who, Permission.EXCHANGE_REQUEST_MAKE, one.org_id)
    return {
        "parcels": platform.travels.parcels(who, one.id),
        "may_fetch": mine and platform.access.allows(who, Permission.PROTECTION_ROWS_READ_GRANTED),
        "forms": tuple(ParcelForm),
        "dispute_moves": _moves(one),
        "dispute_states": {state.value: state.text for state in DisputeState},
        "grant_states": {state.value: state.text for state in GrantState},
        "today": platform.exchange.today,
    }


def _moves(one: ShareRequest) -> Sequence[DisputeMove]:
    """Return what the department that asked may do now about a decision of the other node."""
    standing = None if one.outward is None else one.outward.standing
    if standing is None:
        return ()
    state = "" if standing.dispute is None else standing.dispute.get("state", "")
    if state not in set(DisputeState) or DisputeState(state).is_over:
        return (DisputeMove.RAISE,)
    return [move for move in ASKER_MOVES if move in DISPUTE_MOVES and DisputeState(state) in DISPUTE_MOVES[move].at]
