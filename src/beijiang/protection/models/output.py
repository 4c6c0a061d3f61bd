"""The last look at what leaves: checksum-valid identity numbers in columns that were graded harmless."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Final

from beijiang.kit import Refused

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["holds_identity", "refuse_identifiers"]

_CANDIDATE: Final = r"[1-9][0-9]{5}(?:18|19|20)[0-9]{9}[0-9Xx]"
_FOUND: Final = re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{5}(?:18|19|20)[0-9]{9}[0-9Xx](?![0-9A-Za-z])")
_STEP: Final = 2
"""Of 17 digits in a row at least eight stand at places that this divides, and no letter of Chinese fits in between."""
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def holds_identity(text: str) -> bool:
    """Tell whether a text holds a citizen number whose checksum and date are right (GB 11643)."""
    return any(_is_valid(found) for found in _FOUND.findall(text))


def _is_valid(number: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    if "10X98765432"[total % 11] != number[17].upper():
        return False
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return True


def refuse_identifiers(rows: pa.Table | pa.RecordBatch, columns: Sequence[str]) -> None:
    """Stop when an identity number stands in one of these columns of text.

    Raises:
        Refused: one was found (``identifier_found``); neither the value nor its row is named.

    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for name in columns:
        index = rows.schema.get_field_index(name)
        if index < 0:
            continue
        kind = rows.schema.field(index).type
        if pa.types.is_nested(kind):  # a whole row as one value: everything in it is looked at as text
            values = pa.array([str(value) for value in rows.column(index).to_pylist()], pa.string())
        elif pa.types.is_string(kind):
            values = rows.column(index)
            if not _long_numbers(values):
                continue
        else:
            continue
        suspects = values.filter(pc.match_substring_regex(values, _CANDIDATE))
        if any(holds_identity(text) for text in suspects.to_pylist() if text):
            raise Refused(
                f"列“{name}”中发现公民身份号码，输出已停止。请数据提供部门更正该列的分级。",
                f'An identity number was found in column "{name}", so the output was stopped. Its provider has to correct the grade.',
                code="identifier_found",
                detail={"column": name},
            )


def _long_numbers(values: pa.Array | pa.ChunkedArray) -> bool:
    """Tell whether 17 digits may stand in a row somewhere; it costs a small part of what the pattern does."""
    import pyarrow as pa

    return any(_run_of_digits(one) for one in (values.chunks if isinstance(values, pa.ChunkedArray) else [values]))


def _run_of_digits(values: pa.Array) -> bool:
    import numpy as np

    _, offsets, data = values.buffers()
    if data is None or not len(values):
        return False
    ends = np.frombuffer(offsets, np.int32)
    looked = np.frombuffer(data, np.uint8)[ends[values.offset] : ends[values.offset + len(values)] : _STEP]
    digits = (looked - np.uint8(ord("0"))) < 10  # noqa: PLR2004 - smaller ones wrap around
    for width in (1, 2, 4):
        digits = digits[:-width] & digits[width:]
    return bool(digits.any())
