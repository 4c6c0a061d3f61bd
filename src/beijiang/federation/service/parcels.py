"""Parcels (跨节点交付): the data of a grant, opened by the gate of the node that holds them and sealed for whoever asked.

Each parcel is a use of the grant like any other: the gate of the origin is asked anew, counts it, marks the file and writes the receipt. It is
sealed for a key that was made for it and is forgotten when it is opened, so neither the way nor the outbox can be read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.crypto import envelope_for, new_envelope_key, opened_envelope
from beijiang.exchange import GrantState
from beijiang.federation import errors
from beijiang.federation.models import LetterState
from beijiang.federation.models.said import bad_letter
from beijiang.federation.models.travels import (
    PARCEL_MOST,
    PART_BYTES,
    Collected,
    Parcel,
    ParcelNo,
    ParcelPart,
    ParcelState,
    ParcelWish,
    organisation_of,
    request_of,
)
from beijiang.federation.service.travelling import Travelling, peer_actor
from beijiang.federation.store.parcels import ParcelStore
from beijiang.kit import BeijiangError, Event, Text, TooLarge, new_id
from beijiang.protection import files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.db import UnitOfWork
    from beijiang.exchange import Request
    from beijiang.federation.models import Letter
    from beijiang.federation.models.travels import ParcelForm
    from beijiang.federation.service.travelling import TravelParts
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["ParcelWanted", "Travels"]

WANT, PART, NO = "parcel.want", "parcel.part", "parcel.no"
WAITS: Final = timedelta(days=7)
WAITING_MOST: Final = 20
"""Parcels of one request that are on their way or wait at once."""
_PURPOSE: Final = "parcel"
_LEFT: Final = {
    ParcelState.ARRIVED: Text("送达后七天未领取，已删除。", "It was not collected within a week, and was removed."),
    ParcelState.WANTED: Text(
        "七天未送达，已取消；需要时请重新索取。",
        "It did not come within a week and was given up. Want it anew if need be.",
    ),
}
"""Why a parcel ends that waited too long, by what it waited for."""
_FORMS: Final = {
    "csv": (files.DownloadFormat.CSV, files.DownloadEncoding.UTF8_BOM),
    "xlsx": (files.DownloadFormat.XLSX, files.DownloadEncoding.UTF8),
    "parquet": (files.DownloadFormat.PARQUET, files.DownloadEncoding.UTF8),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelWanted(Event):
    """Another node wants the data of a grant; its letter has been read."""

    parcel_id: str


class Travels(Travelling):
    """Requests between nodes, and the data that are granted on them."""

    def __init__(self, parts: TravelParts) -> None:
        super().__init__(parts)
        for kind, reader in ((WANT, self._wanted), (PART, self._part), (NO, self._no)):
            parts.letters.reads(kind, reader)
        parts.letters.hears(WANT, self._want_answered)

    # Where it was asked

    def want(self, actor: Actor, request_id: str, form: ParcelForm) -> Parcel:
        """Ask the node that granted a request for its data, sealed for this one parcel.

        Raises:
            NotFound: no such request, or not the actor's to see.
            Conflict: nothing is granted (``nothing_granted``), or too many are on their way (``parcels_many``).

        """
        request = self._ours(actor, request_id)
        granted = request.outward and request.outward.standing and request.outward.standing.grant
        if not granted or request.outward is None or granted.state not in {"active", "waiting", "suspended"}:
            raise errors.nothing_granted()
        with self.db.read() as connection:
            known = ParcelStore(connection).of_request(request_id)
        if sum(one.state in {ParcelState.WANTED, ParcelState.ARRIVED} for one in known) >= WAITING_MOST:
            raise errors.parcels_many(WAITING_MOST)
        secret, public = new_envelope_key()
        now, made_id = self.clock.now(), new_id("pcl")
        made = Parcel(
            id=made_id,
            node_id=request.outward.node_id,
            theirs="",
            request_id=request.id,
            state=ParcelState.WANTED,
            form=form,
            key=self.parts.vault.seal(secret, purpose=_PURPOSE, context=made_id),
            by=actor.id,
            by_name=actor.name,
            at=now,
            moved_at=now,
        )
        body = {**self._whose(request), "parcel": made.id, "form": form.value, "key": public, "by": actor.name[:100]}
        with self.db.begin() as tx:
            ParcelStore(tx.connection).add(made)
            self._send(tx, request.id, made.node_id, WANT, body)
            self._record(tx, actor, "parcel_want", made)
        return made

    def parcels(self, actor: Actor, request_id: str) -> Sequence[Parcel]:
        """Return the parcels of a request, newest first.

        Raises:
            NotFound: no such request, or not the actor's to see.

        """
        request = self.exchange.request(actor, request_id).request
        with self.db.read() as connection:
            return ParcelStore(connection).of_request(request.id)

    def collect(self, actor: Actor, parcel_id: str) -> Collected:
        """Open a parcel; once, for its key and its bytes are forgotten with it.

        Raises:
            NotFound: no such parcel, or not of the actor's department.
            Conflict: it did not arrive yet, or was collected (``parcel_not_there``).
            Invalid: it was not sealed for this parcel, or altered (``bad_envelope``).

        """
        with self.db.read() as connection:
            found, sealed = ParcelStore(connection).get(parcel_id), ParcelStore(connection).content(parcel_id)
        if found is None or found.theirs:
            self.access.require(actor, Permission.EXCHANGE_REQUEST_READ)
            raise errors.no_parcel()
        self._ours(actor, found.request_id)
        self.access.require(actor, Permission.PROTECTION_ROWS_READ_GRANTED)
        if found.state is not ParcelState.ARRIVED:
            raise errors.parcel_not_there(found.state.text)
        secret = self.parts.vault.open(found.key, purpose=_PURPOSE, context=found.id)
        content = opened_envelope(secret, sealed, found.id)
        done = replace(found, state=ParcelState.COLLECTED, key="", bytes=len(content), moved_at=self.clock.now())
        with self.db.begin() as tx:
            store = ParcelStore(tx.connection)
            if not store.change(done, ParcelState.ARRIVED):
                raise errors.parcel_not_there(ParcelState.COLLECTED.text)
            store.forget(done.id)
            self._record(tx, actor, "parcel_collect", done)
        return Collected(done, content)

    def renew(self, tx: UnitOfWork) -> int:
        """Wrap every key of a parcel under the newest root key, when a new one was made; return how many."""
        store = ParcelStore(tx.connection)
        held = store.keyed()
        for one in held:
            key = self.parts.vault.rewrap(one.key, purpose=_PURPOSE, context=one.id)
            store.change(replace(one, key=key), one.state)
        return len(held)

    def watch(self) -> None:
        """Forget what nobody collected, or never came, for a week; called by the dispatcher every minute."""
        now = self.clock.now()
        with self.db.read() as connection:
            left = ParcelStore(connection).left(now - WAITS)
        for one in left:
            reason = _LEFT[one.state]
            with self.db.begin() as tx:
                store = ParcelStore(tx.connection)
                gone = replace(one, state=ParcelState.REFUSED, key="", reason=reason, moved_at=now)
                if store.change(gone, one.state):
                    store.forget(one.id)

    def _ours(self, actor: Actor, request_id: str) -> Request:
        request = self.exchange.request(actor, request_id).request
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, request.org_id)
        return request

    def _part(self, tx: UnitOfWork, letter: Letter) -> None:
        """Keep a part of a parcel that was wanted of this node; another's, or one too many, is refused."""
        said = ParcelPart.parsed(letter.body)
        store = ParcelStore(tx.connection)
        found = store.get(said.parcel)
        if found is None or found.theirs or found.node_id != letter.node_id or found.state is not ParcelState.WANTED:
            raise errors.no_parcel()
        try:
            there = store.add_part(found.id, said.number, base64.b64decode(said.sealed, validate=True))
        except binascii.Error as error:
            raise bad_letter() from error
        if not there:
            raise errors.no_parcel()
        if there < said.of:
            return
        sealed = store.content(found.id)
        done = replace(
            found,
            state=ParcelState.ARRIVED,
            file_name=said.file_name,
            receipt=said.receipt,
            grade=said.grade,
            digest=hashlib.sha256(sealed).hexdigest(),
            bytes=len(sealed),
            moved_at=self.clock.now(),
        )
        store.change(done, ParcelState.WANTED)
        self._record(tx, self._node(letter, ""), "parcel_come", done)

    def _want_answered(self, tx: UnitOfWork, letter: Letter) -> None:
        """Note that the other node takes no such letter: a parcel does not wait for ever."""
        found = ParcelStore(tx.connection).get(str(letter.body["parcel"]))
        if found is None or letter.state is LetterState.READ:
            return
        now, why = self.clock.now(), letter.reason or errors.parted()
        gone = replace(found, state=ParcelState.REFUSED, key="", reason=why, moved_at=now)
        ParcelStore(tx.connection).change(gone, ParcelState.WANTED)

    def _no(self, tx: UnitOfWork, letter: Letter) -> None:
        said = ParcelNo.parsed(letter.body)
        store = ParcelStore(tx.connection)
        found = store.get(said.parcel)
        if found is None or found.theirs or found.node_id != letter.node_id:
            raise errors.no_parcel()
        now = self.clock.now()
        done = replace(found, state=ParcelState.REFUSED, key="", reason=Text(said.zh, said.en), moved_at=now)
        if store.change(done, ParcelState.WANTED):
            store.forget(done.id)
            self._record(tx, self._node(letter, ""), "parcel_refused", done)

    # Where the data are

    def _wanted(self, tx: UnitOfWork, letter: Letter) -> None:
        """Note that another node wants the data of a grant; the gate is asked when the letter has been read."""
        said = ParcelWish.parsed(letter.body)
        ours = request_of(letter.node_id, said.request)
        now = self.clock.now()
        made = Parcel(
            id=new_id("pcl"),
            node_id=letter.node_id,
            theirs=said.parcel,
            request_id=ours,
            state=ParcelState.WANTED,
            form=said.form,
            key=said.key,
            by=organisation_of(letter.node_id, said.org.id),
            by_name=said.by,
            at=now,
            moved_at=now,
        )
        ParcelStore(tx.connection).add(made)
        self._note(tx, self._node(letter, ""), "request_came", ours, letter)
        tx.publish(ParcelWanted(parcel_id=made.id))

    def on_parcel_wanted(self, event: ParcelWanted) -> None:
        """Have the gate open what was granted, and send it sealed; a refusal is sent as such."""
        with self.db.read() as connection:
            wish = ParcelStore(connection).get(event.parcel_id)
            reached = wish is not None and self._reaches(connection, wish.node_id)
        if wish is None or wish.state is not ParcelState.WANTED:
            return
        try:
            if not reached:
                raise errors.not_linked(wish.node_id)
            file, content = self._opened(wish)
            sealed = envelope_for(wish.key, content, wish.theirs)
        except BeijiangError as error:
            if error.transient:
                raise
            self._answer_no(wish, error)
            return
        done = replace(
            wish,
            state=ParcelState.SENT,
            file_name=file.file_name,
            receipt=file.receipt,
            digest=hashlib.sha256(sealed).hexdigest(),
            bytes=len(content),
            moved_at=self.clock.now(),
        )
        with self.db.begin() as tx:
            reached = self._reaches(tx.connection, wish.node_id)
            if reached:
                self._send_parts(tx, done, sealed)
        if not reached:  # the link ended while the gate was asked: the file is not opened again for nobody
            self._answer_no(wish, errors.not_linked(wish.node_id))

    def _send_parts(self, tx: UnitOfWork, done: Parcel, sealed: bytes) -> None:
        """Send a parcel that still waits, in letters of at most ``PART_BYTES``."""
        if not ParcelStore(tx.connection).change(done, ParcelState.WANTED):
            return
        grade = self._grade(done)
        pieces = [sealed[at : at + PART_BYTES] for at in range(0, len(sealed), PART_BYTES)]
        for number, piece in enumerate(pieces, 1):
            body: dict[str, JsonValue] = {
                "parcel": done.theirs,
                "number": number,
                "of": len(pieces),
                "sealed": base64.b64encode(piece).decode(),
                "file_name": done.file_name,
                "receipt": done.receipt,
                "grade": grade,
            }
            self._send(tx, done.request_id, done.node_id, PART, body, f"parcel:{done.theirs}")
        self._record(tx, peer_actor(done.node_id, done.by, done.by_name), "parcel_send", done)

    def _opened(self, wish: Parcel) -> tuple[files.Download, bytes]:
        """Return the rows of the grant of a request as a file, as the gate gives them to the department that asked.

        Raises:
            BeijiangError: the grant does not hold, its quota is used up, or the rows are too many (``parcel_too_large``).

        """
        peer = peer_actor(wish.node_id, wish.by, wish.by_name)
        request = self.exchange.request(peer, wish.request_id).request
        if request.grant_id is None:
            raise errors.nothing_granted()
        grant = self.exchange.grant(peer, request.grant_id)
        if grant.standing is not GrantState.ACTIVE or grant.grant.org_id != wish.by:
            raise errors.grant_over(grant.standing.text)
        form, encoding = _FORMS[wish.form.value]
        order = files.DownloadOrder(form=form, encoding=encoding, request=f"parcel {wish.theirs}")
        file = self.exchange.file(peer, request.table, order, request.draft.purpose, grant=request.grant_id)
        content = bytearray()
        for piece in file.content:
            content += piece
            if len(content) > PARCEL_MOST:
                raise TooLarge(
                    f"数据超过跨节点一次传送的上限（{PARCEL_MOST >> 20} MB）。请按行条件分次申请。",
                    f"The data are more than may cross between nodes at once ({PARCEL_MOST >> 20} MB). Ask for fewer rows at a time.",
                    code="parcel_too_large",
                )
        return file, bytes(content)

    def _grade(self, wish: Parcel) -> str:
        """Return the highest grade among what is granted."""
        peer = peer_actor(wish.node_id, wish.by, wish.by_name)
        request = self.exchange.request(peer, wish.request_id).request
        levels = self.exchange.grant(peer, request.grant_id or "").grant.levels
        return max(levels.values(), default="L1")

    def _answer_no(self, wish: Parcel, error: BeijiangError) -> None:
        """Refuse a wish, and say so where the link goes on."""
        words = error.text
        done = replace(wish, state=ParcelState.REFUSED, reason=words, moved_at=self.clock.now())
        body: dict[str, JsonValue] = {"parcel": wish.theirs, "code": error.reason, "zh": words.zh, "en": words.en}
        with self.db.begin() as tx:
            if not ParcelStore(tx.connection).change(done, ParcelState.WANTED):
                return
            if self._reaches(tx.connection, wish.node_id):
                self._send(tx, wish.request_id, wish.node_id, NO, body, f"parcel:{wish.theirs}")
            self._record(tx, peer_actor(wish.node_id, wish.by, wish.by_name), "parcel_refuse", done)

    def _record(self, tx: UnitOfWork, actor: Actor, action: str, one: Parcel) -> None:
        detail: dict[str, JsonValue] = {
            "node": one.node_id,
            "parcel": one.theirs or one.id,
            "receipt": one.receipt,
            "sha256": one.digest,
            "bytes": one.bytes,
            "state": one.state.value,
        }
        self.parts.shared.evidence.record(tx, actor, f"federation.{action}", target=one.request_id, detail=detail)
