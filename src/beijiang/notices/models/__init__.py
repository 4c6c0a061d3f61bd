"""Notices, what makes them, and how somebody wants to hear of them. No input or output."""

from beijiang.notices.models.facts import Fact, actions, facts_of, limit_on, subjects, words_of
from beijiang.notices.models.notices import Look, Notice, NoticeKind, NoticeQuery, Seen, Shown, Way

__all__ = [
    "Fact",
    "Look",
    "Notice",
    "NoticeKind",
    "NoticeQuery",
    "Seen",
    "Shown",
    "Way",
    "actions",
    "facts_of",
    "limit_on",
    "subjects",
    "words_of",
]
