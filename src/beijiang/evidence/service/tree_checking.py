"""Hold the stored records against the signed tree: what was changed, dropped, moved, replaced, or told to others otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from beijiang.evidence.models import TILE, Problem, ProblemKind, Shard, Stored
from beijiang.evidence.service.tiles import split
from beijiang.evidence.verifier import WITNESS, Checkpoint, Key, Note, entry_of, leaf_hash, node_hash
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.evidence.store import EvidenceStore, TreeStore

_MOST: Final = 200
"""Places of a shard that are looked into one by one."""

Add = Callable[[int, ProblemKind, str, str], None]


class TreeChecker:
    """Make every leaf anew from the text of its record: a check that trusted stored hashes would call a forgery whole."""

    def __init__(self, records: EvidenceStore, tree: TreeStore, keys: Sequence[Key]) -> None:
        self._records = records
        self._tree = tree
        self._keys = [key for key in keys if key.kind != WITNESS]
        self._problems: list[Problem] = []

    def run(self) -> list[Problem]:
        """Check every shard, and that each begins where the one before ended."""
        expected = 1
        for shard in self._tree.all_shards():
            if shard.first != expected:
                self._say(
                    expected,
                    ProblemKind.TREE,
                    f"分段 {shard.name} 应从第 {expected} 条开始，却从第 {shard.first} 条开始。",
                    f"Shard {shard.name} should begin with record {expected}, and begins with {shard.first}.",
                )
            self._check_shard(shard)
            expected = shard.sealed + 1
        return self._problems

    def _check_shard(self, shard: Shard) -> None:
        told = self._told(shard)
        sizes = sorted({point.size for point, _ in told} | {shard.size})
        frontier, roots, odd = _Frontier(shard.algorithm), {}, []
        wanted = iter(sizes)
        due = next(wanted, None)
        for number, stored in self._tiles_of_records(shard):
            kept = split(self._tree.tile(shard.name, 0, number))
            for at, (sequence, record) in enumerate(stored):
                leaf = leaf_hash(shard.algorithm, entry_of(sequence, "" if record is None else record.proved))
                frontier.add(leaf)
                if at >= len(kept) or kept[at] != leaf:
                    odd.append((sequence, kept[at] if at < len(kept) else b""))
                if frontier.size == due:
                    roots[due] = frontier.root()
                    due = next(wanted, None)
        signed_over = self._compare(shard, told, roots)
        self._name(shard, odd, holds=signed_over and not self._contradicted)

    def _told(self, shard: Shard) -> list[tuple[Checkpoint, str]]:
        """Return what was signed about a shard; a note that no key of this log signed is a problem."""
        found = []
        for size, text in self._tree.all_checkpoints(shard.name):
            try:
                note = Note.parse(text)
                point = Checkpoint.parse(note.text)
                signed = [note.signed_by(key) for key in self._keys]
                good = any(signed)
            except ValueError:
                good = False
            if good and (point.origin, point.size) == (shard.origin, size):
                found.append((point, text))
            else:
                self._say(
                    shard.first + size - 1,
                    ProblemKind.SIGNATURE,
                    f"分段 {shard.name} 第 {size} 条处的检查点没有本日志的有效签名。",
                    f"The checkpoint of shard {shard.name} at size {size} bears no good signature of this log.",
                )
        return found

    def _compare(self, shard: Shard, told: Sequence[tuple[Checkpoint, str]], roots: dict[int, bytes]) -> bool:
        """Compare the tree of the records with all that was signed; tell whether the newest checkpoint holds."""
        self._contradicted = False
        for point, _ in told:
            if roots.get(point.size) != point.root:
                self._contradicted = True
                self._say(
                    shard.first + point.size - 1,
                    ProblemKind.FORKED,
                    f"现存的前 {point.size:,} 条记录与已签名的检查点（{point.origin}）不符：日志在签名之后被改写。",
                    f"The first {point.size:,} records as they are contradict the signed checkpoint of {point.origin}: the log was rewritten after it was signed.",
                )
        newest = max((point.size for point, _ in told), default=0)
        if newest != shard.size or (told and roots.get(shard.size) != shard.root and not self._contradicted):
            self._say(
                shard.sealed,
                ProblemKind.FORKED,
                f"分段 {shard.name} 记为 {shard.size:,} 条，最新的检查点却是 {newest:,} 条。",
                f"Shard {shard.name} is said to hold {shard.size:,} records, its newest checkpoint says {newest:,}, or another root.",
            )
        return bool(told)

    def _name(self, shard: Shard, odd: Sequence[tuple[int, bytes]], *, holds: bool) -> None:
        """Say what became of each record that is not what the tree holds."""
        if holds:  # the records give the signed root, so it is the tiles that were changed
            for sequence, _ in odd[:_MOST]:
                self._say(
                    sequence,
                    ProblemKind.TREE,
                    f"树中第 {sequence} 条记录的散列被改动；记录本身与签名相符。",
                    f"The tree's hash of record {sequence} was changed; the record itself is what was signed.",
                )
            return
        stored = {one.sequence: one for one in self._records.stored([sequence for sequence, _ in odd[:_MOST]])}
        for sequence, leaf in odd[:_MOST]:
            if sequence not in stored:
                zh, en = f"第 {sequence} 条记录已签入树中，现已不在。", f"Record {sequence} was sealed and is gone."
                self._say(sequence, ProblemKind.REMOVED, zh, en)
                continue
            came_from = [
                other.sequence
                for other in stored.values()
                if leaf_hash(shard.algorithm, entry_of(sequence, other.commitment)) == leaf
            ]
            if came_from and came_from != [sequence]:
                self._say(
                    sequence,
                    ProblemKind.MOVED,
                    f"原第 {sequence} 条记录现在排在第 {came_from[0]} 条：顺序被调换。",
                    f"What was record {sequence} now stands at {came_from[0]}: the order was changed.",
                )
            else:
                self._say(
                    sequence,
                    ProblemKind.CHANGED,
                    f"第 {sequence} 条记录与签入树中的不同：内容被改动或被替换。",
                    f"Record {sequence} is not what was sealed: it was changed or replaced.",
                )

    def _tiles_of_records(self, shard: Shard) -> Iterator[tuple[int, list[tuple[int, Stored | None]]]]:
        """Yield the records behind each tile; where one is gone, None."""
        for number in range((shard.size + TILE - 1) // TILE):
            first = shard.first + number * TILE
            last = min(first + TILE - 1, shard.sealed)
            found = {one.sequence: one for one in self._records.stored_between(first, last)}
            yield number, [(sequence, found.get(sequence)) for sequence in range(first, last + 1)]

    def _say(self, sequence: int, kind: ProblemKind, zh: str, en: str) -> None:
        self._problems.append(Problem(sequence, kind, Text(zh, en)))


class _Frontier:
    """The root over leaves that come one by one, in memory of the depth of the tree."""

    def __init__(self, algorithm: str) -> None:
        self._algorithm = algorithm
        self._whole: list[tuple[int, bytes]] = []
        self.size = 0

    def add(self, leaf: bytes) -> None:
        """Add a leaf at the end."""
        level, made = 0, leaf
        while self._whole and self._whole[-1][0] == level:
            made = node_hash(self._algorithm, self._whole.pop()[1], made)
            level += 1
        self._whole.append((level, made))
        self.size += 1

    def root(self) -> bytes:
        """Return the root over the leaves so far."""
        made = self._whole[-1][1]
        for _, left in reversed(self._whole[:-1]):
            made = node_hash(self._algorithm, left, made)
        return made
