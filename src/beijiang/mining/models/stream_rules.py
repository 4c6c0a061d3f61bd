"""Rules on the readings of a stream: what they say, and how they are written down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, time
from typing import Any, Final, Self

from beijiang.kit import Text, Word
from beijiang.mining.errors.stream_rules import rule_unfit

__all__ = ["RuleDraft", "RuleKind", "Severity", "Side", "StreamRule", "TrendMeasure"]

NAME_LONGEST: Final = 100
TEXT_LONGEST: Final = 300
KEYS_MOST: Final = 5_000
LONGEST: Final = 366 * 86_400
PLACES: Final = frozenset({"sensor", "value", "level", "time", "rule"})
_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_HOURS: Final = re.compile(r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")


class RuleKind(Word):
    """What a rule looks for."""

    THRESHOLD = "threshold", "越限", "threshold"
    TREND = "trend", "趋势突变", "trend break"
    MISSING = "missing", "传感器失联", "missing sensor"


class TrendMeasure(Word):
    """By what a trend is judged, over a window of time."""

    CHANGE = "change", "与窗口均值之差", "difference from the window's mean"
    SLOPE = "slope", "每小时变化", "change per hour"


class Side(Word):
    """On which side of its level a figure is bad."""

    ABOVE = "above", "高于", "above"
    BELOW = "below", "低于", "below"


class Severity(Word):
    """How bad it is."""

    NOTICE = "notice", "提示", "notice"
    WARNING = "warning", "预警", "warning"
    CRITICAL = "critical", "严重", "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDraft:
    """A rule as its keeper says it. All lengths of time are seconds; levels are in the unit of the value."""

    name: str
    kind: RuleKind
    key: str
    """Column that tells sensors apart."""
    time: str
    """Column of a reading's own time."""
    value: str = ""
    """Column that is judged; none for a missing sensor."""
    side: Side = Side.ABOVE
    level: float = 0.0
    """At and beyond it an alert is raised."""
    clear: float | None = None
    """Only when a figure has come back past it may an alert end; the level itself if not given."""
    hold: int = 0
    """How long every reading must be beyond the level before an alert is raised."""
    settle: int = 0
    """How long every reading must be past the clear level before an alert ends."""
    least: int = 0
    """How long an alert lasts at least."""
    measure: TrendMeasure = TrendMeasure.CHANGE
    window: int = 3600
    readings: int = 5
    """How many readings a window must hold before its trend is judged."""
    silence: int = 600
    """After how long without a reading a sensor is missing."""
    sensors: tuple[str, ...] = ()
    """The sensors that are meant; empty for every one that is heard of."""
    severity: Severity = Severity.WARNING
    quiet: str = ""
    """Hours of the day (``22:00-06:00``) in which nobody is told, unless it is critical; told when they end."""
    zh: str = ""
    en: str = ""
    """What an alert says; ``{sensor} {value} {level} {time} {rule}`` are filled in. Empty: a sentence of the platform's."""

    @property
    def clears_at(self) -> float:
        """Return the level past which a figure is good again."""
        return self.level if self.clear is None else self.clear

    def checked(self) -> Self:
        """Return the rule if it can be kept.

        Raises:
            Invalid: something in it does not fit (``stream_rule_unfit``).

        """
        _check_words(self)
        _check_lengths(self)
        if self.kind is not RuleKind.MISSING and not self.value:
            raise rule_unfit("请选择要判断的数值列。", "Say which column is judged.")
        wrong = self.clears_at > self.level if self.side is Side.ABOVE else self.clears_at < self.level
        if wrong and self.kind is not RuleKind.MISSING:
            raise rule_unfit(
                "解除值应在触发值的安全一侧（高于型不大于触发值，低于型不小于触发值）。",
                "The clear level lies on the safe side of the level: not above it for a rule on high values, not below it for one on low values.",
            )
        return self

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` gave, or what a person sent.

        Raises:
            Invalid: a word that is unknown, or a value of another kind (``stream_rule_unfit``).

        """
        known = {one.name for one in fields(cls)}
        strange = sorted(set(value) - known)
        if strange:
            raise rule_unfit(f"规则里没有“{strange[0]}”这一项。", f'A rule has no "{strange[0]}".')
        try:
            return cls(**_read(value)).checked()
        except (TypeError, ValueError) as error:
            raise rule_unfit("规则的内容不对，请逐项核对。", "Something in the rule is of the wrong kind.") from error

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        found: dict[str, Any] = {}
        for one in fields(RuleDraft):
            value = getattr(self, one.name)
            found[one.name] = (
                value.value if isinstance(value, Word) else list(value) if isinstance(value, tuple) else value
            )
        return found

    def is_quiet(self, at: datetime) -> bool:
        """Tell whether nobody is to be told at a moment, given in the time of the place."""
        if not self.quiet or self.severity is Severity.CRITICAL:
            return False
        begin, end = (time.fromisoformat(part) for part in self.quiet.split("-"))
        now = at.time()
        return begin <= now < end if begin <= end else now >= begin or now < end

    def says(self, told: Mapping[str, str]) -> Text:
        """Return the words of an alert with its places filled in; the text of a keeper is never evaluated."""
        usual = _USUAL[self.kind]

        def filled(words: str) -> str:
            return _PLACE.sub(lambda found: told.get(found.group(1), found.group(0)), words)

        return Text(filled(self.zh or usual.zh), filled(self.en or usual.en))


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRule:
    """One revision of a rule."""

    id: str
    revision: int
    stream_id: str
    org_id: str
    table: str
    """The stream's table."""
    draft: RuleDraft
    active: bool
    position: int
    """Number of the last segment of the stream that it has judged."""
    late: int
    """Readings that came too late to decide anything, or whose time lies ahead."""
    trouble: Mapping[str, Any] | None
    """Why it cannot judge, until it can again."""
    set_by: str
    set_at: datetime
    began_at: datetime
    """Since when sensors are listened for."""


_USUAL: Final = {
    RuleKind.THRESHOLD: Text(
        "{sensor}：{value}，已越过 {level}（{rule}）", "{sensor}: {value} is beyond {level} ({rule})"
    ),
    RuleKind.TREND: Text(
        "{sensor}：变化 {value}，已越过 {level}（{rule}）", "{sensor}: its change of {value} is beyond {level} ({rule})"
    ),
    RuleKind.MISSING: Text("{sensor}：自 {time} 起没有读数（{rule}）", "{sensor}: no reading since {time} ({rule})"),
}


def _read(value: Mapping[str, Any]) -> dict[str, Any]:
    words: dict[str, type[Word]] = {"kind": RuleKind, "side": Side, "measure": TrendMeasure, "severity": Severity}
    read: dict[str, Any] = {}
    for name, given in value.items():
        if name in words:
            read[name] = words[name](str(given))
        elif name == "sensors":
            read[name] = tuple(str(one) for one in given)
        elif name in {"hold", "settle", "least", "window", "readings", "silence"}:
            read[name] = int(given)
        elif name == "level":
            read[name] = float(given)
        elif name == "clear":
            read[name] = None if given is None else float(given)
        else:
            read[name] = str(given)
    return read


def _check_words(draft: RuleDraft) -> None:
    if not draft.name.strip() or len(draft.name) > NAME_LONGEST or not draft.name.isprintable():
        raise rule_unfit(
            f"请填写 1 至 {NAME_LONGEST} 字的规则名称。", f"A rule has a name of 1 to {NAME_LONGEST} characters."
        )
    if not draft.key or not draft.time:
        raise rule_unfit("请选择传感器列和时间列。", "Say which columns hold the sensor and the time.")
    if draft.quiet and not _HOURS.match(draft.quiet):
        raise rule_unfit("免打扰时段写作 22:00-06:00。", "Quiet hours are written 22:00-06:00.")
    if len(draft.sensors) > KEYS_MOST:
        raise rule_unfit(f"最多列出 {KEYS_MOST} 个传感器。", f"At most {KEYS_MOST} sensors can be listed.")
    for words in (draft.zh, draft.en):
        strange = sorted(set(_PLACE.findall(words)) - PLACES)
        if len(words) > TEXT_LONGEST or strange:
            raise rule_unfit(
                f"预警文字最多 {TEXT_LONGEST} 字，可用 {{sensor}} {{value}} {{level}} {{time}} {{rule}}。",
                f"The text of an alert has at most {TEXT_LONGEST} characters; {{sensor}} {{value}} {{level}} {{time}} {{rule}} may stand in it.",
            )


def _check_lengths(draft: RuleDraft) -> None:
    for length in (draft.hold, draft.settle, draft.least):
        if not 0 <= length <= LONGEST:
            raise rule_unfit("时长须在 0 秒到一年之间。", "A length of time lies between 0 seconds and a year.")
    if not (60 <= draft.window <= LONGEST and 2 <= draft.readings <= 100_000):  # noqa: PLR2004 - seconds; two make a line
        raise rule_unfit(
            "趋势窗口须在 60 秒到一年之间，至少含 2 个读数。",
            "A window of a trend has 60 seconds to a year, and 2 readings at least.",
        )
    if not 1 <= draft.silence <= LONGEST:
        raise rule_unfit("失联时长须在 1 秒到一年之间。", "A silence has 1 second to a year.")
    levels = (draft.level, draft.clears_at)
    if any(one != one or abs(one) > 1e15 for one in levels):  # noqa: PLR0124, PLR2004 - not a number; beyond any unit
        raise rule_unfit("触发值和解除值须是数字。", "Levels are numbers.")
