"""Who wants to hear of which data, by which way and how often. No input or output."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

from beijiang.catalog import AllOf, Facet, Has, Spoken, Wanted
from beijiang.kit import Invalid, Language, Text, Word
from beijiang.opendata import listing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

__all__ = [
    "Follow",
    "FollowDraft",
    "FollowKind",
    "FollowMade",
    "FollowPace",
    "FollowState",
    "FollowWay",
    "Happening",
    "Tiding",
    "canonical",
    "digest_of",
    "end_token",
    "feed_path",
    "letter_words",
    "next_telling",
    "page_path",
    "wanted",
]

WHAT_LONGEST: Final = 1000
HOUR: Final = time(8)
"""When digests go out, by the region's clock."""
CALM: Final = timedelta(minutes=15)
"""Between two mails of one subscription at least: many changes make one mail."""


class FollowKind(Word):
    """What is followed."""

    DATASET = "dataset", "数据集", "a data set"
    ORG = "org", "部门", "a department"
    TOPIC = "topic", "主题", "a topic"
    SEARCH = "search", "搜索条件", "a search"


class FollowWay(Word):
    """How its reader hears of it; a feed needs nobody's address and is no way here."""

    MAIL = "mail", "邮件", "mail"
    WEBHOOK = "webhook", "网络回调（Webhook）", "webhook"
    NOTICE = "notice", "通知中心", "notice centre"


class FollowPace(Word):
    """How often at most."""

    ONCE = "at_once", "随时", "at once"
    DAILY = "daily", "每天一次", "once a day"
    WEEKLY = "weekly", "每周一次", "once a week"


class FollowState(Word):
    """How a subscription stands."""

    WAITING = "waiting", "待确认", "to be confirmed"
    ACTIVE = "active", "有效", "active"
    OFF = "off", "已停用", "switched off"
    ENDED = "ended", "已退订", "ended"


class Happening(Word):
    """What happened to a data set."""

    ENTRY = "entry", "目录发布或更新", "its entry was published"
    ROWS = "rows", "数据更新", "its rows changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowDraft:
    """What somebody wants to follow; ``to`` is a mail address or the address of a receiver."""

    kind: FollowKind
    what: str
    way: FollowWay = FollowWay.MAIL
    pace: FollowPace = FollowPace.DAILY
    to: str = field(default="", repr=False)
    language: Language = Language.ZH


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """One subscription. Its address is sealed and is not part of it."""

    id: str
    by: str
    """Whose it is; empty for a visitor."""
    kind: FollowKind
    what: str
    way: FollowWay
    pace: FollowPace
    language: Language
    state: FollowState
    sealed: str = field(repr=False)
    lane: str = field(default="", repr=False)
    """Which host tells it on, as a digest; a host has few hands at a time."""
    address_digest: str = field(default="", repr=False)
    code_digest: str = field(default="", repr=False)
    end_digest: str = field(default="", repr=False)
    code_until: datetime | None = None
    attempts: int = 0
    error: str = ""
    created_at: datetime
    told_at: datetime | None = None
    next_at: datetime | None = None
    ended_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it for its owner; where it goes to is not said again."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "what": self.what,
            "way": self.way.value,
            "pace": self.pace.value,
            "language": self.language.value,
            "state": self.state.value,
            "error": self.error,
            "created_at": self.created_at.isoformat(),
            "told_at": None if self.told_at is None else self.told_at.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowMade:
    """A new subscription; the secret of a webhook is shown this once."""

    follow: Follow
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiding:
    """One change of one data set, as everybody may know it at the moment of telling."""

    dataset_id: str
    title: str
    what: Happening
    at: datetime
    href: str

    def to_json(self) -> dict[str, Any]:
        """Return it for a receiver."""
        return {
            "id": self.dataset_id,
            "title": self.title,
            "what": self.what.value,
            "at": self.at.isoformat(),
            "href": self.href,
        }


def canonical(kind: FollowKind, what: str) -> str:
    """Return what is followed in one fixed writing, so that the same search is the same.

    Raises:
        Invalid: it is too long, nothing at all, or no search (see ``listing.parse``).

    """
    given = what.strip().removeprefix("/datasets").lstrip("?") if kind is FollowKind.SEARCH else what.strip()
    if len(given) > WHAT_LONGEST or not given:
        raise Invalid(
            f"请说明订阅什么（最长 {WHAT_LONGEST} 个字符）。要听全部数据，请用订阅源 /feed.xml。",
            f"Say what to follow, in {WHAT_LONGEST} characters at most. For everything use the feed at /feed.xml.",
            code="follow_what",
            detail={"field": "what"},
        )
    if kind is not FollowKind.SEARCH:
        return given
    kept = [pair for pair in parse_qsl(given) if pair[0] not in {"page", "size", "sort", "lang"}]
    found = urlencode(listing.pairs(listing.parse(kept)))
    return canonical(FollowKind.DATASET, found)


@lru_cache(20_000)
def wanted(what: str) -> Wanted:
    """Return a saved search as a condition: its words all stand in the entry, its facets all fit.

    A search that finds nothing reaches further, to what sounds alike; nobody wants to be told of that.
    """
    query = listing.parse(parse_qsl(what))
    parts: list[Wanted] = [Spoken(query.text)] if query.text else []
    parts += [Has(facet, values) for facet, values in query.facets.items()]
    return AllOf(tuple(parts))


def _query_of(kind: FollowKind, what: str) -> str:
    facets = {FollowKind.ORG: Facet.DEPARTMENT, FollowKind.TOPIC: Facet.THEME}
    return urlencode({facets[kind].value: what}) if kind in facets else what


def page_path(kind: FollowKind, what: str) -> str:
    """Return the page of what is followed."""
    return f"/datasets/{what}" if kind is FollowKind.DATASET else f"/datasets?{_query_of(kind, what)}"


def feed_path(kind: FollowKind, what: str) -> str:
    """Return its feed, for who would rather leave no address."""
    return f"/datasets/{what}/feed.xml" if kind is FollowKind.DATASET else f"/feed.xml?{_query_of(kind, what)}"


def digest_of(text: str) -> str:
    """Return the digest under which a token of a link is kept."""
    return hashlib.sha256(text.encode()).hexdigest()


def end_token(key: str, follow_id: str) -> str:
    """Return what proves that a link to end a subscription came in one of its own mails."""
    return hmac.new(key.encode(), f"end\n{follow_id}".encode(), hashlib.sha256).hexdigest()


def next_telling(follow: Follow, now: datetime, zone: ZoneInfo) -> datetime:
    """Return when what happened now is told: at once, or with the digest of the next morning or Monday."""
    if follow.pace is FollowPace.ONCE:
        calm = follow.told_at + CALM if follow.told_at and follow.way is FollowWay.MAIL else now
        return max(now, calm)
    here = now.astimezone(zone)
    days = 7 - here.weekday() if follow.pace is FollowPace.WEEKLY else 1
    if here.time() < HOUR and (follow.pace is FollowPace.DAILY or here.weekday() == 0):
        days = 0
    return datetime.combine(here.date() + timedelta(days=days), HOUR, zone).astimezone(now.tzinfo)


def letter_words(tidings: Sequence[Tiding], name: str, language: Language, zone: ZoneInfo) -> tuple[str, list[str]]:
    """Return the subject and the lines of a mail, each with the address of its data set."""
    count = len(tidings)
    subject = Text(
        f"订阅更新：{tidings[0].title}" if count == 1 else f"订阅更新：{count} 个数据集",
        f"News of {tidings[0].title}" if count == 1 else f"News of {count} data sets",
    )
    first = Text(f"您订阅了：{name}", f"You follow: {name}").in_language(language)
    lines = [
        f"{one.title} · {one.what.text.in_language(language)} · {one.at.astimezone(zone):%Y-%m-%d %H:%M} · {one.href}"
        for one in tidings
    ]
    return subject.in_language(language), [first, *lines]
