"""Read the parameters of the result list, and write the addresses of its facets, chips and pages back from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from beijiang.catalog import Facet, FacetCount, SearchPage, SearchQuery, Sort
from beijiang.kit import Invalid, Language, Text

MAX_TEXT = 200
MAX_SIZE = 100
DEFAULT_SIZE = 20
MAX_PAGE = 500
MAX_VALUES = 50
PLAIN_WORDS = ("q", "sort", "page", "size")

FACET_NAMES = {
    Facet.THEME: Text("主题", "Theme"),
    Facet.DEPARTMENT: Text("提供部门", "Department"),
    Facet.REGION: Text("区域", "Region"),
    Facet.FORMAT: Text("格式", "Format"),
    Facet.OPEN_TYPE: Text("开放方式", "Access"),
    Facet.UPDATE_CYCLE: Text("更新周期", "Update cycle"),
    Facet.GRADE: Text("分级", "Grade"),
    Facet.EXTENSION: Text("其他属性", "Further attributes"),
}
SORT_NAMES = {
    Sort.RELEVANCE: Text("最相关", "Best match"),
    Sort.UPDATED: Text("最近更新", "Recently updated"),
    Sort.NEWEST: Text("最新发布", "Newest"),
    Sort.NAME: Text("按名称", "Name"),
}


def parse(pairs: Sequence[tuple[str, str]]) -> SearchQuery:
    """Read the query string's pairs.

    Raises:
        Invalid: ``unknown_parameter``, ``repeated_parameter``, ``text_too_long``, ``bad_page``, ``bad_size``, ``bad_sort``.

    """
    words: dict[str, str] = {}
    facets: dict[Facet, frozenset[str]] = {}
    for name, value in pairs:
        if name in set(Facet):
            chosen = frozenset(v for v in value.split(",") if v)
            facets[Facet(name)] = facets.get(Facet(name), frozenset()) | chosen
        elif name in PLAIN_WORDS:
            if name in words:
                raise Invalid(f"参数 {name} 只能给一次。", f"Give {name} once only.", code="repeated_parameter")
            words[name] = value
        else:
            raise _unknown(name)
    if sum(len(values) for values in facets.values()) > MAX_VALUES:
        raise Invalid(
            f"筛选项最多 {MAX_VALUES} 个。", f"At most {MAX_VALUES} choices are taken.", code="too_many_filters"
        )
    return SearchQuery(
        text=_text(words.get("q", "")),
        facets={facet: values for facet, values in facets.items() if values},
        sort=_sort(words.get("sort")),
        page=_number(words.get("page"), 1, MAX_PAGE, "page"),
        size=_number(words.get("size"), DEFAULT_SIZE, MAX_SIZE, "size"),
    )


def _unknown(name: str) -> Invalid:
    known = [*PLAIN_WORDS, *Facet]
    return Invalid(
        f"不认识参数 {name[:80]}。可用：{'、'.join(known)}。",
        f"Unknown parameter {name[:80]}. Use {', '.join(known)}.",
        code="unknown_parameter",
        detail={"known": [str(word) for word in known]},
    )


def _text(value: str) -> str:
    if len(value) > MAX_TEXT:
        raise Invalid(
            f"搜索词最长 {MAX_TEXT} 个字符。", f"A search text has at most {MAX_TEXT} characters.", code="text_too_long"
        )
    return value.strip()


def _sort(value: str | None) -> Sort:
    if not value:
        return Sort.RELEVANCE
    try:
        return Sort(value)
    except ValueError:
        offered = [s.value for s in Sort]
        raise Invalid(
            f"没有这种排序。可选：{'、'.join(offered)}。",
            f"There is no such order. Choose one of: {', '.join(offered)}.",
            code="bad_sort",
            detail={"offered": [*offered]},
        ) from None


def _number(value: str | None, default: int, top: int, name: str) -> int:
    if not value:
        return default
    if not (value.isascii() and value.isdecimal() and len(value) < 6) or not 1 <= int(value) <= top:  # noqa: PLR2004
        raise Invalid(f"{name} 应在 1 到 {top} 之间。", f"{name} is from 1 to {top}.", code=f"bad_{name}")
    return int(value)


def pairs(query: SearchQuery) -> list[tuple[str, str]]:
    """Return the parameters that ``parse`` reads back as this query, in one fixed order."""
    found = [("q", query.text)] if query.text else []
    for facet in Facet:
        found += [(facet.value, value) for value in sorted(query.facets.get(facet, ()))]
    if query.sort is not Sort.RELEVANCE:
        found.append(("sort", query.sort.value))
    if query.size != DEFAULT_SIZE:
        found.append(("size", str(query.size)))
    if query.page > 1:
        found.append(("page", str(query.page)))
    return found


def address(query: SearchQuery, path: str = "/datasets") -> str:
    """Return the address of a result list."""
    found = pairs(query)
    return f"{path}?{urlencode(found)}" if found else path


@dataclass(frozen=True, slots=True)
class FacetLink:
    """One value of a facet as a link that adds it, or takes it away again."""

    label: str
    count: int
    selected: bool
    address: str


@dataclass(frozen=True, slots=True)
class FacetBox:
    """One facet with its values; ``open`` when something in it is chosen."""

    facet: Facet
    title: str
    links: tuple[FacetLink, ...]
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Everything that the result page needs besides the hits."""

    boxes: tuple[FacetBox, ...]
    chips: tuple[tuple[str, str], ...]
    """(what is chosen, address without it)."""
    sorts: tuple[tuple[str, str, bool], ...]
    """(name, address, chosen)."""
    pages: int
    previous: str | None
    next: str | None
    hidden: tuple[tuple[str, str], ...]
    """What the search form carries along besides its text."""


def listing(query: SearchQuery, results: SearchPage, language: Language, path: str = "/datasets") -> Listing:
    """Build the links of a result page, in ``language``."""
    first = replace(query, page=1)
    boxes = tuple(
        _box(facet, results.facets.get(facet, ()), first, (language, path))
        for facet in Facet
        if results.facets.get(facet) or query.facets.get(facet)
    )
    chips = [(box, link) for box in boxes for link in box.links if link.selected]
    pages = max(1, -(-results.total // query.size))
    return Listing(
        boxes=boxes,
        chips=tuple((f"{box.title}: {link.label}", link.address) for box, link in chips),
        sorts=tuple(
            (SORT_NAMES[s].in_language(language), address(replace(first, sort=s), path), s is query.sort) for s in Sort
        ),
        pages=pages,
        previous=address(replace(query, page=min(query.page - 1, pages)), path) if query.page > 1 else None,
        next=address(replace(query, page=query.page + 1), path) if query.page < min(pages, MAX_PAGE) else None,
        hidden=tuple((name, value) for name, value in pairs(first) if name != "q"),
    )


def _box(facet: Facet, counts: Sequence[FacetCount], query: SearchQuery, where: tuple[Language, str]) -> FacetBox:
    language, path = where
    chosen = query.facets.get(facet, frozenset())
    links = [
        FacetLink(
            c.label.in_language(language), c.count, c.value in chosen, address(_toggled(query, facet, c.value), path)
        )
        for c in counts
    ]
    known = {c.value for c in counts}
    links += [FacetLink(v, 0, True, address(_toggled(query, facet, v), path)) for v in sorted(chosen - known)]
    return FacetBox(facet, FACET_NAMES[facet].in_language(language), tuple(links), bool(chosen))


def _toggled(query: SearchQuery, facet: Facet, value: str) -> SearchQuery:
    chosen = query.facets.get(facet, frozenset()) ^ {value}
    return replace(query, facets={**query.facets, facet: chosen})
