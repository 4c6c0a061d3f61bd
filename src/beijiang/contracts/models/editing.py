"""Changing a contract's file by cutting into its text: only the lines concerned change, comments and quotes stay.

Each step is read again and held against what it should have done; what cannot be done this way is refused, not guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from beijiang.contracts.models.tree import Document, Leaf, Many, Map, parse, plain
from beijiang.kit import Conflict, Invalid

if TYPE_CHECKING:
    from beijiang.contracts.models.tree import Node, Plain

__all__ = ["Value", "append", "block", "put", "remove", "scalar"]

Value: TypeAlias = "Plain | Sequence[Value] | Mapping[str, Value]"
Path: TypeAlias = "tuple[str | int, ...]"

_PLAIN: Final = re.compile(r"[A-Za-z_一-鿿][\w一-鿿 .,/()（）。，、；：+*%-]*", re.UNICODE)
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def scalar(value: Plain, style: str = "") -> str:
    """Return a value as it is written, in the quotes that stood there before where they still do."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.15g}" if isinstance(value, float) else str(value)
    if style == "'" and "\n" not in value:
        return "'" + value.replace("'", "''") + "'"
    safe = _PLAIN.fullmatch(value) is not None and value == value.strip() and value.lower() not in _WORDS
    if style == '"' or not safe:
        return json.dumps(value, ensure_ascii=False)
    return value


def block(value: Value, indent: int) -> list[str]:
    """Return a value as lines of block style, each with its indent."""
    pad = " " * indent
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(inner, Mapping | list | tuple) and inner and not _short(inner):
                lines += [f"{pad}{key}:", *block(inner, indent + 2)]
            else:
                lines.append(f"{pad}{key}: {_inline(inner)}")
        return lines
    if isinstance(value, str) or not isinstance(value, Sequence):
        return [f"{pad}{scalar(value)}"]
    for inner in value:
        if isinstance(inner, Mapping) and inner:
            first, *rest = block(inner, indent + 2)
            lines += [f"{pad}- {first[indent + 2 :]}", *rest]
        else:
            lines.append(f"{pad}- {_inline(inner)}")
    return lines


def put(document: Document, path: Path, value: Plain) -> Document:
    """Set a single value, adding its key where there is none."""
    found = document.at(*path)
    if isinstance(found, Leaf) and found.value == value and type(found.value) is type(value):
        return document
    if found is None:
        return _add_key(document, path, value)
    if not isinstance(found, Leaf) or found.shared:
        raise _cannot(path)
    end = len(document.text[: found.end].rstrip("\r\n")) if found.style in {"|", ">"} else found.end
    style = found.style if found.style in {"'", '"'} else ""
    gap = " " if found.start == found.end and not document.text[: found.start].endswith((" ", "\n")) else ""
    return _checked(document, found.start, end, gap + scalar(value, style), path, value)


def append(document: Document, path: Path, value: Mapping[str, Value]) -> Document:
    """Add an item to a list, which is made where there is none."""
    found = document.at(*path)
    if found is None or (isinstance(found, Leaf) and found.value is None):
        if isinstance(found, Leaf):
            raise _cannot(path)
        return _add_key(document, path, [value])
    if not isinstance(found, Many) or found.shared:
        raise _cannot(path)
    here = (*path, len(found.items))
    if found.flow:
        at = found.end - 1
        glue = ", " if found.items else ""
        return _checked(document, at, at, glue + json.dumps(_data(value), ensure_ascii=False), here, value)
    indent = _dash(document.text, found.items[0])
    at = _line_end(document.text, _last(found))
    lines = document.newline + document.newline.join(block([value], indent))
    return _checked(document, at, at, lines, here, value)


def remove(document: Document, path: Path) -> Document:
    """Take an item out of a list; the last one takes its list with it."""
    *above, place = path
    found = document.at(*above)
    if not isinstance(found, Many) or found.shared or not isinstance(place, int) or place >= len(found.items):
        raise _cannot(path)
    before = _data(plain(found))
    wanted = [item for at, item in enumerate(before) if at != place] if isinstance(before, list) else []
    text = document.text
    if not wanted:
        return _remove_key(document, tuple(above))
    if found.flow:
        return _checked(document, found.start, found.end, json.dumps(wanted, ensure_ascii=False), tuple(above), wanted)
    item = found.items[place]
    start, end = _line_start(text, item.start), _line_end(text, _last(item))
    if text[start : item.start].strip() != "-":
        raise _cannot(path)
    return _checked(document, start, _past_newline(text, end), "", tuple(above), wanted)


def _remove_key(document: Document, path: Path) -> Document:
    *above, key = path
    parent = document.at(*above)
    entry = parent.entry(str(key)) if isinstance(parent, Map) else None
    text = document.text
    if not isinstance(parent, Map) or entry is None or parent.flow or parent.shared:
        raise _cannot(path)
    start = _line_start(text, entry.start)
    if text[start : entry.start].strip():
        raise _cannot(path)
    end = _past_newline(text, _line_end(text, _last(entry.node)))
    return _checked(document, start, end, "", path, None)


def _add_key(document: Document, path: Path, value: Value) -> Document:
    *above, key = path
    parent = document.at(*above)
    if parent is None and len(above) == 1:
        return _add_key(document, tuple(above), {str(key): value})
    if not isinstance(parent, Map) or parent.shared or not (parent.entries or parent.flow):
        raise _cannot(path)
    if parent.flow:
        at = parent.end - 1
        words = (
            f"{', ' if parent.entries else ''}{json.dumps(str(key))}: {json.dumps(_data(value), ensure_ascii=False)}"
        )
        at = len(document.text[:at].rstrip())
        return _checked(document, at, at, words, path, value)
    indent = parent.entries[0].column - 1
    at = _line_end(document.text, _last(parent))
    lines = document.newline + document.newline.join(block({str(key): value}, indent))
    return _checked(document, at, at, lines, path, value)


def _checked(document: Document, start: int, end: int, words: str, path: Path, value: Value) -> Document:
    """Cut, read again, and hold the whole against what should have come of it."""
    text = document.text[:start] + words + document.text[end:]
    try:
        made = parse(text.encode())
    except Invalid:
        raise _cannot(path) from None
    if plain(made.at(*path)) != _data(value) or not _only(plain(document.root), plain(made.root), path):
        raise _cannot(path)
    return made


def _only(before: object, after: object, path: Path) -> bool:
    """Tell whether two files differ at a path only."""
    if not path:
        return True
    step, *rest = path
    if isinstance(before, dict) and isinstance(after, dict):
        others = (set(before) | set(after)) - {step}
        same = all(key in before and key in after and before[key] == after[key] for key in others)
        return same and (step not in before or step not in after or _only(before[step], after[step], tuple(rest)))
    if isinstance(before, list) and isinstance(after, list) and isinstance(step, int):
        same = before[:step] == after[:step] and before[step + 1 :] == after[step + 1 :]
        return same and (step >= len(before) or step >= len(after) or _only(before[step], after[step], tuple(rest)))
    return False


def _data(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _data(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_data(inner) for inner in value]
    return value


def _inline(value: Value) -> str:
    if isinstance(value, str | int | float | bool) or value is None:
        return scalar(value)
    return json.dumps(_data(value), ensure_ascii=False)


def _short(value: object) -> bool:
    """Tell whether a list is written on one line: single values only."""
    return isinstance(value, list | tuple) and not any(isinstance(inner, Mapping | list | tuple) for inner in value)


def _last(node: Node) -> int:
    """Return where the last value in a node ends; what follows is a comment, a blank line, or something else.

    What stands elsewhere, under an anchor, says nothing of where this node ends.
    """
    if isinstance(node, Leaf) or node.flow:
        return node.end
    if isinstance(node, Many):
        return max((_last(item) for item in node.items if not item.shared), default=node.end)
    ends = [max(entry.start, 0 if entry.node.shared else _last(entry.node)) for entry in node.entries]
    return max(ends, default=node.end)


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    """Return the end of the line on which a value ends, without its newline; a block scalar ends after its own."""
    if at and text[at - 1] == "\n":
        return len(text[:at].rstrip("\r\n"))
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return end - 1 if text[:end].endswith("\r") else end


def _past_newline(text: str, at: int) -> int:
    while at < len(text) and text[at] == "\r":
        at += 1
    return at + 1 if at < len(text) and text[at] == "\n" else at


def _dash(text: str, item: Node) -> int:
    """Return the column of the dash before an item."""
    start = _line_start(text, item.start)
    return len(text[start : item.start]) - len(text[start : item.start].lstrip(" "))


def _cannot(path: Path) -> Conflict:
    where = "/".join(str(step) for step in path)
    return Conflict(
        f"此处（{where}）无法在不改动其他行的情况下修改。请下载文件，修改后重新上传。",
        f"This place ({where}) cannot be changed without touching other lines. Download the file, change it and hand it in again.",
        code="contract_edit",
    )
