"""The whole catalog as a table for people: what is open, what is not, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from beijiang.catalog import OpenType
from beijiang.kit import Language, Text
from beijiang.opendata.exports.described import Described
from beijiang.standards import SheetFormat, text_file

if TYPE_CHECKING:
    from beijiang.catalog import ExtensionField

__all__ = ["sheet"]

_HEAD: Final = (
    Text("编号", "id"), Text("名称", "name"), Text("目录代码", "code"), Text("提供部门", "department"),
    Text("主题", "theme"), Text("开放方式", "access"), Text("开放条件或不开放的原因", "conditions, or why it is not open"),
    Text("共享方式", "sharing"), Text("共享条件或不共享的依据", "conditions, or basis of not sharing"),
    Text("更新周期", "update cycle"), Text("许可", "licence"), Text("区域", "region"), Text("格式", "formats"),
    Text("目录发布时间", "published"), Text("数据时间", "rows as of"), Text("版本", "version"),
    Text("摘要", "summary"), Text("网页", "page"), Text("下载（CSV）", "download (CSV)"),
)  # fmt: skip
_UNRELEASED: Final = Text("数据行还没有发布。", "Its rows are not released yet.")
_NO_REASON: Final = Text("提供部门未填写原因。", "The department has given no reason.")


def sheet(datasets: Iterable[Described], base: str, form: SheetFormat, language: Language) -> bytes:
    """Return the catalog as CSV or Excel, entries without open rows with the reason why."""
    sets = list(datasets)
    declared = {value.field.key: value.field for one in sets for value in one.dataset.extensions}
    fields = sorted(declared.values(), key=lambda one: (one.position, one.key))
    lines = [[*_line(one, base, language), *_declared(one, fields, language)] for one in sets]
    head = [name.in_language(language) for name in (*_HEAD, *(one.name for one in fields))]
    title = Text("公共数据开放目录", "catalog of open data").in_language(language)
    return text_file([(title, [head, *lines])], form, title=title, language=language)


def _declared(one: Described, fields: Sequence[ExtensionField], language: Language) -> list[str]:
    """Return what a data set holds in the fields that the region declared and everybody may see, in words."""
    held = {value.field.key: value.shown.in_language(language) for value in one.dataset.extensions}
    return [held.get(field.key, "") for field in fields]


def _line(one: Described, base: str, language: Language) -> list[str]:
    ds = one.dataset

    def said(text: Text | None) -> str:
        return text.in_language(language) if text else ""

    page = f"{base}/datasets/{ds.id}"
    return [
        ds.id, ds.title, "、".join(ds.codes), said(ds.provider), "、".join(said(t.name) for t in ds.themes),
        said(ds.open_type.text), said(_why(one)) or ds.open_condition, said(ds.share_type), ds.share_condition,
        said(ds.update_cycle), said(ds.licence.name if ds.licence else None), said(ds.region), "、".join(ds.formats),
        ds.published_at.isoformat(timespec="seconds") if ds.published_at else "",
        ds.data_at.isoformat(timespec="seconds") if ds.data_at else "",
        f"{ds.version}.{ds.table_version}" if ds.table_version else str(ds.version), ds.summary, page,
        f"{base}/api/v1/datasets/{ds.id}/download?format=csv&encoding=utf-8-sig" if ds.readable else "",
    ]  # fmt: skip


def _why(one: Described) -> Text | None:
    """Return a reason where the department's own words do not give one."""
    ds = one.dataset
    if ds.readable or ds.open_condition:
        return None
    return _UNRELEASED if ds.open_type is OpenType.UNCONDITIONAL else _NO_REASON
