"""What the public made of open data, and what members keep: works, favourites, stars."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from beijiang.kit import Invalid, Shown, Text, Word
from beijiang.opendata.members import clean_line, clean_words

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["SETS_MOST", "STARS", "Echo", "Kept", "Work", "WorkDraft", "WorkKind", "WorkState"]

STARS: Final = range(1, 6)
SETS_MOST: Final = 10
_WORK: Final = Text("成果", "the work")
_DECIDED: Final = Text("办理情况", "what was decided of it")


class WorkKind(Word):
    """What somebody made."""

    APPLICATION = "application", "应用", "an application"
    PAPER = "paper", "论文或报告", "a paper"
    VISUAL = "visual", "可视化作品", "a visualisation"


class WorkState(Word):
    """Where it stands."""

    WAITING = "waiting", "待审核", "to be looked at"
    SHOWN = "shown", "已展示", "shown"
    REFUSED = "refused", "未展示", "not shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkDraft:
    """What a member hands in, with the data sets that it uses."""

    kind: WorkKind
    title: str
    author: str
    words: str
    link: str
    datasets: tuple[str, ...]

    def checked(self) -> WorkDraft:
        """Return it in normal form.

        Raises:
            Invalid: a field will not do; the error names it.

        """
        draft = replace(
            self,
            title=clean_line(self.title, 80),
            author=clean_line(self.author, 80),
            words=clean_words(self.words),
            link=clean_line(self.link, 500),
            datasets=tuple(dict.fromkeys(one.strip() for one in self.datasets if one.strip())),
        )
        if not (draft.title and draft.author and draft.words):
            raise Invalid(
                "请填写名称、作者和介绍。", "Give a title, an author and a few words.", code="work_incomplete"
            )
        if not 0 < len(draft.datasets) <= SETS_MOST:
            raise Invalid(
                f"请指明所用的数据集，最多 {SETS_MOST} 个。",
                f"Name the data sets that it uses, at most {SETS_MOST}.",
                code="work_incomplete",
                detail={"field": "datasets"},
            )
        if draft.link:
            _check_link(draft.link)
        return draft


def _check_link(link: str) -> None:
    try:
        parts = urlsplit(link)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
    except ValueError:
        good = False
    if not good or any(c in link for c in ' "<>\\'):
        raise Invalid(
            "链接须以 http:// 或 https:// 开头，不含账号口令。",
            "The link begins with http:// or https:// and has no account in it.",
            code="link_wrong",
            detail={"field": "link"},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One work, with (id, title) of the data sets that it uses."""

    id: str
    kind: WorkKind
    title: str
    author: str
    words: str
    link: str
    by: str
    state: WorkState
    reason: str
    created_at: datetime
    decided_at: datetime | None = None
    datasets: tuple[tuple[str, str], ...] = ()

    @property
    def shown(self) -> Shown:
        """Return what somebody decides on; the work itself never changes, what others decided of it does."""
        return Shown({_WORK: self.id, _DECIDED: (self.state.value, self.reason)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A data set that a member keeps, and whether its rows changed since they last looked."""

    dataset_id: str
    title: str
    at: datetime
    data_at: datetime | None
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """What the public thinks of a data set and made of it."""

    average: float | None = None
    ratings: int = 0
    works: tuple[Work, ...] = ()
