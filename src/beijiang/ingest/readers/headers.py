"""Where the header of a table stands, and what its columns are called once titles and merged cells are understood."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from beijiang.ingest.readers.contract import HeaderTemplate, Note, ReadLimits
from beijiang.kit import Text, TooLarge, half_width

__all__ = ["TOTALS", "Grid", "Header", "check_width", "find_header", "footer", "unique_names"]

Grid = Sequence[Sequence[str | None]]
_YEAR = re.compile(r"(?:19|20)\d\d(?:年.{0,4})?")
_DATA = re.compile(
    r"[+-]?[\d,]+(?:\.\d+)?%?|\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?:[ T].*)?|[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-Z]{10}|"
    r"\d{17}[\dXx]|1[3-9]\d{9}"
)
_REMARK = re.compile(
    r"(?:附?注释?|备注|说明|(?:资料|数据)?来源|(?:制表|填表|填报|审核|复核|单位负责|负责|统计负责|联系)人?(?:单位|日期|电话|签[字名章])?|"
    r"(?:报出|打印)日期|单位(?:公章|盖章))\s*[\d一二三四五]?\s*[：:].*",
    re.DOTALL,
)
TOTALS = frozenset({"合计", "总计", "共计"})
_MISSING = frozenset({"-", "--", "—", "/", "-;", "null", "n/a"})
_FULL_ROW = 0.6
_DATA_SHARE = 0.3
_MAX_HEADER_ROWS = 3
_LONG_NAME = 60
_NARROW = 3
_DIFFERS = Note(
    "template_differs",
    Text(
        "表头与该来源记住的模板不一致，已重新识别。",
        "The header differs from the remembered template; it was found anew.",
    ),
)
_NO_HEADER = Note(
    "no_header",
    Text("没有找到表头，列名为“列1、列2……”。", "No header was found; columns are named 列1, 列2, ..."),
)


@dataclass(frozen=True, slots=True)
class Header:
    """A found header: the template to remember, the names, and what was done to them."""

    template: HeaderTemplate
    columns: tuple[str, ...]
    notes: tuple[Note, ...]

    @property
    def rows(self) -> int:
        """Count the rows above the first data row."""
        return self.template.title_rows + self.template.header_rows


def check_width(width: int, limits: ReadLimits, where: str) -> None:
    """Refuse a table that is wider than any real one (``too_many_columns``)."""
    if width > limits.max_columns:
        raise TooLarge(
            f"“{where}”有 {width:,} 列，超过上限 {limits.max_columns:,} 列。请确认分隔符是否正确，或拆分后再提交。",
            f'"{where}" has {width:,} columns; the limit is {limits.max_columns:,}. Check the delimiter or split the file.',
            code="too_many_columns",
            detail={"columns": width, "limit": limits.max_columns},
        )


def find_header(
    grid: Grid, given: HeaderTemplate | None = None, *, merges: frozenset[int] = frozenset(), width: int = 0
) -> Header:
    """Find titles and header in the first rows of a table (``grid``), or follow the ``given`` template where it fits.

    ``merges`` are the grid rows (from 0) that a vertically merged header cell reaches down into, where the format
    tells. ``width`` is how many cells the records have, where that is more than those that are filled: delimited
    lines may all end in a delimiter. A template whose names do not stand in the file is not followed, and a note says so.
    """
    notes: list[Note] = []
    if given is not None:
        header = _by_template(grid, given, width)
        if header is not None:
            return header
        notes.append(_DIFFERS)
    width = max([width, *(_extent(row) for row in grid)])
    title_rows = _title_rows(grid, width, merges)
    depth = _depth(grid, title_rows, merges) if title_rows < len(grid) else 0
    columns, renamed = unique_names(_flatten(grid[title_rows : title_rows + depth], width))
    notes.extend(renamed)
    if depth == 0 and grid:
        notes.append(_NO_HEADER)
    titles = tuple(t for row in grid[:title_rows] if (t := " ".join(c.strip() for c in row if c and c.strip())))
    if titles:
        text = Text(
            f"跳过表头上方的标题行：{'；'.join(titles)}",
            f"Skipped the title lines above the header: {'; '.join(titles)}",
        )
        notes.append(Note("titles_skipped", text))
    return Header(HeaderTemplate(title_rows, depth, columns, titles), columns, tuple(notes))


def footer(rows: Grid, totals: int) -> int:
    """Count the rows at the end of a table that are no data: remarks (注：……), who signed, and a total above them.

    A remark fills few cells, each of which is one or goes on from one. A total is the only one of the table's
    (``totals``) and at the very end of its data: elsewhere 合计 is a value like others.
    """
    end = len(rows)
    while end and (_filled(rows[end - 1]) == 0 or _is_remark(rows[end - 1])):
        end -= 1
    if end and totals == 1 and re.sub(r"\s", "", _cell(rows[end - 1], 0)) in TOTALS:
        end -= 1
    return len(rows) - end if any(_filled(row) for row in rows[end:]) else 0


def _is_remark(row: Sequence[str | None]) -> bool:
    cells = [cell.strip() for cell in row if cell and cell.strip()]
    remarks = sum(1 for cell in cells if _REMARK.fullmatch(cell))
    return bool(cells) and _REMARK.fullmatch(cells[0]) is not None and len(cells) <= 2 * remarks


def _by_template(grid: Grid, given: HeaderTemplate, width: int) -> Header | None:
    body = grid[given.title_rows : given.title_rows + given.header_rows]
    if len(body) < given.header_rows:
        return None
    width = max([width, *(_extent(row) for row in grid[given.title_rows :])])
    if given.header_rows == 0:
        if given.columns and len(given.columns) != width:
            return None
        if given.columns and sorted(_names(grid, given.title_rows)) == sorted(given.columns):
            columns = _names(grid, given.title_rows)  # the names stand in this file: they are no row
            return Header(HeaderTemplate(given.title_rows, 1, columns, given.titles), columns, ())
        columns, notes = unique_names(list(given.columns) or [""] * width)
        return Header(HeaderTemplate(given.title_rows, 0, columns, given.titles), columns, notes)
    columns, notes = unique_names(_flatten(body, width))
    if given.columns and not set(given.columns) <= set(columns):
        return None
    return Header(HeaderTemplate(given.title_rows, given.header_rows, columns, given.titles), columns, notes)


def _names(grid: Grid, at: int) -> tuple[str, ...]:
    """Return what a row says as names of columns; none where there is no such row."""
    return tuple(_flatten(grid[at : at + 1], _extent(grid[at]))) if at < len(grid) else ()


def _extent(row: Sequence[str | None]) -> int:
    return next((i + 1 for i in range(len(row) - 1, -1, -1) if row[i] and str(row[i]).strip()), 0)


def _filled(row: Sequence[str | None]) -> int:
    return sum(1 for c in row if c and c.strip())


def _title_rows(grid: Grid, width: int, merges: frozenset[int]) -> int:
    """Count the sparse rows before the first row that reaches across the table."""
    if width <= 1:
        return 0
    for index, row in enumerate(grid):
        filled = _filled(row)
        if filled == 0:
            continue
        few = filled == 1 if width <= _NARROW else filled < width * _FULL_ROW
        if not few:
            return index
        # The upper row of a merged header is sparse too, but the rows below complete it without repeating it.
        if filled > 1 and _stacked(grid, index, width, merges):
            return index
    return 0


def _stacked(grid: Grid, top: int, width: int, merges: frozenset[int]) -> int:
    """Count the rows from ``top`` that together are a header of several levels; 0 when they are none."""
    for depth in range(min(_MAX_HEADER_ROWS, len(grid) - top), 1, -1):
        levels = [[_cell(row, i) for i in range(width)] for row in grid[top : top + depth]]
        union = [_over(levels[at:]) for at in range(depth)]
        if sum(map(bool, union[0])) < width * 0.9:
            continue
        if all(
            top + at + 1 in merges or _complements(levels[at], union[at + 1], width, _over(levels[:at]))
            for at in range(depth - 1)
        ):
            return depth
    return 0


def _over(levels: Sequence[Sequence[str]]) -> list[str]:
    """Lay the rows over each other: the first that has a cell counts."""
    return [next(filter(None, column), "") for column in zip(*levels, strict=True)]


def _complements(
    upper: Sequence[str | None], lower: Sequence[str | None], width: int, above: Sequence[str] = ()
) -> bool:
    """Tell whether ``lower`` names parts of groups in ``upper``: text under blanks, nothing data-like.

    A column that only the levels ``above`` have named is finished: it has no cell in ``lower``.
    """
    cells = [_cell(lower, i) for i in range(width)]
    done = [bool(_cell(above, i)) and not _cell(upper, i) for i in range(width)]
    gaps = [i for i in range(width) if not _cell(upper, i) and not done[i]]
    if not any(cells[i] for i in gaps) or any(cell and d for cell, d in zip(cells, done, strict=True)):
        return False
    both_blank = sum(1 for i in gaps if not cells[i])
    hollow = any(done) or any(_cell(upper, i) and not cells[i] for i in range(width))
    under = [c for c in cells if c]
    # The names below groups may repeat as often as they like where a merged first column stands beside them.
    beside = not cells[0] and (done[0] or _cell(upper, 0) != "")
    texts_only = not any(_looks_data(c) for c in under) and (beside or len(set(under)) >= len(under) / 2)
    repeated = len(set(under)) < len(under)
    grouped = not _cell(upper, 0) and len(gaps) > 1 and _filled(upper) > 1 and all(cells)
    return texts_only and both_blank <= width * 0.1 and (hollow or grouped or (repeated and _cell(upper, 0) != ""))


def _cell(row: Sequence[str | None], index: int) -> str:
    return (row[index] or "").strip() if index < len(row) else ""


def _looks_data(cell: str) -> bool:
    text = half_width(cell)
    return text.lower() in _MISSING or (_DATA.fullmatch(text) is not None and _YEAR.fullmatch(text) is None)


def _depth(grid: Grid, top: int, merges: frozenset[int]) -> int:
    """Count the rows of the header: 0 when the first full row is data already."""
    width = max((_extent(row) for row in grid[top:]), default=0)
    first = [c for i in range(width) if (c := _cell(grid[top], i))]
    data = sum(1 for c in first if _looks_data(c)) + sum(1 for c in first if len(c) > _LONG_NAME)
    if first and data >= max(1, len(first) * _DATA_SHARE):
        return 0
    stacked = _stacked(grid, top, width, merges)
    if stacked:
        return stacked
    depth = 1
    while depth < _MAX_HEADER_ROWS and top + depth < len(grid):
        upper, lower = grid[top + depth - 1], grid[top + depth]
        merged = (top + depth) in merges
        if not merged and not _complements(upper, lower, width):
            break
        if not _filled(lower):
            break
        depth += 1
        if not merged:
            break
    return depth


def _flatten(rows: Grid, width: int) -> list[str]:
    """Join the levels of a header: an upper cell reaches right over the blanks that have a name below."""
    levels = [[_clean(_cell(row, i)) for i in range(width)] for row in rows]
    for depth, level in enumerate(levels[:-1]):
        group = ""
        for i in range(width):
            below = any(lower[i] for lower in levels[depth + 1 :])
            if level[i]:
                group = level[i]
            elif below and not any(upper[i] and not _same_group(upper, i) for upper in levels[:depth]):
                level[i] = group
            else:
                group = ""
    names = []
    for i in range(width):
        parts: list[str] = []
        for level in levels:
            if level[i] and (not parts or parts[-1] != level[i]):
                parts.append(level[i])
        names.append("_".join(parts))
    return names


def _same_group(level: list[str], index: int) -> bool:
    return index > 0 and level[index] == level[index - 1]


def _clean(name: str) -> str:
    """Drop line breaks and blanks at the rims of a name, and blanks between Chinese characters."""
    name = re.sub(r"\s+", " ", name.replace("\u3000", " ").replace("\ufeff", "")).strip()
    return re.sub(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])", "", name)


def unique_names(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[Note, ...]]:
    """Give blank columns a name (列N) and number double ones (名称_2); each change is noted."""
    taken = {n for n in names if n}
    used: set[str] = set()
    result: list[str] = []
    notes: list[Note] = []
    for index, name in enumerate(names, 1):
        final = name or f"列{index}"
        count = 2
        stem = final
        while final in used or (final != name and final in taken):
            final = f"{stem}_{count}"
            count += 1
        if final != name:
            code = "double_name" if name else "blank_name"
            notes.append(
                Note(
                    code,
                    Text(
                        f"第 {index} 列的列名{'重复' if name else '为空'}，改为“{final}”。",
                        f"Column {index} has {'a double' if name else 'no'} name; it is called {final}.",
                    ),
                )
            )
        used.add(final)
        result.append(final)
    return tuple(result), tuple(notes)
