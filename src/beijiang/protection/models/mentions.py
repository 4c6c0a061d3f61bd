"""Persons whom free text speaks of: names beside a word for a person, dwellings, codes of sole traders; as expressions of the query tree.

A column of bare names or addresses is found by ``detectors`` and graded. Here a value is a sentence, so a name counts only where
the text says that it is one: beside a cue (联系人：, 先生, ，男，), with a border behind it, and no common word, title or place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from beijiang.engine.checksums import CHECKSUMS, both, in_place
from beijiang.protection.models.detectors import PLACE_ENDINGS, Seen, one_under_the_other
from beijiang.protection.models.reference import words

__all__ = ["GRADED_AS", "MENTIONS", "UNSURE", "mentions"]

_HAN: Final = r"\p{Han}"
_ROLES: Final = (
    "姓名|联系人|经办人|承办人|负责人|申请人|申报人|当事人|法定代表人|法人代表|法人|代理人|委托人|受托人|监护人|被监护人|权利人|持证人|"
    "户主|患者|病人|死者|伤者|受害人|报案人|举报人|投诉人|来访人|来电人|反映人|救助对象|受助人|收件人|寄件人|签收人|签字人|"
    "驾驶员|驾驶人|司机|学生|家长|职工|村民|牧民|居民|市民|租户|业主|房主|车主|群众|嫌疑人|被告人?|原告|上诉人|配偶|丈夫|妻子|父亲|母亲|儿子|女儿"
)
_NO_ROLES: Final = "妇女|儿女|非法人"
"""Words that hold the letters of one for a person: 妇女儿童."""
_TITLES: Final = (
    "先生|女士|小姐|同志|同学|老师|教师|师傅|大爷|大娘|大妈|主任|副主任|局长|副局长|处长|科长|副科长|所长|院长|校长|厂长|站长|队长|镇长|乡长|"
    "旗长|县长|市长|区长|苏木达|书记|经理|总经理|董事长|医生|大夫|护士|警官|律师|会计|法官|检察官"
)
_ADDRESSED: Final = "先生|女士|小姐|同志|同学|老师|师傅|大爷|大娘|大妈|医生|大夫|警官|律师"
"""What follows a whole name in a sentence; offices such as 局长 follow names of bodies too."""
_SAYS: Final = "反映|来电|来访|来信|诉称|求助|签字|报案|举报|投诉|称其|称自己|本人到"
_AFTER: Final = rf"(?:$|[^{_HAN}]|电话|手机|联系|身份证|于|在|因|向|已|为|系|与|和|及|等|到|从|的|男|女|提出|申请|{_TITLES}|{_SAYS})"
_ROLE: Final = "§"
"""Stands for a word for a person once it was recognised: common words are cut out then, and 申请 must not tear 申请人."""
_BEFORE: Final = rf"(?:^|[^{_HAN}{_ROLE}]|由|向|与|和|对|给|经|请|是|为|系|找|叫)"
"""A border; behind a word for a person a name is looked for by itself, 业主向物业反映 has none."""
_LABEL: Final = r"[：:\s“（(]+(?:为|是|系|叫|名叫)?[：:\s“（(]*"
"""Between a heading and what is filled in behind it."""
_GAP: Final = r"[：:\s]*(?:为|是|系|叫|名叫)?[：:\s“（(]*"
_SHORTEST: Final = 4
"""Characters of the longest text that is no sentence."""
_JOINS: Final = "向和应时"
"""Surnames that join a person to something else: 向政府, 和企业, 应到场."""
_NEVER: Final = "某的了在被该其于"
"""Characters that no name has; 某 stands for one that was taken out."""


def _text(value: str) -> exp.Expr:
    return exp.Literal.string(value)


def _matches(value: exp.Expr, pattern: str) -> exp.Expr:
    return exp.Anonymous(this="REGEXP_MATCHES", expressions=[value, _text(pattern)])


def _marked(value: exp.Expr, pattern: str, mark: str = "；") -> exp.Expr:
    """Return a text with a mark for all that matches, so that nothing grows together where words are cut out."""
    return exp.Anonymous(this="REGEXP_REPLACE", expressions=[value, _text(pattern), _text(mark), _text("g")])


def _names(surnames: str, *, mongolian: bool) -> str:
    """Return the pattern of a whole name inside a sentence: with one of these surnames, or in Mongolian."""
    inner, last = f"[^\\P{{Han}}{_NEVER}]", f"[^\\P{{Han}}{_NEVER}{PLACE_ENDINGS}]"
    found = [f"[{surnames}]{inner}?{last}"]
    if mongolian:
        parts = "|".join(words("mongolian"))
        found += [
            f"(?:欧阳|司马|上官|诸葛){inner}?{last}",
            f"{inner}{{0,3}}(?:{parts})(?:{inner}{{0,2}}{last})?",
            f"{inner}{{2,6}}·{inner}{{1,6}}{last}",
        ]
    return f"(?:{'|'.join(found)})"


def _without_words(value: exp.Expr) -> exp.Expr:
    """Return a text with marks for words of persons, and for what begins like a name and is none."""
    common = "|".join(sorted(words("mistaken"), key=len, reverse=True))
    plain = _marked(_marked(_marked(value.copy(), _NO_ROLES), _ROLES, _ROLE), f"(?:{common})")
    return _marked(plain, f"{_BEFORE}[{''.join(words('surnames'))}](?:{_TITLES})")


def _beside(plain: exp.Expr, name: str, gap: str) -> list[exp.Expr]:
    """Return the tests for a name beside what tells that it is one."""
    titled = f"[{''.join(words('surnames'))}](?:{_TITLES})"
    return [
        _matches(plain.copy(), rf"{_BEFORE}{name}(?:{_ADDRESSED}|{_SAYS})"),
        _matches(plain.copy(), rf"(?:^|[^{_HAN}]){name}[，,、\s（(]{{1,2}}(?:男|女)(?:$|[^{_HAN}]|性)"),
        _matches(_marked(plain.copy(), titled), rf"{_ROLE}{gap}{name}{_AFTER}"),
    ]


def _named(value: exp.Expr) -> exp.Expr:
    """Tell whether a text surely names a person: a surname that begins everyday words too counts behind a heading only."""
    plain, everyday = _without_words(value), words("everyday")
    sure = "".join(letter for letter in words("surnames") if letter not in everyday)
    headed = _names("".join(words("surnames")), mongolian=False)
    found = _beside(plain, _names(sure, mongolian=True), _GAP)
    return exp.or_(*found, _matches(plain.copy(), rf"{_ROLE}{_LABEL}{headed}(?:$|[^{_HAN}{_ROLE}])"), copy=False)


def _maybe_named(value: exp.Expr) -> exp.Expr:
    """Tell whether a text may name a person and does not surely: 学生高考报名 and 学生高考良 are told apart by people only."""
    often = "".join(letter for letter in words("surnames") if letter in words("everyday") and letter not in _JOINS)
    maybe = exp.or_(*_beside(_without_words(value), _names(often, mongolian=False), _GAP), copy=False)
    return both(exp.not_(exp.paren(_named(value), copy=False), copy=False), exp.paren(maybe, copy=False))


_AREA: Final = "(?:省|市|盟|旗|县|区|镇|乡|苏木|街道|嘎查|村)"
_DOOR: Final = "(?:[0-9]+号|村|嘎查|小区|楼|室|单元|[0-9一二三四五六七八九十]组|巷|户)"
_DWELLING: Final = (
    r"(?:号楼|栋|幢|#楼?|号)[，, -]?[0-9一二三四五六七八九十]{1,2}单元[，, -]?(?:[0-9]{1,2}楼)?[0-9]{2,4}"
    r"|(?:小区|家园|花园|公寓|苑|家属院|家属楼)[0-9]{1,3}-[0-9]{1,2}-[0-9]{2,4}"
)
_BUSINESS: Final = (
    r"(?:(?:经营|营业|生产|办公|注册|公共|服务|建设|施工|项目|工程|仓储|培训|办学|执业|活动)(?:场所|地址|地点|位置|地)|住所（经营场所）|场所|点位)"
    r"[：:为是在于]{1,2}[^，,。；;]{0,60}"
)
"""Where work is done: what stands behind such a word is a firm's or a site's place, however much it reads like a flat."""
_LIVES: Final = "(?:(?:住址|家庭地址|家庭住址|现住址|居住地址?|户籍地址?|户籍所在地|户口所在地|老家)[：:为是在于]{1,2}|家住|住在|现住|居住在|居住于)"


def _lives(value: exp.Expr) -> exp.Expr:
    rest = "[^，,。；;]"
    homes = _marked(value.copy(), _BUSINESS)
    return _matches(homes, rf"{_DWELLING}|{_LIVES}{rest}{{0,12}}{_AREA}{rest}{{0,30}}{_DOOR}")


def _trades(value: exp.Expr) -> exp.Expr:
    """Tell whether a credit code of a sole trader stands alone or inside a text.

    The number behind its region begins with a letter (MA, L): sole traders never had organisation codes of digits.
    """
    pattern = "(?:^|[^0-9A-Za-z])(92[0-9]{6}[A-HJ-NPQRTUWXYa-hj-npqrtuwxy][0-9A-HJ-NPQRTUWXYa-hj-npqrtuwxy]{9})(?:$|[^0-9A-Za-z])"
    found = exp.Anonymous(this="REGEXP_EXTRACT", expressions=[value.copy(), _text(pattern), exp.Literal.number(1)])
    there = exp.NEQ(this=found, expression=_text(""))
    return both(_longer(value, 17), both(there, CHECKSUMS["uscc"](in_place(found))))


def _longer(value: exp.Expr, characters: int) -> exp.Expr:
    return exp.GT(this=exp.Length(this=value.copy()), expression=exp.Literal.number(characters))


MENTIONS: Final = {"named_person": _named, "maybe_named": _maybe_named, "dwelling": _lives, "sole_trader": _trades}
"""What is looked for in the sentences of a column."""
GRADED_AS: Final = {
    "person_name": frozenset({"named_person", "maybe_named"}),
    "legal_representative": frozenset({"named_person", "maybe_named"}),
    "home_address": frozenset({"dwelling"}),
    "place_address": frozenset({"dwelling"}),
}
"""The mentions that a column of this kind is made of."""
UNSURE: Final = frozenset({"maybe_named"})
"""The mentions that only people can tell from everyday words; the others hold a version back."""


def mentions(table: str, columns: Sequence[str]) -> exp.Select:
    """Return the query that counts the mentions in columns of text, a row for the ``place`` of each column that has longer texts.

    The columns stand one under the other: making the patterns ready is most of the work. A text that stands in many rows is read once.
    """
    text, rows = exp.column("c0"), exp.column("times")
    under = one_under_the_other(table, dict.fromkeys(columns, "text"), Seen()).subquery("under", copy=False)
    times = exp.alias_(exp.Count(this=exp.Star()), "times", copy=False)
    texts = exp.select(exp.column("place"), text.copy(), times, copy=False).from_(under, copy=False)
    texts = texts.where(_longer(text.copy(), _SHORTEST), copy=False).group_by("place", "c0", copy=False)
    counted = [
        exp.alias_(exp.Sum(this=exp.Case().when(test(text), rows.copy()).else_("0")), name, copy=False)
        for name, test in MENTIONS.items()
    ]
    query = exp.select(exp.column("place"), *counted, copy=False).from_(texts.subquery("texts"), copy=False)
    return query.group_by("place", copy=False)
