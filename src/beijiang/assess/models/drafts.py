"""Drafts of a work plan: what was read from a document, line by line, until a person has decided on each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from beijiang.kit import Invalid, Shown, Text, Word

__all__ = ["DraftLine", "DraftState", "DraftTarget", "LineSaid", "LineVerdict", "PlanDraft"]

NUMBER_MOST: Final = 20
TITLE_MOST: Final = 300
SUMMARY_MOST: Final = 2000
_NUMBER: Final = re.compile(r"-?\d{1,15}(?:\.\d{1,10})?")


class DraftState(Word):
    """Where a draft stands."""

    OPEN = "open", "审核中", "under review"
    TAKEN = "taken", "已列入计划", "put on the plan"
    DROPPED = "dropped", "已放弃", "dropped"


class LineVerdict(Word):
    """What a person decided on a line."""

    OPEN = "open", "待核对", "to be checked"
    ACCEPTED = "accepted", "采用", "accepted"
    REJECTED = "rejected", "不采用", "rejected"


@dataclass(frozen=True, slots=True)
class DraftTarget:
    """A number to be reached."""

    name: str
    operator: str
    value: float
    unit: str

    def __str__(self) -> str:
        return f"{self.name} {self.operator} {self.value:.12g} {self.unit}"

    @classmethod
    def parse(cls, words: str) -> DraftTarget:
        """Read ``name operator value unit``, as it is printed.

        Raises:
            Invalid: it is none (``bad_target``).

        """
        parts = words.split()
        shaped = len(parts) > 2 and parts[-3] in {"≥", "≤", ">", "<", "="}  # noqa: PLR2004 - operator, value, unit
        if not shaped or not _NUMBER.fullmatch(parts[-2]):
            raise Invalid(
                f"目标“{words[:60]}”无法识别：写作“名称 ≥ 数值 单位”，以空格分开。",
                f'The target "{words[:60]}" is none: write "name ≥ value unit", parted by blanks.',
                code="bad_target",
            )
        return cls(" ".join(parts[:-3])[:200], parts[-3], float(parts[-2]), parts[-1][:20])


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSaid:
    """A task as a line says it."""

    number: str
    part: str
    title: str
    summary: str = ""
    leads: tuple[str, ...] = ()
    """Ids of organisations."""
    joint: tuple[str, ...] = ()
    joint_words: str = ""
    targets: tuple[DraftTarget, ...] = ()
    due_on: date | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "number": self.number,
            "part": self.part,
            "title": self.title,
            "summary": self.summary,
            "leads": list(self.leads),
            "joint": list(self.joint),
            "joint_words": self.joint_words,
            "targets": [str(one) for one in self.targets],
            "due_on": None if self.due_on is None else self.due_on.isoformat(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> LineSaid:
        """Read what ``to_json`` gave, or what a person sent.

        Raises:
            Invalid: it cannot be a task (``bad_line``, ``bad_target``).

        """
        words = {
            name: str(value.get(name) or "").strip() for name in ("number", "part", "title", "summary", "joint_words")
        }
        if not words["number"] or not words["title"]:
            raise Invalid("任务须有编号和名称。", "A task has a number and a title.", code="bad_line")
        if len(words["number"]) > NUMBER_MOST or max(map(len, words.values())) > SUMMARY_MOST:
            raise Invalid("内容过长。", "Something is too long.", code="bad_line")
        words["title"], words["part"] = words["title"][:TITLE_MOST], words["part"][:TITLE_MOST]
        due = value.get("due_on")
        try:
            day = None if not due else due if isinstance(due, date) else date.fromisoformat(str(due))
        except ValueError:
            raise Invalid(
                "期限应为日期，如 2018-12-31。", "A deadline is a day, as 2018-12-31.", code="bad_line"
            ) from None
        return cls(
            **words,
            leads=tuple(map(str, value.get("leads") or ())),
            joint=tuple(map(str, value.get("joint") or ())),
            targets=tuple(DraftTarget.parse(str(one)) for one in value.get("targets") or () if str(one).strip()),
            due_on=day,
        )


_SAYS: Final = Text("这一行的内容", "what the line says")
_VERDICT: Final = Text("这一行的结论", "what was decided of the line")


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftLine:
    """A line of a draft: what it says now, what was read, from which sentences, and what was decided."""

    place: int
    said: LineSaid
    found: LineSaid
    doubts: Sequence[Mapping[str, Any]]
    """Names that may mean several organisations: ``words``, ``role`` and ``ids``."""
    sentences: Sequence[str]
    verdict: LineVerdict = LineVerdict.OPEN
    by_name: str = ""
    at: datetime | None = None
    note: str = ""

    @property
    def shown(self) -> Shown:
        """Return what somebody decides on."""
        return Shown({_SAYS: self.said.to_json(), _VERDICT: (self.verdict.value, self.by_name, self.note)})

    @property
    def changed(self) -> bool:
        """Tell whether a person changed what was read."""
        return self.said != self.found


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDraft:
    """A draft of a plan, and the document that it was read from."""

    id: str
    org_id: str
    document_id: str
    document: str
    sha256: str
    grade: str
    plan: str
    since: date
    due_on: date
    state: DraftState
    by: str
    by_name: str
    at: datetime
    ended_by: str = ""
    ended_at: datetime | None = None
    lines: Sequence[DraftLine] = field(default=())

    @property
    def waiting(self) -> int:
        """Return how many lines nobody decided on."""
        return sum(one.verdict is LineVerdict.OPEN for one in self.lines)
