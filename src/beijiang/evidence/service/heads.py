"""The head file: the end of the chain, noted outside the database, so that a cut log with a cut head row is found.

Lines are only ever appended and synced. Whoever can rewrite both the database and this file can still hide a cut;
witnesses outside the machine will close that gap.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from beijiang.evidence.models import GENESIS, Head, canonical
from beijiang.evidence.service.appending import append

NAME = "heads.log"


class HeadFile:
    """One JSON line per noted head: sequence, digest, time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def open_new(self, at: str) -> None:
        """Begin the file with the empty chain, before the first record is written."""
        if not self.path.exists():
            self.append(Head(0, GENESIS), at)

    def append(self, head: Head, at: str) -> None:
        """Note a head and wait until it is on the disk."""
        line = canonical({"sequence": head.sequence, "digest": head.digest, "at": at}) + "\n"
        append(self.path, line.encode())

    def pieces(self, size: int = 500) -> Iterator[list[tuple[int, Head | None]]]:
        """Yield (line number, head) in pieces; the head is None where a line cannot be read."""
        if not self.path.exists():
            return
        with self.path.open(encoding="utf-8", errors="replace") as file:
            numbered = enumerate(file, start=1)
            while piece := [(number, _parse(line)) for number, line in islice(numbered, size)]:
                yield piece


def _parse(line: str) -> Head | None:
    try:
        facts = json.loads(line)
        return Head(int(facts["sequence"]), str(facts["digest"]))
    except (ValueError, KeyError, TypeError):
        return None
