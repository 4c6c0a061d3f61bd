"""Pages of an application: Markdown without HTML, made safe in both languages, with its blocks between."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any, Final

from beijiang.apps.models.blocks import Block, read_block
from beijiang.apps.models.faults import Faults
from beijiang.apps.models.words import BlockKind
from beijiang.kit import Language, Text

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

__all__ = ["AppPage", "Prose", "read_page"]

PARAGRAPH_MOST: Final = 4000
BLOCKS_MOST: Final = 40
_CARD: Final = 2
"""The level of the heads of cards."""
_LINK: Final = re.compile(r"https://[^\s\\]+|/(?![/\\])[^\s\\]*|[?#][^\s\\]*")
_HOLE: Final = re.compile(r"\{\{\s*([a-z][a-z0-9_]{0,39})\s*\}\}")


@dataclass(frozen=True, slots=True)
class Prose:
    """Text between blocks, as safe HTML in both languages; ``{{name}}`` stands for the value of a parameter."""

    html: Text

    def shown(self, language: Language, values: Mapping[str, Any]) -> str:
        """Return the HTML with the values of parameters, escaped; an unknown name stays as it stands."""

        def fill(found: re.Match[str]) -> str:
            value = values.get(found[1], found[0])
            return "" if value is None else escape(str(value))

        return _HOLE.sub(fill, self.html.in_language(language))


@dataclass(frozen=True, slots=True, kw_only=True)
class AppPage:
    """One page."""

    name: str
    title: Text
    parts: tuple[Prose | Block, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Return the blocks in order."""
        return tuple(part for part in self.parts if isinstance(part, Block))


@cache
def _reader() -> MarkdownIt:
    """Return the reader of Markdown: no HTML, no pictures, links only to this site or by https."""
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable("table")
    made.disable(["image", "html_inline", "html_block", "reference"])
    made.validateLink = lambda address: bool(_LINK.fullmatch(address))  # type: ignore[assignment, method-assign]
    return made


def read_page(name: str, file: str, text: str, english: Mapping[str, str], faults: Faults) -> AppPage | None:
    """Read a page; every text of it needs its English, found by the Chinese one."""
    long = next((n for n, line in enumerate(text.split("\n"), 1) if len(line) > PARAGRAPH_MOST), 0)
    if long or any(len(one) > PARAGRAPH_MOST for one in re.split(r"\n\s*\n|\n```", text)):
        faults.say(
            file,
            long or 1,
            (f"有一段超过 {PARAGRAPH_MOST} 字", f"a paragraph is over {PARAGRAPH_MOST} characters"),
            ("用空行把它分开", "part it by empty lines"),
        )
        return None
    tokens = _reader().parse(text)
    title = _title(file, tokens, english, faults)
    _check_reading(file, tokens, english, faults)
    parts: list[Prose | Block] = []
    held: list[Token] = []
    for token in tokens:
        if token.type == "fence" and token.info.strip() in set(BlockKind):
            _add_prose(parts, held, english)
            line = token.map[0] + 1 if token.map else 1
            block = read_block(file, line, token.info.strip(), token.content, faults)
            if block is not None:
                _need_english(file, block.line, block.words, english, faults)
                parts.append(block)
            continue
        if token.type == "fence":
            _unknown(file, token, faults)
        if token.type == "inline" and token.content.strip():
            line = token.map[0] + 1 if token.map else 1
            _need_english(file, line, (token.content,), english, faults)
        held.append(token)
    _add_prose(parts, held, english)
    if len([1 for part in parts if isinstance(part, Block)]) > BLOCKS_MOST:
        faults.say(
            file,
            1,
            (f"一页超过 {BLOCKS_MOST} 个块", f"a page has over {BLOCKS_MOST} blocks"),
            ("分成几页", "part it into several pages"),
        )
    return AppPage(name=name, title=title, parts=tuple(parts))


def _title(file: str, tokens: Sequence[Token], english: Mapping[str, str], faults: Faults) -> Text:
    heads = [n for n, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h1"]
    if len(heads) != 1:
        faults.say(
            file,
            1,
            ("一页应有且只有一个一级标题", "a page has exactly one heading of the first level"),
            ("在页首写 # 标题", "begin the page with # Title"),
        )
        return Text("", "")
    words = tokens[heads[0] + 1].content
    return Text(words, english.get(words, words))


def _check_reading(file: str, tokens: Sequence[Token], english: Mapping[str, str], faults: Faults) -> None:
    """Look for what who has a page read out cannot follow: nameless links, heads and columns, and levels left out (WCAG 2.2, 1.3.1, 2.4.4, 2.4.6)."""
    level, line = 0, 1
    for token, inner in zip(tokens, [*tokens[1:], None], strict=True):
        line = token.map[0] + 1 if token.map else line
        words = inner.content.strip() if inner is not None and inner.type == "inline" else ""
        if token.type == "fence" and token.info.strip() in set(BlockKind):
            level = max(level, _CARD)  # cards have heads of their own
        elif token.type == "heading_open":
            before, level = level, int(token.tag.removeprefix("h"))
            if level > before + 1:
                want = "#" * (before + 1)
                what = (f"标题从第 {before} 级跳到第 {level} 级", f"the headings leap from level {before} to {level}")
                faults.say(file, line, what, (f"改成 {want} 标题", f"write {want} Title"))
            if not words:
                faults.say(file, line, ("标题是空的", "a heading has no words"), ("写上标题", "give it words"))
        elif token.type == "th_open" and not words:
            what = ("表头有一格是空的", "a column of a table has no head")
            faults.say(file, line, what, ("写上列名", "name the column"))
        elif token.type == "inline":
            _check_links(file, line, token, english, faults)


def _check_links(file: str, line: int, token: Token, english: Mapping[str, str], faults: Faults) -> None:
    own = token.children or []
    other = _reader().parseInline(english[token.content])[0].children if token.content in english else []
    for pieces, zh, en in ((own, "中文", "Chinese"), (other or [], "英文", "English")):
        named = True
        for piece in pieces:
            if piece.type == "link_open":
                named = False
            elif piece.type == "link_close" and not named:
                what = (f"{zh}里有一个链接没有文字", f"a link in the {en} has no words")
                faults.say(file, line, what, ("写成 [文字](地址)", "write [words](address)"))
            named = named or bool(piece.content.strip())


def _unknown(file: str, token: Token, faults: Faults) -> None:
    offered = ", ".join(BlockKind)
    faults.say(
        file,
        token.map[0] + 1 if token.map else 1,
        ("不认识这种块", "such a block is not known"),
        (f"可用：{offered}", f"use one of: {offered}"),
    )


def _need_english(file: str, line: int, words: Sequence[str], english: Mapping[str, str], faults: Faults) -> None:
    for word in words:
        if word not in english and not word.isascii():
            shown = word.replace("\n", " ")[:60]
            faults.say(
                file,
                line,
                (f"“{shown}”没有英文", f"“{shown}” has no English"),
                (f'在 i18n/en.toml 里写 "{shown}" = "…"', f'add "{shown}" = "…" to i18n/en.toml'),
            )


def _add_prose(parts: list[Prose | Block], held: list[Token], english: Mapping[str, str]) -> None:
    """Render what stands before a block; a list or quote that a block would cut in two is no fence of the top level."""
    if not held:
        return
    reader = _reader()
    zh = reader.renderer.render(held, reader.options, {})
    for token in held:
        if token.type == "inline":
            words = english.get(token.content, token.content)
            token.children = reader.parseInline(words)[0].children
    en = reader.renderer.render(held, reader.options, {})
    parts.append(Prose(Text(str(zh), str(en))))
    held.clear()
