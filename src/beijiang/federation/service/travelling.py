"""Requests that travel (跨级申请): filed at the node that holds the data by the department's own node, and told back step by step.

What leaves is written in the transaction that lets it out, and what comes in the one that reads its letter. Another node is a subject
here: an organisation stands for its department, with grants of this node and no other right; what its own platform decided
counts for nothing but that the demand may leave.
"""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import PEER_NODE, Permission
from beijiang.exchange import DisputeDraft, DisputeKind, DisputeMove, EntryAfar, GrantState, RequestState, Standing
from beijiang.exchange import Elsewhere as Otherwise
from beijiang.federation import errors
from beijiang.federation.models import LetterState
from beijiang.federation.models.said import bad_letter
from beijiang.federation.models.travels import (
    Asking,
    Department,
    Disputed,
    Filing,
    GivenBack,
    Supplying,
    Told,
    organisation_of,
    request_of,
)
from beijiang.federation.store import NodeStore
from beijiang.federation.store.parcels import ParcelStore
from beijiang.kit import (
    SYSTEM,
    Actor,
    ActorKind,
    BeijiangError,
    Busy,
    Conflict,
    Event,
    Invalid,
    NotFound,
    Refused,
    Text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from beijiang.crypto import Vault
    from beijiang.db import UnitOfWork
    from beijiang.exchange import Disputes, Exchange, Request, RequestMoved, SharingParts
    from beijiang.federation.models import Card, Letter
    from beijiang.federation.service.letters import Letters
    from beijiang.federation.service.posting import LinkEnded
    from beijiang.kit.errors import JsonValue

__all__ = ["FILE", "TravelParts", "Travelling"]

log = logging.getLogger(__name__)

FILE, SUPPLY, BACK, DISPUTE, TOLD = (
    "request.file",
    "request.supply",
    "request.back",
    "request.dispute",
    "request.told",
)
WORDS_IN_ALL: Final = 60_000
"""Signs of the opinions told in one letter; what is longer is cut, and stands whole where it was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TravelParts:
    """What travelling works with, beside the parts of exchange."""

    exchange: Exchange
    disputes: Disputes
    letters: Letters
    vault: Vault
    entry: Callable[[str], EntryAfar | None] = lambda _: None
    """Where the data of an entry are, if it came by the cascade of another node's catalog."""

    @property
    def shared(self) -> SharingParts:
        """Return what exchange works with."""
        return self.exchange.parts


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeCame(Event):
    """A department of another node does not agree with a decision here, or goes on with a dispute; its letter has been read."""

    node_id: str
    org_id: str
    by: str
    request_id: str
    move: str
    words: str


class Travelling:
    """The way of a request, out and back."""

    def __init__(self, parts: TravelParts) -> None:
        self.parts = parts
        shared = parts.shared
        self.db, self.access, self.clock = shared.db, shared.access, shared.clock
        self.letters = parts.letters
        self.exchange = parts.exchange
        for kind, reader in (
            (FILE, self._filed),
            (SUPPLY, self._supplied),
            (BACK, self._given_back),
            (DISPUTE, self._disputed),
            (TOLD, self._told),
        ):
            parts.letters.reads(kind, reader)
        parts.letters.hears(FILE, self._file_answered)
        for kind in (SUPPLY, BACK, DISPUTE):
            parts.letters.hears(kind, self._answered)

    # What leaves

    def entry(self, resource_id: str) -> EntryAfar | None:
        """Return where the data of an entry are, as its catalog came or as somebody stated; None where they are here."""
        found = self.parts.entry(resource_id)
        if found is not None:
            return found
        with self.db.read() as connection:
            stated = ParcelStore(connection).place(resource_id)
            link = None if stated is None else NodeStore(connection).link(stated[0])
        if stated is None or link is None or not link.is_open:
            return None
        return EntryAfar(node_id=stated[0], node_name=link.card.name, resource_id=stated[1])

    def place(self, actor: Actor, resource_id: str, node_id: str, theirs: str) -> EntryAfar | None:
        """State that the data of an entry are a linked node's, under the entry ``theirs`` there; with no node, that they are not.

        Raises:
            NotFound: no such entry, or not the actor's to edit; no such node (``node_not_found``).
            Conflict: the entry has a table here (``data_are_here``), or the node is not linked.
            Invalid: that is no id of an entry (``bad_entry_id``).

        """
        found = self.parts.shared.catalog.get(actor, resource_id)
        self.access.require(actor, Permission.CATALOG_RESOURCE_EDIT, found.provider_id)
        if found.table is not None:
            raise errors.data_are_here()
        if node_id and not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", theirs):
            raise errors.bad_entry_id()
        with self.db.begin() as tx:
            link = NodeStore(tx.connection).link(node_id) if node_id else None
            if node_id and link is None:
                raise errors.no_node()
            if link is not None and not link.is_open:
                raise errors.not_linked(node_id)
            where = None if link is None else (node_id, theirs)
            ParcelStore(tx.connection).set_place(resource_id, where, actor.id, self.clock.now())
            detail: dict[str, JsonValue] = {"node": node_id, "entry": theirs}
            self.parts.shared.evidence.record(tx, actor, "federation.entry_place", target=resource_id, detail=detail)
        return self.entry(resource_id)

    def neighbours(self, actor: Actor) -> Sequence[Card]:
        """Return the nodes that letters may be written to, for choosing one."""
        self.access.require(actor, Permission.CATALOG_RESOURCE_READ)
        with self.db.read() as connection:
            return [link.card for link in NodeStore(connection).links() if link.is_open]

    def leave(self, tx: UnitOfWork, request: Request, words: str) -> None:
        """Send a request that was let out, or completed after it was sent back.

        Raises:
            NotFound, Conflict: its node is not linked any more.

        """
        gone = _gone(request)
        body: dict[str, Any] = {
            **self._whose(request),
            "resource": gone.resource_id,
            "asking": Asking.from_draft(request.draft, gone.let_out or request.offered),
            "words": words,
        }
        first = gone.standing is None
        if first:
            body["asked_at"] = (request.submitted_at or request.created_at).isoformat()
        self._send(tx, request.id, gone.node_id, FILE if first else SUPPLY, body)

    def take_back(self, tx: UnitOfWork, request: Request, words: str) -> bool:
        """Say that a request, or what was granted on it, is given back; False where the link has ended and nobody can be told."""
        gone = _gone(request)
        if not self._reaches(tx.connection, gone.node_id):
            return False
        self._send(tx, request.id, gone.node_id, BACK, {**self._whose(request), "words": words})
        return True

    def dispute(self, tx: UnitOfWork, request: Request, move: str, words: str) -> None:
        """Say what the department that asked does about a decision that it does not agree with.

        Raises:
            NotFound, Conflict: its node is not linked any more.

        """
        body: dict[str, Any] = {**self._whose(request), "move": move, "words": words}
        self._send(tx, request.id, _gone(request).node_id, DISPUTE, body)

    def on_dispute_came(self, event: DisputeCame) -> None:
        """Raise a dispute of another node's department, or go on with it; what cannot be done is told back."""
        peer = peer_actor(event.node_id, event.org_id, event.by)
        try:
            self._dispute_here(peer, event)
        except BeijiangError as error:
            if error.transient:
                raise
            self._tell_now(event.request_id, error.text)

    def _dispute_here(self, peer: Actor, event: DisputeCame) -> None:
        """Do as a department of this node would; what it is about follows from how the request stands.

        Raises:
            BeijiangError: there is nothing to dispute, or no such move now.

        """
        disputes, move = self.parts.disputes, DisputeMove(event.move)
        request = self.exchange.request(peer, event.request_id).request
        if move is not DisputeMove.RAISE:
            running = [one for one in disputes.disputes(peer)[0] if one.subject in {request.id, request.grant_id}]
            open_ = next((one for one in running if not one.state.is_over), None)
            if open_ is None:
                raise errors.no_dispute_there()
            disputes.move(peer, open_.id, move, event.words)
            return
        kind, subject = DisputeKind.SILENCE, request.id
        if request.state is RequestState.REFUSED:
            kind = DisputeKind.REFUSAL
        elif request.grant_id is not None:
            grant = self.exchange.grant(peer, request.grant_id).grant
            ended = grant.state in {GrantState.SUSPENDED, GrantState.REVOKED}
            kind, subject = DisputeKind.REVOCATION if ended else DisputeKind.NARROWING, grant.id
        disputes.raise_(peer, DisputeDraft(kind=kind, subject=subject, words=event.words))

    def on_link_ended(self, event: LinkEnded) -> None:
        """Suspend what departments of a node hold whose link has ended; who owns the data decides when there is a link again."""
        with self.db.read() as connection:
            link = NodeStore(connection).link(event.node_id)
        names = Text(event.node_id, event.node_id) if link is None else link.card.name
        self.exchange.cut_off(
            event.node_id, f"与“{names.zh}”的联结已断开，授权暂停；重新联结后由提供部门决定是否恢复。"
        )

    def on_request_moved(self, event: RequestMoved) -> None:
        """Tell the node that a request came from how it stands."""
        self._tell_now(event.request_id)

    def _tell_now(self, request_id: str, refused: Text | None = None) -> None:
        """Tell the node that a request came from how it stands, and what could not be done, while there is somebody to tell."""
        try:
            request, standing = self.exchange.standing(request_id)
            if request.afar is not None:
                to = request.afar.node_id, request.afar.request_id
                with self.db.begin() as tx:
                    self._tell(tx, request.id, to, replace(_short(standing), refused=refused))
        except (NotFound, Conflict) as error:
            log.warning("the other node is not told of %s: %s", request_id, error.reason)

    def _whose(self, request: Request) -> dict[str, Any]:
        try:
            found = self.access.organisation(request.org_id)
            names = found.name_zh, found.name_en
        except NotFound:
            names = request.org_id, ""
        org = {"id": request.org_id, "zh": names[0][:100], "en": names[1][:100]}
        return {"request": request.id, "org": org, "by": request.by_name[:100]}

    def _tell(self, tx: UnitOfWork, request_id: str, to: tuple[str, str], standing: Standing) -> None:
        node_id, theirs = to
        self._send(tx, request_id, node_id, TOLD, {"request": theirs, "standing": standing.to_json()}, theirs)

    @staticmethod
    def _reaches(connection: Connection, node_id: str) -> bool:
        """Tell whether letters may be written to a node."""
        link = NodeStore(connection).link(node_id)
        return link is not None and link.is_open

    def _send(
        self,
        tx: UnitOfWork,
        request_id: str,
        node_id: str,
        kind: str,
        body: Mapping[str, JsonValue],
        subject: str = "",
    ) -> None:
        """Write a letter about a request, and keep what it says by its digest."""
        letter = self.letters.send(tx, node_id, kind, body, subject=f"request:{subject or request_id}")
        self._note(tx, SYSTEM, "request_sent", request_id, letter)

    def _note(self, tx: UnitOfWork, actor: Actor, action: str, request_id: str, letter: Letter) -> None:
        detail: dict[str, JsonValue] = {
            "node": letter.node_id,
            "kind": letter.kind,
            "letter": letter.id,
            "digest": letter.digest,
        }
        self.parts.shared.evidence.record(tx, actor, f"federation.{action}", target=request_id, detail=detail)

    # What comes

    def _filed(self, tx: UnitOfWork, letter: Letter) -> None:
        """File a request of another node's department; what stands against it travels back as a refusal."""
        asked = Filing.parsed(letter.body)
        peer, card = self._peer(tx, letter, asked.org, asked.by)
        ours = request_of(letter.node_id, asked.request)
        came = Otherwise(
            node_id=letter.node_id,
            node_name=card.name,
            outward=False,
            request_id=asked.request,
            asked_at=asked.asked_at,
        )
        try:
            self.exchange.arrive(tx, peer, ours, asked.asking.draft(asked.resource), came)
        except (NotFound, Invalid, Refused) as error:
            never = self._never(error.text)
            self._tell(tx, ours, (letter.node_id, asked.request), never)
        else:
            self.access.admit(tx, SYSTEM, asked.org.organisation(card))  # the first time that something of it is filed
        self._note(tx, peer, "request_came", ours, letter)

    def _never(self, why: Text) -> Standing:
        """Return how a request stands that could not even be filed."""
        return Standing(
            revision=0,
            state=RequestState.REFUSED.value,
            stages=(),
            at_stage=0,
            offered={},
            steps=(),
            arrived_at=self.clock.now(),
            refused=why,
        )

    def _file_answered(self, tx: UnitOfWork, letter: Letter) -> None:
        """Note that the other node takes no such letter: a request does not wait for an answer that never comes."""
        if letter.state is LetterState.READ or letter.code == "filed_before":
            return
        with _in_turn():
            self.exchange.heard(tx, letter.node_id, str(letter.body["request"]), self._never(_why(letter)))

    def _answered(self, tx: UnitOfWork, letter: Letter) -> None:
        """Note that the other node did not take what was said: it is no more believed to be done there."""
        if letter.state is LetterState.READ:
            return
        said = str(letter.body["request"])
        with _in_turn():
            self.exchange.not_taken(tx, letter.node_id, said, _why(letter), completion=letter.kind == SUPPLY)

    def _supplied(self, tx: UnitOfWork, letter: Letter) -> None:
        said = Supplying.parsed(letter.body)
        peer, _ = self._peer(tx, letter, said.org, said.by)
        ours = request_of(letter.node_id, said.request)
        try:
            self.exchange.supplied(tx, peer, ours, said.asking.draft(said.resource), said.words)
        except (NotFound, Conflict, Invalid, Refused) as error:
            _, standing = self.exchange.standing(ours)
            self._tell(tx, ours, (letter.node_id, said.request), replace(_short(standing), refused=error.text))
        self._note(tx, peer, "request_came", ours, letter)

    def _given_back(self, tx: UnitOfWork, letter: Letter) -> None:
        said = GivenBack.parsed(letter.body)
        peer, _ = self._peer(tx, letter, said.org, said.by)
        ours = request_of(letter.node_id, said.request)
        self.exchange.given_back(tx, peer, ours, said.words)
        self._note(tx, peer, "request_came", ours, letter)

    def _disputed(self, tx: UnitOfWork, letter: Letter) -> None:
        said = Disputed.parsed(letter.body)
        peer, _ = self._peer(tx, letter, said.org, said.by)
        ours = request_of(letter.node_id, said.request)
        if self.exchange.standing(ours)[0].org_id != peer.org_id:
            raise errors.no_dispute_there()
        tx.publish(
            DisputeCame(
                node_id=letter.node_id,
                org_id=peer.org_id or "",
                by=peer.name,
                request_id=ours,
                move=said.move.value,
                words=said.words,
            )
        )
        self._note(tx, peer, "request_came", ours, letter)

    def _told(self, tx: UnitOfWork, letter: Letter) -> None:
        """Note what the node that decides says; of a request that is not its to answer it is refused."""
        said = Told.parsed(letter.body)
        try:
            with _in_turn():
                done = self.exchange.heard(tx, letter.node_id, said.request, said.standing.read())
        except KeyError as error:
            raise bad_letter() from error
        self._note(tx, self._node(letter, ""), "request_told", done.id, letter)

    def _peer(self, tx: UnitOfWork, letter: Letter, org: Department, by: str) -> tuple[Actor, Card]:
        """Return who files here for another node's department, and the node."""
        link = NodeStore(tx.connection).link(letter.node_id)
        if link is None:
            raise errors.no_node()
        peer = self._node(letter, organisation_of(letter.node_id, org.id))
        return replace(peer, name=f"{by}（{link.card.name_zh}）"), link.card

    @staticmethod
    def _node(letter: Letter, org_id: str) -> Actor:
        return peer_actor(letter.node_id, org_id, letter.node_id)


@contextmanager
def _in_turn() -> Iterator[None]:
    """Have a letter come again where somebody moved its request this moment."""
    try:
        yield
    except Conflict as error:
        raise Busy(error.text.zh, error.text.en, code=error.reason) from error


def _why(letter: Letter) -> Text:
    """Return why a letter did not do what it was written for."""
    if letter.state is LetterState.WITHDRAWN:
        return errors.parted()
    return letter.reason or bad_letter().text


def peer_actor(node_id: str, org_id: str, name: str) -> Actor:
    """Return another node as the subject that it is here."""
    return Actor(
        id=f"node:{node_id}"[:60],
        name=name,
        kind=ActorKind.APPLICATION,
        org_id=org_id or None,
        roles=frozenset({PEER_NODE}),
    )


def _gone(request: Request) -> Otherwise:
    if request.outward is None:
        raise errors.no_node()
    return request.outward


def _short(standing: Standing) -> Standing:
    most = max(100, WORDS_IN_ALL // max(1, len(standing.steps)))
    return replace(standing, steps=[{**step, "words": step["words"][:most]} for step in standing.steps])
