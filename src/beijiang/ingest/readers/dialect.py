"""The delimiter of a delimited text, found from its first lines."""

from __future__ import annotations

import csv
from collections import Counter
from io import StringIO

__all__ = ["cells", "sniffed", "split_sample"]

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


def sniffed(text: str, suffix: str) -> tuple[str, list[list[str]]]:
    """Return the delimiter under which most rows of ``text`` have the same number (above one) of cells, and the rows."""
    usual = "\t" if suffix in {".tsv", ".tab"} else ","
    best: tuple[str, list[list[str]]] | None = None
    best_score = 0.0
    for candidate in CANDIDATES:
        if candidate not in text or len(candidate.encode()) > 1:
            continue
        rows = split_sample(text, candidate)
        widths = Counter(len(row) for row in rows if "".join(row).strip())
        total = widths.total()
        if not total:
            continue
        width, count = max(
            ((w, n) for w, n in widths.items() if w > 1), key=lambda pair: (pair[1], pair[0]), default=(1, 0)
        )
        # Agreement counts most; more columns decide between delimiters that agree equally well.
        score = count / total + min(width, 50) / 500
        if count and score > best_score:
            best, best_score = (candidate, rows), score
    return best or (usual, split_sample(text, usual))


def cells(text: str, delimiter: str) -> tuple[str, ...] | str:
    """Cut one raw record into cells for the quarantine, or give its text back where that is not possible."""
    try:
        rows = list(csv.reader(StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        return text
    return tuple(rows[0]) if len(rows) == 1 else text
