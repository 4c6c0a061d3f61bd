"""Letters between nodes: written in the transaction of what they tell, read exactly once on the other side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.federation import errors
from beijiang.federation.models import LETTER_MOST, Letter, LetterState, Way, canonical, digest_of
from beijiang.federation.service.parts import SKEW
from beijiang.federation.service.posting import Posting
from beijiang.federation.service.reading import Reading
from beijiang.federation.store import LetterStore, NodeStore
from beijiang.kit import Rounds, new_id

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork
    from beijiang.federation.service.parts import NodeParts
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Letters"]

_LOOK_SECONDS: Final = 2.0
_MOST: Final = 200


class Letters(Posting, Reading):
    """The outbox and the inbox of this node.

    Other parts write with ``send`` and register what they read with ``reads`` and what they want to hear of with ``hears``.
    """

    def __init__(self, parts: NodeParts) -> None:
        Posting.__init__(self, parts)
        self._readers, self._refusers = {}, {}
        self._rounds = Rounds("letters", self.post_due, _LOOK_SECONDS)

    def start(self) -> None:
        """Begin to post in a thread of its own. Again is a no-op."""
        self._rounds.start()

    def stop(self) -> None:
        """Stop posting; what waits is posted after the next start."""
        self._rounds.stop()

    def watch(self) -> None:
        """Forget requests that are too old to be taken again anyhow. Called by the dispatcher every minute."""
        with self._db.begin(counted=False) as tx:
            LetterStore(tx.connection).forget_requests(self._parts.clock.now() - 3 * SKEW)

    def send(
        self, tx: UnitOfWork, node_id: str, kind: str, body: Mapping[str, JsonValue], *, subject: str = ""
    ) -> Letter:
        """Write a letter to a linked node, in the caller's transaction; it is posted after the commit, for as long as it takes.

        Letters of one ``subject`` (unsaid: of one kind) are read in the order in which they were written. While the link is
        suspended they wait.

        Raises:
            NotFound: no such node (``node_not_found``).
            Conflict: it is not linked (``node_not_linked``).
            TooLarge: the body is over 256 KB (``letter_too_large``).

        """
        link = NodeStore(tx.connection).link(node_id)
        if link is None:
            raise errors.no_node()
        if not link.is_open:
            raise errors.not_linked(node_id)
        return self.write(tx, node_id, kind, body, subject)

    def write(
        self, tx: UnitOfWork, node_id: str, kind: str, body: Mapping[str, JsonValue], subject: str = ""
    ) -> Letter:
        """Write a letter whatever the state of the link: the last word to a node, or the first."""
        text = canonical(body)
        if len(text.encode()) > LETTER_MOST:
            raise errors.letter_too_large(LETTER_MOST)
        store, now, letter_id = NodeStore(tx.connection), self._parts.clock.now(), new_id("ltr")
        identity = store.identity()
        if identity is None:
            raise errors.identity_missing()
        about = (subject or kind)[:200]
        letter = Letter(
            id=letter_id,
            node_id=node_id,
            way=Way.OUT,
            number=store.next_number(node_id),
            kind=kind,
            subject=about,
            body=body,
            digest=digest_of(identity.node_id, letter_id, kind, about, text),
            state=LetterState.WAITING,
            code="",
            reason=None,
            attempts=0,
            written_at=now,
            next_at=now,
            answered_at=None,
        )
        LetterStore(tx.connection).add(letter)
        return letter

    def page(
        self,
        actor: Actor,
        node_id: str = "",
        ways: Sequence[Way] = tuple(Way),
        states: Sequence[LetterState] = tuple(LetterState),
        skip: int = 0,
    ) -> tuple[list[Letter], int]:
        """Return letters that came and went, newest first, at most 200, and how many there are."""
        self._parts.access.require(actor, Permission.FEDERATION_NODE_READ)
        with self._db.read() as connection:
            return LetterStore(connection).page(node_id, ways, states, _MOST, skip)

    def letter(self, actor: Actor, node_id: str, way: Way, letter_id: str) -> Letter:
        """Return one letter.

        Raises:
            NotFound: no such letter (``letter_not_found``).

        """
        self._parts.access.require(actor, Permission.FEDERATION_NODE_READ)
        with self._db.read() as connection:
            found = LetterStore(connection).one(node_id, way, letter_id)
        if found is None:
            raise errors.no_letter()
        return found

    def counts(self, actor: Actor) -> dict[str, dict[str, int]]:
        """Return by node how many letters stand where: ``{"NM": {"out.waiting": 3}}``."""
        self._parts.access.require(actor, Permission.FEDERATION_NODE_READ)
        with self._db.read() as connection:
            return LetterStore(connection).counts()

    def resend(self, actor: Actor, node_id: str, letter_id: str) -> Letter:
        """Post a letter that waits without further delay; write one that was refused anew.

        Raises:
            NotFound: there is none such (``letter_not_found``).
            Conflict: the node is no longer linked.

        """
        self._parts.access.require(actor, Permission.FEDERATION_LETTER_RESEND)
        now = self._parts.clock.now()
        with self._db.begin() as tx:
            store = LetterStore(tx.connection)
            found = store.one(node_id, Way.OUT, letter_id)
            if found is None or found.state not in {LetterState.WAITING, LetterState.REFUSED}:
                raise errors.no_letter()
            again = found
            if found.state is LetterState.REFUSED:
                again = self.send(tx, node_id, found.kind, found.body, subject=found.subject)
            else:
                store.change(found, next_at=now)
            NodeStore(tx.connection).change_link(node_id, next_at=now)
            self._parts.evidence.record(
                tx, actor, "federation.letter_resend", target=letter_id, detail={"node": node_id, "again": again.id}
            )
        self._rounds.nudge()
        return again
