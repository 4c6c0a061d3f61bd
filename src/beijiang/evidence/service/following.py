"""Follow a key outside to the one that it named: both signed for that, so nobody else leads anybody anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import IntegrityError

from beijiang.evidence.models import EvidenceRight, Peer, both_until
from beijiang.evidence.store import TreeStore, WitnessStore
from beijiang.evidence.verifier import Key, Note, successor
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Invalid, NotFound, Text, new_id

if TYPE_CHECKING:
    from beijiang.db import Database
    from beijiang.evidence.service.log import Evidence
    from beijiang.evidence.service.reader import AccessCheck
    from beijiang.kit import Actor, Clock

__all__ = ["Following", "unannounced", "unclear"]

_OLD: Final = 1
"""The line of a note of succession that holds the key that names."""


class Following:
    """Trusted keys outside that others follow, and what this installation says of its own."""

    def __init__(self, db: Database, evidence: Evidence, access: AccessCheck, clock: Clock) -> None:
        self._db = db
        self._evidence = evidence
        self._access = access
        self._clock = clock
        self.alarm: Callable[[str, Text], object] | None = None
        """Told of a fork; set in build.py."""

    def handover(self, key_id: str) -> str:
        """Return the note by which a key of this installation named the next; everybody may have it.

        Raises:
            NotFound: no such key, or none follows it (``no_handover``).

        """
        with self._db.read() as connection:
            notes = [row.handover for row in TreeStore(connection).all_keys() if row.handover]
        found = next((note for note in notes if Key.parse(note.split("\n")[_OLD]).id.hex() == key_id), None)
        if found is None:
            raise NotFound("没有这份换钥声明。", "There is no such note.", code="no_handover")
        return found

    def follow(self, actor: Actor, note: str) -> Peer:
        """Trust the key that a trusted one named to follow it; the old one stays, for what it has signed.

        Raises:
            Invalid: no trusted key signed it together with the one that it names, or it does not say until when (``bad_handover``).
            Conflict: the trusted key had named another one before (``handover_fork``); both notes are kept.

        """
        self._access.require(actor, EvidenceRight.PEERS)
        return self._followed(actor, note)

    def _followed(self, actor: Actor, note: str) -> Peer:
        with self._db.read() as connection:
            peers = WitnessStore(connection).peers()
        found = next(((peer, key) for peer in peers if (key := successor(note, peer.key))), None)
        if found is None:
            raise _bad_handover()
        peer, key = found
        try:
            both_until(note)
        except ValueError:
            raise _bad_handover() from None
        if not peer.handover:
            self._put(actor, peer, key, note)
        elif peer.is_unclear and peer.followed_by == str(key):
            self._mend(actor, peer, note)
        with self._db.read() as connection:
            store = WitnessStore(connection)
            known = next((one for one in store.peers() if one.id == peer.id), peer)
            following = next((one for one in store.peers(peer.kind) if str(one.key) == known.followed_by), None)
        if known.followed_by != str(key):
            raise self._forked(peer, note, known.handover)
        if following is None:
            raise _bad_handover()  # it is trusted no longer: whoever took it out has to put it in again
        return following

    def _put(self, actor: Actor, peer: Peer, key: Key, note: str) -> None:
        """Keep who follows whom, once, whoever else does so at this moment."""
        new = Peer(new_id("peer"), peer.kind, key, peer.url, self._clock.now(), actor.name)
        detail = {"kind": peer.kind.value, "old": str(peer.key), "new": str(key), "url": peer.url}
        try:
            with self._db.begin() as tx:
                store = WitnessStore(tx.connection)
                if not store.follow(peer.id, note):
                    return
                if all(one.key != key for one in store.peers()):
                    store.add_peer(new)
                self._evidence.record(tx, actor, "evidence.peer.follow", target=key.name, detail=detail)
        except IntegrityError:
            raise Conflict(
                "这把公钥刚刚被他人加入，请再试一次。",
                "Somebody else trusted this key just now; try again.",
                code="peer_known",
            ) from None

    def _mend(self, actor: Actor, peer: Peer, note: str) -> None:
        """Keep a note that says until when both keys sign, where the one that is kept names the same key and does not."""
        detail = {
            "kind": peer.kind.value,
            "old": str(peer.key),
            "new": peer.followed_by,
            "url": peer.url,
            "mended": True,
        }
        with self._db.begin() as tx:
            store = WitnessStore(tx.connection)
            if store.mend(peer.id, peer.handover, note):
                store.say_trouble(peer.id, None)
                self._evidence.record(tx, actor, "evidence.peer.follow", target=peer.key.name, detail=detail)

    def _forked(self, peer: Peer, note: str, known: str) -> BeijiangError:
        """Keep two notes by which one key named two successors, and return what is told of it."""
        name = peer.key.name
        words = Text(
            f"{name} 的密钥 {peer.key.id.hex()} 先后指名了两把不同的后继密钥，后一把未被采信，两份声明已保存。请审计管理员立即核查。",
            f"The key {peer.key.id.hex()} of {name} named two different keys to follow it; the second is not trusted, both notes are kept. The audit administrator must look at once.",
        )
        if known:
            text = Note.parse(note).text
            self._contradiction(name, (note, known), {"named": text.split("\n")[_OLD + 1]}, words)
        return Conflict(words.zh, words.en, code="handover_fork", detail={"key": str(peer.key)})

    def _contradiction(self, origin: str, notes: tuple[str, str], detail: dict[str, Any], words: Text) -> None:
        """Keep two notes that contradict each other, record it and raise the alarm; once, however often somebody sends them."""
        with self._db.begin() as tx:
            store = WitnessStore(tx.connection)
            if any((one[0], one[2]) == (origin, notes[1]) for one in store.forks()):
                return
            store.add_fork(new_id("fork"), origin, notes, self._clock.now())
            self._evidence.record(tx, SYSTEM, "evidence.fork", target=origin, detail=detail)
        if self.alarm is not None:
            self.alarm(origin, words)


def unannounced(peer: Peer) -> Conflict:
    """Return the error for a signature of a key that no trusted one named."""
    return Conflict(
        f"{peer.key.name} 用了一把未经旧密钥声明的新密钥签名，未予采信。请向对方索取由旧密钥签名的换钥声明后导入（beijiang evidence follow）。",
        f"{peer.key.name} signed with a key that its trusted one did not name; it is not taken. Get the note of succession that the old key signed, and bring it in (beijiang evidence follow).",
        code="witness_key_unannounced",
    )


def unclear(peer: Peer) -> Text:
    """Say what to do about a note of succession that does not say until when both keys sign."""
    return Text(
        f"{peer.key.name} 的换钥声明没有写明两把密钥并行签名至何时，旧密钥的签名暂不采信。请向对方重新索取声明并导入（beijiang evidence follow），内容完整的会自动替换。",
        f"The note of succession of {peer.key.name} does not say until when both keys sign, so what the old one signs is not taken. Ask for the note again and bring it in (beijiang evidence follow); a whole one takes its place.",
    )


def _bad_handover() -> Invalid:
    return Invalid(
        "这不是有效的换钥声明：须由一把已信任的公钥和它指名的新公钥共同签名，并写明并行签名至何时（UTC，如 2027-01-01T00:00:00Z）。",
        "This is no good note of succession: a trusted key and the new one that it names both have to sign it, and it has to say until when both sign (UTC, as 2027-01-01T00:00:00Z).",
        code="bad_handover",
    )
