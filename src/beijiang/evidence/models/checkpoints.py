"""Shards of the log, what is signed about them, and who signs: the log itself, and witnesses elsewhere."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from enum import StrEnum
from typing import Final, Protocol

from beijiang.evidence.verifier import HANDOVER, WITNESS, Checkpoint, Key, Note, cosigned, hash_of_shard
from beijiang.kit import Text

__all__ = [
    "Cosigned",
    "LogState",
    "Peer",
    "PeerKind",
    "Shard",
    "Signer",
    "both_until",
    "cosign",
    "shard_name",
    "signed",
]


@dataclass(frozen=True, slots=True)
class Shard:
    """One tree of the log: the records of a year, hashed in one way."""

    name: str
    origin: str
    first: int
    """Sequence of its first record."""
    size: int
    root: bytes
    closed: bool

    @property
    def algorithm(self) -> str:
        """Return how it is hashed; its name says so."""
        return hash_of_shard(self.name)

    @property
    def sealed(self) -> int:
        """Return the sequence of the last record that is in it."""
        return self.first + self.size - 1

    @property
    def checkpoint(self) -> Checkpoint:
        """Return what is signed about it now."""
        return Checkpoint(self.origin, self.size, self.root)


class Signer(Protocol):
    """A private key that signs."""

    @property
    def public(self) -> bytes:
        """Return the public key."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature."""


class PeerKind(StrEnum):
    """What somebody outside is to this log."""

    LOG = "log"
    WITNESS = "witness"

    @property
    def text(self) -> Text:
        """Return what people call it."""
        return _KINDS[self]


_KINDS: Final = {
    PeerKind.LOG: Text("由我见证的日志", "a log that this one witnesses"),
    PeerKind.WITNESS: Text("见证本日志的一方", "a witness of this log"),
}


@dataclass(frozen=True, slots=True)
class Peer:
    """A trusted key outside: of a log that is witnessed here, or of a witness of this log."""

    id: str
    kind: PeerKind
    key: Key
    url: str
    """Where a witness takes checkpoints; empty when files are carried by hand."""
    added_at: datetime
    added_by: str
    trouble: Text | None = None
    """Why the last exchange failed."""
    handover: str = ""
    """The note by which this key named the one that follows it; that one is a peer of its own."""

    @property
    def until(self) -> datetime | None:
        """Return until when it signs beside the key that follows it; None where none does, or where the note does not say so."""
        try:
            return both_until(self.handover) if self.handover else None
        except ValueError:
            return None

    @property
    def is_unclear(self) -> bool:
        """Tell whether the note by which it named the next key does not say until when both sign: older releases kept such."""
        return bool(self.handover) and self.until is None

    @property
    def followed_by(self) -> str:
        """Return the key that follows it, as text; empty where none does."""
        return self.handover.split("\n")[2] if self.handover else ""


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint that a witness has seen."""

    shard: str
    size: int
    witness: str
    line: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LogState:
    """How far the log is sealed and witnessed."""

    shards: tuple[Shard, ...]
    records: int
    waiting: int
    """Records that are in no checkpoint yet."""
    lag_seconds: float
    """Age of the oldest record that is in no checkpoint yet."""
    unwitnessed_seconds: float | None
    """Age of the newest checkpoint that a witness signed; None when there is no witness."""
    spool_bytes: int
    lost: int
    keys: tuple[Key, ...]


_PLAIN: Final = "sha256"
_MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"


def shard_name(year: int, algorithm: str, taken: set[str]) -> str:
    """Return a name that no shard has: ``2026``, ``2026-sm3``, ``2026-2``."""
    name = str(year) if algorithm == _PLAIN else f"{year}-{algorithm}"
    number = 2
    while name in taken:
        parts = [str(year), *([] if algorithm == _PLAIN else [algorithm]), str(number)]
        name, number = "-".join(parts), number + 1
    return name


def signed(point: Checkpoint, keys: dict[Key, Signer]) -> str:
    """Return the note of a checkpoint, with one signature of each key."""
    return signed_text(point.text, keys)


def signed_text(text: str, keys: dict[Key, Signer]) -> str:
    """Return a text as a note, with one signature of each key."""
    return f"{text}\n{''.join(_line(key, signer.sign(text.encode())) for key, signer in keys.items())}"


def handover_text(old: Key, new: Key, until: datetime) -> str:
    """Return what both keys sign when one follows the other; until then each signs every checkpoint."""
    return f"{HANDOVER}\n{old}\n{new}\n{until.astimezone(UTC):{_MOMENT}}\n"


def handover_note(keys: dict[Key, Signer], until: datetime, at: datetime) -> str:
    """Return the note by which the first of two keys names the second, signed by both as keys of their kind sign."""
    old, new = keys
    text = handover_text(old, new, until)
    if new.kind != WITNESS:
        return signed_text(text, keys)
    return f"{text}\n{''.join(cosign(Note(text, ()), key, signer, at) for key, signer in keys.items())}"


def both_until(note: str) -> datetime:
    """Return the moment up to which both keys of a note of succession sign.

    Raises:
        ValueError: its fourth line is none, or none that every time zone has.

    """
    moment = datetime.strptime("".join(note.split("\n")[3:4]), _MOMENT).replace(tzinfo=UTC)
    if moment.year in {MINYEAR, MAXYEAR}:
        raise ValueError(moment)
    return moment


def cosign(note: Note, key: Key, signer: Signer, at: datetime) -> str:
    """Return the line by which a witness says that it saw a checkpoint."""
    seconds = int(at.timestamp())
    return _line(key, seconds.to_bytes(8, "big") + signer.sign(cosigned(note.text, seconds)))


def _line(key: Key, signature: bytes) -> str:
    return f"— {key.name} {base64.b64encode(key.id + signature).decode()}\n"
