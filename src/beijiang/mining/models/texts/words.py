"""Words of a Chinese text: cut by a dictionary of the language and the names that government uses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rjieba import Jieba

__all__ = ["Cutter"]

_LETTERS: Final = re.compile(r"[A-Za-z]{2,}|[\u3400-\u9fff\uf900-\ufaff]{2,}")
_CONTENT: Final = ("n", "v", "a", "eng", "i", "j", "l", "z")
"""Parts of speech that say what a text is about: nouns, verbs, adjectives, foreign words, set phrases."""
_EMPTY: Final = frozenset(
    [
        "进行",
        "要求",
        "可以",
        "应当",
        "必须",
        "工作",
        "有关",
        "相关",
        "部门",
        "方面",
        "情况",
        "问题",
        "以及",
        "通过",
        "根据",
        "按照",
        "加强",
        "推进",
        "做好",
        "开展",
        "组织",
        "落实",
        "完成",
        "提高",
        "实现",
        "积极",
        "进一步",
        "全面",
        "切实",
        "认真",
        "大力",
        "不断",
        "年底",
        "以上",
        "以下",
        "左右",
        "牵头",
        "负责",
        "配合",
        "各地",
        "单位",
        "成为",
        "具有",
        "包括",
        "作为",
        "达到",
    ]
)
"""Words that every official document has: they tell none from another."""


class Cutter:
    """Cut texts into words; names that are told to it stay whole. Made once, then only read."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        from rjieba import Jieba

        made: Any = Jieba()
        for name in names:
            if _LETTERS.fullmatch(name):
                made.add_word(name, None, "nz")
        self._made: Jieba = made

    def words(self, text: str) -> list[str]:
        """Return all words of a text in order, without marks and blanks."""
        return [word.lower() for word in self._made.cut(text) if any(c.isalnum() for c in word)]

    def content(self, text: str) -> list[str]:
        """Return the words that say what a text is about, in order."""
        return [
            word.lower()
            for word, kind in self._made.tag(text)
            if kind.startswith(_CONTENT) and _LETTERS.fullmatch(word) and word not in _EMPTY
        ]

    def counts(self, text: str) -> Mapping[str, int]:
        """Return how often each word that says something occurs."""
        return Counter(self.content(text))

    def cut_all(self, texts: Sequence[str]) -> list[list[str]]:
        """Return ``content`` of each text."""
        return [self.content(text) for text in texts]
