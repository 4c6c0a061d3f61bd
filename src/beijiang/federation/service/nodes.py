"""Which node this is, and whom it is linked with: both sides decide, each on the key that it was shown."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.federation import errors
from beijiang.federation.models import (
    Bearing,
    Card,
    Invitation,
    Link,
    LinkState,
    Offered,
    canonical,
    opened_invitation,
)
from beijiang.federation.models.nodes import key_digest
from beijiang.federation.models.wire import ErrorTold
from beijiang.federation.service.greeting import CARD, Greeting, digest_of_code, new_link, require_tiers
from beijiang.federation.service.parts import LINKS_PATH, NODE_PATH
from beijiang.federation.service.reading import CONFIRMED, ENDED
from beijiang.federation.store import NodeStore
from beijiang.kit import Conflict, Invalid

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor

__all__ = ["Identity", "Nodes"]

_VALID: Final = timedelta(days=7)
_OK: Final = 200
_WORDS: Final = 1000


@dataclass(frozen=True, slots=True)
class Identity:
    """What a person fills in of this node; names, tier and region of a unit in ``jurisdictions.csv`` are as they stand there."""

    node_id: str
    name_zh: str = ""
    name_en: str = ""
    tier: int = 0
    region_code: str = ""
    url: str = ""
    """Where others reach it; empty: ``public_url``."""


class Nodes(Greeting):
    """Say which node this is, and whom it is linked with."""

    # This node

    def identity(self, actor: Actor) -> Card | None:
        """Return what this node says of itself; None until somebody filled that in."""
        self._parts.access.require(actor, Permission.FEDERATION_NODE_READ)
        with self._db.read() as connection:
            return NodeStore(connection).identity()

    def set_identity(self, actor: Actor, wanted: Identity) -> Card:
        """Say which node this is; linked nodes are told.

        Raises:
            Invalid: something is missing or odd (``bad_node_card``).
            Conflict: id or tier would change while there are links (``node_identity_in_use``).

        """
        self._parts.access.require(actor, Permission.FEDERATION_NODE_LINK)
        facts = self._facts(wanted)
        with self._db.begin() as tx:
            store = NodeStore(tx.connection)
            before = store.identity()
            same = before is not None and before.node_id == facts["node_id"]
            if before is not None and (not same or before.tier != facts["tier"]) and self._linked(store):
                raise errors.identity_taken()
            key = before.key if before is not None and same else self._parts.keys.make(tx, self._checked(facts))
            card = Card.told({**facts, "key": key})
            store.put_identity(card, self._parts.clock.now())
            self._tell(tx, card)
            self._parts.evidence.record(
                tx, actor, "federation.identity_set", target=card.node_id, detail=card.model_dump()
            )
        return card

    def replace_key(self, actor: Actor) -> Card:
        """Sign with a new key from now on; every linked node is told by a letter that the old one signs.

        Raises:
            Conflict: this platform has not said which node it is.

        """
        self._parts.access.require(actor, Permission.FEDERATION_NODE_LINK)
        with self._db.begin() as tx:
            store = NodeStore(tx.connection)
            before = store.identity()
            if before is None:
                raise errors.identity_missing()
            card = before.model_copy(update={"key": self._parts.keys.make(tx, before.node_id)})
            store.put_identity(card, self._parts.clock.now())
            self._tell(tx, card)
            store.forget_keys(card.key)
            detail = {"before": before.fingerprint, "now": card.fingerprint}
            self._parts.evidence.record(tx, actor, "federation.key_replace", target=card.node_id, detail={**detail})
        return card

    def units(self, actor: Actor) -> Sequence[dict[str, str]]:
        """Return the units of the linkage as the standards list them: ``node_id``, names, ``admin_tier``, ``parent_node``."""
        self._parts.access.require(actor, Permission.FEDERATION_NODE_READ)
        return [dict(row) for row in self._parts.standards.table("jurisdictions")]

    # Links

    def links(self, actor: Actor) -> list[Link]:
        """Return every link there is or was, those above first."""
        self._parts.access.require(actor, Permission.FEDERATION_NODE_READ)
        with self._db.read() as connection:
            return NodeStore(connection).links()

    def link(self, actor: Actor, node_id: str) -> Link:
        """Return one link.

        Raises:
            NotFound: there is none (``node_not_found``).

        """
        self._parts.access.require(actor, Permission.FEDERATION_NODE_READ)
        with self._db.read() as connection:
            return self._one(NodeStore(connection), node_id)

    def invitations(self, actor: Actor) -> list[dict[str, Any]]:
        """Return the invitations that are still good: for whom, who made them, until when; never the code."""
        self._parts.access.require(actor, Permission.FEDERATION_NODE_READ)
        with self._db.read() as connection:
            return NodeStore(connection).invitations(self._parts.clock.now())

    def invite(self, actor: Actor, node_id: str, bearing: Bearing) -> Invitation:
        """Invite a node that stands above or below; what is returned is shown once, and carried there outside the platform.

        Raises:
            Conflict: it is linked already (``node_known``), or this platform has not said which node it is.

        """
        self._parts.access.require(actor, Permission.FEDERATION_NODE_LINK)
        code, now = secrets.token_urlsafe(24), self._parts.clock.now()
        with self._db.begin() as tx:
            store = NodeStore(tx.connection)
            identity = self._own(store)
            self._require_free(store, node_id)
            if node_id == identity.node_id:
                raise errors.node_known(node_id)
            made = Invitation(
                identity.url, identity.node_id, key_digest(identity.key), node_id, bearing, code, now + _VALID
            )
            store.add_invitation(digest_of_code(code), node_id, bearing, actor.name, made.expires_at)
            detail = {"bearing": bearing.value, "expires_at": made.expires_at.isoformat()}
            self._parts.evidence.record(tx, actor, "federation.invite", target=node_id, detail={**detail})
        return made

    def look(self, actor: Actor, text: str) -> Offered:
        """Return the node that an invitation leads to, as it answers now; nothing is decided yet.

        Raises:
            Invalid: it is no invitation (``bad_invitation``), or above and below do not fit (``wrong_tiers``).
            Denied: it has expired or is for another node, or another key answers (``wrong_fingerprint``).
            Unavailable: nobody answers at the address.

        """
        self._parts.access.require(actor, Permission.FEDERATION_NODE_LINK)
        invitation = opened_invitation(text)
        with self._db.read() as connection:
            store = NodeStore(connection)
            identity = self._own(store)
            self._require_free(store, invitation.node_id)
        if invitation.invited != identity.node_id or invitation.expires_at <= self._parts.clock.now():
            raise errors.bad_invitation_use()
        card = Card.told(self._parts.look(invitation.url + NODE_PATH))
        if card.node_id != invitation.node_id or key_digest(card.key) != invitation.key:
            raise errors.wrong_fingerprint()
        offered = Offered(invitation, card)
        require_tiers(identity, card, offered.bearing)
        return offered

    def accept(self, actor: Actor, text: str, seen: str | None = None) -> Link:
        """Accept an invitation: this side has decided, the other one then confirms. ``seen`` is that of what ``look`` showed.

        Raises:
            Conflict: what answers is no longer what was shown (``changed_since_seen``).
            BeijiangError: the other side does not take it; it says why.

        """
        offered = self.look(actor, text)
        offered.shown.check(seen)
        with self._db.read() as connection:
            identity = self._own(NodeStore(connection))
        body = canonical({"code": offered.invitation.code, "card": identity.model_dump()}).encode()
        status, told = self._parts.ask(
            offered.invitation.url + LINKS_PATH,
            body,
            purpose="link",
            ends=(identity.node_id, offered.card.node_id),
            own_key=identity.key,
            keys=(offered.card.key,),
        )
        if status != _OK:
            refused = ErrorTold.model_validate(told["error"])
            raise Conflict(refused.text.zh, refused.text.en, code=refused.code)
        now = self._parts.clock.now()
        link = new_link(offered.card, offered.bearing, LinkState.ASKED, identity.key, (now, actor.name))
        with self._db.begin() as tx:
            store = NodeStore(tx.connection)
            self._require_free(store, link.node_id)
            self._begin(tx, link)
            self._parts.evidence.record(tx, actor, "federation.link_accept", target=link.node_id, detail=_told(link))
        return link

    def confirm(self, actor: Actor, node_id: str, seen: str | None = None) -> Link:
        """Confirm a link that the other side accepted, after its fingerprint was compared.

        Raises:
            NotFound: no such link.
            Conflict: it does not wait for this (``link_state``), or it is no longer what was shown (``changed_since_seen``).

        """
        self._parts.access.require(actor, Permission.FEDERATION_NODE_LINK)
        with self._db.begin() as tx:
            store = NodeStore(tx.connection)
            link = self._in_state(store, node_id, LinkState.OFFERED)
            link.shown.check(seen)
            store.change_link(node_id, **self._decided(actor, LinkState.LINKED))
            self._letters.write(tx, node_id, CONFIRMED, {})
            self._catch_up(tx, link)
            self._parts.evidence.record(tx, actor, "federation.link_confirm", target=node_id, detail=_told(link))
        return self.link(actor, node_id)

    def suspend(self, actor: Actor, node_id: str, words: str) -> Link:
        """Take no letters of a node and post none, until the link goes on.

        Raises:
            Conflict: it is not linked (``link_state``).
            Invalid: no reason is given (``reason_needed``).

        """
        return self._turn(actor, node_id, LinkState.LINKED, LinkState.SUSPENDED, words)

    def resume(self, actor: Actor, node_id: str, words: str) -> Link:
        """Let a suspended link go on.

        Raises:
            Conflict: it is not suspended (``link_state``).
            Invalid: no reason is given (``reason_needed``).

        """
        return self._turn(actor, node_id, LinkState.SUSPENDED, LinkState.LINKED, words)

    def end(self, actor: Actor, node_id: str, words: str) -> Link:
        """End a link, in whatever state; what waits is taken back, and the other side is told if it can be reached.

        Raises:
            Conflict: it has ended (``link_state``).
            Invalid: no reason is given (``reason_needed``).

        """
        self._parts.access.require(actor, Permission.FEDERATION_NODE_LINK)
        with self._db.begin() as tx:
            store = NodeStore(tx.connection)
            self._in_state(store, node_id, *(set(LinkState) - {LinkState.ENDED}))
            reason = _reason(words)
            withdrawn = self._letters.part(tx, node_id)
            self._letters.write(tx, node_id, ENDED, {"words": reason})
            store.change_link(node_id, **self._decided(actor, LinkState.ENDED), next_at=self._parts.clock.now())
            self._parts.evidence.record(
                tx, actor, "federation.link_end", target=node_id, detail={"why": reason, "withdrawn": withdrawn}
            )
        return self.link(actor, node_id)

    def _turn(self, actor: Actor, node_id: str, before: LinkState, after: LinkState, words: str) -> Link:
        self._parts.access.require(actor, Permission.FEDERATION_NODE_LINK)
        with self._db.begin() as tx:
            store = NodeStore(tx.connection)
            self._in_state(store, node_id, before)
            reason = _reason(words)
            store.change_link(node_id, **self._decided(actor, after), next_at=self._parts.clock.now())
            action = f"federation.link_{'suspend' if after is LinkState.SUSPENDED else 'resume'}"
            self._parts.evidence.record(tx, actor, action, target=node_id, detail={"why": reason})
        return self.link(actor, node_id)

    # Inside

    def _decided(self, actor: Actor, state: LinkState) -> dict[str, Any]:
        quiet = {"failures": 0, "trouble_zh": None, "trouble_en": None}
        return {"state": state.value, "since": self._parts.clock.now(), "decided_by": actor.name, **quiet}

    def _tell(self, tx: UnitOfWork, card: Card) -> None:
        """Tell every linked node what this one says of itself now; what it said before and still waits is taken back."""
        for link in NodeStore(tx.connection).links():
            if link.is_open:
                self._letters.withdraw(tx, link.node_id, CARD)
                self._letters.write(tx, link.node_id, CARD, card.model_dump())

    def _facts(self, wanted: Identity) -> dict[str, Any]:
        """Return what is filled in, completed from the units that the standards list."""
        url = wanted.url.strip() or self._parts.public_url
        for row in self._parts.standards.table("jurisdictions"):
            if row["node_id"] == wanted.node_id.strip():
                listed = {"name_zh": row["name_zh"], "name_en": row["name_en"], "region_code": row["region_code"]}
                return {"node_id": row["node_id"], **listed, "tier": int(row["admin_tier"]), "url": url}
        return {
            "node_id": wanted.node_id.strip(),
            "name_zh": wanted.name_zh.strip(),
            "name_en": wanted.name_en.strip() or wanted.name_zh.strip(),
            "tier": wanted.tier,
            "region_code": wanted.region_code.strip(),
            "url": url,
        }

    @staticmethod
    def _linked(store: NodeStore) -> bool:
        return any(link.state is not LinkState.ENDED for link in store.links())

    @staticmethod
    def _checked(facts: dict[str, Any]) -> str:
        """Return the id of a node whose facts are good, but for the key that is to be made."""
        from beijiang.crypto.signing import Ed25519Signer
        from beijiang.evidence import ED25519, Key

        stand_in = Key(facts["node_id"], ED25519, Ed25519Signer(Ed25519Signer.new_secret()).public)
        return Card.told({**facts, "key": str(stand_in)}).node_id

    def _in_state(self, store: NodeStore, node_id: str, *states: LinkState) -> Link:
        link = self._one(store, node_id)
        if link.state not in states:
            now = link.state.text
            raise Conflict(
                f"这个联结现在是“{now.zh}”，不能这样操作。请刷新后再看。",
                f"The link is {now.en} now; that cannot be done. Look at it again.",
                code="link_state",
                detail={"state": link.state.value},
            )
        return link


def _reason(words: str) -> str:
    """Return why, cut to what is kept.

    Raises:
        Invalid: nothing is said (``reason_needed``).

    """
    found = words.strip()[:_WORDS]
    if not found:
        raise Invalid("请写明理由。", "Say why.", code="reason_needed")
    return found


def _told(link: Link) -> dict[str, Any]:
    return {"bearing": link.bearing.value, "url": link.card.url, "fingerprint": link.card.fingerprint}
