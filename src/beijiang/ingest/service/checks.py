"""Declared checks of one column, over batches of typed rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from beijiang.ingest.models import CheckKind, CheckSpec
from beijiang.kit import Invalid, Text
from beijiang.standards import CheckResult, check_citizen_id, check_luhn, check_org_code, check_uscc

if TYPE_CHECKING:
    from beijiang.ingest.typing import TypedSchema

__all__ = ["failures", "validate_checks"]

_ALGORITHMS: dict[CheckKind, Callable[[str], CheckResult]] = {
    CheckKind.CITIZEN_ID: check_citizen_id,
    CheckKind.LUHN: check_luhn,
    CheckKind.ORG_CODE: check_org_code,
    CheckKind.USCC: check_uscc,
}


def validate_checks(checks: Sequence[CheckSpec]) -> None:
    """Refuse a pattern that is none (``bad_check``), before anything is read."""
    for check in checks:
        if check.kind is not CheckKind.REGEX:
            continue
        try:
            pl.Series([""]).str.contains(_whole(check))
        except pl.exceptions.PolarsError as error:
            raise Invalid(
                f"“{check.pattern}”不是可用的正则表达式（不支持环视与反向引用）。",
                f'"{check.pattern}" is no usable pattern (no look-around, no back-references).',
                code="bad_check",
                detail={"check": str(check)},
            ) from error


def failures(
    rows: pa.RecordBatch, checks: Sequence[CheckSpec], schema: TypedSchema
) -> dict[int, tuple[CheckSpec, Text]]:
    """Return the first failed check of each failing row, by its position in ``rows``. An empty cell fails ``not_null`` only."""
    found: dict[int, tuple[CheckSpec, Text]] = {}
    for check in checks:
        if check.kind is CheckKind.UNIQUE or schema.column(check.column) is None:
            continue
        column = pl.from_arrow(rows.column(check.column))
        assert isinstance(column, pl.Series)  # noqa: S101  # from_arrow of an array gives a series
        for position, text in _failing(column, check):
            found.setdefault(position, (check, text))
    return found


def _failing(column: pl.Series, check: CheckSpec) -> list[tuple[int, Text]]:
    name = check.column
    if check.kind is CheckKind.NOT_NULL:
        text = Text(f"“{name}”不能为空", f'"{name}" must not be empty')
        return [(i, text) for i in column.is_null().arg_true().to_list()]
    values = column.cast(pl.String)
    if check.kind is CheckKind.REGEX:
        wrong = ~values.str.contains(_whole(check)).fill_null(value=True)
        text = Text(f"“{name}”不符合格式 {check.pattern}", f'"{name}" does not match {check.pattern}')
        return [(i, text) for i in wrong.arg_true().to_list()]
    verdicts: dict[str, CheckResult] = {}
    algorithm = _ALGORITHMS[check.kind]
    failing = []
    for index, value in enumerate(values.to_list()):
        if value is None:
            continue
        verdict = verdicts.get(value)
        if verdict is None:
            verdict = algorithm(value)
            if not verdict.passes:
                verdicts[value] = verdict
        if not verdict.passes:
            why = verdict.message or Text("校验未通过", "the check failed")
            failing.append((index, Text(f"“{name}”的值“{value}”：{why.zh}", f'"{value}" in "{name}": {why.en}')))
    return failing


def _whole(check: CheckSpec) -> str:
    return f"^(?:{check.pattern})$"
