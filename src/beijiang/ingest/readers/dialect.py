"""The delimiter of a delimited text, found from its first lines."""

from __future__ import annotations

import csv
from collections import Counter
from io import StringIO

__all__ = ["cells", "sniff_delimiter", "split_sample"]

CANDIDATES = (",", "\t", ";", "|", "\x1f", "\x01", "^", "~", "，")
_ROWS = 200


def split_sample(text: str, delimiter: str) -> list[list[str]]:
    """Cut the first lines into cells as the reader will; a quote that never closes ends the sample before it."""
    rows: list[list[str]] = []
    before = 0
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            if reader.line_num - before > _ROWS:
                break
            before = reader.line_num
            rows.append(row)
            if len(rows) >= _ROWS:
                break
    except csv.Error:
        pass
    return rows


def sniff_delimiter(text: str, suffix: str) -> str:
    """Return the delimiter under which most rows of ``text`` have the same number (above one) of cells."""
    best, best_score = "\t" if suffix in {".tsv", ".tab"} else ",", 0.0
    for candidate in CANDIDATES:
        if candidate not in text or len(candidate.encode()) > 1:
            continue
        widths = Counter(len(row) for row in split_sample(text, candidate) if any(c.strip() for c in row))
        total = widths.total()
        if not total:
            continue
        width, count = max(
            ((w, n) for w, n in widths.items() if w > 1), key=lambda pair: (pair[1], pair[0]), default=(1, 0)
        )
        # Agreement counts most; more columns decide between delimiters that agree equally well.
        score = count / total + min(width, 50) / 500
        if count and score > best_score:
            best, best_score = candidate, score
    return best


def cells(text: str, delimiter: str) -> tuple[str, ...] | str:
    """Cut one raw record into cells for the quarantine, or give its text back where that is not possible."""
    try:
        rows = list(csv.reader(StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        return text
    return tuple(rows[0]) if len(rows) == 1 else text
