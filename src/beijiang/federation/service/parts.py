"""What nodes and letters work with, and how two nodes speak over HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from beijiang.evidence import Key
from beijiang.federation import errors
from beijiang.federation.models import NOTE_HEADER, Envelope, read_note
from beijiang.federation.models.wire import parsed_answer
from beijiang.federation.store import LetterStore
from beijiang.kit import BeijiangError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.evidence import Evidence, Note
    from beijiang.federation.service.keys import NodeKeys
    from beijiang.kit import Clock
    from beijiang.outbound import HttpAnswer, Outbound
    from beijiang.settings import Settings
    from beijiang.standards import Standards

__all__ = ["LETTERS_PATH", "LINKS_PATH", "NODE_PATH", "NodeParts", "Reply", "require_fresh", "signing_key"]

NODE_PATH: Final = "/api/v1/federation/node"
LINKS_PATH: Final = "/api/v1/federation/links"
LETTERS_PATH: Final = "/api/v1/federation/letters"
SKEW: Final = timedelta(minutes=5)
"""How far apart the clocks of two nodes may be."""
_ANSWER_MOST: Final = 1 << 20
_SECONDS: Final = 60.0
_IDLE: Final = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What a node answers another: a status, the body, and the header that signs it."""

    status: int
    body: bytes
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeParts:
    """What nodes and letters work with."""

    db: Database
    keys: NodeKeys
    access: Access
    evidence: Evidence
    standards: Standards
    outbound: Outbound
    clock: Clock
    settings: Settings

    @property
    def public_url(self) -> str:
        """Return the address under which this platform is reached."""
        return self.settings.public_url

    def look(self, url: str) -> Any:
        """Return what is said without a signature at an address: JSON, to be checked.

        Raises:
            BeijiangError: the address may not be reached, or does not answer as a node does.

        """
        found = self._fetch("GET", url, {}, None)
        return parsed_answer(found.body, found.status)

    def ask(
        self, url: str, body: bytes, *, purpose: str, ends: tuple[str, str], own_key: str, keys: Iterable[str]
    ) -> tuple[int, Any]:
        """Post a signed body; return status and JSON of the answer, which one of the other side's ``keys`` has signed.

        Raises:
            Unavailable: no answer, or none with a good signature (``node_answer_unsigned``).
            Refused: the address may not be reached.

        """
        nonce = secrets.token_hex(16)
        envelope = Envelope.over(purpose, ends, self.clock.now(), nonce, body)
        headers = {"Content-Type": "application/json", NOTE_HEADER: self.keys.sign(own_key, envelope)}
        found = self._fetch("POST", url, headers, body)
        try:
            note, told = read_note(found.headers.get(NOTE_HEADER, ""))
            good = signing_key(note, keys) is not None
        except BeijiangError:
            raise errors.answer_unsigned(found.status) from None
        expected = ("answer", ends[1], ends[0], nonce)
        if (
            not good
            or (told.purpose, told.sender, told.receiver, told.nonce) != expected
            or not told.covers(found.body)
        ):
            raise errors.answer_unsigned(found.status)
        return found.status, parsed_answer(found.body, found.status)

    def reply(self, status: int, body: bytes, own_key: str, asked: Envelope) -> Reply:
        """Return an answer to a signed request, signed."""
        ends = (Key.parse(own_key).name, asked.sender)
        envelope = Envelope.over("answer", ends, self.clock.now(), asked.nonce, body)
        return Reply(status, body, self.keys.sign(own_key, envelope))

    def _fetch(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> HttpAnswer:
        from beijiang.outbound import Http, HttpLimits, Use, parsed

        way, place = self.outbound.bound(Use.TELL, ""), parsed(url)
        if place.scheme != "https":
            way.require_plain(place.host, place.port or 80)
        limits = HttpLimits(body=_ANSWER_MOST, seconds=_SECONDS, idle=_IDLE, redirects=0)
        with Http(way, limits) as http:
            return http.fetch(method, place, headers=headers, content=body)


def signing_key(note: Note, keys: Iterable[str]) -> str | None:
    """Return which of some keys signed a note; None when none did."""
    for key in keys:
        try:
            if key and note.signed_by(Key.parse(key)) is not None:
                return key
        except ValueError:
            return None
    return None


def require_fresh(parts: NodeParts, connection: Connection, envelope: Envelope, receiver: str, body: bytes) -> None:
    """Return if a signed request is for this node, whole, of this moment, and came for the first time; note that it came.

    Raises:
        Denied: it is not (``node_body_altered``, ``node_clock_skew``, ``node_replayed``).

    """
    now = parts.clock.now()
    if envelope.receiver != receiver or not envelope.covers(body):
        raise errors.not_from_there()
    if abs(now - envelope.at) > SKEW:
        raise errors.clock_skew(now.isoformat(timespec="seconds"))
    if not LetterStore(connection).first_time(envelope.sender, envelope.nonce, now):
        raise errors.replayed()
