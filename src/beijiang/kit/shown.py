"""What somebody was shown before deciding, so that a decision holds for that and for nothing that came in between."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Final

from beijiang.kit.errors import Conflict
from beijiang.kit.text import Text

__all__ = ["Shown"]

_DIGITS: Final = 12
_TOLD_LONGEST: Final = 200


class Shown:
    """The parts of a matter by their names, in order.

    ``token`` goes with the page, the answer of the API or the terminal, and comes back with the decision as ``seen``. It holds a
    digest of each part, so that what changed can be named without keeping what anybody saw. It is no secret and no proof: it keeps
    an honest reviewer from deciding on what he did not see.
    """

    def __init__(self, parts: Mapping[Text, object]) -> None:
        self._parts = {name: _plain(value) for name, value in parts.items()}

    @property
    def token(self) -> str:
        """Return what stands for all parts as they are now."""
        return "-".join(hashlib.sha256(text.encode()).hexdigest()[:_DIGITS] for text in self._parts.values())

    def check(self, seen: str | None) -> None:
        """Return if ``seen`` stands for the parts as they are now; None: whoever decides reads them in the same step.

        Raises:
            Conflict: something changed since, or nothing was seen (``changed_since_seen``); it names what, and says how it is now.

        """
        if seen is None or seen == self.token:
            return
        before = seen.split("-")
        now = zip(self._parts.items(), self.token.split("-"), strict=True)
        same = len(before) == len(self._parts)
        changed = [(name, text) for at, ((name, text), digest) in enumerate(now) if not same or before[at] != digest]
        zh = "、".join(name.zh for name, _ in changed)
        en = ", ".join(name.en for name, _ in changed)
        raise Conflict(
            f"您看过之后内容有变化（{zh}），没有作出任何决定。请重新查看后再决定。"
            if seen
            else "没有作出任何决定：请先查看要决定的内容，再把其中的 seen 值一起提交。接口：GET 同一对象，答复里有 seen；命令行：不带 --seen 时先显示再询问；加了 --json 或没有键盘输入时不能询问，请先用同组的 show 命令（加 --json）读出 seen，再用 --seen 带上。",
            f"It changed since you looked at it ({en}); nothing was decided. Look again, and decide then."
            if seen
            else "Nothing was decided: look at it first, and send the value of `seen` that comes with it. API: GET the same thing, its answer has `seen`; terminal: without --seen the command shows it and asks; with --json or without a keyboard it cannot ask, so read `seen` with the group's show command (with --json) and give it with --seen.",
            code="changed_since_seen",
            detail={"changed": [name.en for name, _ in changed], "now": {n.en: t[:_TOLD_LONGEST] for n, t in changed}},
        )


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(_told(value), ensure_ascii=False, sort_keys=True, default=_told)


def _told(value: object) -> object:
    if isinstance(value, set | frozenset):
        return sorted(str(one) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value if isinstance(value, str | int | float | bool | list | tuple | dict) or value is None else str(value)
