"""What mail says of a notice, and how an address is proved. A mail names a thing only where everybody may see its name."""

from __future__ import annotations

import hashlib
import hmac
import html
import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from typing import TYPE_CHECKING, Final

from beijiang.kit import Invalid, Language, Text, Word

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.notices.models.notices import NoticeKind, Shown

__all__ = [
    "Letter",
    "MailAddress",
    "Purpose",
    "Words",
    "checked_address",
    "message_of",
    "signature",
    "stop_link",
    "words_of_code",
    "words_of_notice",
    "words_of_test",
]

_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
_LONGEST: Final = 254
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")


class Purpose(Word):
    """What a letter is for."""

    CODE = "code", "验证地址", "proving an address"
    NOTICE = "notice", "通知", "a notice"
    TEST = "test", "试发", "a test"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailAddress:
    """Where a person wants mail. Nothing but its code is sent before it is proved."""

    person_id: str
    address: str = field(repr=False)
    key: str = field(repr=False)
    """Signs the links of its mails."""
    language: Language
    verified_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail that waits: for whom and about what. Its words are found when it is sent."""

    id: str
    person_id: str
    purpose: Purpose
    notice_id: str
    attempts: int


def checked_address(given: str) -> str:
    """Return a mail address as it is written on the envelope.

    Raises:
        Invalid: it is none; line ends, quotes and comments are not taken.

    """
    address = given.strip()
    if len(address) > _LONGEST or not _ADDRESS.fullmatch(address) or len(address.rpartition("@")[0]) > 64:  # noqa: PLR2004 - RFC 5321 4.5.3.1
        raise Invalid(
            "这不是可用的邮箱地址，写法如 name@example.cn。",
            "This is no mail address that can be used; write name@example.org.",
            code="bad_address",
            detail={"field": "address"},
        )
    return address


def signature(key: str, person_id: str, kind: str) -> str:
    """Return what proves that a link to end a kind of mail was sent by us to this person."""
    return hmac.new(key.encode(), f"{person_id}\n{kind}".encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Words:
    """The pieces of a mail, in its reader's language."""

    subject: str
    lines: tuple[str, ...]
    link: str = ""
    stop: str = ""
    """Address that ends this kind of mail."""


def words_of_notice(shown: Shown, language: Language, link: str, stop: str) -> Words:
    """Return what a mail says of a notice: what happened, and its name where that is public."""
    lines = [shown.words.in_language(language)]
    if shown.seen is not None and shown.seen.public:
        lines.append(shown.seen.title.in_language(language))
    return Words(lines[0], tuple(lines), link, stop)


def words_of_code(code: str, language: Language) -> Words:
    """Return what the mail says that proves an address."""
    subject = Text("验证您的邮箱", "Prove your mail address")
    line = Text(
        f"验证码：{code}。30 分钟内在“怎样通知我”页面填写。如果不是您本人操作，请忽略。",
        f"Your code: {code}. Enter it within 30 minutes on the page How to tell me. If you did not ask for it, ignore this.",
    )
    return Words(subject.in_language(language), (line.in_language(language),))


def words_of_test(language: Language) -> Words:
    """Return what a test says."""
    text = Text("邮件发送设置正确。", "Mail is set up correctly.").in_language(language)
    return Words(text, (text,))


def message_of(words: Words, *, letter_id: str, sender: str, to: str, language: Language, site: str) -> EmailMessage:
    """Return the message: plain text and simple HTML that loads nothing from anywhere."""
    name = Text("云上北疆", "Beijiang").in_language(language)
    message = EmailMessage(policy=SMTP)
    message["Subject"] = f"[{name}] {_line(words.subject)}"
    message["From"] = sender
    message["To"] = to
    message["Message-ID"] = f"<{letter_id}@{site}>"
    message["Auto-Submitted"] = "auto-generated"
    more, end = (
        Text("查看：", "See: ").in_language(language),
        Text("不再发送这类邮件：", "No more mail of this kind: ").in_language(language),
    )
    lines = [_line(line) for line in words.lines]
    tail = [(more, words.link), (end, words.stop)]
    plain = [*lines, *(f"{label}{link}" for label, link in tail if link)]
    message.set_content("\n\n".join(plain) + "\n")
    body = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    body += "".join(
        f'<p>{label}<a href="{html.escape(link)}">{html.escape(link)}</a></p>' for label, link in tail if link
    )
    message.add_alternative(
        f'<!doctype html><html lang="{language.value}"><body>{body}</body></html>\n', subtype="html"
    )
    message["Content-Language"] = language.value
    if words.stop:
        message["List-Unsubscribe"] = f"<{words.stop}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return message


def stop_link(base: str, person_id: str, kind: NoticeKind, key: str) -> str:
    """Return the address that ends a kind of mail for a person, without signing in."""
    return f"{base}/console/unsubscribe/{person_id}/{kind.value}/{signature(key, person_id, kind.value)}"


def _line(text: str) -> str:
    """Return a text in one line without characters that steer a mail program."""
    return _CONTROL.sub(" ", text).strip()[:300]
