"""What of an address lies below the county: township or subdistrict, village or community, road, door number.

An address names them from the large to the small, so each is sought at the start of what the one before left. Names of
townships are not looked up: they change by the year and no list is carried; the words that they end with tell them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlglot import exp

from beijiang.recipes.models.frame import Frame, Made, cell, is_null, literal, number
from beijiang.recipes.models.texts import replaced

__all__ = ["PARTS", "parts_of"]

PARTS: Final = ("乡镇街道", "村社区", "路街巷", "门牌号")
_MARK: Final = "_bj_part:"
_ZONE: Final = "[^0-9路街巷镇乡]{0,10}?(?:开发区|高新区|新区|园区|示范区|合作区|旧城区|新城区)"
_TOWN: Final = (
    "[^0-9路街巷村镇乡,，(（]{1,10}?(?:街道办事处|街道办|街道|民族乡|镇|乡|苏木苏木|苏木|办事处)"
    "|[^0-9村镇乡,，(（]{1,8}?(?:[路街巷]街道(?:办事处)?|路苏木)"
)
_VILLAGE: Final = (
    "[^0-9路街巷镇乡区楼,，(（]{1,10}?"
    "(?:村民委员会|村委会|嘎查委员会|嘎查|行政村|村|社区居民委员会|社区居委会|社区|居民委员会|居委会)"
)
_ROAD: Final = (
    "[^0-9号,，(（与]{1,14}?(?:大街|大道|路|街|巷|胡同)|[0-9一二三四五六七八九十]+号路|[0-9]{3}(?:国道|省道|县道)"
)
_LANE: Final = "^([^0-9号村路街巷,，(（与]{1,8}道)[0-9]"
"""光荣道238号; 通道南街 is no such road."""
_DOOR: Final = "(?:[0-9]+(?:[-、][0-9]+)*|[一二三四五六七八九十百]+)号(?:附[0-9]+号|院)?"
_NO_ROADS: Final = ("铁路", "公路", "马路", "道路", "一路", "沿街", "临街")
_STREET: Final = "^[东西南北中]?(?:大街|路|街|巷|小区)"
"""What makes of the word before it the name of a street: 新村路."""
_APART: Final = (
    ("大街道", "大街,道"),  # 新华大街道北 names no 街道
    ("乡镇企业|乡企", "企"),
    ("街坊", "坊"),  # blocks of houses have numbers too, and are neither roads nor doors
)


def parts_of(frame: Frame, text: exp.Expr, named: exp.Expr, prefix: str) -> Mapping[str, Made]:
    """Return the four parts of ``text``, an address without blanks, behind the name of its region (``named``, may be NULL)."""
    plain = text
    for words, by in _APART:
        plain = replaced(plain, words, by)
    frame.put({}, {f"{_MARK}text": plain, f"{_MARK}named": named})
    bare = replaced(cell(f"{_MARK}text"), "^内蒙古(?:自治区)?", "")
    rest = exp.Case().when(is_null(cell(f"{_MARK}named")), bare).else_(_behind(cell(f"{_MARK}text"), f"{_MARK}named"))
    frame.put({}, {f"{_MARK}rest": rest})
    own = cell(f"{_MARK}rest")
    lane = _extract(own, _LANE, 1)
    for name, found, refused in (
        ("zone", _extract(own, f"^{_ZONE}", 0), ""),
        ("town", _extract(own, f"^(?:{_TOWN})", 0), ""),
        ("village", _extract(own, f"^{_VILLAGE}", 0), _STREET),
        ("road", exp.Coalesce(this=lane, expressions=[_extract(own, f"^(?:{_ROAD})", 0)]), "^道"),
    ):
        _cut(frame, name, found, refused)
    door = _extract(cell(f"{_MARK}rest"), f"^[^0-9号一二三四五六七八九十百]{{0,8}}?({_DOOR})(?:[^楼坊库]|$)", 1)
    road = cell(f"{_MARK}road")
    is_road = exp.not_(exp.In(this=road.copy(), expressions=[literal(word) for word in _NO_ROADS]))
    values = (cell(f"{_MARK}town"), cell(f"{_MARK}village"), exp.Case().when(is_road, road.copy()), door)
    return {f"{prefix}{name}": Made(value, "text") for name, value in zip(PARTS, values, strict=True)}


def _cut(frame: Frame, name: str, found: exp.Expr, refused: str) -> None:
    """Take a part off the start of the rest, unless what is behind it is ``refused``."""
    mark, rest = f"{_MARK}{name}", cell(f"{_MARK}rest")
    frame.put({}, {mark: found})
    frame.put({}, {f"{_MARK}behind": _behind(rest, mark)})
    taken: exp.Expr = exp.not_(is_null(cell(mark)))
    if refused:
        fails = exp.RegexpLike(this=cell(f"{_MARK}behind"), expression=literal(refused))
        taken = exp.and_(taken, exp.not_(fails))
    left = exp.Case().when(taken.copy(), cell(f"{_MARK}behind")).else_(rest.copy())
    frame.put({}, {mark: exp.Case().when(taken, cell(mark)), f"{_MARK}rest": left})


def _behind(text: exp.Expr, mark: str) -> exp.Expr:
    found = cell(mark)
    start = exp.Add(this=exp.StrPosition(this=text.copy(), substr=found), expression=exp.Length(this=found.copy()))
    return exp.Substring(this=text.copy(), start=start, length=exp.Length(this=text.copy()))


def _extract(text: exp.Expr, pattern: str, group: int) -> exp.Expr:
    found = exp.RegexpExtract(this=text.copy(), expression=literal(pattern), group=number(group))
    return exp.Nullif(this=found, expression=literal(""))
