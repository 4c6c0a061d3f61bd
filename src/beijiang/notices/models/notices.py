"""What a notice is: that a fact concerns a person. What the fact is about is looked up when it is read, never kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from beijiang.kit import Text, Word

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from beijiang.kit import Actor, Language

__all__ = ["Look", "Notice", "NoticeKind", "NoticeQuery", "Seen", "Shown", "Way", "fits"]


class NoticeKind(Word):
    """What a notice asks of its reader, or tells."""

    TASK = "task", "待办", "to do"
    PROGRESS = "progress", "进展", "progress"
    GRANT = "grant", "授权", "grants"
    DEADLINE = "deadline", "期限与告警", "deadlines and alerts"
    DATA = "data", "数据变动", "changed data"
    QUALITY = "quality", "数据质量", "quality"
    RUN = "run", "运行失败", "failed work"
    PUBLIC = "public", "公众服务", "public service"
    FOLLOW = "follow", "关注", "followed"


class Way(Word):
    """How somebody wants to hear of a kind; each says more than the one before."""

    NONE = "none", "不通知", "not at all"
    PAGE = "page", "只在页面", "on the page"
    MAIL = "mail", "页面和邮件", "page and mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One fact for one person."""

    id: str
    person_id: str
    fact: str
    """Id of the evidence record of the fact: a person hears of one fact once."""
    action: str
    kind: NoticeKind
    subject: str
    """What sort of thing the fact is about, such as ``request``."""
    thing: str
    """Its id."""
    at: datetime
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a thing is called, and where it is, for somebody who may see it now."""

    title: Text
    href: str
    turn: bool = True
    """Whether there is something that the person can do about it now."""
    public: bool = False
    """Whether everybody may know the title, so that a mail may carry it."""


class Look(Protocol):
    """How things of one sort are looked up as a person, who may see them or not."""

    def __call__(self, actor: Actor, thing: str, /) -> Seen:
        """Return what the thing is called and where it is.

        Raises:
            NotFound: there is no such thing, or the person may not see it; both look the same.

        """
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """A notice as its reader sees it now; ``seen`` is None for a thing that the reader may not see any more."""

    notice: Notice
    words: Text
    seen: Seen | None

    def to_json(self) -> dict[str, Any]:
        """Return it for an API answer."""
        one = self.notice
        return {
            "id": one.id,
            "kind": one.kind.value,
            "words": {"zh": self.words.zh, "en": self.words.en},
            "title": None if self.seen is None else {"zh": self.seen.title.zh, "en": self.seen.title.en},
            "href": None if self.seen is None else self.seen.href,
            "at": one.at.isoformat(),
            "read_at": None if one.read_at is None else one.read_at.isoformat(),
        }

    def line(self, language: Language) -> str:
        """Return it in one line."""
        title = Text("（内容已不可见）", "(not to be seen any more)") if self.seen is None else self.seen.title
        return f"{self.words.in_language(language)}：{title.in_language(language)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeQuery:
    """Which of one's own notices."""

    kind: NoticeKind | None = None
    unread_only: bool = False
    before: str = ""
    """Id of the last notice of the page before."""
    limit: int = 50


def fits(when: str, detail: Mapping[str, Any]) -> bool:
    """Tell whether a fact's detail fits a condition such as ``move=answer|decline``; an empty one fits all."""
    key, _, values = when.partition("=")
    return not key or str(detail.get(key)) in values.split("|")
