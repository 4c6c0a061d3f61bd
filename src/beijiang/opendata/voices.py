"""What the public says: corrections, suggestions, complaints about rights, and requests for data that are not open."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from beijiang.kit import Word

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.standards import Case, Deadline

__all__ = [
    "OUTCOMES",
    "TOPICS",
    "Outcome",
    "PublicVoice",
    "Raised",
    "Voice",
    "VoiceAnswer",
    "VoiceDraft",
    "VoiceKind",
    "VoiceQuery",
    "VoiceState",
    "VoiceView",
    "without_persons",
]


class VoiceKind(Word):
    """What somebody wants."""

    CORRECTION = "correction", "纠错", "a correction"
    SUGGESTION = "suggestion", "建议", "a suggestion"
    COMPLAINT = "complaint", "权益申诉", "a complaint about rights"
    REQUEST = "request", "开放需求", "a request for data"


class VoiceState(Word):
    """Where it stands."""

    RECEIVED = "received", "待分派", "to be passed on"
    DISPATCHED = "dispatched", "办理中", "with the department"
    ANSWERED = "answered", "已答复", "answered"
    DECLINED = "declined", "不予受理", "not taken up"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more is done."""
        return self not in {VoiceState.RECEIVED, VoiceState.DISPATCHED}


class Outcome(Word):
    """What came of it."""

    MENDED = "mended", "已更正", "corrected"
    CORRECT = "correct", "经核数据无误", "checked, and correct"
    ADOPTED = "adopted", "已采纳", "adopted"
    NOT_ADOPTED = "not_adopted", "未采纳", "not adopted"
    UPHELD = "upheld", "申诉成立", "upheld"
    NOT_UPHELD = "not_upheld", "申诉不成立", "not upheld"
    OPENED = "opened", "已开放", "opened"
    CONDITIONAL = "conditional", "有条件开放", "open on conditions"
    REFUSED = "refused", "不予开放", "not opened"

    @property
    def needs_law(self) -> bool:
        """Tell whether it has to name the law that it rests on."""
        return self in {Outcome.REFUSED, Outcome.NOT_UPHELD}


OUTCOMES: Final = {
    VoiceKind.CORRECTION: (Outcome.MENDED, Outcome.CORRECT),
    VoiceKind.SUGGESTION: (Outcome.ADOPTED, Outcome.NOT_ADOPTED),
    VoiceKind.COMPLAINT: (Outcome.UPHELD, Outcome.NOT_UPHELD),
    VoiceKind.REQUEST: (Outcome.OPENED, Outcome.CONDITIONAL, Outcome.REFUSED),
}
TOPICS: Final = {
    VoiceKind.CORRECTION: "correction.handle",
    VoiceKind.SUGGESTION: "feedback.answer",
    VoiceKind.COMPLAINT: "feedback.answer",
    VoiceKind.REQUEST: "open.request.reply",
}
"""The time limit of each kind, by the topic of its rule of law."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceDraft:
    """What somebody writes. A data set is named, except in a request for data that nobody registered yet."""

    kind: VoiceKind
    words: str
    dataset_id: str = ""
    title: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceAnswer:
    """The answer of the department: what came of it, in words, on which law, and which data set it led to."""

    outcome: Outcome
    words: str
    basis: str = ""
    result_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One word of the public, as the departments keep it. The contact is sealed."""

    id: str
    kind: VoiceKind
    dataset_id: str
    dataset_title: str
    org_id: str
    title: str
    words: str
    by: str
    """The member's id; empty for a visitor."""
    contact: str = field(repr=False)
    digest: str = field(repr=False)
    state: VoiceState
    case: Case | None
    created_at: datetime
    changed_at: datetime
    outcome: Outcome | None = None
    answer: str = ""
    basis: str = ""
    answered_by: str = ""
    result_id: str = ""
    ticket_id: str = ""
    hidden: bool = False
    hidden_reason: str = ""
    urged: int = 0
    revision: int = 1
    ended_at: datetime | None = None

    @property
    def is_public(self) -> bool:
        """Tell whether everybody may see it: an answer, or a request that is being looked into."""
        shown = self.state is VoiceState.ANSWERED or (
            self.kind is VoiceKind.REQUEST and self.state is VoiceState.DISPATCHED
        )
        return shown and not self.hidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """What somebody takes along who said something: the word with which a visitor follows it, shown once."""

    voice: Voice
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicVoice:
    """What everybody sees: never who said it, never a contact; numbers of persons in the text are blotted out."""

    id: str
    kind: VoiceKind
    state: VoiceState
    dataset_id: str
    dataset_title: str
    org_id: str
    title: str
    words: str
    outcome: Outcome | None
    answer: str
    basis: str
    result_id: str
    created_at: datetime
    ended_at: datetime | None
    days: int
    """Working days from the word to its answer, or to today."""
    due: Deadline | None
    supporters: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceView:
    """One word as whoever deals with it, or who said it, sees it."""

    voice: Voice
    due: Deadline | None
    supporters: int
    may_answer: bool
    may_manage: bool
    waits: bool
    """Whether it waits for the reader: to be passed on, or to be answered by the own department."""
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceQuery:
    """Which words: of a kind, about a data set, with some text."""

    kind: VoiceKind | None = None
    dataset_id: str = ""
    words: str = ""
    open_only: bool = False
    mine: bool = False
    """Only what waits for whoever asks; the desk of those who answer knows it."""
    page: int = 1
    size: int = 20


_PERSONAL: Final = (
    re.compile(r"[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]"),
    re.compile(r"(?<!\d)(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)"),
    re.compile(r"(?<!\d)\d{15,19}(?!\d)"),
    re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,253}\.[A-Za-z]{2,24}"),
    re.compile(r"(?<!\d)0\d{2,3}[ -]?\d{7,8}(?!\d)"),
)


def without_persons(text: str) -> str:
    """Blot out what names a person in a text that everybody will read: identity, bank and telephone numbers, addresses of e-mail."""
    for pattern in _PERSONAL:
        text = pattern.sub("＊＊＊", text)
    return text
