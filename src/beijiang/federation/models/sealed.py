"""What is signed when nodes speak: who, to whom, when, once, and over which bytes. The form is that of a signed note (C2SP)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from beijiang.evidence import Note
from beijiang.kit import Unauthenticated

__all__ = ["NOTE_HEADER", "Envelope", "read_note", "wrapped"]

NOTE_HEADER: Final = "Beijiang-Node-Note"
"""The header of a request or an answer that carries the signed note, in base64."""
_MOST: Final = 4096
_MOMENT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
_LINES: Final = 7


@dataclass(frozen=True, slots=True)
class Envelope:
    """The signed text of one request or answer."""

    purpose: str
    """``letters``, ``link``, or ``answer``."""
    sender: str
    receiver: str
    at: datetime
    nonce: str
    """Drawn for one request; the answer repeats it."""
    body: str
    """SHA-256 of the body, in hex."""

    @classmethod
    def over(cls, purpose: str, ends: tuple[str, str], at: datetime, nonce: str, body: bytes) -> Self:
        """Return the envelope of a body; ``ends`` are sender and receiver."""
        return cls(purpose, *ends, at, nonce, hashlib.sha256(body).hexdigest())

    @property
    def text(self) -> str:
        """Return what is signed."""
        lines = (
            f"beijiang-node/1 {self.purpose}",
            self.sender,
            self.receiver,
            f"{self.at.astimezone(UTC):{_MOMENT}}",
            self.nonce,
            self.body,
        )
        return "\n".join(lines) + "\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a note.

        Raises:
            ValueError: it has not the form of one.

        """
        lines = text.split("\n")
        if len(lines) != _LINES or lines[-1]:
            msg = "no envelope"
            raise ValueError(msg)
        head, sender, receiver, at, nonce, body, _ = lines
        version, _, purpose = head.partition(" ")
        if version != "beijiang-node/1" or not 16 <= len(nonce) <= 64:  # noqa: PLR2004
            raise ValueError(head)
        return cls(purpose, sender, receiver, datetime.strptime(at, _MOMENT).replace(tzinfo=UTC), nonce, body)

    def covers(self, body: bytes) -> bool:
        """Tell whether the body is the one that was signed."""
        return hashlib.sha256(body).hexdigest() == self.body


def wrapped(note: str) -> str:
    """Return a note as the value of a header."""
    return base64.b64encode(note.encode()).decode()


def read_note(header: str) -> tuple[Note, Envelope]:
    """Read the note of a request or an answer; nothing of it is checked yet but its form.

    Raises:
        Unauthenticated: there is none, or it has not the form of one (``bad_node_note``).

    """
    try:
        note = Note.parse(base64.b64decode(header[: _MOST + 1], validate=True).decode())
        return note, Envelope.parse(note.text)
    except (ValueError, binascii.Error) as error:
        raise Unauthenticated(
            "缺少节点签名，或签名格式不对。节点之间的信件须由已联结节点签名后发送。",
            "The signature of a node is missing, or has not the form of one. Letters come signed by a linked node.",
            code="bad_node_note",
        ) from error
