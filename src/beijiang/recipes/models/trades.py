"""What kind of organisation a name and a scope of business tell of: its legal form, and its section of GB/T 4754-2017.

The words stand in ``reference/``: they are the project's own observation of names, not a standard, so what they give is a
proposal that a register's own entry outranks.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.recipes.models.frame import (
    HIDDEN_MARK,
    Made,
    cell,
    dictionary,
    literal,
    number,
    of_dictionary,
)
from beijiang.recipes.models.texts import any_of, organisation, replaced

if TYPE_CHECKING:
    from beijiang.recipes.models.frame import Frame

__all__ = ["trade_of"]

_MARK: Final = f"{HIDDEN_MARK}trade:"
_HEADS: Final = "(许可经营项目|一般经营项目|许可项目|一般项目|主营|兼营|经营范围)[:：]?(无|None)?"
"""Headings of a scope of business that say nothing of the trade."""


@cache
def _table(name: str, key: str, value: str) -> Mapping[str, str]:
    text = (files("beijiang.recipes") / "reference" / name).read_text("utf-8")
    return {row[key]: row[value] for row in csv.DictReader(text.splitlines())}


def trade_of(frame: Frame, name: str, scope: str, prefix: str) -> Mapping[str, Made]:
    """Return ``组织形式``, ``行业门类代码`` and ``行业门类``, read from a name and, where the name says nothing, from a scope.

    In a name the trade stands behind the trade name and before the form, so the last word of a trade counts; a scope
    begins with what is done most.
    """
    words, forms = _table("trades.csv", "word", "section"), _table("legal_forms.csv", "ending", "form")
    sections = _table("sections.csv", "section", "name_zh")
    plain = organisation(cell(name))
    ending = f"({any_of(list(forms))})(（[^（）]*）)?$"
    said = exp.RegexpExtract(this=plain, expression=literal(f".*({any_of(list(words))})"), group=number(1))
    told = exp.null() if not scope else replaced(cell(scope), _HEADS, "")
    done = exp.RegexpExtract(this=told, expression=literal(f"({any_of(list(words))})"), group=number(1))
    read = {
        "ending": exp.RegexpExtract(this=plain.copy(), expression=literal(ending), group=number(1)),
        "word": exp.Coalesce(this=_some(said), expressions=[_some(done) if scope else exp.null()]),
    }
    frame.put({}, {f"{_MARK}{key}": value for key, value in read.items()})
    for key, dictionary_words, found in (("ending", forms, "form"), ("word", words, "section")):
        on = exp.EQ(this=cell(f"{_MARK}{key}"), expression=of_dictionary("word"))
        frame.join(
            dictionary(("word", "means"), dictionary_words.items()), on, {f"{_MARK}{found}": of_dictionary("means")}
        )
    on = exp.EQ(this=cell(f"{_MARK}section"), expression=of_dictionary("word"))
    frame.join(dictionary(("word", "means"), sections.items()), on, {f"{_MARK}title": of_dictionary("means")})
    return {
        f"{prefix}行业门类代码": Made(cell(f"{_MARK}section"), "text"),
        f"{prefix}行业门类": Made(cell(f"{_MARK}title"), "text"),
        f"{prefix}组织形式": Made(cell(f"{_MARK}form"), "text"),
    }


def _some(value: exp.Expr) -> exp.Expr:
    return exp.Nullif(this=value, expression=literal(""))
