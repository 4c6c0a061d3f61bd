"""How large a request may be: known before it is read where the sender says so, counted while it is read where not."""

from __future__ import annotations

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import Message, Receive

from beijiang.kit import TooLarge

__all__ = ["DOCUMENT_BYTES", "body_limit", "capped", "check_declared"]

DOCUMENT_BYTES = 8 << 20
"""Largest body that is not a file: a document is held in memory as a whole."""

FILE_TYPES = ("multipart/form-data", "application/octet-stream")
_MIB = 1 << 20


def body_limit(headers: Headers, upload_limit: int, *, takes_files: bool) -> int:
    """Return the largest body, in bytes, that a request may have: a file's only where files are taken.

    The content type alone must not decide: it is the sender's word, and other addresses read a body into memory.
    """
    is_file = takes_files and headers.get("content-type", "").lower().startswith(FILE_TYPES)
    return upload_limit + _MIB if is_file else DOCUMENT_BYTES


def check_declared(headers: Headers, limit: int) -> None:
    """Refuse a body that says itself that it is too large, before a byte of it is read.

    Raises:
        TooLarge: with the limit.

    """
    declared = headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > limit:
        raise TooLarge(
            f"内容超过上限 {limit // _MIB} MB，请拆分后再上传。",
            f"The content is over the limit of {limit // _MIB} MB; split it and try again.",
            detail={"limit_bytes": limit},
        )


def capped(receive: Receive, limit: int) -> Receive:
    """Count the bytes as they come and stop at ``limit``, whatever the sender declared.

    The refusal is FastAPI's own exception: its body reader turns every other one into a bare 400.
    """
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise HTTPException(413)
        return message

    return counted
