"""What the templates ask of a page of an application: its parts in order, words, addresses, drawings, for one reader."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeGuard
from urllib.parse import quote, urlencode

from markupsafe import Markup

from beijiang.apps.models import BlockKind, Card, CardState, Prose, drawing, places
from beijiang.apps.models.blocks import filled
from beijiang.apps.models.drawing import shown
from beijiang.apps.models.tiles import Tile, tiles
from beijiang.kit import Language, Text
from beijiang.mining import ON_THE_PAGE, ControlState, NodeKind, Related, drawn, per_cent

if TYPE_CHECKING:
    from beijiang.apps.models import Block
    from beijiang.apps.service import PageView
    from beijiang.mining import Party

__all__ = ["Reader", "page_facts"]

LISTED: Final = 60
_PERCENT: Final = re.compile(r"\s*[（(]%[）)]$")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a page in order: text, numbers side by side, or one card."""

    kind: str
    html: str = ""
    cards: tuple[Card, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """How a number moved: a mark, words, and whether that is good."""

    mark: str
    words: str
    level: str


@dataclass(frozen=True)
class Reader:
    """What the templates ask of a page: words, addresses and drawings in the reader's language."""

    view: PageView
    language: Language
    base: str
    """Address of the application, without the page."""

    def word(self, text: str) -> str:
        """Return a text of the application in the reader's language."""
        return self.view.bundle.word(text).in_language(self.language)

    def title(self, card: Card) -> str:
        """Return the title of a card."""
        return self.word(str(card.block.facts.get("title", "")))

    def fact(self, card: Card, key: str) -> str:
        """Return a text of a card, empty where it has none."""
        return self.word(str(card.block.facts[key])) if key in card.block.facts else ""

    def cell(self, value: Any) -> str:
        """Return a value as it is shown; a word that the application says in both languages in the reader's."""
        return self.word(value) if isinstance(value, str) and value else shown(value, self.language)

    def said(self, card: Card) -> str:
        """Return a text by rule with the values that it names."""
        return filled(self.word(card.said), lambda column: self.cell(card.first.get(column)))

    def tone(self, card: Card, value: Any) -> str:
        """Return the look of a cell that holds a state, empty where it holds none."""
        found: str = card.block.facts.get("tones", {}).get(str(value), "")
        return found

    def bar(self, card: Card) -> str:
        """Return the column whose cells carry a bar."""
        facts = card.block.facts
        return str(facts["value"] if card.block.kind is BlockKind.MAP and "region" in facts else facts.get("bar", ""))

    def share(self, card: Card, value: Any) -> float:
        """Return how long the bar of a cell is, as a share of the longest."""
        column = self.bar(card)
        most = max((abs(float(row[column])) for row in self.listed(card) if _is_number(row[column])), default=0.0)
        return round(max(0.0, float(value)) / most, 3) if most and _is_number(value) else 0.0

    def tiles(self, card: Card) -> list[Tile]:
        """Return the leagues of a map as tiles."""
        facts = card.block.facts
        return tiles(card.data.rows, str(facts["region"]), str(facts["value"])) if card.data else []

    def change(self, card: Card) -> Change | None:
        """Return by how much a number went up or down, if its card says so."""
        column = card.block.facts.get("change")
        value = card.first.get(column) if column else None
        if not _is_number(value):
            return None
        up, better = float(value) > 0, card.block.facts.get("better", "higher")
        level = "" if not float(value) else "ok" if up == (better == "higher") else "bad"
        words, percent = _PERCENT.subn("", self.word(str(column)))
        mark = "▲" if up else "▼" if float(value) else "●"
        return Change(mark, f"{words} {shown(value, self.language)}{'%' if percent else ''}", level)

    def columns(self, card: Card) -> tuple[str, ...]:
        """Return the columns of a table."""
        given = card.data.columns if card.data else ()
        return tuple(card.block.facts.get("columns", ())) or given

    def listed(self, card: Card) -> Sequence[Mapping[str, Any]]:
        """Return the rows that are listed: all of a table, and as many behind a drawing as one looks through."""
        rows = card.data.rows if card.data else ()
        return rows if card.block.kind is BlockKind.TABLE else rows[:LISTED]

    def numbers(self, card: Card) -> frozenset[str]:
        """Return the columns that hold numbers, which stand to the right."""
        found = set()
        for column in card.data.columns if card.data else ():
            values = [row[column] for row in self.listed(card) if row[column] is not None]
            if values and all(map(_is_number, values)):
                found.add(column)
        return frozenset(found)

    def drawing(self, card: Card) -> Mapping[str, Any]:
        """Return what the drawing script draws."""
        return drawing(card, self.view.bundle.word, self.language)

    def is_points(self, card: Card) -> bool:
        """Tell whether a map has points, those of banners among them, and is no list of regions as tiles or bars."""
        return places(card)

    def seen(self, card: Card) -> tuple[str, ...]:
        """Return the columns of the table behind a chart, a map or a timeline."""
        facts = card.block.facts
        if card.block.kind is BlockKind.CHART:
            return (facts["x"], *facts["y"])
        if card.block.kind is BlockKind.TIMELINE:
            return (facts["at"], facts["what"])
        named = [facts[k] for k in ("region", "name", "longitude", "latitude", "value") if k in facts]
        return tuple(dict.fromkeys(named))

    def network(self, card: Card) -> str:
        """Return the picture of a graph of relations; each box leads to the same card about that party."""
        found = card.data.network if card.data else None
        if found is None or found.shown is None:
            return ""
        picture = drawn(
            found.shown, language=self.language, colours=ON_THE_PAGE, link=lambda one: self.about(card, one)
        )
        return Markup(picture)  # noqa: S704 - drawn by us, every name in it escaped

    def asks(self, card: Card) -> bool:
        """Tell whether a graph is the first on its page about its parameter: only that one asks which party is meant."""
        about = [block.facts.get("about") for block in self.view.page.blocks]
        return about.index(card.block.facts["about"]) == card.number

    def about(self, card: Card, party: Party) -> str:
        """Return the address of the page about another party, empty for what is none."""
        if party.kind in {NodeKind.ADDRESS, NodeKind.PHONE}:
            return ""
        return self.href(self.view.page.name, **{card.block.facts["about"]: party.ref})

    def party(self, party: Party) -> str:
        """Return the name of a party, or what it is where the reader may not see the name."""
        return party.name or party.kind.text.in_language(self.language)

    def finding(self, card: Card) -> str:
        """Return how sure the rule is of a real controller."""
        shown_ = card.data.network.shown if card.data and card.data.network else None
        return ControlState(shown_.facts["state"]).text.in_language(self.language) if shown_ else ""

    def notes(self, party: Party) -> str:
        """Return why a party is related."""
        return "；".join(Related(why).text.in_language(self.language) for why in party.reasons)

    def linked(self, card: Card) -> str:
        """Return the column whose cells lead further, empty where none does."""
        link = card.block.facts.get("link")
        return next(iter(link["set"].values()), "") if link else ""

    def href(self, page: str, **changes: str) -> str:
        """Return the address of a page with the present values, some of them changed."""
        said = {k: v for k, v in {**self.view.said, **changes}.items() if v}
        return f"{self.base}/{quote(page)}" + (f"?{urlencode(said)}" if said else "")

    def row_href(self, card: Card, row: Mapping[str, Any]) -> str:
        """Return where a row of a table or map leads to."""
        link = card.block.facts["link"]
        values = {name: "" if row[column] is None else str(row[column]) for name, column in link["set"].items()}
        return self.href(link["page"], **values)

    def link_href(self, block: Block) -> str:
        """Return where a link of a page leads to."""
        return self.href(block.facts["page"], **block.facts.get("set", {}))

    def card_href(self, card: Card) -> str:
        """Return the address of one card, for those that come late."""
        own = self.href(self.view.page.name)
        path, mark, rest = own.partition("?")
        return f"{path}/cards/{card.number}{mark}{rest}"

    def parts(self) -> list[Part]:
        """Return the page in order; numbers and cards of half a width that follow each other stand side by side."""
        found: list[Part] = []
        number = 0
        values = {k: self.word(v) if isinstance(v, str) else v for k, v in self.view.values.items()}
        for part in self.view.page.parts:
            if isinstance(part, Prose):
                found.append(Part("prose", Markup(part.shown(self.language, values))))  # noqa: S704  # made safe when it was read
                continue
            card = self.view.cards[number]
            number += 1
            kind = "numbers" if card.block.kind is BlockKind.NUMBER else str(card.block.kind)
            kind = "pair" if card.block.facts.get("half") else kind
            beside = bool(found) and kind in {"numbers", "link", "pair"} and found[-1].kind == kind
            if beside:
                found[-1] = Part(kind, cards=(*found[-1].cards, card))
            else:
                found.append(Part(kind, cards=(card,)))
        return found


def _is_number(value: Any) -> TypeGuard[int | float | Decimal]:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def page_facts(
    view: PageView, language: Language, base: str, *, whole: bool = True, costs: bool = False
) -> dict[str, Any]:
    """Return what the templates of a page need; ``base`` is the address of the application, ``costs`` are for its makers."""
    reader = Reader(view, language, base)
    facts: dict[str, Any] = {
        "reader": reader, "view": view, "kinds": BlockKind, "states": CardState, "costs": costs, "per_cent": per_cent
    }  # fmt: skip
    if whole:
        facts |= {"parts": reader.parts(), "pages": [view.bundle.pages[name] for name in view.bundle.manifest.pages]}
        facts["name"] = view.bundle.manifest.name
        facts["note"] = _note(view)
    return facts


def _note(view: PageView) -> Text | None:
    """Return what is to be said above a page some of whose cards cannot be seen."""
    denied = sum(1 for card in view.cards.values() if card.state is CardState.DENIED)
    if not denied:
        return None
    return Text(f"{denied} 张卡片的数据没有向您开放。", f"The data of {denied} cards are not open to you.")
