"""The flat form of rules of law, for files, proposals and differences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from beijiang.kit import Text, Word
from beijiang.standards.models.forms import words_in, wrong
from beijiang.standards.models.registry import Rule

__all__ = ["RULE_FIELDS", "RuleKind", "flat_rule", "rule_from"]


class RuleKind(Word):
    """What a rule of law is."""

    TIME_LIMIT = "time_limit", "时限", "time limit"
    RETENTION = "retention", "保存期限", "retention"
    CALENDAR_DEADLINE = "calendar_deadline", "固定期限", "fixed day"
    RATIO_TARGET = "ratio_target", "比例目标", "target share"
    THRESHOLD = "threshold", "阈值", "threshold"
    REQUIRED_FIELD = "required_field", "目录必填项", "field of an entry"
    SHARING_RULE = "sharing_rule", "共享类型", "kind of sharing"
    OPEN_TYPE = "open_type", "开放类型", "kind of opening"


RULE_FIELDS: Final[Mapping[str, Text]] = {
    "id": Text("标识", "id"),
    "kind": Text("种类", "kind"),
    "topic_zh": Text("事项", "topic (Chinese)"),
    "topic_en": Text("事项（英文）", "topic"),
    "profile": Text("规则配置", "profile"),
    "actor": Text("责任方", "whose duty"),
    "trigger": Text("起算", "begins with"),
    "value": Text("数值", "value"),
    "unit": Text("单位", "unit"),
    "extension_value": Text("可延长", "extension"),
    "extension_unit": Text("延长单位", "unit of the extension"),
    "extension_condition": Text("延长条件", "extension needs"),
    "can_pause": Text("可中止", "can pause"),
    "on_overdue": Text("逾期处理", "when overdue"),
    "basis": Text("依据", "basis"),
    "effective_from": Text("施行日期", "law since"),
    "effective_to": Text("失效日期", "law until"),
    "verified": Text("已核实", "verified"),
    "active": Text("启用", "active"),
    "note": Text("备注", "note"),
}
_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,59}(\.[a-z0-9_]{1,40}){0,5}")
_FLAGS: Final = ("can_pause", "verified", "active")
_DAYS: Final = ("effective_from", "effective_to")
_NEEDED: Final = ("topic_zh", "topic_en", "profile", "value", "basis")
_COUNTED: Final = frozenset({RuleKind.TIME_LIMIT, RuleKind.RETENTION, RuleKind.RATIO_TARGET, RuleKind.THRESHOLD})
_UNITS: Final = frozenset({"working_day", "day", "hour", "month", "year", "percent", "person"})


def flat_rule(rule: Rule) -> dict[str, str]:
    """Return the form of a rule."""
    flags = {name: "true" if getattr(rule, name) else "false" for name in _FLAGS}
    words = {
        name: str(getattr(rule, name)) for name in RULE_FIELDS if name not in flags and not name.startswith("topic")
    }
    known = {"topic_zh": rule.topic.zh, "topic_en": rule.topic.en, **words, **flags}
    return {name: known[name] for name in RULE_FIELDS}


def rule_from(form: Mapping[str, str]) -> Rule:
    """Read a rule.

    Raises:
        Invalid: a field that cannot be used, with its name and what would do.

    """
    words = words_in(form, RULE_FIELDS)
    if not _ID.fullmatch(words["id"]):
        raise wrong(
            RULE_FIELDS["id"], Text("如 share.reply.local，用小写字母、数字、下划线和点", "as share.reply.local")
        )
    if words["kind"] not in {kind.value for kind in RuleKind}:
        known = ", ".join(kind.value for kind in RuleKind)
        raise wrong(RULE_FIELDS["kind"], Text(f"应为 {known}", f"it is one of {known}"))
    _check_words(words)
    _check_value(words)
    flags = {name: words[name] == "true" for name in _FLAGS}
    rest = {name: value for name, value in words.items() if name not in flags and not name.startswith("topic")}
    return Rule(topic=Text(words["topic_zh"], words["topic_en"]), **rest, **flags)  # type: ignore[arg-type]


def _check_words(words: Mapping[str, str]) -> None:
    for name in _NEEDED:
        if not words[name]:
            raise wrong(RULE_FIELDS[name], Text("不能为空", "it is empty"))
    for name in _DAYS:
        try:
            if words[name]:
                date.fromisoformat(words[name])
        except ValueError:
            raise wrong(RULE_FIELDS[name], Text("日期写成 2026-01-31", "write days as 2026-01-31")) from None
    for name in _FLAGS:
        if words[name] not in {"", "true", "false"}:
            raise wrong(RULE_FIELDS[name], Text("应为 true 或 false", "it is true or false"))


def _check_value(words: Mapping[str, str]) -> None:
    if words["kind"] in {kind.value for kind in _COUNTED}:
        if not words["value"].isdecimal() or not 0 < int(words["value"]) < 10**12:
            raise wrong(RULE_FIELDS["value"], Text("应为正整数", "it is a whole number above 0"))
        if words["unit"] not in _UNITS:
            listed = ", ".join(sorted(_UNITS))
            raise wrong(RULE_FIELDS["unit"], Text(f"应为 {listed}", f"it is one of {listed}"))
    if words["kind"] == RuleKind.REQUIRED_FIELD and words["value"] not in {"mandatory", "conditional", "optional"}:
        raise wrong(
            RULE_FIELDS["value"], Text("应为 mandatory、conditional 或 optional", "mandatory, conditional or optional")
        )
