"""The JSON API of requests that another node decides: ask for the data, collect them once, give the grant back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from beijiang.exchange import DisputeMove
from beijiang.federation.models.travels import ParcelForm
from beijiang.web import content_disposition
from beijiang.web.described import BINARY, files_of

if TYPE_CHECKING:
    from beijiang.exchange import Exchange
    from beijiang.federation.service import Travels
    from beijiang.kit import Actor

__all__ = ["travels"]


class WantOrder(BaseModel):
    """In which form the rows should come."""

    model_config = ConfigDict(extra="forbid")

    form: ParcelForm = ParcelForm.CSV


class PlaceOrder(BaseModel):
    """The node that holds the data, and the id of the entry there."""

    model_config = ConfigDict(extra="forbid")

    node_id: Annotated[str, Field(max_length=40)] = ""
    entry: Annotated[str, Field(max_length=40)] = ""


class BackOrder(BaseModel):
    """Why a grant is given back."""

    model_config = ConfigDict(extra="forbid")

    words: Annotated[str, Field(max_length=2000)]


class DisputeOrder(BackOrder):
    """What the department does that asked, with its reasons."""

    move: Literal["raise", "agree", "reply", "appeal", "withdraw"] = "raise"

    @property
    def step(self) -> DisputeMove:
        """Return it as exchange takes it."""
        return DisputeMove(self.move)


def travels(service: Travels, exchange: Exchange) -> APIRouter:
    """Return the endpoints under ``/api/v1/federation/requests`` and ``/api/v1/federation/parcels``."""
    routes = APIRouter(prefix="/api/v1/federation", tags=["federation"])

    @routes.put(
        "/places/{resource_id}", summary="State at which linked node the data of an entry are; an empty node: here"
    )
    def place(request: Request, resource_id: str, order: PlaceOrder) -> dict[str, Any]:
        found = service.place(_actor(request), resource_id, order.node_id, order.entry)
        return {"node_id": found.node_id if found else "", "entry": found.resource_id if found else ""}

    @routes.post(
        "/requests/{request_id}/parcels", status_code=201, summary="Ask another node for the data that it granted"
    )
    def want(request: Request, request_id: str, order: WantOrder) -> dict[str, Any]:
        return service.want(_actor(request), request_id, order.form).to_json()

    @routes.get("/requests/{request_id}/parcels", summary="Parcels of a request between nodes, newest first")
    def listed(request: Request, request_id: str) -> dict[str, Any]:
        return {"parcels": [one.to_json() for one in service.parcels(_actor(request), request_id)]}

    @routes.post("/requests/{request_id}/give-back", summary="Give back what another node granted")
    def give_back(request: Request, request_id: str, order: BackOrder) -> dict[str, Any]:
        done = exchange.give_back(_actor(request), request_id, order.words)
        return {"id": done.id, "state": done.state.value}

    @routes.post(
        "/requests/{request_id}/dispute", summary="Disagree with what the node that decides did, or go on with it"
    )
    def dispute(request: Request, request_id: str, order: DisputeOrder) -> dict[str, Any]:
        done = exchange.dispute(_actor(request), request_id, order.step, order.words)
        return {"id": done.id, "state": done.state.value}

    @routes.post(
        "/parcels/{parcel_id}",
        summary="Collect a parcel, once: its key is gone afterwards",
        response_class=Response,
        responses=files_of(BINARY),
    )
    def collect(request: Request, parcel_id: str) -> Response:
        found = service.collect(_actor(request), parcel_id)
        headers = {
            "Content-Disposition": content_disposition(found.parcel.file_name),
            "X-Beijiang-Receipt": found.parcel.receipt,
            "Cache-Control": "no-store",
        }
        return Response(found.content, media_type="application/octet-stream", headers=headers)

    return routes


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
