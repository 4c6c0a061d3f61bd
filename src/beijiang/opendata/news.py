"""News of the portal: written by the data authority in both languages, published with a date, withdrawn with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beijiang.kit import Invalid, Shown, Text, Word
from beijiang.opendata.members import clean_line, clean_words

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["News", "NewsDraft", "NewsState"]

TITLE_LONGEST: Final = 100
BODY_LONGEST: Final = 10_000
_TITLE: Final = Text("标题", "title")
_BODY: Final = Text("正文", "text")
_STATE: Final = Text("状态", "state")


class NewsState(Word):
    """Where a piece of news stands."""

    DRAFT = "draft", "草稿", "draft"
    PUBLISHED = "published", "已发布", "published"
    WITHDRAWN = "withdrawn", "已撤下", "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsDraft:
    """What is written: titles and Markdown bodies in both languages."""

    title: Text
    body: Text

    def checked(self) -> NewsDraft:
        """Return it in normal form.

        Raises:
            Invalid: a title or a body is missing in one of the languages, or too long.

        """
        title = Text(clean_line(self.title.zh, TITLE_LONGEST), clean_line(self.title.en, TITLE_LONGEST))
        body = Text(clean_words(self.body.zh, BODY_LONGEST), clean_words(self.body.en, BODY_LONGEST))
        if not (title.zh and title.en and body.zh and body.en):
            raise Invalid(
                "标题和正文须有中文和英文，请补齐。",
                "Title and text are needed in Chinese and in English.",
                code="news_incomplete",
            )
        return NewsDraft(title=title, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One piece of news."""

    id: str
    title: Text
    body: Text
    state: NewsState
    by: str
    reason: str
    revision: int
    created_at: datetime
    changed_at: datetime
    published_at: datetime | None = None

    @property
    def shown(self) -> Shown:
        """Return what somebody decides on who publishes it."""
        return Shown({_TITLE: self.title, _BODY: self.body, _STATE: (self.state.value, self.reason)})
