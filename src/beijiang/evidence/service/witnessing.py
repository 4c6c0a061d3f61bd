"""Witness the logs of others, and have one's own witnessed: two parties that saw the same head cannot be shown two logs."""

from __future__ import annotations

import base64
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import IntegrityError

from beijiang.evidence.models import Cosigned, EvidenceRight, Peer, PeerKind, Shard, consistency, cosign, root, signed
from beijiang.evidence.service.following import Following, unannounced, unclear
from beijiang.evidence.service.tiles import StoredNodes
from beijiang.evidence.store import Seen, TreeStore, WitnessStore
from beijiang.evidence.verifier import WITNESS, Checkpoint, Key, Note, hash_of_shard, verify_consistency
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Invalid, NotFound, Text, new_id

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.db import Database, UnitOfWork
    from beijiang.evidence.service.log import Evidence
    from beijiang.evidence.service.reader import AccessCheck
    from beijiang.evidence.service.sealing import Sealer
    from beijiang.kit import Actor, Clock
    from beijiang.outbound import Outbound

__all__ = ["Answer", "Witnesses"]

log = logging.getLogger(__name__)
_PAUSE: Final = timedelta(minutes=1)
_SELDOM: Final = timedelta(hours=1)
_MOST_KEYS: Final = 8
"""Successions that are followed at once, by a witness that was away for long."""
MOST_HASHES: Final = 63
MOST_BYTES: Final = 64 << 10
_SECONDS: Final = 10.0
OK: Final = 200
BAD: Final = 400
UNTRUSTED: Final = 403
UNKNOWN: Final = 404
OTHER_SIZE: Final = 409
CONTRADICTS: Final = 422
_UNSIGNED: Final = (
    "no signature of a trusted key; where the log has a new one, its note of succession is brought in at the witness "
    "(beijiang evidence follow)\n"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a witness says to a checkpoint, in the status codes of C2SP tlog-witness."""

    status: int
    text: str
    """Cosignature lines (200), the size it knows (409), or why not."""


@dataclass(frozen=True, slots=True)
class _Offer:
    """A checkpoint that somebody wants witnessed, with the proof that it goes on from ``old``."""

    old: int
    path: tuple[bytes, ...]
    note: Note
    point: Checkpoint

    @classmethod
    def parse(cls, text: str) -> _Offer:
        head, middle, note = ("", "", "") if len(text) > MOST_BYTES else text.partition("\n\n")
        first, *lines = head.split("\n")
        word, _, number = first.partition(" ")
        if word != "old" or not middle or not number.isascii() or not number.isdecimal() or len(lines) > MOST_HASHES:
            raise ValueError(word)
        parsed = Note.parse(note)
        path = tuple(base64.b64decode(line, validate=True) for line in lines)
        return cls(int(number[:20]), path, parsed, Checkpoint.parse(parsed.text))


class Witnesses(Following):
    """Trusted keys outside, what was seen of their logs, and what they saw of this one."""

    def __init__(
        self,
        db: Database,
        evidence: Evidence,
        sealer: Sealer,
        access: AccessCheck,
        clock: Clock,
        outbound: Outbound,
    ) -> None:
        super().__init__(db, evidence, access, clock)
        self._sealer = sealer
        self._outbound = outbound
        self._asked: dict[str, datetime] = {}
        """When a log was asked last for who follows a key of its."""

    # Trust

    def peers(self, actor: Actor) -> Sequence[Peer]:
        """Return the keys outside that are trusted."""
        self._access.require(actor, EvidenceRight.TREE)
        with self._db.read() as connection:
            return WitnessStore(connection).peers()

    def trust(self, actor: Actor, kind: PeerKind, key: str, url: str = "") -> Peer:
        """Trust a key: of a log to witness, or of a witness of this log (``url``: its address before ``/add-checkpoint``).

        Raises:
            Invalid: it is no verifier key, or of another kind (``bad_verifier_key``).
            Conflict: it is trusted already (``peer_known``).

        """
        self._access.require(actor, EvidenceRight.PEERS)
        try:
            parsed = Key.parse(key)
        except ValueError as error:
            raise _bad_key() from error
        if (parsed.kind == WITNESS) != (kind is PeerKind.WITNESS) or (
            url and not url.startswith(("http://", "https://"))
        ):
            raise _bad_key()
        peer = Peer(new_id("peer"), kind, parsed, url.strip().rstrip("/"), self._clock.now(), actor.name)
        try:
            with self._db.begin() as tx:
                WitnessStore(tx.connection).add_peer(peer)
                detail = {"kind": kind.value, "key": str(parsed), "url": peer.url}
                self._evidence.record(tx, actor, "evidence.peer.trust", target=parsed.name, detail=detail)
        except IntegrityError:
            raise Conflict("这把公钥已受信任。", "This key is trusted already.", code="peer_known") from None
        return peer

    def distrust(self, actor: Actor, peer_id: str) -> None:
        """Trust a key no longer; what it signed stays.

        Raises:
            NotFound: no such peer (``peer_not_found``).

        """
        self._access.require(actor, EvidenceRight.PEERS)
        with self._db.begin() as tx:
            if not WitnessStore(tx.connection).remove_peer(peer_id):
                raise _no_peer()
            self._evidence.record(tx, actor, "evidence.peer.distrust", target=peer_id)

    def seen(self, actor: Actor) -> Sequence[Seen]:
        """Return the newest head signed of every log that is witnessed here."""
        self._access.require(actor, EvidenceRight.TREE)
        with self._db.read() as connection:
            return WitnessStore(connection).all_seen()

    def cosigned(self, actor: Actor, limit: int = 20) -> Sequence[Cosigned]:
        """Return what witnesses signed of this log, newest first."""
        self._access.require(actor, EvidenceRight.TREE)
        with self._db.read() as connection:
            return TreeStore(connection).cosigned(limit)

    def forks(self, actor: Actor) -> Sequence[tuple[str, str, str, Any]]:
        """Return every contradiction that was met: origin, the two notes, when."""
        self._access.require(actor, EvidenceRight.TREE)
        with self._db.read() as connection:
            return WitnessStore(connection).forks()

    # As a witness

    def add_checkpoint(self, body: bytes) -> Answer:
        """Judge a checkpoint (C2SP tlog-witness); whoever sends it, the signature of a trusted log decides.

        What was seen last is compared and replaced in one transaction, so that two heads can never both be signed.
        """
        try:
            offer = _Offer.parse(body[: MOST_BYTES + 1].decode())
        except ValueError:
            return Answer(BAD, "malformed request\n")
        trusted, status = self._trusted(offer)
        if self._learn(offer, signed=trusted):
            trusted, status = self._trusted(offer)
        if not trusted:
            return Answer(status, "unknown log\n" if status == UNKNOWN else _UNSIGNED)
        if offer.old > offer.point.size:
            return Answer(BAD, "old size is larger than that of the checkpoint\n")
        signers, logs = self._sealer.keys.witnesses, self._logs(offer)
        with self._db.begin() as tx:
            answer, known = self._judge(tx, offer)
            if answer is None:
                now = self._clock.now()
                lines = "".join(cosign(offer.note, key, signer, now) for key, signer in signers.items())
                self._evidence.record(
                    tx, SYSTEM, "evidence.witness", target=offer.point.origin, detail=_detail(offer.point)
                )
                self._cleared(tx, offer, logs)
                return Answer(OK, lines)
        if known is not None:
            self._fork(offer.point.origin, offer.note, known)
        return answer

    def witness_file(self, actor: Actor, text: str) -> str:
        """Judge a checkpoint that was carried here as a file; return the note with this witness's signature below.

        Raises:
            Conflict: it is not signed; the answer says why (``not_witnessed``).

        """
        self._access.require(actor, EvidenceRight.PEERS)
        answer = self.add_checkpoint(text.encode())
        if answer.status != OK:
            raise Conflict(
                f"没有为此检查点见证（{answer.status}）：{answer.text.strip()}",
                f"The checkpoint was not witnessed ({answer.status}): {answer.text.strip()}",
                code="not_witnessed",
                detail={"status": answer.status},
            )
        return text.partition("\n\n")[2] + answer.text

    def _learn(self, offer: _Offer, *, signed: bool) -> bool:
        """Follow a log to keys of its that signed a checkpoint and that nobody here knows; tell whether it was asked.

        Anybody may send a checkpoint, so a log is asked at most once a minute, and once an hour where a trusted key signed too: the
        other may be of a kind that is not trusted here. It is asked only where the security administrator said that it is.
        """
        now, pause, peers = self._clock.now(), _SELDOM if signed else _PAUSE, self._logs(offer)
        named, any_asked = _named(offer, peers), False
        for _ in range(_MOST_KEYS):
            asked = [
                one for one in peers if one.url and (one.id not in self._asked or now - self._asked[one.id] >= pause)
            ]
            if not asked or not named - {peer.key.id for peer in peers}:
                break
            for peer in asked:
                self._asked[peer.id] = now
                self._led_on(peer, signed=signed)
            any_asked, peers = True, self._logs(offer)
        return any_asked

    def _led_on(self, peer: Peer, *, signed: bool) -> None:
        """Ask a log for the note by which a key of its named the next and follow it.

        Why that failed is kept where a trusted key signed the checkpoint: of one that anybody may have made up nobody is accused.
        """
        trouble = peer.trouble if peer.is_unclear else None
        try:
            self._followed(SYSTEM, self._fetched(peer))
        except BeijiangError as error:
            if not signed:
                log.info("a checkpoint of %s is of no trusted key: %s", peer.key.name, error.reason)
                return
            if error.reason != unannounced(peer).reason:
                trouble = error.text
        if trouble != peer.trouble:
            with self._db.begin() as tx:
                WitnessStore(tx.connection).say_trouble(peer.id, trouble)

    def _cleared(self, tx: UnitOfWork, offer: _Offer, peers: Sequence[Peer]) -> None:
        """Have no trouble with a log any more whose checkpoint was taken and is signed by keys that are known, all of them."""
        if _named(offer, peers) <= {peer.key.id for peer in peers}:
            for peer in peers:
                if peer.trouble is not None and not peer.is_unclear:
                    WitnessStore(tx.connection).say_trouble(peer.id, None)

    def _logs(self, offer: _Offer) -> list[Peer]:
        """Return the trusted keys of the log that a checkpoint is of."""
        origin = offer.point.origin
        with self._db.read() as connection:
            peers = WitnessStore(connection).peers(PeerKind.LOG)
        return [one for one in peers if origin == one.key.name or origin.startswith(f"{one.key.name}/")]

    def _trusted(self, offer: _Offer) -> tuple[bool, int]:
        mine = [peer.key for peer in self._logs(offer)]
        try:
            signed = [offer.note.signed_by(key) for key in mine]
        except ValueError:
            signed = []
        return any(signed), UNTRUSTED if mine else UNKNOWN

    def _judge(self, tx: UnitOfWork, offer: _Offer) -> tuple[Answer | None, str | None]:
        """Take a checkpoint as the newest; or return why not, and the note that it contradicts."""
        store, point = WitnessStore(tx.connection), offer.point
        last = store.last(point.origin)
        if offer.old != (0 if last is None else last.size):
            return Answer(OTHER_SIZE, f"{0 if last is None else last.size}\n"), None
        if last is not None and offer.old == point.size and point.root != last.root:
            return Answer(OTHER_SIZE, f"{last.size}\n"), last.note
        follows = not offer.path
        if last is not None and last.size:
            algorithm = hash_of_shard(point.origin)
            follows = verify_consistency(algorithm, last.size, last.root, point.size, point.root, offer.path)
        if not follows:
            return Answer(CONTRADICTS, "the checkpoint does not follow from the one seen before\n"), (
                None if last is None else last.note
            )
        note = f"{offer.note.text}\n" + "".join(_lines(offer.note))
        if not store.move(Seen(point.origin, point.size, point.root, note, self._clock.now()), last):
            return Answer(OTHER_SIZE, f"{offer.old}\n"), None
        return None, None

    # As a log

    def watch(self) -> None:
        """Have every witness sign what it has not seen yet; called on the dispatcher's tick, so nobody waits for it."""
        with self._db.read() as connection:
            every = WitnessStore(connection).peers()
            shards = TreeStore(connection).all_shards()
        for peer in every:
            if peer.is_unclear:
                self._clear_up(peer)
        peers = [one for one in every if one.kind is PeerKind.WITNESS and one.url and not one.handover]
        for peer in peers:
            trouble = None
            try:
                for shard in shards:
                    self._ask(peer, shard)
            except BeijiangError as error:
                trouble = error.text
            if trouble != peer.trouble:
                with self._db.begin() as tx:
                    WitnessStore(tx.connection).say_trouble(peer.id, trouble)

    def _clear_up(self, peer: Peer) -> None:
        """Ask for a note of succession again that does not say until when both keys sign; where none comes, say what to do."""
        try:
            if peer.url:
                self._followed(SYSTEM, self._fetched(peer))
                return
        except BeijiangError as error:
            log.info("the note of succession of %s stays unclear: %s", peer.key.name, error.reason)
        if peer.trouble != unclear(peer):
            with self._db.begin() as tx:
                WitnessStore(tx.connection).say_trouble(peer.id, unclear(peer))

    def request(self, actor: Actor, peer_id: str, shard: str = "") -> str:
        """Return what a witness is asked to sign, as a file to be carried there.

        Raises:
            NotFound: no such peer, or nothing is sealed yet.

        """
        self._access.require(actor, EvidenceRight.PEERS)
        self._evidence.seal()
        with self._db.read() as connection:
            peer = next((one for one in WitnessStore(connection).peers() if one.id == peer_id), None)
            store = TreeStore(connection)
            found = store.shard(shard) if shard else next(iter(reversed(store.all_shards())), None)
            if peer is None or found is None:
                raise _no_peer()
            return self._offer(store, found, store.newest_cosigned(_witness(peer.key), found.name))

    def take(self, actor: Actor, text: str) -> int:
        """Take a note that a witness signed elsewhere; return how many of its signatures are of trusted witnesses.

        Raises:
            Invalid: it is no checkpoint of this log, or nobody trusted signed it (``bad_cosignature``).

        """
        self._access.require(actor, EvidenceRight.PEERS)
        with self._db.read() as connection:
            peers = WitnessStore(connection).peers(PeerKind.WITNESS)
            shards = {shard.origin: shard for shard in TreeStore(connection).all_shards()}
        try:
            note = Note.parse(text)
            shard = shards[Checkpoint.parse(note.text).origin]
        except (ValueError, KeyError) as error:
            raise _bad_cosignature() from error
        taken = sum(self._keep(peer, shard, note) for peer in peers)
        if not taken:
            raise _bad_cosignature()
        return taken

    def _ask(self, peer: Peer, shard: Shard, old: int | None = None) -> None:
        from beijiang.outbound import Http, HttpLimits

        with self._db.read() as connection:
            store = TreeStore(connection)
            known = store.newest_cosigned(_witness(peer.key), shard.name) if old is None else old
            if known == shard.size:
                return
            body = self._offer(store, shard, known)
        with Http(self._outbound, HttpLimits(body=MOST_BYTES, seconds=_SECONDS, idle=_SECONDS, redirects=0)) as http:
            answer = http.fetch("POST", f"{peer.url}/add-checkpoint", content=body.encode())
        text = answer.body.decode("utf-8", "replace")
        theirs = int(text.strip()) if answer.status == OTHER_SIZE and text.strip().isdecimal() else None
        if answer.status == OK:
            self._kept_of(peer, shard, body.partition("\n\n")[2] + text)
        elif theirs is not None and theirs < shard.size and old is None:
            self._ask(peer, shard, theirs)
        elif answer.status in {OTHER_SIZE, CONTRADICTS}:
            self._fork(shard.origin, Note.parse(body.partition("\n\n")[2]), f"{peer.key.name}: {answer.status} {text}")
            raise _contradicted(peer)
        else:
            raise _refused(peer, answer.status)

    def _offer(self, store: TreeStore, shard: Shard, old: int) -> str:
        path = consistency(shard.algorithm, old, shard.size, StoredNodes(store, shard, self._sealer.cache))
        lines = [f"old {old}", *(base64.b64encode(one).decode() for one in path)]
        return "\n".join(lines) + "\n\n" + signed(shard.checkpoint, self._sealer.keys.signers)

    def _kept_of(self, peer: Peer, shard: Shard, text: str) -> None:
        """Keep what a witness signed with every key of its that is known, or that a known one named to follow.

        Raises:
            Invalid: no key of its signed (``bad_cosignature``).
            Conflict: one signed that no known key named (``witness_key_unannounced``).

        """
        try:
            note = Note.parse(text)
        except ValueError as error:
            raise _bad_cosignature() from error
        kept = [self._keep(peer, shard, note)]
        unknown = self._unknown(peer, note)
        if unknown:
            following = self._followed(SYSTEM, self._fetched(peer))
            kept.append(self._keep(following, shard, note))
            unknown -= {following.key.id}
        with self._db.read() as connection:
            before = [one for one in WitnessStore(connection).peers(PeerKind.WITNESS) if one.followed_by]
        kept += [self._keep(one, shard, note) for one in before if one.key.name == peer.key.name]
        if unknown:
            raise unannounced(peer)
        if not any(kept):
            raise _bad_cosignature()

    def _unknown(self, peer: Peer, note: Note) -> set[bytes]:
        """Return the ids of keys that signed in the name of a witness and are not trusted."""
        with self._db.read() as connection:
            known = {one.key.id for one in WitnessStore(connection).peers(PeerKind.WITNESS)}
        return {key_id for name, key_id, _ in note.signatures if name == peer.key.name} - known

    def _fetched(self, peer: Peer) -> str:
        """Ask a witness for the note by which the trusted key of its named the next.

        Raises:
            Conflict: it has none (``witness_key_unannounced``).

        """
        from beijiang.outbound import Http, HttpLimits

        with Http(self._outbound, HttpLimits(body=MOST_BYTES, seconds=_SECONDS, idle=_SECONDS, redirects=0)) as http:
            answer = http.fetch("GET", f"{peer.url}/handover/{peer.key.id.hex()}")
        if answer.status != OK:
            raise unannounced(peer)
        return answer.body.decode("utf-8", "replace")

    def _keep(self, peer: Peer, shard: Shard, note: Note) -> bool:
        """Keep the signature of a witness, if it signed this note and the note is true of this log."""
        try:
            signature = note.signed_by(peer.key)
        except ValueError:
            return False
        if signature is None:
            return False
        if peer.is_unclear or (peer.until is not None and self._clock.now() >= peer.until):
            return False  # it is retired; whoever signs with it now should not have it
        point = Checkpoint.parse(note.text)
        with self._db.begin() as tx:
            store = TreeStore(tx.connection)
            if not 0 < point.size <= shard.size or self._root(store, shard, point.size) != point.root:
                return False
            if store.checkpoint(shard.name, point.size) is None:  # superseded while the witness looked at it
                own = signed(point, self._sealer.keys.signers)
                store.keep_checkpoint(shard.name, point.size, own, self._clock.now())
            line = next(one for one in _lines(note, {peer.key.id}))
            store.add_cosignature(Cosigned(shard.name, point.size, _witness(peer.key), line, self._clock.now()))
        return True

    def _root(self, store: TreeStore, shard: Shard, size: int) -> bytes:
        try:
            return root(shard.algorithm, size, StoredNodes(store, shard, self._sealer.cache))
        except LookupError:  # somebody took tiles away, which the check names
            return b""

    def _fork(self, origin: str, note: Note, known: str) -> None:
        """Keep both sides of a contradiction, record it, and raise the alarm."""
        words = Text(
            f"日志 {origin} 出现两个互相矛盾的版本，双方检查点已保存。请审计管理员立即核查。",
            f"Two versions of the log {origin} contradict each other; both checkpoints are kept. The audit administrator must look at once.",
        )
        text = f"{note.text}\n" + "".join(_lines(note))
        self._contradiction(origin, (text, known), _detail(Checkpoint.parse(note.text)), words)


def _lines(note: Note, keys: set[bytes] | None = None) -> list[str]:
    """Return the signature lines of a note, of the given keys only."""
    return [
        f"— {name} {base64.b64encode(key_id + signature).decode()}\n"
        for name, key_id, signature in note.signatures
        if keys is None or key_id in keys
    ]


def _witness(key: Key) -> str:
    return f"{key.name}+{key.id.hex()}"


def _named(offer: _Offer, peers: Sequence[Peer]) -> set[bytes]:
    """Return the ids of keys that a checkpoint says its log signed with, known or not; whether they did is another question."""
    names = {peer.key.name for peer in peers}
    return {key_id for name, key_id, _ in offer.note.signatures if name in names}


def _detail(point: Checkpoint) -> dict[str, Any]:
    return {"size": point.size, "root": point.root.hex()}


def _bad_key() -> Invalid:
    return Invalid(
        "公钥应写作 名称+编号+Base64，种类（日志或见证方）要对，地址以 http(s):// 开头。",
        "Write the key as name+id+base64, of the right kind (log or witness), and an address that begins with http(s)://.",
        code="bad_verifier_key",
    )


def _no_peer() -> NotFound:
    return NotFound(
        "没有这个对方，或尚无检查点。", "There is no such peer, or no checkpoint yet.", code="peer_not_found"
    )


def _bad_cosignature() -> Invalid:
    return Invalid(
        "这不是本日志的检查点，或没有受信任见证方的有效签名。",
        "This is no checkpoint of this log, or no trusted witness signed it.",
        code="bad_cosignature",
    )


def _contradicted(peer: Peer) -> Conflict:
    return Conflict(
        f"见证方 {peer.key.name} 见过与本日志矛盾的检查点。",
        f"The witness {peer.key.name} has seen a checkpoint that contradicts this log.",
        code="log_contradicted",
    )


def _refused(peer: Peer, status: int) -> Conflict:
    return Conflict(
        f"见证方 {peer.key.name} 没有签名（{status}）。请确认对方已信任本日志的公钥；本日志换过密钥的，请对方导入换钥声明（beijiang evidence follow）。",
        f"The witness {peer.key.name} did not sign ({status}). See that it trusts the key of this log; where that was followed by another, have the note of succession brought in there (beijiang evidence follow).",
        code="witness_refused",
    )
