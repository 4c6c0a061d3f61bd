"""Read the whole chain again and name every place where it is not what was written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from beijiang.evidence.models import (
    GENESIS,
    CheckReport,
    EvidenceRecord,
    Head,
    Problem,
    ProblemKind,
    about,
    commitment_of,
    digest_of,
)
from beijiang.evidence.service.heads import HeadFile
from beijiang.evidence.service.tree_checking import TreeChecker
from beijiang.evidence.store import ERASE, EvidenceStore
from beijiang.kit import Text

if TYPE_CHECKING:
    from sqlalchemy import Row

PROBLEM_LIMIT = 1000
"""Damaged places that a report lists at most."""


class Checker:
    """Re-hash every stored record (a check that trusted stored digests would miss a change) and follow the links."""

    def __init__(self, store: EvidenceStore, head_file: HeadFile | None, tree: TreeChecker | None = None) -> None:
        self._store = store
        self._tree = tree
        self._head_file = head_file
        self._problems: list[Problem] = []
        self._before = Head()
        self._linked = True
        self._records = 0
        self._erased: list[int] = []
        self._erasures: list[tuple[int, int]] = []

    def run(self) -> CheckReport:
        """Check records, links, the head row and the head file."""
        head = self._store.head()
        for rows in self._store.walk(head.sequence):
            for row in rows:
                self._check_record(row)
        self._check_end(head)
        self._check_behind_head()
        self._check_head_file()
        self._check_erased()
        known = {(p.sequence, p.kind) for p in self._problems}
        if self._tree is not None:
            self._problems += [p for p in self._tree.run() if (p.sequence, p.kind) not in known]
        found = sorted(self._problems, key=lambda p: (p.sequence, p.kind))
        return CheckReport(self._records, head.digest, tuple(found[:PROBLEM_LIMIT]))

    def _check_record(self, row: Row[Any]) -> None:
        expected = self._before.sequence + 1
        if row.sequence < 1:
            self._add(row.sequence, ProblemKind.INSERTED, *_words_inserted(row.sequence))
            return
        self._records += 1
        if row.sequence > expected:
            self._add(expected, ProblemKind.REMOVED, *_words_removed(expected, row.sequence - 1))
        elif not _follows(self._before, row):
            self._add(row.sequence, ProblemKind.UNLINKED, *_words_unlinked(row.sequence))
        if row.body == row.salt == "":
            self._erased.append(row.sequence)
        elif not _content_holds(row):
            self._add(row.sequence, ProblemKind.CHANGED, *_words_changed(row.sequence))
        elif row.action == ERASE:
            told = json.loads(row.body).get("detail", {}).get("records", [])
            self._erasures += [(int(first), int(last)) for first, last in told]
        self._before = Head(row.sequence, row.digest)

    def _check_erased(self) -> None:
        """Look whether each record without text was erased by the platform, which says so in a record of its own."""
        for sequence in self._erased:
            if not any(first <= sequence <= last for first, last in self._erasures):
                zh = f"第 {sequence} 条记录的内容被抹去，日志中却没有相应的删除记录。"
                en = f"The text of record {sequence} is gone, and no record of an erasure names it."
                self._add(sequence, ProblemKind.ERASED, zh, en)

    def _check_end(self, head: Head) -> None:
        last = self._before
        if last.sequence < head.sequence:
            self._add(last.sequence + 1, ProblemKind.TRUNCATED, *_words_removed(last.sequence + 1, head.sequence))
        elif last.digest != head.digest:
            self._add(last.sequence, ProblemKind.UNLINKED, *_words_head(last.sequence))

    def _check_behind_head(self) -> None:
        """Look for records after the head; read the end first, because other processes keep appending."""
        last = self._store.last()
        head = self._store.head()
        if last > head.sequence:
            self._add(head.sequence + 1, ProblemKind.INSERTED, *_words_inserted(head.sequence + 1))

    def _check_head_file(self) -> None:
        if self._head_file is None:
            return
        first = True
        for piece in self._head_file.pieces():
            self._check_noted(piece, first=first)
            first = False
        if first and self._records:
            self._add(0, ProblemKind.HEAD_FILE, "存证头文件缺失。", "The head file is missing.")

    def _check_noted(self, piece: Sequence[tuple[int, Head | None]], *, first: bool) -> None:
        stored = self._store.digests([head.sequence for _, head in piece if head is not None])
        stored[0] = GENESIS
        if first and piece[0][1] != Head(0, GENESIS):
            self._add(0, ProblemKind.HEAD_FILE, "存证头文件的开头缺失。", "The head file has lost its beginning.")
        for number, head in piece:
            if head is None:
                zh, en = f"存证头文件第 {number} 行无法读取。", f"Line {number} of the head file cannot be read."
                self._add(0, ProblemKind.HEAD_FILE, zh, en)
            elif head.sequence not in stored:
                self._add(head.sequence, ProblemKind.TRUNCATED, *_words_cut(head.sequence, number))
            elif stored[head.sequence] != head.digest:
                self._add(head.sequence, ProblemKind.CHANGED, *_words_rewritten(head.sequence, number))

    def _add(self, sequence: int, kind: ProblemKind, zh: str, en: str) -> None:
        if len(self._problems) < PROBLEM_LIMIT:
            self._problems.append(Problem(sequence, kind, Text(zh, en)))


def _follows(before: Head, row: Row[Any]) -> bool:
    """Tell whether the row's digest follows from the one before it; digests that are no hex follow from nothing."""
    try:
        return bool(row.digest == digest_of(before.digest, row.sequence, row.commitment))
    except ValueError:
        return False


def _content_holds(row: Row[Any]) -> bool:
    """Tell whether body, commitment and the columns searched by still say the same."""
    try:
        record = EvidenceRecord.from_body(row.body, row.digest)
        whole = commitment_of(row.salt, row.body) == row.commitment
    except (ValueError, KeyError, TypeError):
        return False
    told = (record.sequence, record.id, record.actor_id, record.org_id, record.action, record.target, record.decision)
    shown = (row.sequence, row.id, row.actor_id, row.org_id, row.action, row.target, row.decision)
    added = row.about in (None, about(record.action, record.detail))
    return whole and added and told == shown and record.at == row.at


def _words_changed(sequence: int) -> tuple[str, str]:
    return f"第 {sequence} 条记录的内容被改动。", f"The content of record {sequence} was changed."


def _words_unlinked(sequence: int) -> tuple[str, str]:
    return (
        f"第 {sequence} 条记录与前一条衔接不上：其中一条被替换、插入或调换了位置。",
        f"Record {sequence} does not follow the one before it: one of the two was replaced, inserted or moved.",
    )


def _words_removed(first: int, last: int) -> tuple[str, str]:
    if first == last:
        return f"第 {first} 条记录被删除。", f"Record {first} was removed."
    return f"第 {first} 至 {last} 条记录被删除。", f"Records {first} to {last} were removed."


def _words_inserted(sequence: int) -> tuple[str, str]:
    return (
        f"第 {sequence} 条记录不在链上：它是从外部插入的。",
        f"Record {sequence} is not on the chain: it was inserted from outside.",
    )


def _words_head(sequence: int) -> tuple[str, str]:
    return (
        f"链头与最后一条记录（第 {sequence} 条）不一致。",
        f"The head row does not agree with the last record ({sequence}).",
    )


def _words_cut(sequence: int, line: int) -> tuple[str, str]:
    return (
        f"存证头文件第 {line} 行记有第 {sequence} 条记录，但日志中已没有它：日志尾部被截断，或恢复了较早的备份。",
        f"Line {line} of the head file notes record {sequence}, which the log no longer has: its tail was cut off, or an older backup was restored.",
    )


def _words_rewritten(sequence: int, line: int) -> tuple[str, str]:
    return (
        f"第 {sequence} 条记录与存证头文件第 {line} 行不一致：日志在此之前被改写。",
        f"Record {sequence} does not agree with line {line} of the head file: the log was rewritten at or before it.",
    )
