"""Which words of a text were taken out and which were put in, for two texts that stand side by side."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from beijiang.catalog.models.finding import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TOKENS: Final = re.compile(r"[A-Za-z0-9_.\-]+|\s+|.", re.DOTALL)
_LONGEST: Final = 4000
"""Tokens of both texts together that are compared word by word; longer ones count as changed as a whole."""


def word_marks(before: str, after: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Split two texts into parts; a marked part stands in one of them only. Han characters count one by one."""
    if before == after:
        return tuple(_whole(before, hit=False)), tuple(_whole(after, hit=False))
    old, new = _TOKENS.findall(before), _TOKENS.findall(after)
    if len(old) + len(new) > _LONGEST or not old or not new:
        return tuple(_whole(before, hit=True)), tuple(_whole(after, hit=True))
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    left = [("".join(old[a:b]), kind != "equal") for kind, a, b, _, _ in steps]
    right = [("".join(new[a:b]), kind != "equal") for kind, _, _, a, b in steps]
    return tuple(_joined(left)), tuple(_joined(right))


def _whole(text: str, *, hit: bool) -> Iterator[Span]:
    if text:
        yield Span(text, hit)


def _joined(parts: Sequence[tuple[str, bool]]) -> Iterator[Span]:
    """Put parts of the same kind together and leave out empty ones."""
    kept: tuple[str, bool] = ("", False)
    for text, hit in parts:
        if not text:
            continue
        if hit == kept[1] or not kept[0]:
            kept = (kept[0] + text, hit)
        else:
            yield Span(*kept)
            kept = (text, hit)
    if kept[0]:
        yield Span(*kept)


__all__ = ["word_marks"]
