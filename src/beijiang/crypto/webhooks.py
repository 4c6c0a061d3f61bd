"""Signatures of what is posted to a receiver, as Standard Webhooks writes them: HMAC-SHA256 of id, time and body."""

from __future__ import annotations

import base64
import hmac

__all__ = ["webhook_signature"]


def webhook_signature(secret: str, name: str, at: str, content: bytes) -> str:
    """Return the signature of one post; ``at`` is the second at which it was sent, so that a receiver can refuse an old one."""
    digest = hmac.digest(secret.encode(), f"{name}.{at}.".encode() + content, "sha256")
    return "v1," + base64.b64encode(digest).decode()
