"""Hand out receipts and what proves them: checkpoints, tiles, proofs. A receipt goes to its parties only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from beijiang.evidence.models import (
    TILE,
    TILE_HEIGHT,
    EvidencePage,
    EvidenceQuery,
    EvidenceRecord,
    EvidenceRight,
    LogState,
    Shard,
    Stored,
    inclusion,
    root,
    signed,
)
from beijiang.evidence.service.tiles import StoredNodes
from beijiang.evidence.store import EvidenceStore, TreeStore
from beijiang.evidence.verifier import (
    FORMAT,
    HASH_BYTES,
    Checkpoint,
    Key,
    Note,
    Opened,
    Proof,
    Trust,
    entry_of,
    examine,
)
from beijiang.kit import ANONYMOUS, Denied, NotFound, Unauthenticated

if TYPE_CHECKING:
    from beijiang.db import Database
    from beijiang.evidence.service.log import Evidence
    from beijiang.evidence.service.reader import AccessCheck
    from beijiang.evidence.service.sealing import Sealer
    from beijiang.kit import Actor

__all__ = ["Receipts"]

ENTRY_BYTES: Final = 2
"""Bytes that say how long an entry of a tile is (C2SP tlog-tiles)."""


_TOLD: Final = 500
"""Records about one thing that are told at most, the newest."""


class SubjectCheck(Protocol):
    """Whoever keeps a thing says whether somebody may see it with all that was done to it."""

    def __call__(self, actor: Actor, subject: str, /) -> object:
        """Raise NotFound or Denied if not."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One record with what the verifier found, and the signed tree head that it is proved in."""

    record: EvidenceRecord
    commitment: str
    opened: Opened
    head: Checkpoint
    index: int
    path: tuple[bytes, ...]
    signers: tuple[str, ...]


class Receipts:
    """What a consumer keeps, so that nobody can deny what was delivered to whom."""

    def __init__(self, db: Database, evidence: Evidence, sealer: Sealer, access: AccessCheck) -> None:
        self._db = db
        self._evidence = evidence
        self._sealer = sealer
        self._access = access
        self.subjects: dict[str, tuple[str, SubjectCheck]] = {}
        """Kinds of things that records speak of: what stands before the id in a record, and who asks whether one may see it; set in
        build.py."""
        self.granted: Callable[[Actor, str], str] | None = None
        """The table of a grant, as somebody on either side of it may know; NotFound for others. Set in build.py."""
        self.actions: Mapping[str, str] = {}
        """Kinds of which the records of one action only are told: who sees the checks of a table does not see who read it."""

    def receipt(self, actor: Actor, receipt_id: str, size: int | None = None) -> dict[str, Any]:
        """Return the receipt file: the records of one access, and the proof that the signed log holds them.

        Args:
            actor: whoever read, or the auditor; under a grant both sides of it. A read by somebody who did not sign in is proved
                to all who hold its id.
            receipt_id: as the answer told it (``X-Beijiang-Receipt``).
            size: prove it in the checkpoint of this size, to compare with one that came another way.

        Raises:
            NotFound: there is none, or it is somebody else's, which look the same (``receipt_not_found``).

        """
        parts = self._parts(actor, receipt_id)
        with self._db.read() as connection:
            store = TreeStore(connection)
            proved = [self._proved(store, part, size) for part in parts]
        keys = [str(key) for key in self._sealer.keys.public()]
        return {"format": FORMAT, "id": receipt_id, "records": proved, "keys": keys}

    def proof(self, actor: Actor, receipt_id: str) -> str:
        """Return the proof of the first record of a receipt as C2SP tlog-proof.

        Raises:
            NotFound: as ``receipt``.

        """
        part = self._parts(actor, receipt_id)[0]
        with self._db.read() as connection:
            found: str = self._proved(TreeStore(connection), part, None)["proof"]
        return found

    def about(self, actor: Actor, kind: str, subject: str) -> Sequence[EvidenceRecord]:
        """Return what the log holds about a thing that the actor may see with all that was done to it, newest first.

        Raises:
            NotFound: no such kind or thing, or it is hidden from the actor, which look the same.

        """
        self._access.require(actor, EvidenceRight.RECEIPT)
        found = self.subjects.get(kind)
        if found is None:
            raise _no_subject()
        prefix, see = found
        if not self._access.allows(actor, EvidenceRight.READ):
            see(actor, subject)
        self._evidence.flush()
        with self._db.read() as connection:
            action = self.actions.get(kind)
            query = EvidenceQuery(target=f"{prefix}{subject}", action=action, decision="allow", limit=_TOLD)
            return EvidenceStore(connection).search(query)

    def proved_about(self, actor: Actor, kind: str, subject: str, sequence: int) -> dict[str, Any]:
        """Return one record about a thing with the proof that the signed log holds it; ``beijiang verify`` checks it.

        Raises:
            NotFound: as ``about``, or the record is about something else.

        """
        record = next((one for one in self.about(actor, kind, subject) if one.sequence == sequence), None)
        if record is None:
            raise _no_subject()
        with self._db.read() as connection:
            sealed = TreeStore(connection).shard_of(sequence) is not None
        if not sealed:
            self._evidence.seal()
        with self._db.read() as connection:
            part = EvidenceStore(connection).stored([sequence])[0]
            proved = self._proved(TreeStore(connection), part, None)
        keys = [str(key) for key in self._sealer.keys.public()]
        return {"format": FORMAT, "id": record.id, "records": [proved], "keys": keys}

    def checked_about(self, actor: Actor, kind: str, subject: str, sequence: int) -> Checked:
        """Return one record about a thing as the offline verifier finds it, held against the keys that this log publishes.

        It shows what the proof says; that the keys are the log's own is for somebody else to vouch for.

        Raises:
            NotFound: as ``proved_about``.

        """
        receipt = self.proved_about(actor, kind, subject, sequence)
        keys = tuple(self._sealer.keys.public())
        part = receipt["records"][0]
        proof = Proof.parse(part["proof"])
        note = Note.parse(proof.note)
        record = next(one for one in self.about(actor, kind, subject) if one.sequence == sequence)
        return Checked(
            record=record,
            commitment=part["commitment"],
            opened=examine(receipt, Trust(keys=keys)),
            head=Checkpoint.parse(note.text),
            index=proof.index,
            path=proof.path,
            signers=tuple(name for name, _, _ in note.signatures),
        )

    def mine(self, actor: Actor, *, before: int | None = None, limit: int = 50) -> EvidencePage:
        """Return the reads of the actor, newest first: each is a receipt.

        Raises:
            Unauthenticated: nobody in particular has no reads of one's own.

        """
        self._access.require(actor, EvidenceRight.RECEIPT)
        if actor.is_anonymous:
            raise Unauthenticated("请先登录。", "Sign in first.")
        self._evidence.flush()
        query = EvidenceQuery(actor_id=actor.id, action="read", decision="allow", before=before, limit=limit)
        return self._handed(query)

    def under(self, actor: Actor, grant_id: str, *, before: int | None = None, limit: int = 50) -> EvidencePage:
        """Return what was read under a grant, newest first, for both sides of it; each is a receipt.

        Raises:
            NotFound: no such grant, or the actor is on neither side.

        """
        self._access.require(actor, EvidenceRight.RECEIPT)
        if self.granted is None:
            raise _no_subject()
        table = self.granted(actor, grant_id)
        self._evidence.flush()
        query = EvidenceQuery(action="read", decision="allow", target=table, grant=grant_id, before=before, limit=limit)
        return self._handed(query)

    def _handed(self, query: EvidenceQuery) -> EvidencePage:
        """Return a page without the reads that were refused before anything was handed over; it is empty at the end only."""
        while True:
            page = self._evidence.page(query)
            with self._db.read() as connection:
                refused = EvidenceStore(connection).refused([one.id for one in page.records])
            handed = tuple(one for one in page.records if one.id not in refused)
            if handed or page.next is None:
                return EvidencePage(handed, page.next)
            query = replace(query, before=page.next)

    def shards(self, actor: Actor) -> Sequence[Shard]:
        """Return the trees of the log, oldest first."""
        self._access.require(actor, EvidenceRight.RECEIPT)
        with self._db.read() as connection:
            return TreeStore(connection).all_shards()

    def keys(self, actor: Actor) -> Sequence[Key]:
        """Return the public keys that sign for this log, and that under which it witnesses others."""
        self._access.require(actor, EvidenceRight.RECEIPT)
        return self._sealer.keys.public()

    def checkpoint(self, actor: Actor, shard: str, size: int | None = None) -> str:
        """Return the newest checkpoint of a shard with all its signatures; with a size, the log's word on the tree of then.

        Raises:
            NotFound: no such shard, or it was never that large (``shard_not_found``).

        """
        self._access.require(actor, EvidenceRight.RECEIPT)
        with self._db.read() as connection:
            store = TreeStore(connection)
            found = store.shard(shard)
            if found is None or not 0 < (size or found.size) <= found.size:
                raise _no_shard()
            return self._note(store, found, size or found.size)

    def tile(self, actor: Actor, shard: str, level: int, number: int, width: int = TILE) -> bytes:
        """Return hashes of a tile, 32 bytes each (C2SP tlog-tiles).

        Raises:
            NotFound: the tree has no such tile, or not that much of it (``tile_not_found``).

        """
        self._access.require(actor, EvidenceRight.RECEIPT)
        with self._db.read() as connection:
            store = TreeStore(connection)
            self._reached(store, shard, level, number, width)
            return store.tile(shard, level, number)[: width * HASH_BYTES]

    def entries(self, actor: Actor, shard: str, number: int, width: int = TILE) -> bytes:
        """Return the leaves behind a tile, each after its length: commitments and sequences, no word of a record.

        Raises:
            NotFound: as ``tile``.

        """
        self._access.require(actor, EvidenceRight.RECEIPT)
        with self._db.read() as connection:
            store = TreeStore(connection)
            found = self._reached(store, shard, 0, number, width)
            first = found.first + number * TILE
            known = dict(store.commitments(first, width))
        leaves = [entry_of(place, known.get(place, "")) for place in range(first, first + width)]
        return b"".join(len(leaf).to_bytes(ENTRY_BYTES, "big") + leaf for leaf in leaves)

    def state(self, actor: Actor) -> LogState:
        """Return how far the log is sealed and witnessed, what waits and what was lost."""
        self._access.require(actor, EvidenceRight.TREE)
        return self._evidence.state()

    def _parts(self, actor: Actor, receipt_id: str) -> list[Stored]:
        self._access.require(actor, EvidenceRight.RECEIPT)
        self._evidence.flush()
        with self._db.read() as connection:
            record = EvidenceStore(connection).find(receipt_id)
            parts = EvidenceStore(connection).parts(receipt_id)
            sealed = parts != [] and TreeStore(connection).shard_of(parts[-1].sequence) is not None
        if record is None or record.action != "read" or not self._is_party(actor, record):
            raise _no_receipt()
        if not sealed:
            self._evidence.seal()
        return parts

    def _is_party(self, actor: Actor, record: EvidenceRecord) -> bool:
        if record.actor_id in (actor.id, ANONYMOUS.id) or self._access.allows(actor, EvidenceRight.READ):
            return True
        grant = record.detail.get("grant")
        if self.granted is None or not isinstance(grant, str) or actor.is_anonymous:
            return False
        try:
            self.granted(actor, grant)
        except (Denied, NotFound):
            return False
        return True

    def _proved(self, store: TreeStore, part: Stored, size: int | None) -> dict[str, Any]:
        shard = store.shard_of(part.sequence)
        if shard is None:
            raise _no_receipt()
        index = part.sequence - shard.first
        if size is not None and not index < size <= shard.size:
            raise _no_shard()
        best = store.best_checkpoint(shard.name, index) if size is None else None
        upto, note = best or (size or shard.size, self._note(store, shard, size or shard.size))
        path = inclusion(shard.algorithm, index, upto, StoredNodes(store, shard, self._sealer.cache))
        text = {} if part.erased else {"body": part.body, "salt": part.salt}
        proof = str(Proof(index, tuple(path), note))
        return {"sequence": part.sequence, "commitment": part.commitment, **text, "proof": proof}

    def _note(self, store: TreeStore, shard: Shard, size: int) -> str:
        """Return the note of a size: as it was kept, or signed anew, for the tree of then is the same for ever."""
        kept = store.checkpoint(shard.name, size)
        if kept is not None:
            return kept[1]
        top = root(shard.algorithm, size, StoredNodes(store, shard, self._sealer.cache))
        return signed(Checkpoint(shard.origin, size, top), self._sealer.keys.signers)

    @staticmethod
    def _reached(store: TreeStore, shard: str, level: int, number: int, width: int) -> Shard:
        found = store.shard(shard)
        if found is None or (number * TILE + width) << (TILE_HEIGHT * level) > found.size:
            raise NotFound("没有这一块。", "There is no such tile.", code="tile_not_found")
        return found


def _no_receipt() -> NotFound:
    return NotFound(
        "没有这张回执，或者它不是您的。", "There is no such receipt, or it is not yours.", code="receipt_not_found"
    )


def _no_shard() -> NotFound:
    return NotFound(
        "日志没有这一段，或从未有这么多条记录。",
        "The log has no such shard, or it never held that many records.",
        code="shard_not_found",
    )


def _no_subject() -> NotFound:
    return NotFound(
        "没有这件事，或者您无权查看。", "There is no such thing, or you may not see it.", code="subject_not_found"
    )
