"""Short names of firms: what is left without region and legal form, where such words stand in a text, and whom they may mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beijiang.kit import Text
from beijiang.mining.models.texts.mentions import Entity, EntityKind, Mention

if TYPE_CHECKING:
    from beijiang.mining.models.texts.documents import Sentence

__all__ = ["ShortNames", "core_of", "keys_of", "places_of"]

CORE_LEAST: Final = 4
"""A shorter rest names too much to be looked for."""
REGION_MOST: Final = 14
"""Characters of the longest name of a region."""
_FORMS: Final = (
    "股份有限责任公司", "集团有限责任公司", "集团股份有限公司", "有限责任公司", "股份有限公司", "集团有限公司", "有限公司", "农民专业合作社",
    "专业合作社", "合伙企业", "总公司", "集团公司", "公司", "集团", "合作社",
)  # fmt: skip
_ENDINGS: Final = (
    "贸易", "商贸", "实业", "建材", "化工", "食品", "科技", "矿业", "煤业", "煤炭", "药业", "医药", "建筑", "建设", "工程", "房地产", "开发",
    "运输", "物流", "机械", "电力", "电器", "能源", "农牧业", "农业", "牧业", "畜牧业", "种业", "乳业", "酒业", "粮油", "纺织", "绒毛", "皮革",
    "冶金", "钢铁", "有色金属", "金属", "水泥", "陶瓷", "印刷", "广告", "旅游", "餐饮", "投资", "担保", "咨询", "服务", "通信", "网络", "电子",
    "汽车", "物资", "燃气", "热力", "供水", "环保", "园林", "装饰", "家具", "厂", "商店", "商行", "经营部", "门市部", "超市", "加油站", "药店",
    "宾馆", "酒店", "饭店", "煤矿", "牧场", "农场", "中心",
)  # fmt: skip
_END: Final = re.compile("|".join(sorted((*_FORMS, *_ENDINGS), key=len, reverse=True)))
_FORM: Final = re.compile("|".join(sorted(_FORMS, key=len, reverse=True)))
_BOUND: Final = re.compile(
    r"(?:^|[^\u4e00-\u9fffA-Za-z0-9]|[与和由对向及了请让将把被是为在到给用按从]|其中|包括|委托|授予|支持|推荐|会同|通知|责成|督促|组织|检查|处罚|约谈)$"
)
_BRANCH: Final = re.compile(
    r"[\u4e00-\u9fffA-Za-z0-9]{0,12}?(?:分公司|分厂|加油站|经营部|门市部|项目部|商店|商行|超市|药店|厂|店)"
)
_HAN: Final = re.compile(r"[\u4e00-\u9fff]+")
_WORDS_BEFORE: Final = 8
"""Characters that the longest of the words before a name fits into."""
_CODE: Final = re.compile(r"^[0-9A-Z]{2}(\d{6})[0-9A-Z]{10}")
ONLY: Final = Text("去掉地区和组织形式后只有一个", "the only one without region and legal form")
IN_FULL: Final = Text("文中写了它的全名", "the document gives its full name")
LONGER: Final = Text(
    "前后的字可能也是名称的一部分，需人工判断", "what stands beside it may be of the name too; a person decides"
)
BY_REGION: Final = Text("按前面的地区确定", "told by the region before it")


def places_of(regions: Sequence[Mapping[str, str]]) -> Mapping[str, frozenset[str]]:
    """Return the words that say a region, with and without its kind, and the codes that each may mean."""
    found: dict[str, set[str]] = {}
    for row in regions:
        name, code = row["name"], row["code"]
        short = re.sub(r"(?:自治区|自治旗|市|盟|旗|县|区)$", "", name)
        for word in {name, short if len(short) > 1 else name}:
            found.setdefault(word, set()).add(code)
    return {word: frozenset(codes) for word, codes in found.items()}


def core_of(name: str, places: Mapping[str, frozenset[str]]) -> str:
    """Return what is left of a name of a firm without the regions before it and the legal form behind it."""
    core, before = name.replace("（", "(").replace("）", ")"), ""
    while core != before:
        before = core
        size = next((n for n in range(min(REGION_MOST, len(core) - 2), 1, -1) if core[:n] in places), 0)
        core = core[size:]
    form = next((one for one in _FORMS if core.endswith(one)), "")
    return core[: len(core) - len(form)]


def keys_of(sentences: Sequence[Sentence]) -> Sequence[str]:
    """Return what the names of firms contain whose short names may stand in a text, as they occur."""
    found: dict[str, None] = {}
    for one in sentences:
        for end, _ in _ends(one.text):
            head = one.text[max(0, end - CORE_LEAST) : end]
            if len(head) == CORE_LEAST and _HAN.fullmatch(head):
                found[head] = None
    return list(found)


@dataclass(frozen=True)
class ShortNames:
    """Firms of the register by what their names are without region and legal form."""

    entries: Mapping[str, Sequence[Entity]]
    places: Mapping[str, frozenset[str]]
    sizes: tuple[int, ...]
    """How long the short names are, the longest first."""

    @classmethod
    def of(cls, known: Sequence[Entity], places: Mapping[str, frozenset[str]]) -> ShortNames:
        """Return the firms by their short names; those that would be too short are left out."""
        found: dict[str, dict[str, Entity]] = {}
        for one in known:
            core = core_of(one.name, places)
            if len(core) >= CORE_LEAST:
                found.setdefault(core, {})[one.id] = one
        sizes = tuple(sorted({len(core) for core in found}, reverse=True))
        return cls({core: tuple(ones.values()) for core, ones in found.items()}, places, sizes)

    def find(self, sentences: Sequence[Sentence], plain: Sequence[Mention]) -> Sequence[Mention]:
        """Return the mentions by short name beside those that were found in full; what lies within a longer one is left out."""
        full = {choice.id for one in plain for choice in one.choices if choice.kind is EntityKind.COMPANY}
        spans = [(one.start, one.start + len(one.words)) for one in plain if one.choices[0].kind is EntityKind.COMPANY]
        made: list[Mention] = []
        for sentence in sentences:
            for start, end, core in self._spots(sentence.text):
                at = sentence.start + start
                if any(low < at + end - start and at < high for low, high in spans):
                    continue
                made.append(self._mention(sentence, (start, end), core, full))
                spans.append((at, at + end - start))
        texts = {one.place: one for one in sentences}
        kept = [self._sure(one, texts[one.sentence]) for one in plain if not _inside(one, made)]
        return sorted([*kept, *made], key=lambda one: (one.start, len(one.words)))

    def _spots(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield start and end of each short name, the longest ones, with the regions before and the legal form behind it."""
        done = 0
        for end, after in _ends(text):
            sizes = (n for n in self.sizes if n <= end - done)
            core = next((text[end - n : end] for n in sizes if text[end - n : end] in self.entries), "")
            if core:
                yield self._with_region(text, end - len(core)), after, core
                done = after

    def _with_region(self, text: str, start: int) -> int:
        while True:
            size = next((n for n in range(min(REGION_MOST, start), 1, -1) if text[start - n : start] in self.places), 0)
            if not size:
                return start
            start -= size

    def _mention(self, sentence: Sentence, span: tuple[int, int], core: str, full: set[str]) -> Mention:
        start, end = span
        words, choices = sentence.text[start:end], tuple(self.entries[core])
        chosen, why = self._chosen(words[: words.index(core)], choices, full)
        return self._sure(Mention(words, sentence.start + start, sentence.place, choices, chosen, why), sentence)

    def _sure(self, one: Mention, sentence: Sentence) -> Mention:
        """Return a mention as it is, unless what stands before a firm's name may be the beginning of a longer name."""
        if not one.chosen or one.choices[0].kind is not EntityKind.COMPANY or one.words.isascii():
            return one
        if _BRANCH.match(sentence.text, one.start - sentence.start + len(one.words)):
            return replace(one, chosen="", why=LONGER)
        if any(one.words[:n] in self.places for n in range(2, REGION_MOST + 1)):
            return one
        at = one.start - sentence.start
        if _BOUND.search(sentence.text[max(0, at - _WORDS_BEFORE) : at]):
            return one
        return replace(one, chosen="", why=LONGER)

    def _chosen(self, before: str, choices: Sequence[Entity], full: set[str]) -> tuple[str, Text]:
        named = [one for one in choices if one.id in full]
        if len(named) == 1:
            return named[0].id, IN_FULL
        near = [one for one in choices if self._lies_in(one, before)] if before else list(choices)
        if len(near) == 1:
            return near[0].id, BY_REGION if before else ONLY
        if not near:
            return "", Text("地区与登记不符，需人工判断", "the region is not that of the register; a person decides")
        return "", Text(
            f"简称相同的有 {len(near)} 个，需人工判断", f"{len(near)} go by this short name; a person decides"
        )

    def _lies_in(self, one: Entity, before: str) -> bool:
        """Tell whether the register has a firm in every region that stands before its short name."""
        code = _CODE.match(one.note)
        division = code.group(1) if code else ""
        head = one.name[: one.name.find(core_of(one.name, self.places))]
        for word in self._words(before):
            codes = {_significant(c) for c in self.places[word]}
            if word not in head and not any(division.startswith(c) for c in codes if division):
                return False
        return True

    def _words(self, before: str) -> Iterator[str]:
        while before:
            size = next(n for n in range(len(before), 0, -1) if before[:n] in self.places)
            yield before[:size]
            before = before[size:]


def _ends(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a short name may end, and where the legal form behind it does."""
    at = 0
    while (found := _END.search(text, at)) is not None:
        words = found.group()
        if words in _FORMS:
            yield found.start(), found.end()
            at = found.end()
            continue
        form = _FORM.match(text, found.end())
        yield found.end(), form.end() if form else found.end()
        at = form.end() if form else found.end()


def _significant(code: str) -> str:
    """Return the part of a region's code that all places within it share."""
    return code[:2] if code.endswith("0000") else code[:4] if code.endswith("00") else code


def _inside(one: Mention, others: Sequence[Mention]) -> bool:
    return any(o.start <= one.start and one.start + len(one.words) <= o.start + len(o.words) for o in others)
