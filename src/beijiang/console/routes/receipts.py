"""Receipts of one's own reads; for administrators, how the log is sealed and witnessed, and what may be erased."""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, language, number, person
from beijiang.evidence import PeerKind
from beijiang.kit import Invalid, NotFound, Text
from beijiang.web import content_disposition

if TYPE_CHECKING:
    from beijiang.build import Platform

HERE = "/console/seal"
_NOTE_BYTES = 64 << 10


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of receipts and of the signed tree."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    zone = ZoneInfo(platform.settings.time_zone)

    @pages.get("/receipts")
    def mine(request: Request) -> HTMLResponse:
        before = number(request.query_params.get("before")) or None
        who, grant = person(request), request.query_params.get("grant", "")[:64]
        if grant:
            found = platform.receipts.under(who, grant, before=before)
        else:
            found = platform.receipts.mine(who, before=before)
        return frame.page(request, "receipts.html", found=found, grant=grant)

    @pages.get("/receipts/{receipt_id}")
    def receipt(request: Request, receipt_id: str) -> Response:
        found = platform.receipts.receipt(person(request), receipt_id)
        headers = {
            "Content-Disposition": content_disposition(f"{receipt_id}.receipt.json"),
            "Cache-Control": "no-store",
        }
        return Response(json.dumps(found, ensure_ascii=False, indent=1), media_type="application/json", headers=headers)

    @pages.get("/seal")
    def tree(request: Request) -> HTMLResponse:
        who = person(request)
        keys = platform.succession.all(who)
        return frame.page(
            request,
            "seal.html",
            state=platform.receipts.state(who),
            peers=platform.witnesses.peers(who),
            seen=platform.witnesses.seen(who),
            cosigned=platform.witnesses.cosigned(who, limit=10),
            forks=platform.witnesses.forks(who),
            kept=platform.retention.kept(who),
            keys=keys,
            roles=[(role, role) for role in dict.fromkeys(one.role for one in keys)],
            kinds=[(kind.value, kind.text.in_language(language(request))) for kind in PeerKind],
            may_manage=platform.access.allows(who, Permission.EVIDENCE_PEER_MANAGE),
            may_erase=platform.access.allows(who, Permission.EVIDENCE_LOG_ERASE),
        )

    @pages.post("/seal/peers")
    def trust(
        request: Request,
        kind: Annotated[PeerKind, Form()],
        key: Annotated[str, Form()],
        url: Annotated[str, Form()] = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            peer = platform.witnesses.trust(person(request), kind, key, url)
            return HERE, Text(f"已信任 {peer.key.name}。", f"{peer.key.name} is trusted.")

        return frame.attempt(request, HERE, step)

    @pages.post("/seal/keys")
    def succeed(
        request: Request, role: Annotated[str, Form()] = "log", days: Annotated[int, Form()] = 90
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = platform.succession.begin(person(request), role, days)
            return HERE, Text(
                f"新密钥 {made.key.id.hex()} 已启用，{days} 天内新旧两把同时签名。请公布新公钥和换钥声明。",
                f"Key {made.key.id.hex()} signs from now on, for {days} days beside the old one. Publish it and its note.",
            )

        return frame.attempt(request, HERE, step)

    @pages.get("/seal/keys/{key_id}/handover")
    def handover(request: Request, key_id: str) -> Response:
        notes = {one.key.id.hex(): one.handover for one in platform.succession.all(person(request)) if one.handover}
        if key_id not in notes:
            raise NotFound("没有这份换钥声明。", "There is no such note.", code="no_handover")
        headers = {"Content-Disposition": content_disposition(f"{key_id}.handover.txt")}
        return PlainTextResponse(notes[key_id], headers=headers)

    @pages.post("/seal/peers/{peer_id}/remove")
    def distrust(request: Request, peer_id: str) -> RedirectResponse:
        platform.witnesses.distrust(person(request), peer_id)
        return frame.after(request, HERE, Text("已不再信任。", "It is trusted no longer."))

    @pages.post("/seal/follow")
    async def follow(request: Request, note: Annotated[UploadFile, File()]) -> RedirectResponse:
        text = await _text(note)

        def step() -> tuple[str, Text]:
            peer = platform.witnesses.follow(person(request), text)
            name, key_id = peer.key.name, peer.key.id.hex()
            return HERE, Text(
                f"已信任 {name} 的后继密钥 {key_id}。", f"The key {key_id} that follows in {name} is trusted."
            )

        return frame.attempt(request, HERE, step)

    @pages.get("/seal/peers/{peer_id}/request")
    def ask(request: Request, peer_id: str) -> Response:
        text = platform.witnesses.request(person(request), peer_id)
        headers = {"Content-Disposition": content_disposition("checkpoint-request.txt"), "Cache-Control": "no-store"}
        return PlainTextResponse(text, headers=headers)

    @pages.post("/seal/witness")
    async def witness(request: Request, note: Annotated[UploadFile, File()]) -> Response:
        text = platform.witnesses.witness_file(person(request), await _text(note))
        headers = {"Content-Disposition": content_disposition("cosigned.txt"), "Cache-Control": "no-store"}
        return PlainTextResponse(text, headers=headers)

    @pages.post("/seal/cosignatures")
    async def take(request: Request, note: Annotated[UploadFile, File()]) -> RedirectResponse:
        text = await _text(note)

        def step() -> tuple[str, Text]:
            count = platform.witnesses.take(person(request), text)
            return HERE, Text(f"收下 {count} 个见证签名。", f"{count} signatures of witnesses taken.")

        return frame.attempt(request, HERE, step)

    @pages.post("/seal/erase")
    def erase(
        request: Request,
        reason: Annotated[str, Form()] = "",
        until: Annotated[str, Form()] = "",
        subject: Annotated[str, Form()] = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            count = platform.retention.erase(
                person(request), reason, until=_day(until, zone), subject=subject.strip() or None
            )
            return HERE, Text(
                f"已删除 {count:,} 条记录的内容，证明仍然有效。",
                f"The text of {count:,} records was erased; proofs stay good.",
            )

        return frame.attempt(request, HERE, step)

    return pages


async def _text(note: UploadFile) -> str:
    """Read a small text file that was carried here.

    Raises:
        Invalid: it is no text (``bad_cosignature``).

    """
    try:
        return (await note.read(_NOTE_BYTES)).decode()
    except UnicodeDecodeError:
        raise Invalid("这不是文本文件。", "This is no text file.", code="bad_cosignature") from None


def _day(words: str, zone: ZoneInfo) -> datetime | None:
    """Return the end of a day of the region.

    Raises:
        Invalid: ``bad_date``.

    """
    if not words:
        return None
    try:
        return datetime.combine(datetime.fromisoformat(words).date(), time(), zone) + timedelta(days=1)
    except ValueError:
        raise Invalid("日期应写成 2026-11-23 这样。", "Write the date like 2026-11-23.", code="bad_date") from None
