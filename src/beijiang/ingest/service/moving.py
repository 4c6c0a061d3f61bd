"""Secrets stay with the server that they were given for: whoever moves a source to another enters them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from beijiang.kit import Invalid

__all__ = ["check_place"]

_PLACE: Final = (
    "host", "port", "url", "base_url", "token_url", "key_url", "endpoint", "dialect", "parameters", "tls", "authority", "ca", "host_key",
)  # fmt: skip
"""Options that say who is told the secrets, how the other side proves itself, and who can listen."""
_CHECKED: Final = frozenset({"verify", "on"})
"""The kinds of TLS by which the other side proves who it is; a change to these lets nobody new listen."""


def check_place(before: Mapping[str, Any], after: Mapping[str, Any], kept: Iterable[str]) -> None:
    """Return if secrets that were not entered anew may go on serving; an identity that was unknown so far may be added.

    Raises:
        Invalid: they were given for another place (``secrets_needed``).

    """
    kept = sorted(kept)
    moved = [n for n in _PLACE if before.get(n) and after.get(n) != before[n]]
    moved = [n for n in moved if n != "tls" or after.get(n) not in _CHECKED]
    if kept and moved:
        names, places = ", ".join(kept), ", ".join(moved)
        raise Invalid(
            f"连接位置或对方身份有变（{places}），为防止口令发往别处，请同时重新填写：{names}。",
            f"Where it connects, or how the other side proves itself, changed ({places}). Enter again, so that they go nowhere by mistake: {names}.",
            code="secrets_needed",
            detail={"secrets": [*kept], "changed": [*moved]},
        )
