"""What nodes say to each other about the link itself: they greet, confirm, change their card, and part."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, Field, ValidationError

from beijiang.federation import errors
from beijiang.federation.models import (
    Bearing,
    Card,
    Letter,
    LetterState,
    Link,
    LinkState,
    canonical,
    read_note,
)
from beijiang.federation.models.wire import told
from beijiang.federation.service.parts import NodeParts, Reply, require_fresh, signing_key
from beijiang.federation.service.reading import CONFIRMED, ENDED
from beijiang.federation.store import NodeStore
from beijiang.kit import SYSTEM, BeijiangError, Denied, Malformed, Text

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.db import UnitOfWork
    from beijiang.federation.models import Envelope
    from beijiang.federation.service.letters import Letters

__all__ = ["CARD", "Greeting", "digest_of_code", "new_link", "require_tiers"]

CARD: Final = "node.card"
_OK: Final = 200
_MOST: Final = 8 << 10


class Greeting:
    """The part of nodes that other nodes speak to."""

    def __init__(self, parts: NodeParts, letters: Letters) -> None:
        self._parts = parts
        self._db = parts.db
        self._letters = letters
        letters.reads(CONFIRMED, self._on_confirmed)
        letters.reads(ENDED, self._on_ended)
        letters.reads(CARD, self._on_card)
        letters.hears(CARD, self._card_answered)

    def card(self) -> Card:
        """Return what this node tells everybody of itself.

        Raises:
            Conflict: it has not been filled in (``node_identity_missing``).

        """
        with self._db.read() as connection:
            return self._own(NodeStore(connection))

    def greet(self, header: str, body: bytes) -> Reply:
        """Take the greeting of a node that accepted an invitation; the one-use code decides, and a person confirms.

        Raises:
            Unauthenticated: it is not signed with the key of the card that it brings.
            Malformed: it is no greeting (``bad_greeting``).

        """
        note, envelope = read_note(header)
        code, card = _greeting(body)
        if envelope.purpose != "link" or envelope.sender != card.node_id or signing_key(note, (card.key,)) is None:
            raise errors.bad_signature()
        identity = self.card()
        status, answer = self._greeted(identity, envelope, card, code, body)
        return self._parts.reply(status, canonical(answer).encode(), identity.key, envelope)

    def _greeted(
        self, identity: Card, envelope: Envelope, card: Card, code: str, body: bytes
    ) -> tuple[int, dict[str, Any]]:
        try:
            with self._db.begin() as tx:
                store, now = NodeStore(tx.connection), self._parts.clock.now()
                invited = store.use_invitation(digest_of_code(code), card.node_id, now)
                if invited is None:
                    raise errors.bad_invitation_use()
                require_fresh(self._parts, tx.connection, envelope, identity.node_id, body)
                self._require_free(store, card.node_id)
                require_tiers(identity, card, invited[0])
                self._begin(tx, new_link(card, invited[0], LinkState.OFFERED, identity.key, (now, invited[1])))
                detail = {"bearing": invited[0].value, "url": card.url, "fingerprint": card.fingerprint}
                self._parts.evidence.record(
                    tx, SYSTEM, "federation.link_offered", target=card.node_id, detail={**detail}
                )
        except BeijiangError as error:
            return error.status, {"error": told(error)}
        return _OK, {"state": LinkState.OFFERED.value}

    # Letters about the link

    def _on_confirmed(self, tx: UnitOfWork, letter: Letter) -> None:
        store = NodeStore(tx.connection)
        link = self._one(store, letter.node_id)
        if link.state is LinkState.ASKED:
            now = self._parts.clock.now()
            store.change_link(letter.node_id, state=LinkState.LINKED.value, since=now, next_at=now)
            self._catch_up(tx, link)

    def _on_ended(self, tx: UnitOfWork, letter: Letter) -> None:
        link = self._one(NodeStore(tx.connection), letter.node_id)
        self._letters.close(tx, link, Text(str(letter.body.get("words", ""))[:200], ""))

    def _on_card(self, tx: UnitOfWork, letter: Letter) -> None:
        """Take the new name, address or key of a node; who it is, and where it stands, does not change that way."""
        store = NodeStore(tx.connection)
        link, card = self._one(store, letter.node_id), Card.told(dict(letter.body))
        if (card.node_id, card.tier) != (link.node_id, link.card.tier):
            raise Denied(
                "节点编号或层级不能这样更改，请断开后重新联结。",
                "Id and tier of a node do not change that way; end the link and link again.",
                code="node_changed",
            )
        values = card.model_dump(exclude={"node_id"})
        if card.key != link.card.key and not link.former_key:
            values["former_key"] = link.card.key  # otherwise this post came under the former one, and so may the next
        store.change_link(link.node_id, **values)

    def _card_answered(self, tx: UnitOfWork, letter: Letter) -> None:
        """Sign to a node with the key that it knows now; forget the old one when nobody needs it."""
        if letter.state is LetterState.READ:
            store = NodeStore(tx.connection)
            store.change_link(letter.node_id, own_key=str(letter.body["key"]))
            store.forget_keys(self._own(store).key)

    # Inside

    def _begin(self, tx: UnitOfWork, link: Link) -> None:
        """Keep a link that begins; the last word on an earlier one, if it was never heard, must not end this one."""
        self._letters.withdraw(tx, link.node_id)
        NodeStore(tx.connection).put_link(link)

    def _catch_up(self, tx: UnitOfWork, link: Link) -> None:
        """Tell a node that is linked now what this one has said of itself anew since the link began."""
        store = NodeStore(tx.connection)
        identity = self._own(store)
        if identity.key != link.own_key or store.changed_since(link.since):
            self._letters.write(tx, link.node_id, CARD, identity.model_dump())

    @staticmethod
    def _own(store: NodeStore) -> Card:
        found = store.identity()
        if found is None:
            raise errors.identity_missing()
        return found

    @staticmethod
    def _one(store: NodeStore, node_id: str) -> Link:
        found = store.link(node_id)
        if found is None:
            raise errors.no_node()
        return found

    @staticmethod
    def _require_free(store: NodeStore, node_id: str) -> None:
        """Return if nobody is linked under this id; what was only begun gives way.

        Raises:
            Conflict: somebody is (``node_known``).

        """
        link = store.link(node_id)
        if link is not None and link.is_open:
            raise errors.node_known(node_id)


def digest_of_code(code: str) -> str:
    """Return what is kept of the code of an invitation."""
    return hashlib.sha256(code.encode()).hexdigest()


def require_tiers(own: Card, other: Card, bearing: Bearing) -> None:
    """Return if the other node stands above or below as it is said.

    Raises:
        Invalid: it does not (``wrong_tiers``).
        Conflict: it calls itself what this node is called (``node_known``).

    """
    if other.node_id == own.node_id:
        raise errors.node_known(other.node_id)
    above, below = (other, own) if bearing is Bearing.ABOVE else (own, other)
    if above.tier >= below.tier:
        raise errors.wrong_tiers()


class _Greeting(BaseModel):
    code: str = Field(max_length=100)
    card: Card


def _greeting(body: bytes) -> tuple[str, Card]:
    try:
        given = _Greeting.model_validate_json(body[: _MOST + 1])
    except ValidationError as error:
        raise Malformed(
            "联结请求格式不对。请升级双方平台后重试。",
            "This is no request for a link. Bring both platforms up to date and try again.",
            code="bad_greeting",
        ) from error
    return given.code, given.card


def new_link(card: Card, bearing: Bearing, state: LinkState, own_key: str, by: tuple[datetime, str]) -> Link:
    """Return a link that begins; ``by`` is when and by whom."""
    since, decided_by = by
    return Link(
        card=card,
        bearing=bearing,
        state=state,
        former_key="",
        own_key=own_key,
        since=since,
        decided_by=decided_by,
        heard_at=None,
        told_at=None,
        failures=0,
        next_at=since,
        trouble=None,
        sent=0,
    )
