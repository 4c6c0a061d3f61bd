"""What the groups that a model found are like: how each differs from all rows, feature by feature, the greatest difference first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from beijiang.mining.models.learning import GROUP_LEAST, Profile, Trait

if TYPE_CHECKING:
    import numpy.typing as npt

    from beijiang.mining.service.learning.encoding import Encoder, Encoding

    Numbers = npt.NDArray[np.float64]

__all__ = ["profiles_of"]

TRAITS: Final = 8
GROUPS_MOST: Final = 30


def profiles_of(encoder: Encoder, rows: Numbers, said: Numbers) -> tuple[Profile, ...]:
    """Return the groups by their numbers, as scores name them; one of few rows is left out, for it would tell of its rows."""
    found = []
    for number in np.unique(said)[:GROUPS_MOST]:
        mine = said == number
        count = int(mine.sum())
        if count < GROUP_LEAST:
            continue
        made = [_trait(one, rows[:, place], mine) for place, one in enumerate(encoder.encodings)]
        traits = sorted((one for one in made if one is not None), key=lambda one: -abs(one.off))
        found.append(Profile(group=int(number), rows=count, traits=tuple(traits[:TRAITS])))
    return tuple(found)


def _trait(encoding: Encoding, column: Numbers, mine: npt.NDArray[np.bool_]) -> Trait | None:
    """Return how a group differs in one feature; None where too few of its rows tell."""
    there = np.isfinite(column) & (column >= 0 if encoding.values is not None else True)
    own = column[there & mine]
    if len(own) < GROUP_LEAST:
        return None
    if encoding.values is None:
        spread = float(column[there].std())
        off = float(own.mean() - column[there].mean()) / spread if spread else 0.0
        return Trait(name=encoding.name, words=f"{own.mean():.6g}", off=off)
    many = np.bincount(own.astype(np.int64), minlength=len(encoding.values) + 1)[: len(encoding.values)]
    if not len(many) or many.max() < GROUP_LEAST:
        return None
    place = int(many.argmax())
    share = float(many[place]) / len(own)
    off = share - float((column[there] == place).mean())
    return Trait(name=encoding.name, words=encoding.values[place], share=share, off=off)
