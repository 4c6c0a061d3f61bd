"""Words and characters that names and addresses are read by, from ``fusion/reference``."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CHARACTERS", "PLACES", "SURNAMES", "characters", "column_of", "surnames", "traditional", "usual_characters"]

CHARACTERS: Final = "characters"
SURNAMES: Final = "surnames"
PLACES: Final = "places"
"""Names of the tables that values are looked up in."""
_FIRST, _LAST = 0x4E00, 0x9FFF
"""CJK Unified Ideographs; names in the extensions are read as they are written."""


@cache
def column_of(table: str, column: str = "word") -> Sequence[str]:
    """Return a column of a reference table."""
    return tuple(row[column] for row in _rows(table))


@cache
def traditional() -> tuple[str, str]:
    """Return traditional characters, and the simplified ones at the same places."""
    return "".join(column_of("traditional", "traditional")), "".join(column_of("traditional", "simplified"))


@cache
def usual_characters() -> str:
    """Return the CJK Unified Ideographs without the traditional ones, as ranges of a class of a pattern."""
    old = sorted(map(ord, traditional()[0]))
    starts = [_FIRST, *(code + 1 for code in old)]
    ends = [*(code - 1 for code in old), _LAST]
    return "".join(f"{chr(start)}-{chr(end)}" for start, end in zip(starts, ends, strict=True) if start <= end)


@cache
def characters() -> pa.Table:
    """Return for each character its sound (toneless pinyin) and its place in transcriptions.

    The sound is its first reading, but for a few that are read otherwise in names (``readings.csv``).

    ``fold`` is the same for characters that stand for one sound of Mongolian: 尔 and 儿 for a final r, 图, 土 and 托 for tu.
    """
    import pyarrow as pa
    from pypinyin.constants import PINYIN_DICT

    folds = {letter: row["sound"] for row in _rows("transcription") for letter in row["characters"]}
    sounds = {chr(code): _toneless(PINYIN_DICT[code]) for code in range(_FIRST, _LAST + 1) if code in PINYIN_DICT}
    sounds |= dict(zip(column_of("readings", "character"), column_of("readings", "sound"), strict=True))
    sounds |= {letter: letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"}
    return pa.table(
        {
            "letter": list(sounds),
            "sound": list(sounds.values()),
            "fold": [folds.get(letter, sound) for letter, sound in sounds.items()],
        }
    )


@cache
def surnames() -> pa.Table:
    """Return surnames of two characters, and those of one that are read otherwise than the character is elsewhere."""
    import pyarrow as pa

    return pa.table({name: list(column_of("surnames", name)) for name in ("surname", "sound")})


def _toneless(readings: str) -> str:
    first = readings.partition(",")[0].replace("ü", "v")
    spread = unicodedata.normalize("NFD", first)
    return "".join(c for c in spread.replace("u\u0308", "v") if not unicodedata.combining(c))


def _rows(table: str) -> Sequence[Mapping[str, str]]:
    text = (files("beijiang.fusion") / "reference" / f"{table}.csv").read_text("utf-8")
    return tuple(csv.DictReader(text.splitlines()))
