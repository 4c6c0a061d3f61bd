"""What an entry still lacks, in words that a steward understands (`standards.md` 2.1, 2.5, 2.6, 7.7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Final

from beijiang.catalog.models import Entry, Gap, Item, Level, OpenType, Personal, Resource, ShareType
from beijiang.catalog.models.entry import NAME_LIMIT, SUMMARY_LIMIT
from beijiang.kit import Text
from beijiang.standards import Rule, Standards, check_uscc

_TOO_SENSITIVE = frozenset({Level.L3, Level.L4})
_WITH_ITEMS = frozenset({"2", "3", "7"})
_FREELY_SHARED_GROUPS = frozenset({"101", "102", "103", "105"})
FIELDS: Final = frozenset(
    {
        "categories",
        "formats",
        "items",
        "name",
        "no_share_basis",
        "open_condition",
        "open_type",
        "provider_code",
        "share_condition",
        "share_method",
        "share_type",
        "summary",
        "update_cycle",
    }
)
"""Fields that a profile of law may ask for or leave out; all else is the platform's own and holds under each."""


def gaps(resource: Resource, standards: Standards, day: date) -> tuple[Gap, ...]:
    """Return everything that is missing or wrong under the profile of law of a day, blocking ones first.

    What a profile makes optional is told and does not stop; what it does not name is not asked for.
    """
    entry = resource.entry
    profile = standards.profile_on(entry.provider_id, day)
    fields = standards.required_fields(profile.id, day)
    found = [
        *_plain(entry),
        *_coded(entry, standards),
        *_sharing(entry),
        *_opening(entry, standards),
        *_items(resource, standards),
        *_beyond(entry, fields),
        *_ungraded(entry, fields.get("level")),
        *_drift(resource),
        *_advice(entry),
    ]
    asked = [_by_law(gap, fields.get(gap.field)) for gap in found if gap.field in fields or gap.field not in FIELDS]
    return tuple(sorted(asked, key=lambda gap: not gap.blocking))


def _by_law(gap: Gap, rule: Rule | None) -> Gap:
    """Give a gap the rule that asks for it; what is optional does not stop."""
    if rule is None:
        return gap
    return replace(
        gap, blocking=gap.blocking and rule.value != "optional", rule=rule.id, basis=rule.basis, verified=rule.verified
    )


def _beyond(entry: Entry, fields: Mapping[str, Rule]) -> Iterator[Gap]:
    """Return what a profile asks for beyond the guide of 2017: a condition of use."""
    condition = fields.get("share_condition")
    unsaid = not entry.share_condition.strip() and entry.share_type is ShareType.UNCONDITIONAL
    if condition is not None and condition.value == "mandatory" and unsaid:
        yield _gap(
            "share_condition",
            "请写明使用条件：供谁使用、作何用途。",
            "State the condition of use: who may use it, for what.",
        )


def _ungraded(entry: Entry, level: Rule | None) -> Iterator[Gap]:
    """Return how many items have no grade; a profile may make grades mandatory."""
    ungraded = sum(item.level is None for item in entry.items)
    if ungraded:
        yield _gap(
            "level",
            f"{ungraded} 个数据项尚未分级，将按最高级处理。",
            f"{ungraded} items are not graded yet and count as the highest.",
            blocking=level is not None and level.value == "mandatory",
        )


def _gap(field: str, zh: str, en: str, *, column: str | None = None, blocking: bool = True) -> Gap:
    return Gap(field, Text(zh, en), blocking, column)


def _plain(entry: Entry) -> Iterator[Gap]:
    if not entry.name.strip():
        yield _gap("name", "请填写信息资源名称。", "Give the resource a name.")
    if len(entry.name) > NAME_LIMIT:
        yield _gap("name", f"名称超过 {NAME_LIMIT} 字，请缩短。", f"The name is longer than {NAME_LIMIT} characters.")
    if not entry.summary.strip():
        yield _gap(
            "summary",
            "请填写摘要：一句话说明内容、范围和用途。",
            "Write a summary: content, scope and use in a sentence.",
        )
    if len(entry.summary) > SUMMARY_LIMIT:
        yield _gap(
            "summary",
            f"摘要超过 {SUMMARY_LIMIT} 字，请缩短。",
            f"The summary is longer than {SUMMARY_LIMIT} characters.",
        )


def _coded(entry: Entry, standards: Standards) -> Iterator[Gap]:
    if not entry.categories:
        yield _gap(
            "categories",
            "请选择信息资源分类（至少一个，首个为主分类）。",
            "Choose a category; the first one is primary.",
        )
    for prefix in entry.categories:
        if not standards.has_category(prefix):
            yield _gap(
                "categories",
                f"没有分类“{prefix}”，请从分类表中选取。",
                f"There is no category “{prefix}”; choose from the table.",
            )
    if not entry.formats:
        yield _gap("formats", "请选择信息资源格式。", "Choose at least one format.")
    known = {found.id for found in standards.formats()}
    for name in entry.formats:
        if name not in known:
            yield _gap(
                "formats",
                f"没有格式“{name}”，请从格式表中选取。",
                f"There is no format “{name}”; choose from the table.",
            )
    if entry.update_cycle not in {cycle.code for cycle in standards.update_cycles()}:
        yield _gap("update_cycle", "请选择更新周期。", "Choose an update cycle.")
    if entry.secret_flag or any(item.secret_flag for item in entry.items):
        yield _gap(
            "secret_flag",
            "平台只承载非涉密数据：请移除涉密内容。",
            "The platform carries non-secret data only: remove what is secret.",
        )


def _sharing(entry: Entry) -> Iterator[Gap]:
    if entry.share_type is None:
        yield _gap(
            "share_type",
            "请确定共享属性：无条件共享、有条件共享或不予共享。",
            "Decide how it is shared: unconditionally, on conditions, or not.",
        )
    if entry.share_type is ShareType.CONDITIONAL and not entry.share_condition.strip():
        yield _gap(
            "share_condition",
            "有条件共享须写明条件：供谁使用、作何用途、使用多久。",
            "Sharing on conditions needs them stated: who, for what, how long.",
        )
    if entry.share_type is ShareType.NOT_SHARED and not entry.no_share_basis.strip():
        yield _gap(
            "no_share_basis",
            "不予共享须写明依据：法律、行政法规或党中央、国务院政策及条款。",
            "Not sharing needs its legal basis: law, regulation or central policy, with the article.",
        )
    if entry.share_type is not ShareType.NOT_SHARED and entry.share_method is None:
        yield _gap(
            "share_method",
            "请选择共享方式：数据库、文件或服务接口。",
            "Choose how it is shared: database, file or service.",
        )


def _opening(entry: Entry, standards: Standards) -> Iterator[Gap]:
    if entry.open_type is None:
        yield _gap(
            "open_type",
            "请确定开放属性：无条件开放、有条件开放或不予开放。",
            "Decide how it is opened: to all, on conditions, or not.",
        )
    if entry.open_type is OpenType.CONDITIONAL and not entry.open_condition.strip():
        yield _gap(
            "open_condition",
            "有条件开放须写明条件和受理步骤。",
            "Opening on conditions needs the conditions and steps stated.",
        )
    if entry.open_type is OpenType.NOT_OPEN and not entry.open_condition.strip():
        yield _gap(
            "open_condition",
            "不予开放须写明原因，公众可以看到该原因。",
            "Say why it is not open; the public sees the reason.",
        )
    if entry.open_type is OpenType.UNCONDITIONAL:
        yield from _unconditional(entry, standards)


def _unconditional(entry: Entry, standards: Standards) -> Iterator[Gap]:
    licences = {licence.id: licence for licence in standards.licences()}
    if not entry.licence:
        yield _gap(
            "licence",
            "开放数据须注明使用许可，例如“署名即可使用”。",
            "Open data needs a licence, for example use with attribution.",
        )
    elif entry.licence not in licences or not licences[entry.licence].is_open:
        yield _gap(
            "licence",
            f"“{entry.licence}”不是开放许可，请从许可表中选取。",
            f"“{entry.licence}” is not an open licence; choose from the table.",
        )
    roles = {f.id: f for f in standards.formats()}
    if not any(name in roles and roles[name].machine_readable and roles[name].nonproprietary for name in entry.formats):
        yield _gap(
            "formats",
            "无条件开放须至少有一种机器可读的开放格式，例如 CSV。",
            "Opening to all needs a machine-readable open format, for example CSV.",
        )
    if entry.items and not entry.open_items:
        yield _gap(
            "open_items",
            "没有任何数据项可以开放：请至少开放一项，或改为不予开放。",
            "No item is open: open at least one, or choose not open.",
        )


def _items(resource: Resource, standards: Standards) -> Iterator[Gap]:
    """Items are mandatory for tables, databases and services, not for documents and images (`standards.md` 2.1, 8)."""
    entry = resource.entry
    classes = {f.class_code for f in standards.formats() if f.id in entry.formats}
    if not entry.items and (resource.table is not None or classes & _WITH_ITEMS):
        yield _gap("items", "请填写信息项。", "List the data items.")
    for item in entry.items:
        yield from _item(entry, item)


def _item(entry: Entry, item: Item) -> Iterator[Gap]:
    name = item.name
    sensitive = item.level in _TOO_SENSITIVE or item.personal is Personal.SENSITIVE
    if sensitive and entry.open_type_of(item) is OpenType.UNCONDITIONAL:
        zh = f"数据项“{name}”为 {item.level} 级，不得开放：请将其设为不予开放。"
        yield _gap(
            "open_type",
            zh,
            f"Item “{name}” is graded {item.level} and cannot be open: set it to not open.",
            column=item.column,
        )
    if item.share_type is ShareType.CONDITIONAL and not (item.share_condition or entry.share_condition).strip():
        yield _gap(
            "share_condition",
            f"数据项“{name}”有条件共享，须写明条件。",
            f"Item “{name}” is shared on conditions: state them.",
            column=item.column,
        )
    if item.share_type is ShareType.NOT_SHARED and not (item.no_share_basis or entry.no_share_basis).strip():
        yield _gap(
            "no_share_basis",
            f"数据项“{name}”不予共享，须写明依据。",
            f"Item “{name}” is not shared: state the legal basis.",
            column=item.column,
        )
    if item.open_type is OpenType.CONDITIONAL and not (item.open_condition or entry.open_condition).strip():
        yield _gap(
            "open_condition",
            f"数据项“{name}”有条件开放，须写明条件。",
            f"Item “{name}” is open on conditions: state them.",
            column=item.column,
        )
    shared = entry.share_type_of(item) is not ShareType.NOT_SHARED
    if shared and entry.share_type is ShareType.NOT_SHARED and not (item.share_method or entry.share_method):
        yield _gap(
            "share_method",
            f"数据项“{name}”可以共享，请选择共享方式。",
            f"Item “{name}” is shared: choose how.",
            column=item.column,
        )


def _drift(resource: Resource) -> Iterator[Gap]:
    for column in resource.drift.added:
        yield _gap(
            "items",
            f"表中新增了“{column}”列，目录里还没有。",
            f"The table has a new column “{column}” that the entry lacks.",
            column=column,
        )
    for column in resource.drift.removed:
        yield _gap(
            "items",
            f"表中已没有“{column}”列，请从目录中移除。",
            f"The table no longer has the column “{column}”; remove it.",
            column=column,
        )


def _advice(entry: Entry) -> Iterator[Gap]:
    if not entry.provider_code:
        yield _gap(
            "provider_code",
            "提供方代码（统一社会信用代码）未填。",
            "The provider's credit code is not filled in.",
            blocking=False,
        )
    elif not check_uscc(entry.provider_code).passes:
        yield _gap(
            "provider_code",
            "提供方代码不是有效的统一社会信用代码。",
            "The provider's code is no valid credit code.",
            blocking=False,
        )
    if entry.update_cycle == "9":
        yield _gap(
            "update_cycle",
            "更新周期为“不定期”，不参与时效评价；如有规律请选择具体周期。",
            "The cycle is irregular and not scored; choose a real one if there is one.",
            blocking=False,
        )
    basic = any(prefix[:3] in _FREELY_SHARED_GROUPS for prefix in entry.categories)
    if basic and entry.share_type in {ShareType.CONDITIONAL, ShareType.NOT_SHARED}:
        zh = "人口、法人、自然资源和电子证照的基础信息应在部门间无条件共享（国发〔2016〕51号，待核实）。"
        yield _gap(
            "share_type",
            zh,
            "Base data are to be shared unconditionally between departments (unverified).",
            blocking=False,
        )


__all__ = ["gaps"]
