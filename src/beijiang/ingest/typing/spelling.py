"""How numbers, dates and missing values are spelled in the files of Chinese departments.

The fast paths are vectorised in ``inference`` and ``application``; what falls through comes here, one distinct
spelling at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from beijiang.kit import half_width

__all__ = [
    "BEIJING",
    "MISSING",
    "Number",
    "is_identifier_name",
    "is_measure_name",
    "says_date",
    "to_boolean",
    "to_date",
    "to_number",
    "to_timestamp",
]

BEIJING = ZoneInfo("Asia/Shanghai")
MISSING = frozenset(
    {
        *("-", "--", "---", "—", "——", "－", "–", "−", "/", "//", "\\", "-;", "*", "**", "***", ".", "…", "……", "?"),
        *("N/A", "n/a", "#N/A", "NA", "NULL", "null", "Null", "None", "none", "nan", "NaN", "NAN", "nil"),
        *("无", "暂无", "空", "不详", "未知", "缺测", "缺失", "未填", "未填报", "无数据", "暂缺"),
    }
)
"""Texts that stand for a missing value, in columns that are otherwise typed; in a text column they are text."""

_MEASURE = re.compile(
    r"(数|数量|金额|额|率|费|比例|面积|人口|产值|重量|长度|余额|价|价格|收入|支出|得分|分数)(\(.*\)|（.*）)?$"
)
_DATE_NAME = re.compile(
    r"日期|时间|年月日|生日|日$|有效期|截止|期限|timepoint|(?:^|[_\s])(?:date|time|day|datetime)|(?:date|time|_at)$",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(
    r"代码|编码|编号|号码|电话|手机|传真|热线|联系方式|证号|证件|身份证|许可证|执照|证书|证$|账号|帐号|账户|卡号|邮编|邮政|区划|"
    r"工号|学号|文号|案号|档号|批号|型号|条码|序列号|车牌|户号|标识|(?<!序)号$|码$|行政区$|"
    r"code$|(?:^|[_\s])(?:id|no|uscc|phone|mobile|tel|fax|zip|zipcode|postcode|uuid|isbn|account)$|phone|postcode|zipcode",
    re.IGNORECASE,
)


def says_date(name: str) -> bool:
    """Tell whether a column's name announces dates or times."""
    return _DATE_NAME.search(name) is not None


def is_measure_name(name: str) -> bool:
    """Tell whether a column's name announces an amount, a count or a rate."""
    return _MEASURE.search(name) is not None


def is_identifier_name(name: str) -> bool:
    """Tell whether a column's name announces identifiers: codes, numbers of phones and certificates stay text."""
    return _IDENTIFIER.search(name) is not None and not is_measure_name(name) and not says_date(name)


@dataclass(frozen=True, slots=True)
class Number:
    """A number that was read from text."""

    value: Decimal
    percent: bool = False
    exponent: bool = False
    leading_zero: bool = False

    @property
    def scale(self) -> int:
        """Digits after the point, as written."""
        return max(0, -int(self.value.as_tuple().exponent))

    @property
    def whole(self) -> int:
        """Digits before the point."""
        return max(1, self.value.adjusted() + 1) if self.value else 1


_PLAIN = re.compile(r"([+-]?)(\d{1,3}(?:,\d{3})+|\d*)(?:\.(\d*))?(%?)")
_EXPONENT = re.compile(r"[+-]?\d+(?:\.\d*)?[eE][+-]?\d{1,3}")
_SIGNS = str.maketrans({"−": "-", "–": "-", "﹣": "-", "．": ".", "，": ",", "％": "%", "\xa0": " ", "\u2009": " "})


def _tidy(raw: str) -> str:
    return half_width(raw).translate(_SIGNS).strip()


@lru_cache(maxsize=200_000)
def to_number(raw: str) -> Number | None:
    """Read a number with full-width digits, thousands separators, a percent sign or an exponent; None if it is none."""
    text = _tidy(raw)
    match = _PLAIN.fullmatch(text)
    if match:
        sign, whole, fraction, percent = match.groups()
        if not whole and not fraction:
            return None
        digits = whole.replace(",", "") or "0"
        value = Decimal(f"{sign}{digits}.{fraction}" if fraction else f"{sign}{digits}")
        return Number(value, bool(percent), leading_zero=len(digits) > 1 and digits[0] == "0")
    if _EXPONENT.fullmatch(text):
        return Number(Decimal(text), exponent=True)
    return None


_DAY = re.compile(r"([12]\d{3})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?:\s*[日号])?")
_COMPACT = re.compile(r"([12]\d{3})(\d{2})(\d{2})")
_CLOCK = re.compile(
    r"(?:[T\s]|(?<=[日号]))\s*(\d{1,2})\s*[:时点]\s*(\d{1,2})(?:\s*[:分]\s*(?:(\d{1,2})(?:\.(\d{1,9}))?\s*秒?)?)?\s*(Z|[+-]\d{2}:?\d{2})?"
)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_EPOCH_1900 = datetime(1899, 12, 30)  # noqa: DTZ001  # a workbook's serial has no zone
_SERIAL_RANGE = (9_133, 73_415)
"""1925-01-01 to 2100-12-31, so that a stray five-digit number is rarely taken for a date."""


def _ymd(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


@lru_cache(maxsize=200_000)
def to_date(raw: str, *, bare: bool = True) -> date | None:
    """Read a day: 2003年1月2日, 2003.1.2, 2003/1/2, and if ``bare`` digits count, 20030102 and workbook serials.

    A midnight time after the day is accepted and dropped; any other time is not.
    """
    text = _tidy(raw)
    match = _DAY.match(text)
    if match:
        rest = text[match.end() :].strip()
        day = _ymd(*match.groups())
        return day if not rest or re.fullmatch(r"T?0?0:00(:00(\.0+)?)?", rest) else None
    if not bare:
        return None
    match = _COMPACT.fullmatch(text)
    if match:
        return _ymd(*match.groups())
    if _SERIAL.fullmatch(text):
        serial = float(text)
        if _SERIAL_RANGE[0] <= serial <= _SERIAL_RANGE[1] and serial == int(serial):
            return (_EPOCH_1900 + timedelta(days=serial)).date()
    return None


@lru_cache(maxsize=200_000)
def to_timestamp(raw: str, *, bare: bool = True) -> datetime | None:
    """Read an instant (aware, UTC): a day with a time of day; without a zone it is Beijing time."""
    text = _tidy(raw)
    match = _DAY.match(text)
    clock = _CLOCK.fullmatch(text, match.end()) if match else None
    if match and clock:
        hour, minute, second, fraction, zone = clock.groups()
        day = _ymd(*match.groups())
        if day is None or int(hour) > 23 or int(minute) > 59 or int(second or 0) > 59:  # noqa: PLR2004  # the clock
            return None
        micro = int((fraction or "0").ljust(6, "0")[:6])
        local = datetime(day.year, day.month, day.day, int(hour), int(minute), int(second or 0), micro, tzinfo=BEIJING)
        if zone:
            local = datetime.fromisoformat(
                f"{local.replace(tzinfo=None).isoformat()}{'+00:00' if zone == 'Z' else zone}"
            )
        return local.astimezone(UTC)
    if bare and _SERIAL.fullmatch(text) and _SERIAL_RANGE[0] <= float(text) <= _SERIAL_RANGE[1]:
        moment = _EPOCH_1900 + timedelta(seconds=round(float(text) * 86_400))
        return moment.replace(tzinfo=BEIJING).astimezone(UTC)
    day = to_date(raw, bare=bare)
    return datetime(day.year, day.month, day.day, tzinfo=BEIJING).astimezone(UTC) if day else None


_BOOLEANS = {"true": True, "false": False}


def to_boolean(raw: str) -> bool | None:
    """Read true or false. 是 and 否 are code values and stay text."""
    return _BOOLEANS.get(raw.strip().lower())
