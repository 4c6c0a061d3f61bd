"""Sentences with names of registered firms in many forms, each with whom it means, made from a register by a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from beijiang.mining.models.texts.firms import core_of, places_of
from beijiang.standards import Standards

FORMS = ("full", "short", "short with company", "region and short", "homonym", "homonym with region", "unregistered")
_BEGIN = ("由", "委托", "责成", "对", "检查了", "会议听取了", "支持", "通知", "")
_END = ("开展技术改造。", "报送材料。", "于月底前整改到位。", "承担运输任务。", "提出申请。", "的情况。")


@dataclass(frozen=True)
class Labelled:
    """One sentence, the words that name a firm, its code if they mean one for sure, and the form of the name."""

    text: str
    words: str
    code: str
    form: str


class Writer:
    """Write sentences about the firms of a register, ``name`` and ``code`` of each."""

    def __init__(self, firms: Sequence[tuple[str, str]], seed: int) -> None:
        self._places = places_of(Standards().table("regions"))
        self._pick = random.Random(seed)  # noqa: S311 - sentences, no secrets
        self._names = {name for name, _ in firms}
        self._cores: dict[str, list[tuple[str, str]]] = {}
        for name, code in firms:
            self._cores.setdefault(core_of(name, self._places), []).append((name, code))
        long = {core: ones for core, ones in self._cores.items() if len(core) >= 5 and _ends_in_trade(core)}
        self._single = sorted(ones[0] for core, ones in long.items() if len(ones) == 1 and core != ones[0][0])
        self._twins = sorted((core, ones) for core, ones in long.items() if len({c[2:6] for _, c in ones}) > 1)

    def write(self, many: int) -> Sequence[Labelled]:
        """Return sentences, each form in turn."""
        return [self._one(FORMS[n % len(FORMS)]) for n in range(many)]

    def _one(self, form: str) -> Labelled:
        name, code = self._pick.choice(self._single)
        core = core_of(name, self._places)
        head = name[: name.index(core)]
        words: Mapping[str, str] = {
            "full": name,
            "short": core,
            "short with company": f"{core}公司",
            "region and short": f"{head}{core}",
            "unregistered": self._other(core),
        }
        said, meant = words.get(form, ""), "" if form == "unregistered" else code
        if form.startswith("homonym"):
            core, ones = self._pick.choice(self._twins)
            said, meant = core, ""
            if form.endswith("region"):
                name, code = self._pick.choice(ones)
                head = name[: name.index(core)]
                alone = [one for one in ones if one[0].startswith(head)] if head else []
                said, meant = (
                    f"{head}{core}",
                    code if len(alone) == 1 and head not in {"内蒙古", "内蒙古自治区"} else "",
                )
        return Labelled(f"{self._pick.choice(_BEGIN)}{said}{self._pick.choice(_END)}", said, meant, form)

    def _other(self, core: str) -> str:
        """Return a name that no firm goes by, though it ends or begins like one."""
        while True:
            made = (
                self._pick.choice("新鑫金宏泰") + core
                if self._pick.random() < 0.5
                else self._pick.choice("龘犇骉") + core[1:]
            )
            if made not in self._cores and made not in self._names:
                return made


def _ends_in_trade(core: str) -> bool:
    return core.endswith(
        (
            "贸易",
            "商贸",
            "化工",
            "建材",
            "食品",
            "科技",
            "矿业",
            "煤业",
            "运输",
            "物资",
            "制品厂",
            "加工厂",
            "商店",
            "加油站",
        )
    )


def judged(wanted: Labelled, chosen: Sequence[tuple[str, str]]) -> tuple[int, int, int]:
    """Return how many firms were linked rightly, linked at all, and were to be linked; ``chosen`` has words and code of each link."""
    right = sum(code == wanted.code for _, code in chosen) if wanted.code else 0
    return min(right, 1), len(chosen), 1 if wanted.code else 0
