"""Take letters of other nodes: each is read once, in the transaction that notes it, and answered for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from beijiang.federation import errors
from beijiang.federation.models import (
    Letter,
    LetterState,
    Link,
    LinkState,
    Way,
    canonical,
    digest_of,
    node_actor,
    read_note,
)
from beijiang.federation.models.wire import WireLetter, told, unpacked
from beijiang.federation.service.parts import NodeParts, Reply, require_fresh, signing_key
from beijiang.federation.store import LetterStore, NodeStore
from beijiang.kit import BeijiangError, Busy, Conflict, Denied, Unavailable

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork
    from beijiang.federation.models import Envelope

__all__ = ["CONFIRMED", "ENDED", "Reader", "Reading"]

log = logging.getLogger(__name__)

Reader = Callable[["UnitOfWork", Letter], None]

CONFIRMED: Final = "node.confirmed"
ENDED: Final = "node.ended"
_BEFORE: Final = frozenset({CONFIRMED, ENDED})
"""What the other side may say before the link is confirmed there."""
_OK: Final = 200


class Reading:
    """The way in of letters."""

    def __init__(self, parts: NodeParts) -> None:
        self._parts = parts
        self._db = parts.db
        self._readers: dict[str, Reader] = {}
        self._refusers: dict[str, Reader] = {}

    def reads(self, kind: str, reader: Reader, refused: Reader | None = None) -> None:
        """Have ``reader`` read letters of this kind, in one transaction with the note that each was read.

        What the reader raises undoes all of it: an error that is transient makes the letter come again, any other is the answer
        that travels back. ``refused`` is shown each letter that was refused so, in the transaction that notes it.
        """
        if kind in self._readers:
            msg = f"two readers of {kind}"
            raise ValueError(msg)
        self._readers[kind] = reader
        if refused is not None:
            self._refusers[kind] = refused

    def receive(self, header: str, body: bytes) -> Reply:
        """Take a post of another node, and answer for each letter; whoever carries it, its signature decides.

        Raises:
            Unauthenticated: no linked node signed it (``bad_node_note``, ``bad_node_signature``).
            Conflict: this platform has not said which node it is.

        """
        note, envelope = read_note(header)
        with self._db.read() as connection:
            store = NodeStore(connection)
            identity, link = store.identity(), store.link(envelope.sender)
        if identity is None:
            raise errors.identity_missing()
        key = None if link is None else signing_key(note, (link.card.key, link.former_key))
        if link is None or key is None or envelope.purpose != "letters":
            raise errors.bad_signature()
        status, answer = self._answered(link, envelope, key, identity.node_id, body)
        return self._parts.reply(status, canonical(answer).encode(), link.own_key, envelope)

    def _answered(
        self, link: Link, envelope: Envelope, key: str, own_id: str, body: bytes
    ) -> tuple[int, dict[str, Any]]:
        try:
            with self._db.begin(counted=False) as tx:
                require_fresh(self._parts, tx.connection, envelope, own_id, body)
                known = {"former_key": ""} if key == link.card.key and link.former_key else {}
                NodeStore(tx.connection).change_link(link.node_id, heard_at=self._parts.clock.now(), **known)
            letters = unpacked(body)
            _require_open(link, letters)
            return _OK, {"answers": self._read_all(link, letters)}
        except BeijiangError as error:
            return error.status, {"error": told(error)}

    def _read_all(self, link: Link, letters: Sequence[WireLetter]) -> list[dict[str, Any]]:
        """Read letters in order; what follows one that waits, and is about the same thing, waits too."""
        held: set[str] = set()
        answers: list[dict[str, Any]] = []
        for one in letters:
            error: BeijiangError | None = _earlier_waits()
            state = "waits"
            if one.subject not in held:
                state, error = self._read(link, one)
            if state == "waits":
                held.add(one.subject)
            answers.append({"id": one.id, "state": state, **({} if error is None else {"error": told(error)})})
        return answers

    def _read(self, link: Link, given: WireLetter) -> tuple[str, BeijiangError | None]:
        """Read one letter; return what becomes of it, and why."""
        body = canonical(given.body)
        digest = digest_of(link.node_id, given.id, given.kind, given.subject, body)
        with self._db.read() as connection:
            known = LetterStore(connection).one(link.node_id, Way.IN, given.id)
        if known is not None:
            return _as_before(known, digest)
        now = self._parts.clock.now()
        letter = Letter(
            id=given.id,
            node_id=link.node_id,
            way=Way.IN,
            number=given.number,
            kind=given.kind,
            subject=given.subject,
            body=given.body,
            digest=digest,
            state=LetterState.READ,
            code="",
            reason=None,
            attempts=1,
            written_at=given.at,
            next_at=now,
            answered_at=now,
        )
        try:
            self._noted(letter, self._reader(given.kind))
        except BeijiangError as error:
            if error.transient:
                return "waits", error
            return self._refused(letter, error)
        except Exception:
            log.exception("a letter of kind %s could not be read; it will come again", letter.kind)
            return "waits", _reader_failed()
        return "read", None

    def _reader(self, kind: str) -> Reader:
        reader = self._readers.get(kind)
        if reader is None:
            raise errors.unknown_kind(kind)
        return reader

    def _noted(self, letter: Letter, reader: Reader | None, error: BeijiangError | None = None) -> None:
        """Note a letter, and read it, in one transaction.

        Raises:
            Busy: it is being read just now.

        """
        with self._db.begin() as tx:
            if not LetterStore(tx.connection).add_once(letter):
                raise Busy("这封信正在办理。", "The letter is being read just now.", code="letter_in_hand")
            if reader is not None:
                reader(tx, letter)
            detail = {"node": letter.node_id, "kind": letter.kind, "digest": letter.digest, "code": letter.code}
            action = "federation.letter_read" if error is None else "federation.letter_refused"
            self._parts.evidence.record(tx, node_actor(letter), action, target=letter.id, detail={**detail})

    def _refused(self, letter: Letter, error: BeijiangError) -> tuple[str, BeijiangError]:
        refused = replace(letter, state=LetterState.REFUSED, code=error.reason[:100], reason=error.text)
        try:
            self._noted(refused, self._refusers.get(letter.kind), error)
        except Busy as busy:
            return "waits", busy
        return "refused", error


def _require_open(link: Link, letters: Sequence[WireLetter]) -> None:
    """Return if a node's letters are taken now.

    Raises:
        Unavailable: not yet, or not for the time being (``node_not_confirmed``, ``node_suspended``).
        Denied: no more (``node_ended``).

    """
    if link.state is LinkState.LINKED:
        return
    if link.state is LinkState.ASKED and all(one.kind in _BEFORE for one in letters):
        return
    if link.state is LinkState.ENDED:
        raise Denied("对方已断开与本节点的联结。", "The other side has ended the link.", code="node_ended")
    if link.state is LinkState.SUSPENDED:
        raise Unavailable(
            "对方暂停了与本节点的联结，信件留待恢复后送达。",
            "The other side has suspended the link; letters wait until it goes on.",
            code="node_suspended",
        )
    raise Unavailable("对方尚未确认联结。", "The other side has not confirmed the link yet.", code="node_not_confirmed")


def _as_before(known: Letter, digest: str) -> tuple[str, BeijiangError | None]:
    """Answer for a letter that came before as it was answered then."""
    if known.digest != digest:
        return "refused", Conflict(
            "同一编号的信件内容与先前收到的不同。",
            "A letter of this id came before with other words.",
            code="letter_changed",
        )
    if known.reason is None:
        return known.state.value, None
    return known.state.value, Conflict(known.reason.zh, known.reason.en, code=known.code)


def _earlier_waits() -> Unavailable:
    return Unavailable(
        "同一事项的前一封信尚未办理，按次序等候。",
        "An earlier letter about the same thing waits; this one follows it.",
        code="earlier_letter_waits",
    )


def _reader_failed() -> Unavailable:
    return Unavailable(
        "对方平台办理时出错，稍后自动重试。若长时间如此，请对方系统管理员查看日志。",
        "The other platform failed while reading it; it is tried again. If that goes on, have its system administrator look at the log.",
        code="letter_reader_failed",
    )
