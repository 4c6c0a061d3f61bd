"""Take a view along: as data for programs, and as a file that says where it comes from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from beijiang.kit import Language
from beijiang.opendata.explorer.address import query_string
from beijiang.opendata.explorer.answer import Answer
from beijiang.opendata.explorer.drawing import plain
from beijiang.opendata.explorer.telling import heading, name_of, sentence
from beijiang.protection import FileMark, files

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.opendata.models import Dataset

__all__ = ["as_file", "as_json", "source", "tag"]


def source(dataset: Dataset, answer: Answer, language: Language) -> str:
    """Return the line that stands under a chart: provider, data set, version, licence."""
    licence = dataset.licence.name.in_language(language) if dataset.licence else ""
    if language is Language.ZH:
        told = f"来源：{dataset.provider.zh}《{dataset.title}》，版本 {answer.version}"
        return f"{told}，许可：{licence}" if licence else told
    told = f"Source: {dataset.provider.en}, {dataset.title}, version {answer.version}"
    return f"{told}, licence: {licence}" if licence else told


def as_json(dataset_id: str, answer: Answer, page: str) -> dict[str, Any]:
    """Return a view as data: columns, rows in their order, what was left out, version and receipt."""

    def both(tell: Any, *words: Any) -> dict[str, str]:
        return {"zh": tell(*words, Language.ZH), "en": tell(*words, Language.EN)}

    return {
        "dataset": dataset_id,
        "version": answer.version,
        "receipt": answer.receipt,
        "query": query_string(answer.view),
        "page": page,
        "form": answer.view.form.value,
        "title": both(heading, answer),
        "sentence": both(sentence, answer),
        "columns": [
            {"key": f.key, "name": both(name_of, f), "type": f.type, "masked": f.masked} for f in answer.fields
        ],
        "rows": [[plain(value) for value in row] for row in answer.rows],
        "truncated": answer.cut,
        "gathered": answer.gathered,
        "others": None if answer.others is None else [plain(value) for value in answer.others],
        "totals": _totals(answer),
        "places": [
            {"value": plain(value), "code": code, "name": {"zh": zh, "en": en}}
            for value, (code, zh, en) in answer.places.items()
        ],
    }


def tag(told: dict[str, Any]) -> str:
    """Return a word that changes when the answer does; the receipt is another one each time, and no part of it."""
    basis = json.dumps({**told, "receipt": ""}, ensure_ascii=False, sort_keys=True)
    return f'W/"{hashlib.sha256(basis.encode()).hexdigest()[:32]}"'


def _totals(answer: Answer) -> dict[str, Any] | None:
    if answer.pivot is None:
        return None
    pivot = answer.pivot
    return {
        "rows": [[plain(k), plain(v)] for k, v in zip(pivot.rows, pivot.row_totals, strict=True)],
        "columns": [[plain(k), plain(v)] for k, v in zip(pivot.columns, pivot.column_totals, strict=True)],
        "all": plain(pivot.total),
    }


def as_file(
    dataset: Dataset, answer: Answer, form: files.DownloadFormat, zone: str, language: Language
) -> Iterator[bytes]:
    """Return the bytes of a file of the view's rows; a sheet says in its head where they come from."""
    facts = {"source": source(dataset, answer, language), "view": sentence(answer, language), "receipt": answer.receipt}
    mark = FileMark(facts["source"], facts) if form is files.DownloadFormat.XLSX else None
    return files.FileMaker(zone)(_table(answer, language), form.value, mark, files.DownloadEncoding.UTF8_BOM)


def _table(answer: Answer, language: Language) -> pa.Table:
    import pyarrow as pa

    columns = list(zip(*answer.rows, strict=True)) if answer.rows else [() for _ in answer.fields]
    names = [name_of(one, language) for one in answer.fields]
    arrays = [_array(list(values)) for values in columns]
    if answer.others is not None and answer.drawn.by:
        del arrays  # the groups get one more, which is no value of the column
        rest = [("其他" if language is Language.ZH else "Others"), *answer.others]
        arrays = [_array([*map(_word, columns[0]), rest[0]])]
        arrays += [_array([*values, value]) for values, value in zip(columns[1:], rest[1:], strict=True)]
    return pa.table(arrays, names=names)


def _array(values: list[Any]) -> pa.Array:
    import pyarrow as pa

    return pa.array(values)


def _word(value: Any) -> str | None:
    return None if value is None else str(value)
