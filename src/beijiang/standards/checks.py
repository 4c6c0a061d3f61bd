"""Check algorithms for identifiers: citizen id, credit code, organisation code, bank card."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from beijiang.kit import Text, half_width


class Verdict(StrEnum):
    """How a check ended; a warning never rejects a row."""

    OK = "ok"
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The verdict on one value, its normal form, and the reason when it is not plainly right."""

    verdict: Verdict
    value: str
    reason: str | None = None
    """Stable code: shape, check, date, future, prefix, inner."""
    message: Text | None = None

    @property
    def passes(self) -> bool:
        """Tell whether the value may be kept as it is (right, or worth a warning only)."""
        return self.verdict is not Verdict.ERROR


_CITIZEN = re.compile(r"\d{17}[\dX]", re.ASCII)
_CITIZEN_15 = re.compile(r"\d{15}", re.ASCII)
_CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_CHECKS = "10X98765432"
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}", re.ASCII)
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_ORG = re.compile(r"([0-9A-Z]{8})-?([0-9X])", re.ASCII)
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CARD = re.compile(r"\d{8,19}", re.ASCII)


def _clean(value: str) -> str:
    return half_width(value).strip().upper()


def _error(value: str, reason: str, zh: str, en: str) -> CheckResult:
    return CheckResult(Verdict.ERROR, value, reason, Text(zh, en))


def citizen_check_character(first17: str) -> str:
    """Return the check character for the first 17 digits of a citizen id (GB 11643)."""
    return _CITIZEN_CHECKS[sum(int(c) * w for c, w in zip(first17, _CITIZEN_WEIGHTS, strict=True)) % 11]


def check_citizen_id(
    value: str, *, today: date | None = None, known_prefixes: frozenset[str] | None = None
) -> CheckResult:
    """Check a citizen id number (GB 11643): shape, check character, real birth date that is not in the future.

    The 15-digit form is completed. An unknown region prefix is a warning only: numbers keep the code of first
    registration, which may be historic.
    """
    text = _clean(value)
    if _CITIZEN_15.fullmatch(text):
        first = f"{text[:6]}19{text[6:]}"
        text = first + citizen_check_character(first)
    if not _CITIZEN.fullmatch(text):
        return _error(
            text, "shape", "公民身份号码应为 18 位数字，末位可为 X。", "A citizen id has 18 digits; the last may be X."
        )
    if citizen_check_character(text[:17]) != text[17]:
        return _error(text, "check", "公民身份号码校验位不符。", "The check character of the citizen id is wrong.")
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return _error(
            text, "date", "公民身份号码中的出生日期不存在。", "The birth date in the citizen id does not exist."
        )
    if today is not None and born > today:
        return _error(
            text, "future", "公民身份号码中的出生日期在将来。", "The birth date in the citizen id lies ahead."
        )
    if known_prefixes is not None and text[:6] not in known_prefixes:
        message = Text(
            "地区码不在现行区划表中（可能为历史区划）。", "The region prefix is not in force (it may be historic)."
        )
        return CheckResult(Verdict.WARN, text, "prefix", message)
    return CheckResult(Verdict.OK, text)


def uscc_check_character(first17: str) -> str:
    """Return the check character for the first 17 characters of a credit code (GB 32100-2015)."""
    total = sum(_USCC_ALPHABET.index(c) * w for c, w in zip(first17, _USCC_WEIGHTS, strict=True))
    return _USCC_ALPHABET[-total % 31]


def check_uscc(value: str, *, inner: bool = False) -> CheckResult:
    """Check a unified social credit code (GB 32100-2015); its check character is any of 31 letters and digits.

    With ``inner``, characters 9-17 must also be a right organisation code; a miss is a warning only.
    """
    text = _clean(value)
    if not _USCC.fullmatch(text):
        zh = "统一社会信用代码应为 18 位，不含字母 I、O、S、V、Z。"
        return _error(text, "shape", zh, "A credit code has 18 characters, without the letters I, O, S, V, Z.")
    if uscc_check_character(text[:17]) != text[17]:
        return _error(text, "check", "统一社会信用代码校验位不符。", "The check character of the credit code is wrong.")
    if inner and not check_org_code(text[8:17]).passes:
        message = Text("其中的组织机构代码校验不符。", "The organisation code inside does not check.")
        return CheckResult(Verdict.WARN, text, "inner", message)
    return CheckResult(Verdict.OK, text)


def org_check_character(first8: str) -> str:
    """Return the check character for the first 8 characters of an organisation code (GB 11714)."""
    rest = 11 - sum(_BASE36.index(c) * w for c, w in zip(first8, _ORG_WEIGHTS, strict=True)) % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


def check_org_code(value: str) -> CheckResult:
    """Check an organisation code (GB 11714), with or without its hyphen."""
    text = _clean(value)
    found = _ORG.fullmatch(text)
    if not found:
        zh = "组织机构代码应为 8 位数字或大写字母加 1 位校验码。"
        return _error(text, "shape", zh, "An organisation code has 8 digits or capitals and one check character.")
    body, check = found.groups()
    if check != org_check_character(body):
        return _error(
            text, "check", "组织机构代码校验位不符。", "The check character of the organisation code is wrong."
        )
    return CheckResult(Verdict.OK, f"{body}-{check}")


def luhn_check_digit(digits: str) -> str:
    """Return the check digit of a bank card number without it (ISO/IEC 7812)."""
    return str(-_luhn_total(digits + "0") % 10)


def _luhn_total(text: str) -> int:
    digits = [int(c) for c in reversed(text)]
    return sum(digits[0::2]) + sum(sum(divmod(2 * d, 10)) for d in digits[1::2])


def check_luhn(value: str) -> CheckResult:
    """Check a bank card number (ISO/IEC 7812); for detectors, since many other numbers pass by chance."""
    text = _clean(value).replace(" ", "")
    if not _CARD.fullmatch(text):
        return _error(text, "shape", "银行卡号应为 8 至 19 位数字。", "A card number has 8 to 19 digits.")
    if _luhn_total(text) % 10:
        return _error(text, "check", "银行卡号校验位不符。", "The check digit of the card number is wrong.")
    return CheckResult(Verdict.OK, text)


__all__ = [
    "CheckResult",
    "Verdict",
    "check_citizen_id",
    "check_luhn",
    "check_org_code",
    "check_uscc",
    "citizen_check_character",
    "luhn_check_digit",
    "org_check_character",
    "uscc_check_character",
]
