"""Receipts, state, witnesses and retention as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import PlainTextResponse, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from beijiang.evidence.models import PeerKind
from beijiang.web import content_disposition
from beijiang.web.bounds import Place

if TYPE_CHECKING:
    from beijiang.evidence.models import EvidenceRecord, LogState, Peer
    from beijiang.evidence.service import Receipts, Retention, Witnesses
    from beijiang.kit import Actor

__all__ = ["receipts_router"]


class NewPeer(BaseModel):
    """A key to trust."""

    model_config = ConfigDict(extra="forbid")

    kind: PeerKind
    key: str = Field(max_length=600, description="Verifier key: name+id+base64.")
    url: str = Field(default="", max_length=600, description="Of a witness: its address before /add-checkpoint.")


class Carried(BaseModel):
    """A note that was carried here as a file."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=64 << 10)


class Erasure(BaseModel):
    """Which texts to erase."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(max_length=500)
    until: AwareDatetime | None = Field(default=None, description="Older than this; else all that is past its clock.")
    subject: str | None = Field(default=None, max_length=100, description="Only what this person or key did.")


def receipts_router(receipts: Receipts, witnesses: Witnesses, retention: Retention) -> APIRouter:
    """Return the endpoints below ``/api/v1/evidence`` that are not the log itself."""
    api = APIRouter(prefix="/api/v1/evidence", tags=["evidence"])

    @api.get("/receipts", summary="One's own reads, or those under a grant, newest first; each is a receipt")
    def mine(
        request: Request,
        before: Annotated[int | None, Query(ge=1, le=(1 << 63) - 1)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 50,
        grant: Annotated[
            str, Query(max_length=64, description="What was read under this grant, by anybody; for both sides of it.")
        ] = "",
    ) -> dict[str, Any]:
        who = _actor(request)
        if grant:
            page = receipts.under(who, grant, before=before, limit=limit)
        else:
            page = receipts.mine(who, before=before, limit=limit)
        return {"receipts": [_receipt(record) for record in page.records], "next": page.next}

    @api.get("/about/{kind}/{subject}", summary="What the log holds about an entry, a request or a grant")
    def about(
        request: Request,
        kind: Annotated[str, Path(max_length=20)],
        subject: Annotated[str, Path(max_length=64)],
    ) -> dict[str, Any]:
        found = receipts.about(_actor(request), kind, subject)
        return {"records": [_told(record) for record in found]}

    @api.get("/about/{kind}/{subject}/{sequence}", summary="One of those records with its proof, for `beijiang verify`")
    def proved(
        request: Request,
        kind: Annotated[str, Path(max_length=20)],
        subject: Annotated[str, Path(max_length=64)],
        sequence: Annotated[int, Path(ge=1, le=2**62)],
    ) -> dict[str, Any]:
        return receipts.proved_about(_actor(request), kind, subject, sequence)

    @api.get("/receipts/{receipt_id}", summary="The receipt file of one access, for `beijiang verify`")
    def receipt(
        request: Request,
        receipt_id: str,
        size: Annotated[Place | None, Query(ge=1, description="Prove it in the checkpoint of this size.")] = None,
    ) -> Response:
        import json

        found = receipts.receipt(_actor(request), receipt_id, size)
        name = content_disposition(f"{receipt_id}.receipt.json")
        return Response(
            json.dumps(found, ensure_ascii=False, indent=1),
            media_type="application/json",
            headers={"Content-Disposition": name, "Cache-Control": "no-store"},
        )

    @api.get("/state", summary="How far the log is sealed and witnessed; what waits, what was lost")
    def state(request: Request) -> dict[str, Any]:
        return _state(receipts.state(_actor(request)))

    @api.get("/peers", summary="Trusted witnesses and logs that are witnessed here")
    def peers(request: Request) -> dict[str, Any]:
        who = _actor(request)
        return {
            "peers": [_peer(peer) for peer in witnesses.peers(who)],
            "seen": [
                {"origin": s.origin, "size": s.size, "root": s.root.hex(), "at": s.at} for s in witnesses.seen(who)
            ],
            "cosigned": [
                {"shard": c.shard, "size": c.size, "witness": c.witness, "at": c.at} for c in witnesses.cosigned(who)
            ],
            "forks": [
                {"origin": origin, "note": note, "known": known, "at": at}
                for origin, note, known, at in witnesses.forks(who)
            ],
        }

    @api.post("/peers", status_code=201, summary="Trust a witness, or a log to witness")
    def trust(request: Request, new: NewPeer) -> dict[str, Any]:
        return _peer(witnesses.trust(_actor(request), new.kind, new.key, new.url))

    @api.post("/peers/follow", summary="Trust the key that a trusted one named to follow it")
    def follow(request: Request, carried: Carried) -> dict[str, Any]:
        return _peer(witnesses.follow(_actor(request), carried.text))

    @api.delete("/peers/{peer_id}", status_code=204, summary="Trust a key no longer")
    def distrust(request: Request, peer_id: str) -> None:
        witnesses.distrust(_actor(request), peer_id)

    @api.get("/peers/{peer_id}/request", summary="What a witness is asked to sign")
    def ask(request: Request, peer_id: str, shard: str = "") -> Response:
        return PlainTextResponse(witnesses.request(_actor(request), peer_id, shard))

    @api.post("/cosignatures", summary="Take a note that a witness signed elsewhere")
    def take(request: Request, carried: Carried) -> dict[str, Any]:
        return {"taken": witnesses.take(_actor(request), carried.text)}

    @api.post("/witness", summary="Sign, as a witness, a request that was carried here")
    def sign(request: Request, carried: Carried) -> Response:
        return PlainTextResponse(witnesses.witness_file(_actor(request), carried.text))

    @api.get("/retention", summary="The clocks of retention, and what is past them")
    def kept(request: Request) -> dict[str, Any]:
        return {
            "clocks": [
                {
                    "rule": one.clock.rule,
                    "what": asdict(one.clock.text),
                    "limit": asdict(one.limit),
                    "basis": one.basis,
                    "until": one.until,
                    "due": one.due,
                }
                for one in retention.kept(_actor(request))
            ]
        }

    @api.post("/erasures", summary="Erase the text of records that are past their clocks; commitments stay")
    def erase(request: Request, wanted: Erasure) -> dict[str, Any]:
        erased = retention.erase(_actor(request), wanted.reason, until=wanted.until, subject=wanted.subject)
        return {"erased": erased}

    return api


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _told(record: EvidenceRecord) -> dict[str, Any]:
    return {
        "sequence": record.sequence,
        "id": record.id,
        "at": record.at.isoformat(),
        "actor": record.actor_name,
        "action": record.action,
        "digest": record.digest,
    }


def _receipt(record: EvidenceRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "at": record.at,
        "sequence": record.sequence,
        "table": record.target,
        "version": record.version,
        "exit": record.exit,
        "grade": record.grade,
        "purpose": record.purpose,
        "by": record.actor_name,
    }


def _state(state: LogState) -> dict[str, Any]:
    return {
        "records": state.records,
        "waiting": state.waiting,
        "evidence_lag_seconds": state.lag_seconds,
        "unwitnessed_seconds": state.unwitnessed_seconds,
        "spool_bytes": state.spool_bytes,
        "lost_total": state.lost,
        "keys": [str(key) for key in state.keys],
        "shards": [
            {
                "name": s.name,
                "origin": s.origin,
                "first": s.first,
                "size": s.size,
                "root": s.root.hex(),
                "closed": s.closed,
            }
            for s in state.shards
        ],
    }


def _peer(peer: Peer) -> dict[str, Any]:
    return {
        "id": peer.id,
        "kind": peer.kind.value,
        "key": str(peer.key),
        "url": peer.url,
        "added_at": peer.added_at,
        "added_by": peer.added_by,
        "trouble": peer.trouble and asdict(peer.trouble),
        "followed_by": peer.followed_by,
        "until": peer.until,
        "is_unclear": peer.is_unclear,
    }
