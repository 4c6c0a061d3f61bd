"""The invisible mark of a file: the order of its rows, drawn by the receipt under which it was handed over. No value is changed.

Rows stay within the sixteen places that they come from. Inside of each such block their order is drawn from the key, so what is
left of a file after deletions, dropped columns and new names still agrees with one key and with no other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beijiang.engine.port import AT, PART

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

__all__ = ["BLOCK", "Agreement", "agreement", "places_of", "scattered"]

BLOCK: Final = 16
_FILE_ROWS: Final = 1 << 40
"""More rows than a file has, and a multiple of a block."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far an order of rows agrees with a key: pairs of one block that do, of all; and how likely so much is by chance, at most."""

    pairs: int
    agreeing: int
    chance: float


def scattered(batches: Iterator[pa.RecordBatch], seed: bytes, parts: Sequence[int]) -> Iterator[pa.RecordBatch]:
    """Yield the rows in the order of a key, without their places; ``parts`` are the numbers of the files that are read."""
    import numpy as np
    import pyarrow as pa

    numbers, held = np.asarray(parts, dtype=np.int64), None
    for batch in batches:
        rows = batch if held is None else pa.concat_batches([held, batch])
        places = places_of(rows, numbers)
        whole = int(np.searchsorted(places // BLOCK, places[-1] // BLOCK)) if rows.num_rows else 0
        held = rows.slice(whole)
        if whole:
            yield _ordered(rows.slice(0, whole), places[:whole], seed)
    if held is not None and held.num_rows:
        yield _ordered(held, places_of(held, numbers), seed)


def places_of(rows: pa.RecordBatch, parts: npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.int64]:
    """Return the places of rows in the whole version."""
    local = rows.column(PART).to_numpy(zero_copy_only=False).astype("int64")
    whole = local if parts is None else parts[local]
    found: npt.NDArray[np.int64] = whole * _FILE_ROWS + rows.column(AT).to_numpy(zero_copy_only=False)
    return found


def agreement(places: npt.NDArray[np.int64], seed: bytes) -> Agreement:
    """Compare the order in which rows stand, given by their places, with that of a key.

    Under any other key all orders of a block are alike. The pairs that agree then are a sum of independent draws, one from
    0 to j for the row that is number j + 1 in its block, and the chance is bounded after Chernoff: it is never understated.
    """
    import numpy as np

    blocks = places // BLOCK
    by_block = np.argsort(blocks, kind="stable")
    blocks, keys = blocks[by_block], _keys(places[by_block], seed)
    pairs = agreeing = 0
    for step in range(1, BLOCK):
        same = blocks[step:] == blocks[:-step]
        pairs += int(same.sum())
        agreeing += int((same & (keys[:-step] < keys[step:])).sum())
    sizes = np.unique(blocks, return_counts=True)[1]
    draws = np.array([int((sizes > j).sum()) for j in range(1, BLOCK)])
    return Agreement(pairs, agreeing, _chance(draws, pairs - agreeing) if 2 * agreeing > pairs else 1.0)


def _chance(draws: npt.NDArray[np.int64], disagreeing: int) -> float:
    """Return at most how likely no more pairs disagree, with ``draws[j - 1]`` draws from 0 to j."""
    import numpy as np

    tilts, highest = np.logspace(-4, 1.5, 120)[:, None], np.arange(1, BLOCK)[None, :]
    ratios = np.log1p(-np.exp(-tilts * (highest + 1))) - np.log(highest + 1) - np.log1p(-np.exp(-tilts))
    bounds = (ratios * draws[None, :]).sum(axis=1) + tilts[:, 0] * disagreeing
    return float(math.exp(min(0.0, float(bounds.min()))))


def _ordered(rows: pa.RecordBatch, places: npt.NDArray[np.int64], seed: bytes) -> pa.RecordBatch:
    import numpy as np
    import pyarrow as pa

    order = np.lexsort((_keys(places, seed), places // BLOCK))
    shown = [name for name in rows.schema.names if name not in {PART, AT}]
    return rows.select(shown).take(pa.array(order))


def _keys(places: npt.NDArray[np.int64], seed: bytes) -> npt.NDArray[np.uint64]:
    """Mix places with the two halves of a seed (the finaliser of SplitMix64, twice)."""
    import numpy as np

    mixed = places.astype(np.uint64)
    for half in (seed[:8], seed[8:16]):
        mixed = mixed + np.uint64(int.from_bytes(half, "big"))  # wraps round, as it should
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return mixed
