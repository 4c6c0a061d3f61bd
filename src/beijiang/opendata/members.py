"""Registrations of the public: who asks for an account, and what became of it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from beijiang.kit import Invalid, Word, normalise
from beijiang.standards import check_uscc

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.standards import Case

__all__ = [
    "CONTACT_LONGEST",
    "Registered",
    "Registration",
    "RegistrationDraft",
    "RegistrationState",
    "Standing",
    "clean_line",
    "clean_words",
]

NAME_LONGEST: Final = 40
CONTACT_LONGEST: Final = 100
WORDS_LONGEST: Final = 2000
_LOGIN: Final = re.compile(r"[a-z][a-z0-9]{1,23}")
_CONTACT: Final = re.compile(r"\+?[0-9][0-9 -]{5,19}[0-9]|[^@\s<>]{1,64}@[A-Za-z0-9.-]{1,253}\.[A-Za-z]{2,24}")


class Standing(Word):
    """In which capacity somebody registers."""

    PERSON = "person", "个人", "a person"
    BUSINESS = "business", "企业或其他组织", "a business or another body"


class RegistrationState(Word):
    """Where a registration stands."""

    WAITING = "waiting", "待确认", "waiting to be confirmed"
    ADMITTED = "admitted", "已通过", "admitted"
    REFUSED = "refused", "未通过", "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationDraft:
    """What somebody writes who wants an account."""

    login: str
    name: str
    contact: str
    standing: Standing = Standing.PERSON
    words: str = ""
    credit_code: str = ""
    """Of a business or another body; checked by its check character (GB 32100)."""

    def checked(self) -> RegistrationDraft:
        """Return it in normal form.

        Raises:
            Invalid: a field will not do; the error names it.

        """
        login = normalise(self.login)
        if not _LOGIN.fullmatch(login):
            raise Invalid(
                "登录名须为 2 至 24 个小写字母或数字，以字母开头；平台会在后面加五位数字。",
                "The login is 2 to 24 lower-case letters or digits, a letter first; the platform adds five digits.",
                detail={"field": "login"},
            )
        name = clean_line(self.name, NAME_LONGEST)
        if not name:
            raise Invalid("请填写称呼或单位名称。", "Say how to call you.", detail={"field": "name"})
        contact = clean_line(self.contact, CONTACT_LONGEST)
        if not _CONTACT.fullmatch(contact):
            raise Invalid(
                "请填写能联系到您的电话或电子邮箱；只有确认注册的工作人员能看到。",
                "Give a telephone number or an e-mail address; only who confirms registrations sees it.",
                detail={"field": "contact"},
            )
        return replace(
            self,
            login=login,
            name=name,
            contact=contact,
            words=clean_words(self.words),
            credit_code=self._code() if self.standing is Standing.BUSINESS else "",
        )

    def _code(self) -> str:
        found = check_uscc(self.credit_code)
        if not found.passes:
            raise Invalid(
                f"企业或其他组织请填写统一社会信用代码：{found.message.zh if found.message else ''}",
                f"A business gives its unified social credit code: {found.message.en if found.message else ''}",
                code="credit_code",
                detail={"field": "credit_code"},
            )
        return found.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """One registration. The contact is sealed; the code is known to who registered only."""

    id: str
    login: str
    name: str
    standing: Standing
    words: str
    contact: str = field(repr=False)
    digest: str = field(repr=False)
    state: RegistrationState
    case: Case | None
    created_at: datetime
    person_id: str = ""
    reason: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None
    urged: int = 0
    credit_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What somebody who registered takes along, shown once."""

    registration: Registration
    code: str = field(repr=False)


def clean_line(text: str, longest: int) -> str:
    """Return one line without controls, bidi overrides and doubled blanks.

    Raises:
        Invalid: it is longer than ``longest``.

    """
    line = " ".join(_visible(text).split())
    if len(line) > longest:
        raise Invalid(
            f"内容过长，最多 {longest} 个字。", f"At most {longest} characters, please.", code="text_too_long"
        )
    return line


def clean_words(text: str, longest: int = WORDS_LONGEST) -> str:
    """Return a text of several lines without controls and bidi overrides.

    Raises:
        Invalid: it is longer than ``longest``.

    """
    lines = [" ".join(_visible(line).split()) for line in text.replace("\r\n", "\n").split("\n")]
    words = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if len(words) > longest:
        raise Invalid(
            f"内容过长，最多 {longest} 个字。", f"At most {longest} characters, please.", code="text_too_long"
        )
    return words


def _visible(text: str) -> str:
    """Drop controls, formats (bidi overrides, zero width) and lone surrogates; a tab becomes a blank."""
    return "".join(
        c
        for c in text.replace("\t", " ")
        if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} or c == " "
    )
