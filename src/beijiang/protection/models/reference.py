"""The packaged tables that grading and the gate decide by: dated data with their basis, not code."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files

from beijiang.kit import Text, Word
from beijiang.protection.models.grades import Level, Personal

__all__ = [
    "By",
    "Control",
    "ControlRule",
    "ExitCaps",
    "Kind",
    "Stage",
    "asks",
    "context",
    "controls",
    "exit_caps",
    "export_limits",
    "handling",
    "kinds",
    "name_patterns",
    "packaged",
    "private_limits",
    "release_limits",
    "roles_of_kinds",
    "words",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of data item: its floor, whether it is personal, and how it is masked by default."""

    id: str
    name: Text
    floor: Level
    personal: Personal
    mask: str
    person_tables_only: bool
    """Whether the column's name counts only in a table about persons."""
    basis: str


class Stage(StrEnum):
    """A stage in the life of data, in order (`standards.md` 7.3; the 2018 work plan names the first five but sharing)."""

    COLLECT = "collect"
    TRANSMIT = "transmit"
    STORE = "store"
    USE = "use"
    SHARE = "share"
    OPEN = "open"
    EXPORT = "export"
    DESTROY = "destroy"

    @property
    def text(self) -> Text:
        """Return its name for people."""
        return _STAGES[self]


_STAGES = {
    Stage.COLLECT: Text("采集", "collect"),
    Stage.TRANSMIT: Text("传输", "transmit"),
    Stage.STORE: Text("存储", "store"),
    Stage.USE: Text("使用", "use"),
    Stage.SHARE: Text("共享", "share"),
    Stage.OPEN: Text("开放", "open"),
    Stage.EXPORT: Text("导出", "export"),
    Stage.DESTROY: Text("销毁", "destroy"),
}


class By(Word):
    """Who sees to a control."""

    DATA = "data", "平台按本表执行", "the platform, by this table"
    CODE = "code", "平台始终执行", "the platform, always"
    DUTY = "duty", "由人按制度执行", "people, by their rules"


class ControlRule(StrEnum):
    """A control that one place of the platform asks for by the grade; the table says from which grades on it holds."""

    SM4_PAYLOAD = "sm4_payload"
    """What leaves as a package is sealed with SM4-GCM and nothing else."""
    NO_DOCUMENT = "no_document"
    """No document of the grade is kept."""
    NO_FIGURE = "no_figure"
    """No statistical indicator comes from an answer of the grade."""
    NO_APPLICATION = "no_application"
    """No hosted application shows an answer of the grade."""
    MODEL_APPROVAL = "model_approval"
    """A model that learned from the grade leaves the platform only once it was approved."""
    APPROVAL = "approval"
    """A request for the grade is decided on by the stages for sensitive items."""
    ANSWERS_ONLY = "answers_only"
    """The grade is never handed over: questions about it are answered."""
    NEVER_ON_REQUEST = "never_on_request"
    """The grade is not open to the public on conditions either."""
    MARK = "mark"
    """Every file with the grade says in words who took it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What a grade asks for at a stage, and what of the platform does it."""

    stage: Stage
    level: Level
    text: Text
    enforced_by: str
    """The part that enforces it; empty where people have to."""
    by: By
    rules: frozenset[ControlRule]
    """What the platform asks of the grade by name; see ``asks``."""
    basis: str
    since: date
    until: date | None

    @property
    def place(self) -> int:
        """Return where its stage stands in the life of data, from 0."""
        return list(Stage).index(self.stage)


@dataclass(frozen=True, slots=True)
class ExitCaps:
    """What one exit hands over at most; None means without limit."""

    page_rows: int
    total_rows: int | None
    groups: int


def packaged(name: str) -> list[dict[str, str]]:
    """Return the rows of a table under ``reference/``."""
    text = files("beijiang").joinpath("protection", "reference", f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def kinds() -> dict[str, Kind]:
    """Return every kind by id (`standards.md` 7.4)."""
    return {
        row["kind"]: Kind(
            id=row["kind"],
            name=Text(row["name_zh"], row["name_en"]),
            floor=Level(row["level"]),
            personal=Personal(row["personal"]),
            mask=row["mask"],
            person_tables_only=row["applies"] == "person",
            basis=row["basis"],
        )
        for row in packaged("kinds")
    }


@cache
def name_patterns() -> tuple[tuple[str, str], ...]:
    """Return (kind, pattern of the column's name), the first match counts."""
    return tuple((row["kind"], row["pattern"]) for row in packaged("names"))


@cache
def context() -> dict[str, str]:
    """Return the patterns that change the meaning of a column's name."""
    return {row["word"]: row["pattern"] for row in packaged("context")}


@cache
def handling() -> dict[tuple[str, str, str], str]:
    """Return the treatment (raw, masked, withheld) by audience, level and kind (``*`` is any)."""
    return {(row["audience"], row["level"], row["kind"]): row["treatment"] for row in packaged("handling")}


@cache
def exit_caps() -> dict[str, ExitCaps]:
    """Return the caps by exit."""
    return {
        row["exit"]: ExitCaps(
            int(row["page_rows"]), int(row["total_rows"]) if row["total_rows"] else None, int(row["groups"])
        )
        for row in packaged("exits")
    }


@cache
def controls() -> tuple[Control, ...]:
    """Return the controls of each grade at each stage (`standards.md` 7.3)."""
    return tuple(
        Control(
            stage=Stage(row["stage"]),
            level=Level(row["level"]),
            text=Text(row["control_zh"], row["control_en"]),
            enforced_by=row["enforced_by"],
            by=By(row["by"]),
            rules=frozenset(ControlRule(word) for word in row["rules"].split()),
            basis=row["basis"],
            since=date.fromisoformat(row["since"]),
            until=date.fromisoformat(row["until"]) if row["until"] else None,
        )
        for row in packaged("controls")
    )


def asks(rule: ControlRule, level: str, day: date) -> bool:
    """Tell whether a grade asks for a control on a day: the table of controls says so. Of what it says nothing, all is asked."""
    held = [
        one.rules
        for one in controls()
        if one.level == level and one.since <= day and (one.until is None or day < one.until)
    ]
    return not held or any(rule in rules for rules in held)


@cache
def private_limits() -> tuple[dict[str, str], ...]:
    """Return the dated limits of differential privacy (`security.md` 5.3)."""
    return tuple(packaged("private"))


@cache
def release_limits() -> tuple[dict[str, str], ...]:
    """Return the dated limits of the release check (`standards.md` 7.7)."""
    return tuple(packaged("release"))


@cache
def export_limits() -> tuple[dict[str, str], ...]:
    """Return how many rows of each grade an export may hold, with since when and on what basis."""
    return tuple(packaged("export"))


@cache
def roles_of_kinds() -> dict[str, str]:
    """Return which kinds of items tell persons apart (``quasi``) or are ``sensitive``."""
    return {row["kind"]: row["role"] for row in packaged("roles")}


@cache
def words(name: str) -> tuple[str, ...]:
    """Return a packaged list: ``surnames`` and ``everyday`` (single characters; those that begin everyday words too), ``mongolian`` (parts of names) or ``mistaken`` (words that begin like names)."""
    text = files("beijiang").joinpath("protection", "reference", f"{name}.txt").read_text("utf-8")
    return tuple(dict.fromkeys(text.strip() if name in {"surnames", "everyday"} else text.split()))
