"""Write delimited text the way office exports do: CRLF, quotes only where needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["line", "lines"]


def _cell(value: str, delimiter: str) -> str:
    if delimiter in value or '"' in value or "\n" in value or "\r" in value:
        return '"' + value.replace('"', '""') + '"'
    return value


def line(cells: Sequence[str], delimiter: str = ",") -> str:
    """Return one record without its line end."""
    joined = delimiter.join(cells)
    if joined.count(delimiter) == len(cells) - 1 and '"' not in joined and "\n" not in joined and "\r" not in joined:
        return joined
    return delimiter.join(_cell(cell, delimiter) for cell in cells)


def lines(records: Iterable[Sequence[str]], delimiter: str = ",") -> str:
    """Return the records as text that ends with a line end."""
    return "".join(line(cells, delimiter) + "\r\n" for cells in records)
