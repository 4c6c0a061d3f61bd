"""What a delivery is made under: declared here, so that what is agreed on may live on a floor above the gate."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote

from beijiang.kit import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Announced", "DeliveryTerms", "Salted", "canonical", "doubt_headers", "doubt_text", "salted"]

HEADER: Final = "X-Data-In-Doubt"
HEADER_MOST: Final = 2048
"""Bytes of names in a header: the smallest buffer that proxies keep for the whole head of an answer is twice that."""


@dataclass(frozen=True, slots=True)
class Announced:
    """The contract that a delivery names: its id, its version, and the SHA-256 of its text."""

    id: str
    version: str
    digest: str

    @property
    def words(self) -> str:
        """Return it as one line of a header (RFC 9110): ASCII, other characters percent-encoded."""
        return f"{quote(self.id, safe=':/.-_~')};version={quote(self.version)};sha256={self.digest}"


class DeliveryTerms(Protocol):
    """Say under which terms a version of a table may be handed over; ``contracts`` does."""

    def announced(self, table: str, version: int) -> Announced | None:
        """Return what to announce, None where nothing was agreed; raise where the version may not be delivered."""
        ...


def doubt_headers(columns: Sequence[str]) -> dict[str, str]:
    """Return the header of an answer that names its columns in doubt (RFC 9110): percent-encoded UTF-8, commas between.

    It is empty where none is, so that whoever knows the answer has said so; the door leaves such a header out. More names
    than proxies take in a header are ``*``; the receipt has them all.
    """
    said = ",".join(quote(name, safe="") for name in columns)
    return {HEADER: said if len(said) <= HEADER_MOST else "*"}


def doubt_text(columns: Sequence[str]) -> Text:
    """Return what people read of columns in doubt."""
    return Text(
        f"正在校核的数据项：{'、'.join(columns)}。办结前请谨慎使用。",
        f"Being looked into: {', '.join(columns)}. Use with care until it is settled.",
    )


@dataclass(frozen=True, slots=True)
class Salted:
    """Digests of a small question and its answer, with a salt that whoever asked alone is told.

    Without it the few answers that there may be could be tried out by anybody who sees the record. Each digest is over
    ``salt``, a line break, and the ``canonical`` text.
    """

    salt: str
    request: str
    response: str
    """SHA-256, as the verifier compares them."""
    request_sm3: str
    response_sm3: str
    size: int
    """Bytes of the answer's text."""

    @property
    def digests(self) -> dict[str, str]:
        """Return what the receipt keeps."""
        return {name: getattr(self, name) for name in ("request", "response", "request_sm3", "response_sm3")}


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: names in order, nothing between the parts."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def salted(request: Any, response: Any) -> Salted:
    """Return the digests of a question and of its answer, with a new salt."""
    salt, asked, told = secrets.token_hex(16), canonical(request), canonical(response)
    found = [
        hashlib.new(kind, f"{salt}\n{text}".encode()).hexdigest()
        for kind in ("sha256", "sm3")
        for text in (asked, told)
    ]
    question, answer, question_sm3, answer_sm3 = found
    return Salted(salt, question, answer, question_sm3, answer_sm3, len(told.encode()))
