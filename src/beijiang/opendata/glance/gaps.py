"""Why something is not on the page of a data set, and what a reader can do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beijiang.catalog import OpenType
from beijiang.kit import Text, Word

if TYPE_CHECKING:
    from beijiang.opendata.models import Dataset

__all__ = ["NEXT_STEPS", "Gap", "GapCode", "gaps_of"]


class GapCode(Word):
    """A reason, by a code that programs and helpers can name."""

    CLOSED = (
        "closed",
        "该数据集不予开放，只公开目录和理由。",
        "This data set is not open; its entry and the reason are public.",
    )
    CONDITIONAL = (
        "conditional",
        "该数据集有条件开放，需先申请。",
        "This data set is open on conditions; apply for it first.",
    )
    NOT_RELEASED = (
        "not_released",
        "目录已公开，数据行还没有发布。",
        "The entry is public; its rows are not released yet.",
    )
    COLUMN_MASKED = (
        "column_masked",
        "有的列脱敏后才开放，筛选和统计也只作用于脱敏后的值。",
        "Some columns are open in masked form; filters and sums act on the masked values.",
    )
    COLUMN_WITHHELD = (
        "column_withheld",
        "有的字段只在目录里登记，其值不开放。",
        "Some fields are only on record; their values are not open.",
    )
    ROWS_HELD = (
        "rows_held",
        "按规则有的行不对外提供，所以不公开整表的行数和变化。",
        "A rule keeps some rows back, so counts of whole versions are not told.",
    )
    NO_MAP = "no_map", "没有能在地图上定位的列。", "No column places the rows on a map."
    NO_CHART = "no_chart", "没有可以画图的列。", "No column can be drawn in a chart."
    NOT_SCORED = "not_scored", "这一版数据还没有做过质量检查。", "The quality of this version has not been checked yet."
    NO_PROMISE = (
        "no_promise",
        "提供部门没有承诺更新周期，所以不评价是否按时。",
        "No refresh is promised, so whether it is on time is not judged.",
    )
    NO_KEY = (
        "no_key",
        "数据没有主键，不能逐行比对，只能说明行数的变化。",
        "The rows have no key, so only counts can be compared.",
    )
    TOO_LARGE = (
        "too_large",
        "数据量太大，网页上不逐行比对，这里是各版记录的合计。",
        "The table is too large to be compared row by row on a page; these are the sums of what each version recorded.",
    )
    EARLIER_VALUES = (
        "earlier_values",
        "只有当前版本的值对外开放，所以变化的行显示现在的值，删除的行只计数。",
        "Only the current version is open: changed rows are shown as they are now, removed rows are only counted.",
    )
    NOT_CURRENT = (
        "not_current",
        "后一个版本不是当前版本，它的值已不再对外提供，这里只有计数。",
        "The later version is not the current one; its values are not offered any more, so there are counts only.",
    )


NEXT_STEPS: Final[dict[GapCode, tuple[Text, str]]] = {
    GapCode.CLOSED: (Text("提出开放需求", "Ask for it to be opened"), "/voice?kind=request&dataset={id}"),
    GapCode.CONDITIONAL: (Text("看条件并申请", "See the conditions and apply"), "/datasets/{id}/apply"),
    GapCode.NOT_RELEASED: (Text("问何时发布", "Ask when it comes"), "/voice?kind=request&dataset={id}"),
    GapCode.COLUMN_MASKED: (Text("看各列的开放方式", "See how each column is open"), "/datasets/{id}/fields"),
    GapCode.COLUMN_WITHHELD: (Text("申请开放这些字段", "Ask for these fields"), "/voice?kind=request&dataset={id}"),
    GapCode.ROWS_HELD: (Text("联系提供部门", "Ask the department"), "/voice?kind=suggestion&dataset={id}"),
    GapCode.NO_MAP: (Text("换用探索页", "Use the explorer"), "/datasets/{id}/explore"),
    GapCode.NO_CHART: (Text("看数据行", "See the rows"), "/datasets/{id}"),
    GapCode.NOT_SCORED: (
        Text("发现问题请告诉部门", "Tell the department what is wrong"),
        "/voice?kind=correction&dataset={id}",
    ),
    GapCode.NO_PROMISE: (Text("看到货日历", "See when rows arrived"), "/datasets/{id}/quality"),
    GapCode.NO_KEY: (Text("看版本列表", "See the versions"), "/datasets/{id}/versions"),
    GapCode.TOO_LARGE: (Text("下载后自行比对", "Download and compare"), "/datasets/{id}#get"),
    GapCode.EARLIER_VALUES: (Text("看现在的数据行", "See the rows as they are now"), "/datasets/{id}"),
    GapCode.NOT_CURRENT: (Text("与当前版本比较", "Compare with the current version"), "/datasets/{id}/compare"),
}


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is missing, why, and where to go on."""

    code: GapCode
    step: Text
    address: str

    @classmethod
    def of(cls, code: GapCode, dataset_id: str) -> Gap:
        """Return the gap with the address of its next step."""
        step, address = NEXT_STEPS[code]
        return cls(code, step, address.format(id=dataset_id))


def gaps_of(dataset: Dataset, *, drawable: bool, scored: bool) -> tuple[Gap, ...]:
    """Return what is missing on the page of a data set, the gravest first."""
    codes = _open(dataset, drawable=drawable) if dataset.readable else [_closed(dataset)]
    if dataset.readable and not scored:
        codes.append(GapCode.NOT_SCORED)
    if dataset.promise.state == "unscored":
        codes.append(GapCode.NO_PROMISE)
    return tuple(Gap.of(code, dataset.id) for code in codes)


def _closed(dataset: Dataset) -> GapCode:
    kinds = {OpenType.UNCONDITIONAL: GapCode.NOT_RELEASED, OpenType.CONDITIONAL: GapCode.CONDITIONAL}
    return kinds.get(dataset.open_type, GapCode.CLOSED)


def _open(dataset: Dataset, *, drawable: bool) -> list[GapCode]:
    tests = (
        (GapCode.ROWS_HELD, dataset.rows_held),
        (GapCode.COLUMN_MASKED, dataset.masked_count > 0),
        (GapCode.COLUMN_WITHHELD, len(dataset.open_fields) < len(dataset.items)),
        (GapCode.NO_CHART, not drawable),
        (GapCode.NO_MAP, not dataset.placed),
    )
    return [code for code, holds in tests if holds]
