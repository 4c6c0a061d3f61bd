"""Post letters to other nodes, as often as it takes: a node may be away for days, and a process may die at any moment."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from beijiang.federation.errors import answer_unsigned
from beijiang.federation.models import Letter, LetterState, Link, LinkState
from beijiang.federation.models.wire import ErrorTold, WireAnswer, packed
from beijiang.federation.service.parts import LETTERS_PATH, NodeParts
from beijiang.federation.store import LetterStore, NodeStore
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Event, Text

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork
    from beijiang.federation.models import Card
    from beijiang.kit.errors import JsonValue

__all__ = ["Hearer", "LinkEnded", "Posting"]

log = logging.getLogger(__name__)

Hearer = Callable[["UnitOfWork", Letter], None]

_ANSWERS: Final = TypeAdapter(list[WireAnswer])
_OK: Final = 200
_OPEN: Final = frozenset({LinkState.LINKED, LinkState.ENDED})
"""In which a link is posted to: of an ended one, only its last word waits."""
_AT_ONCE: Final = 8
"""Nodes that are spoken to at once."""
_BATCH: Final = 100
_IN_HAND: Final = timedelta(minutes=3)
_FIRST, _LONGEST = timedelta(seconds=10), timedelta(hours=1)
"""How long a node is left in peace after the first failure in a row, doubled by each, and at most."""
_LETTER_FIRST, _LETTER_LONGEST = timedelta(minutes=1), timedelta(hours=6)
_DOUBLED: Final = 12
_SHUT: Final = "node_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEnded(Event):
    """A link to another node has ended, by whichever side."""

    node_id: str


class Posting:
    """The way out of letters."""

    def __init__(self, parts: NodeParts) -> None:
        self._parts = parts
        self._db = parts.db
        self._hearers: dict[str, list[Hearer]] = {}
        self._turn = threading.Lock()

    def hears(self, kind: str, hearer: Hearer) -> None:
        """Have ``hearer`` called, in the transaction that notes it, when a letter of this kind was read or refused there.

        One that is taken back because the link ends is heard of too; nobody knows then whether it came. As with readers, an
        error that is transient makes the letter be posted, and heard of, again; any other undoes what this hearer did, no more.
        """
        self._hearers.setdefault(kind, []).append(hearer)

    def withdraw(self, tx: UnitOfWork, node_id: str, kind: str = "") -> int:
        """Take back the letters to a node that wait, of one kind or of all, and tell who hears of them; return how many."""
        taken = LetterStore(tx.connection).withdraw(node_id, self._parts.clock.now(), kind)
        for letter in taken:
            self._told(tx, letter)
        return len(taken)

    def part(self, tx: UnitOfWork, node_id: str) -> int:
        """Take back what waits for a node whose link ends, and announce the end; return how many letters."""
        tx.publish(LinkEnded(node_id=node_id))
        return self.withdraw(tx, node_id)

    def close(self, tx: UnitOfWork, link: Link, why: Text) -> None:
        """End a link because the other side did, and take back what waits for it."""
        withdrawn = self.part(tx, link.node_id)
        if link.state is LinkState.ENDED:
            return
        values = {"state": LinkState.ENDED.value, "since": self._parts.clock.now(), "decided_by": link.node_id}
        NodeStore(tx.connection).change_link(link.node_id, **values)
        detail: dict[str, JsonValue] = {"by": link.node_id, "why": why.zh, "withdrawn": withdrawn}
        self._parts.evidence.record(tx, SYSTEM, "federation.link_end", target=link.node_id, detail=detail)

    def _told(self, tx: UnitOfWork, letter: Letter) -> None:
        """Tell who hears of a letter; one who has no use for it holds up no other letter, and no end of a link."""
        for hear in self._hearers.get(letter.kind, ()):
            try:
                with tx.connection.begin_nested():
                    hear(tx, letter)
            except BeijiangError as error:
                if error.transient:
                    raise
                log.warning(
                    "what became of the letter %s (%s) was of no use here: %s", letter.id, letter.kind, error.reason
                )

    def post_due(self) -> int:
        """Post what may be posted now; return how many letters were answered. Harmless at any time, from anywhere.

        Several nodes are spoken to at once, so that one that hangs does not hold up the others.
        """
        with self._turn:
            now = self._parts.clock.now()
            with self._db.read() as connection:
                store, letters = NodeStore(connection), LetterStore(connection)
                identity = store.identity()
                open_ = [one for one in store.links() if one.state in _OPEN and one.next_at <= now]
                due = [one for one in open_ if letters.due(one.node_id, now, 1)]
            if identity is None or not due:
                return 0
            with ThreadPoolExecutor(min(_AT_ONCE, len(due)), thread_name_prefix="beijiang-letters") as hands:
                return sum(hands.map(lambda link: self._post_all(identity, link), due))

    def _post_all(self, identity: Card, link: Link) -> int:
        answered = 0
        while True:
            now = self._parts.clock.now()
            with self._db.read() as connection:
                letters = LetterStore(connection).due(link.node_id, now, _BATCH)
            if not letters or not self._claimed(link):
                return answered
            try:
                answered += self._post(identity, link, letters)
            except BeijiangError as error:
                self._failed(link, error)
                return answered

    def _claimed(self, link: Link) -> bool:
        now = self._parts.clock.now()
        with self._db.begin(counted=False) as tx:
            return NodeStore(tx.connection).claim(link.node_id, now, now + _IN_HAND)

    def _post(self, identity: Card, link: Link, letters: list[Letter]) -> int:
        """Post some letters to a node and note what it says of each.

        Raises:
            BeijiangError: it cannot be reached, or takes no letter now.

        """
        taken, body = packed(letters)
        status, told = self._parts.ask(
            link.card.url + LETTERS_PATH,
            body,
            purpose="letters",
            ends=(identity.node_id, link.node_id),
            own_key=link.own_key,
            keys=(link.card.key, link.former_key),
        )
        try:
            if status != _OK:
                refused = ErrorTold.model_validate(told["error"])
                raise Conflict(refused.text.zh, refused.text.en, code=refused.code)
            answers = {one.id: one for one in _ANSWERS.validate_python(told["answers"])}
        except (KeyError, TypeError, ValidationError) as error:
            raise answer_unsigned(status) from error
        count = sum(self._note(letter, answers.get(letter.id)) for letter in taken)
        now = self._parts.clock.now()
        with self._db.begin() as tx:
            settled: dict[str, Any] = {"failures": 0, "told_at": now, "trouble_zh": None, "trouble_en": None}
            NodeStore(tx.connection).change_link(link.node_id, next_at=now, **settled)
        return count

    def _note(self, letter: Letter, answer: WireAnswer | None) -> bool:
        """Note what became of a letter; tell whether it waits no longer."""
        now = self._parts.clock.now()
        error = answer.error if answer else None
        words: dict[str, Any] = {
            "code": error.code if error else "",
            "reason_zh": error.text.zh if error else None,
            "reason_en": error.text.en if error else None,
            "attempts": letter.attempts + 1,
        }
        if answer is None or answer.state == "waits":
            pause = min(_LETTER_LONGEST, _LETTER_FIRST * 2 ** min(letter.attempts, _DOUBLED))
            with self._db.begin() as tx:
                LetterStore(tx.connection).change(letter, **words, next_at=now + pause)
            return False
        with self._db.begin() as tx:
            store = LetterStore(tx.connection)
            if not store.change(letter, **words, state=LetterState(answer.state).value, answered_at=now):
                return False
            noted = store.one(letter.node_id, letter.way, letter.id)
            if noted is not None:
                self._told(tx, noted)
            detail: dict[str, JsonValue] = {"node": letter.node_id, "kind": letter.kind, "digest": letter.digest}
            self._parts.evidence.record(
                tx,
                SYSTEM,
                "federation.letter_sent",
                target=letter.id,
                detail={**detail, "answer": answer.state, "code": error.code if error else ""},
            )
        return True

    def _failed(self, link: Link, error: BeijiangError) -> None:
        """Leave a node in peace for a while; when it says itself that the link has ended, so it has here."""
        now = self._parts.clock.now()
        pause = min(_LONGEST, _FIRST * 2 ** min(link.failures, _DOUBLED))
        log.info("letters to %s wait (%s)", link.node_id, error.reason)
        with self._db.begin() as tx:
            store = NodeStore(tx.connection)
            trouble = {"trouble_zh": error.text.zh, "trouble_en": error.text.en}
            store.change_link(link.node_id, failures=link.failures + 1, next_at=now + pause, **trouble)
            if error.reason == _SHUT:
                self.close(tx, link, Text("对方已断开", "The other side ended it"))
