"""Turn the Markdown of news and help into a page: a small part of it, and nothing that could run.

Every character of the text is escaped before a tag is made, so what comes out has the tags of this file and no others: headings,
paragraphs, lists, tables, code, emphasis, and links to this site or over http(s).
"""

from __future__ import annotations

import re
from typing import Final

from markupsafe import Markup, escape

__all__ = ["plain", "rendered"]

_HEADING: Final = re.compile(r"^(#{1,4})\s+(.+?)(?:\s+\{#([a-z0-9_-]{1,40})\})?$")
_ITEM: Final = re.compile(r"^(?:[-*]|(\d{1,3})\.)\s+(.+)$")
_LINK: Final = re.compile(r"\[([^\]\n]{1,200})\]\(((?:https?://|/(?!/)|#)[^\s()\\]{0,500})\)")
_CODE: Final = re.compile(r"`([^`\n]{1,300})`")
_STRONG: Final = re.compile(r"\*\*([^*\n]{1,500})\*\*")
_RULE: Final = re.compile(r"^\|?[\s:|-]+\|?$")
_KEPT: Final = "\x00"


def rendered(text: str) -> Markup:
    """Return the text as HTML."""
    blocks = _blocks(text.replace(_KEPT, "").replace("\r\n", "\n").replace("\r", "\n"))
    return Markup("\n").join(_block(block) for block in blocks)


def plain(text: str, most: int = 200) -> str:
    """Return the beginning of the text without its marks, for lists and feeds."""
    words = re.sub(r"\s+", " ", re.sub(r"[#*`>|]", " ", _LINK.sub(r"\1", text))).strip()
    return words if len(words) <= most else words[: most - 1] + "…"


def _blocks(text: str) -> list[list[str]]:
    found: list[list[str]] = []
    block: list[str] = []
    fenced = False
    for line in text.split("\n"):
        fence = line.startswith("```")
        if fenced or fence:
            if fence and not fenced and block:
                found.append(block)
                block = []
            block.append(line)
            if fence and fenced:
                found.append(block)
                block = []
            fenced = fenced != fence
        elif line.strip():
            if block and _HEADING.match(line):
                found.append(block)
                block = []
            block.append(line.strip())
            if _HEADING.match(line):
                found.append(block)
                block = []
        elif block:
            found.append(block)
            block = []
    return [*found, block] if block else found


def _block(lines: list[str]) -> Markup:
    first = lines[0]
    if first.startswith("```"):
        body = lines[1:-1] if lines[-1].startswith("```") and len(lines) > 1 else lines[1:]
        return Markup('<pre tabindex="0"><code>{}</code></pre>').format("\n".join(body))
    heading = _HEADING.match(first)
    if heading:
        level, name = min(len(heading[1]) + 1, 5), heading[3]
        mark = Markup(' id="{}"').format(name) if name else Markup("")
        return Markup("<h{0}{1}>{2}</h{0}>").format(level, mark, _inline(heading[2]))
    if first.startswith("|") and len(lines) > 1 and _RULE.match(lines[1]):
        return _table(lines)
    if _ITEM.match(first):
        return _items(lines)
    return Markup("<p>{}</p>").format(Markup("<br>").join(_inline(line) for line in lines))


def _items(lines: list[str]) -> Markup:
    items: list[str] = []
    for line in lines:
        item = _ITEM.match(line)
        if item:
            items.append(item[2])
        else:
            items[-1] += " " + line
    tag = "ol" if lines[0][0].isdigit() else "ul"
    inner = Markup("").join(Markup("<li>{}</li>").format(_inline(item)) for item in items)
    return Markup("<{0}>{1}</{0}>").format(Markup(tag), inner)  # noqa: S704 - one of two words of this file


def _table(lines: list[str]) -> Markup:
    head, *rows = [_cells(line) for n, line in enumerate(lines) if n != 1]
    top = Markup("").join(Markup('<th scope="col">{}</th>').format(_inline(cell)) for cell in head)
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(Markup('<td class="wrap-text">{}</td>').format(_inline(cell)) for cell in row)
        )
        for row in rows
    )
    return Markup(
        '<div class="table" tabindex="0"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(top, body)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _inline(text: str) -> Markup:
    """Escape a line, then make code, links and emphasis; what they are made of is set aside so that it is not read again."""
    kept: list[Markup] = []

    def keep(made: Markup) -> str:
        kept.append(made)
        return f"{_KEPT}{len(kept) - 1}{_KEPT}"

    line = _CODE.sub(lambda m: keep(Markup("<code>{}</code>").format(m[1])), text)
    line = _LINK.sub(lambda m: keep(Markup('<a href="{}" rel="noopener">{}</a>').format(m[2], m[1])), line)
    safe = _STRONG.sub(r"<strong>\1</strong>", str(escape(line)))
    while _KEPT in safe:
        safe = re.sub(f"{_KEPT}(\\d+){_KEPT}", lambda m: str(kept[int(m[1])]), safe)
    return Markup(safe)  # noqa: S704 - every part of it was escaped above
