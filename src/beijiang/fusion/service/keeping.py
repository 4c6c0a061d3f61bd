"""What a library keeps between runs, so that only new and changed records are compared: pairs, and a mark of each record.

Both hold names of records and digests under the library's secret, no value of a source. What is lost is made again.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from beijiang.engine.linking import Linked

__all__ = ["PAIRS_FILE", "Kept", "keep"]

PAIRS_FILE: Final = "pairs.parquet"
MARKS_FILE: Final = "marks.parquet"


@dataclass(frozen=True, eq=False)
class Kept:
    """Pairs of the run before, and what is new since."""

    pairs: pa.Table
    new: list[str]
    unchanged: pa.Array
    new_share: float

    @classmethod
    def of(cls, folder: Path, marks: Path) -> Self | None:
        """Compare the marks of a run with those of the one before; None where there was none."""
        import pyarrow.parquet as pq

        if not (folder / PAIRS_FILE).exists() or not (folder / MARKS_FILE).exists():
            return None
        now, before = pq.read_table(marks), pq.read_table(folder / MARKS_FILE)
        keys = ["record", "mark"]
        new = now.join(before, keys, join_type="left anti").column("record").to_pylist()
        unchanged = now.join(before, keys, join_type="left semi").column("record").combine_chunks()
        share = len(new) / max(1, now.num_rows)
        return cls(pq.read_table(folder / PAIRS_FILE), sorted(new), unchanged, share)

    def completed(self, linked: Linked) -> Linked:
        """Return a link of the new records together with the pairs of the others, sorted as a whole link's."""
        import pyarrow as pa
        import pyarrow.compute as pc

        both = pc.and_(
            pc.is_in(self.pairs.column("left"), self.unchanged), pc.is_in(self.pairs.column("right"), self.unchanged)
        )
        whole = pa.concat_tables([self.pairs.filter(both).select(linked.pairs.column_names), linked.pairs])
        return replace(linked, pairs=whole.sort_by([("left", "ascending"), ("right", "ascending")]))


def keep(folder: Path, pairs: Path, marks: Path) -> None:
    """Put pairs and marks in the place of those before; a kill between the two makes the next run compare more, not less."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / MARKS_FILE).unlink(missing_ok=True)
    for source, name in ((pairs, PAIRS_FILE), (marks, MARKS_FILE)):
        shutil.copyfile(source, folder / f"{name}.new")
        os.replace(folder / f"{name}.new", folder / name)  # noqa: PTH105 - atomic
