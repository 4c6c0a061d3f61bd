"""Statistical indicators as files: values out and in, with indicators and targets beside them in a workbook."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from beijiang.assess.models import REGION, Period, Stage, ValueDraft, read_number
from beijiang.assess.service.reporting import file_of
from beijiang.kit import BeijiangError, Invalid, Language, Text, TooLarge, normalise

if TYPE_CHECKING:
    from beijiang.assess.models import Figure, Target, Value
    from beijiang.kit.errors import JsonValue
    from beijiang.quality import HandedOut
    from beijiang.standards import SheetFormat

__all__ = ["Page", "figures_file", "read_values", "targets_file", "values_file"]

Page = tuple[Text, Sequence[Text], Sequence[Sequence[str]]]
BYTES_MOST: Final = 8 << 20
UNPACKED_MOST: Final = 100 << 20
LINES_MOST: Final = 5_000
FAULTS_MOST: Final = 50
_GUARDED: Final = re.compile(r"^'(?=[=+\-@＝＋－＠])")
_VALUES: Final = {
    "code": Text("指标代码", "code"),
    "region": Text("地区", "region"),
    "period": Text("期间", "period"),
    "dimension": Text("分组", "group"),
    "stage": Text("阶段", "stage"),
    "value": Text("数值", "value"),
    "source": Text("来源", "source"),
}
_FIGURES: Final = (
    Text("指标代码", "code"), Text("名称", "name"), Text("英文名称", "English name"), Text("口径", "definition"),
    Text("单位", "unit"), Text("周期", "period"), Text("类型", "kind"), Text("责任部门", "department"),
    Text("版本", "version"), Text("依据", "basis"),
)  # fmt: skip
_TARGETS: Final = (
    Text("指标代码", "code"), Text("地区", "region"), Text("期间", "period"), Text("关系", "operator"),
    Text("目标值", "target"), Text("责任部门", "department"), Text("依据", "basis"),
)  # fmt: skip


def figures_file(figures: Sequence[Figure], tongue: Language) -> Page:
    """Return a page of indicators."""
    rows = [
        [
            f.code, f.name_zh, f.name_en, f.definition, f.unit.in_language(tongue), f.period_kind.text.in_language(tongue),
            f.value_kind.text.in_language(tongue), f.org_id, str(f.version), f.basis,
        ]
        for f in figures
    ]  # fmt: skip
    return Text("指标", "indicators"), _FIGURES, rows


def targets_file(targets: Sequence[Target], tongue: Language) -> Page:
    """Return a page of targets."""
    del tongue
    rows = [[t.code, t.region, str(t.period), t.operator.value, t.value, t.org_id, t.basis] for t in targets]
    return Text("目标", "targets"), _TARGETS, rows


def values_file(values: Sequence[Value], pages: Sequence[Page], form: SheetFormat, tongue: Language) -> HandedOut:
    """Return values as a file."""
    rows = [[v.code, v.region, str(v.period), v.dimension, v.stage.value, v.value, v.source] for v in values]
    title = Text("统计指标", "statistical-indicators").in_language(tongue)
    return file_of(title, [(Text("数值", "values"), tuple(_VALUES.values()), rows), *pages], form, tongue)


def read_values(name: str, content: bytes) -> list[ValueDraft]:
    """Read values from a CSV file (UTF-8 or GBK) or the first page of a workbook.

    Raises:
        TooLarge: the file, or the number of its lines.
        Invalid: it cannot be read, has no such columns, or a line cannot be used (``bad_lines``).

    """
    if len(content) > BYTES_MOST:
        raise TooLarge("文件超过 8 MB。", "The file is over 8 MB.", detail={"limit_bytes": BYTES_MOST})
    rows = _workbook(content) if content.startswith(b"PK\x03\x04") else _csv(content)
    if len(rows) > LINES_MOST + 1:
        raise TooLarge(f"超过 {LINES_MOST} 行。", f"More than {LINES_MOST} lines.")
    known = {normalise(word): key for key, text in _VALUES.items() for word in (key, text.zh, text.en)}
    head = [known.get(normalise(cell), "") for cell in rows[0]] if rows else []
    if not {"code", "period", "value"} <= set(head):
        raise Invalid(
            f"“{name[:100]}”须有列“指标代码、期间、数值”，可先导出一份作为模板。",
            f'"{name[:100]}" needs the columns code, period and value; export a file as a template.',
            code="no_value_table",
        )
    return _drafts(head, rows[1:])


def _drafts(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[ValueDraft]:
    found: list[ValueDraft] = []
    faults: list[JsonValue] = []
    for line, row in enumerate(rows, 2):
        cells = {key: cell.strip() for key, cell in zip(head, row, strict=False) if key}
        if not any(cells.values()):
            continue
        try:
            stage = next((s for s in Stage if cells.get("stage", "") in {s.value, s.text.zh}), None)
            if stage is None and cells.get("stage"):
                raise Invalid("阶段须为 flash、preliminary 或 final。", "The stage is flash, preliminary or final.")
            found.append(
                ValueDraft(
                    code=cells["code"],
                    region=cells.get("region") or REGION,
                    period=Period.parse(cells["period"]),
                    dimension=cells.get("dimension", ""),
                    stage=stage or Stage.FINAL,
                    value=read_number(cells["value"]),
                    source=cells.get("source", ""),
                )
            )
        except BeijiangError as error:
            faults.append({"line": line, "zh": error.text.zh, "en": error.text.en})
    if faults:
        first = "；".join(f"第 {f['line']} 行 {f['zh']}" for f in faults[:3] if isinstance(f, dict))
        english = "; ".join(f"line {f['line']}: {f['en']}" for f in faults[:3] if isinstance(f, dict))
        raise Invalid(
            f"有 {len(faults)} 行不能用，没有导入任何数值：{first}",
            f"{len(faults)} lines cannot be used, so nothing was taken in: {english}",
            code="bad_lines",
            detail={"lines": faults[:FAULTS_MOST]},
        )
    return found


def _csv(content: bytes) -> list[list[str]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            return [
                [_GUARDED.sub("", c) for c in row] for row in csv.reader(io.StringIO(text, newline=""), strict=True)
            ]
        except UnicodeDecodeError:
            continue
        except csv.Error:
            break
    raise Invalid("CSV 文件无法读取。", "The CSV file cannot be read.", code="bad_csv")


def _workbook(content: bytes) -> list[list[str]]:
    import python_calamine

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            if sum(member.file_size for member in package.infolist()) > UNPACKED_MOST:
                raise TooLarge("工作簿解开后过大。", "The workbook unpacks to too much.")
        with python_calamine.load_workbook(io.BytesIO(content)) as book:
            rows = book.get_sheet_by_index(0).to_python(nrows=LINES_MOST + 2)
    except (zipfile.BadZipFile, python_calamine.CalamineError, OSError, ValueError):
        raise Invalid("工作簿无法打开。", "The workbook cannot be opened.", code="bad_workbook") from None
    return [[_cell(value) for value in row] for row in rows]


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)
