"""What happened to what a person owns, asked for, follows or must decide, told once and re-asked whenever it is read.

Owns the tables ``notice`` and ``notice_*`` (choices, place, letters, mail addresses and account). Notices are made from the log of evidence, which every verb writes in the
transaction of its change; what a notice is about is never kept in it, only looked up as its reader (ADR 20).
"""

from beijiang.notices.models import Look, Notice, NoticeKind, NoticeQuery, Seen, Shown, Way, subjects, words_of
from beijiang.notices.models.mail import Words, checked_address
from beijiang.notices.service import Live, Mail, Notices

__all__ = [
    "Live",
    "Look",
    "Mail",
    "Notice",
    "NoticeKind",
    "NoticeQuery",
    "Notices",
    "Seen",
    "Shown",
    "Way",
    "Words",
    "checked_address",
    "subjects",
    "words_of",
]
