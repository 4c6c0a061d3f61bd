"""The region that an address lies in: its six-digit code and the names of league or city and of banner or county.

The first name in the address decides; a banner counts only inside the league that is named with it, because "新城区" is
also what people call the new part of any town. Where the address is silent, a credit code's region and the name of a
place help. Former names and those in everyday use are in ``region_aliases.csv``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.recipes.models.frame import Frame, Made, cell, dictionary, is_null, literal, number, of_dictionary
from beijiang.recipes.models.parts import parts_of
from beijiang.recipes.models.texts import any_of, narrowed, without_blanks

if TYPE_CHECKING:
    from beijiang.standards import Region

__all__ = ["Places", "region_of"]

_CITY, _COUNTY = 2, 3
_MARK: Final = "_bj_place:"


@dataclass(frozen=True, slots=True)
class Places:
    """Names of regions with their codes: leagues and cities, banners and counties."""

    names: Mapping[str, str]
    """Official names by code."""
    cities: Mapping[str, str]
    """Codes of leagues and cities by every name in use."""
    counties: Mapping[str, str]
    """Codes of banners, counties and districts by every name in use."""

    @classmethod
    def of(cls, regions: Iterable[Region]) -> Places:
        """Gather the names of regions, those in everyday use included; development zones are none (GB/T 2260)."""
        known = [r for r in regions if r.level in {_CITY, _COUNTY} and not r.is_functional_zone]
        levels = {region.code: region.level for region in known}
        names = {region.code: region.name for region in known}
        spoken = {region.name: region.code for region in known}
        for region in known:
            if region.level == _CITY:
                spoken.setdefault(region.name.removesuffix("市").removesuffix("盟"), region.code)
        text = (files("beijiang.recipes") / "reference" / "region_aliases.csv").read_text("utf-8")
        for row in csv.DictReader(text.splitlines()):
            if row["code"] in levels:
                spoken.setdefault(row["alias"], row["code"])
        return cls(
            names,
            {name: code for name, code in spoken.items() if levels[code] == _CITY},
            {name: code for name, code in spoken.items() if levels[code] == _COUNTY},
        )

    def lines(self) -> Iterable[tuple[str, str | None, str | None]]:
        """Return each code with the name of its league or city, and its own where it lies below one."""
        for code, name in self.names.items():
            below = code[4:] != "00"
            yield code, self.names.get(f"{code[:4]}00"), name if below else None


def region_of(
    frame: Frame, places: Places, columns: Sequence[str], prefix: str, *, parts: bool = False
) -> Mapping[str, Made]:
    """Return ``区划代码``, ``盟市`` and ``旗县区``, read from an address and, where named, a credit code and a place.

    ``columns`` are the address, the credit code and the place; the last two may be empty. With ``parts`` also what lies below.
    """
    address, code, place = columns
    text = without_blanks(narrowed(cell(address)))
    city_names, county_names = any_of(list(places.cities)), any_of(list(places.counties))
    spoken = {
        "city": _first(text, city_names),
        "county": _first(text, county_names),
        "place": _first(narrowed(cell(place)), city_names) if place else exp.null(),
        "number": exp.Substring(this=cell(code), start=number(3), length=number(6)) if code else exp.null(),
    }
    frame.put({}, {f"{_MARK}{name}": value for name, value in spoken.items()})
    codes = dict(zip(places.names, places.names, strict=True))
    for name, words in (
        ("city", places.cities),
        ("county", places.counties),
        ("place", places.cities),
        ("number", codes),
    ):
        found = f"{_MARK}{name}_code"
        on = exp.EQ(this=cell(f"{_MARK}{name}"), expression=of_dictionary("word"))
        frame.join(dictionary(("word", "code"), words.items()), on, {found: of_dictionary("code")})
    city, county, spare, numbered = (cell(f"{_MARK}{name}_code") for name in ("city", "county", "place", "number"))
    named = exp.Coalesce(this=city, expressions=[spare])
    inside = exp.Or(this=is_null(named), expression=exp.EQ(this=_city_of(county), expression=_city_of(named)))
    by_number = exp.Or(this=is_null(named), expression=exp.EQ(this=_city_of(numbered), expression=_city_of(named)))
    is_county = exp.NEQ(
        this=exp.Substring(this=numbered.copy(), start=number(5), length=number(2)), expression=literal("00")
    )
    chosen = (
        exp.Case()
        .when(exp.and_(exp.not_(is_null(county)), inside), county.copy())
        .when(exp.and_(exp.not_(is_null(numbered)), by_number, is_county), numbered.copy())
        .else_(exp.Coalesce(this=city.copy(), expressions=[spare.copy(), numbered.copy()]))
    )
    frame.put({}, {f"{_MARK}code": chosen})
    on = exp.EQ(this=cell(f"{_MARK}code"), expression=of_dictionary("code"))
    taken = {f"{_MARK}{word}": of_dictionary(word) for word in ("upper", "lower")}
    frame.join(dictionary(("code", "upper", "lower"), places.lines()), on, taken)
    below: Mapping[str, Made] = {}
    if parts:
        own = exp.EQ(this=cell(f"{_MARK}code"), expression=cell(f"{_MARK}county_code"))
        named_by = exp.Case().when(own, cell(f"{_MARK}county")).else_(cell(f"{_MARK}city"))
        below = parts_of(frame, text, named_by, prefix)
    return {
        f"{prefix}区划代码": Made(cell(f"{_MARK}code"), "text"),
        f"{prefix}盟市": Made(cell(f"{_MARK}upper"), "text"),
        f"{prefix}旗县区": Made(cell(f"{_MARK}lower"), "text"),
        **below,
    }


def _first(text: exp.Expr, words: str) -> exp.Expr:
    found = exp.RegexpExtract(this=text.copy(), expression=literal(words), group=number(0))
    return exp.Nullif(this=found, expression=literal(""))


def _city_of(code: exp.Expr) -> exp.Expr:
    return exp.Substring(this=code.copy(), start=number(1), length=number(4))
