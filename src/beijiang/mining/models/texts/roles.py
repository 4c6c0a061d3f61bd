"""Who leads and who takes part, as official documents say it: in brackets, under labels, or in a sentence."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Body", "Parties", "bodies_in", "parties"]

_LEAD_LABEL: Final = re.compile(r"^\s*(?:牵头|责任|主办|负责)(?:单位|部门)\s*:?\s*")
_JOINT_LABEL: Final = re.compile(r"^\s*(?:(?:配合|协办|参与|参加|协同|支持)(?:单位|部门)\s*:?|会同|商)\s*")
_OTHER_LABEL: Final = re.compile(r"^\s*(?:完成|办结)?(?:时限|期限)")
_LEAD_TAIL: Final = re.compile(
    r"(?:共同|联合|按职责)?(?:分工)?(?:(?:牵头|主办|负责)(?:负责|落实|推进|实施|组织|办理)*|为(?:责任|牵头)(?:主体|单位|部门))\s*$"
)
_JOINT_TAIL: Final = re.compile(
    r"(?:积极|共同|按职责|予以|做好)*(?:分工)?(?:配合|协助|协办|协同|参与|参加|支持)(?:落实|推进|实施|工作)*\s*$"
)
_LEAD_AMID: Final = re.compile(r"(?:要|应|须|应当)?(?:共同)?(?:牵头|主办)(?=[^、]{2,})")
_CLAUSE: Final = re.compile(r"[^,;。()\n]+|[,;。()\n]")
_BETWEEN: Final = re.compile(r"[、和与及]|以及|等|会同")
_FILLER: Final = re.compile(r"^(?:由|请|自治区|和|与|及|等|、|有关|相关|部门|单位|分别|共同|按职责分工|\s)*$")
_DOING: Final = re.compile(r"(?:组织|具体|共同|抓好)?(?:实施|落实|推进|办理|研究)\s*$")
_GIVEN: Final = re.compile(r"^\s*(?:此项工作)?由(?!.*(?:牵头|负责))")
_UNKNOWN: Final = re.compile(r"(?:厅|局|委|办|部|院|署|政府|公署|管委会|中心|公司|部门|单位|旗县|盟市)$")
UNKNOWN_MOST: Final = 30


@dataclass(frozen=True, slots=True)
class Body:
    """An organisation as it was named; more than one id where the name may mean several."""

    words: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parties:
    """Who leads, who takes part, and words in their places that are no known body."""

    leads: tuple[Body, ...]
    joint: tuple[Body, ...]
    unknown: tuple[str, ...]


@dataclass(slots=True)
class _Clause:
    words: str
    role: str
    """lead, joint, other; empty where the clause only lists bodies, or says something else."""
    named: Sequence[Body]
    rest: str
    ends: str
    """The mark after it."""
    carried: bool = False


def bodies_in(words: str, known: Mapping[str, Sequence[str]]) -> tuple[Sequence[Body], str]:
    """Return the bodies that are named, the longest name first at each place, and what is left of the words."""
    longest = max((len(name) for name in known), default=0)
    found, rest, at = [], [], 0
    while at < len(words):
        for size in range(min(longest, len(words) - at), 1, -1):
            ids = known.get(words[at : at + size])
            if ids:
                found.append(Body(words[at : at + size], tuple(ids)))
                rest.append("、")
                at += size
                break
        else:
            rest.append(words[at])
            at += 1
    return found, "".join(rest)


def parties(text: str, known: Mapping[str, Sequence[str]]) -> Parties:
    """Return who is named to lead and to take part in a stretch of text."""
    clauses = list(_clauses(text, known))
    _spread(clauses)
    seen: dict[str, dict[Body, None]] = {"lead": {}, "joint": {}}
    unknown: dict[str, None] = {}
    for clause in clauses:
        if clause.role in seen:
            seen[clause.role].update(dict.fromkeys(clause.named))
            unknown.update(dict.fromkeys(_unknown(clause.rest)))
    leads = tuple(seen["lead"])
    leading = {one.ids for one in leads}
    return Parties(leads, tuple(one for one in seen["joint"] if one.ids not in leading), tuple(unknown))


def _clauses(text: str, known: Mapping[str, Sequence[str]]) -> Iterator[_Clause]:
    parts = _CLAUSE.findall(text)
    for at, part in enumerate(parts):
        if part in ",;。()\n":
            continue
        ends = parts[at + 1] if at + 1 < len(parts) else ""
        yield from _split(part, ends, known)


def _split(part: str, ends: str, known: Mapping[str, Sequence[str]]) -> Iterator[_Clause]:
    """Yield a clause, or two where it names both roles: 由甲牵头会同乙."""
    head, together, tail = part.partition("会同")
    if together and head.strip():
        yield from _one(f"{head}牵头" if _GIVEN.match(head) else head, ",", known)
        yield from _one(f"会同{_DOING.sub('', tail)}", ends, known)
        return
    yield from _one(part, ends, known)


def _one(part: str, ends: str, known: Mapping[str, Sequence[str]]) -> Iterator[_Clause]:
    role, words = _role(part)
    named, rest = bodies_in(words, known)
    if role in {"lead", "joint"} and not named and not _UNKNOWN.search(words.strip(" 、")):
        role = ""
    yield _Clause(part, role, named, rest, ends)


def _role(part: str) -> tuple[str, str]:
    for pattern, role in ((_LEAD_LABEL, "lead"), (_JOINT_LABEL, "joint"), (_OTHER_LABEL, "other")):
        match = pattern.match(part)
        if match is not None:
            rest = part[match.end() :]
            return role, _JOINT_TAIL.sub("", _LEAD_TAIL.sub("", rest)) if role != "other" else rest
    for pattern, role in ((_LEAD_TAIL, "lead"), (_JOINT_TAIL, "joint")):
        match = pattern.search(part)
        if match is not None:
            return role, part[: match.start()]
    amid = _LEAD_AMID.search(part)
    return ("", part) if amid is None else ("lead", part[: amid.start()])


def _spread(clauses: Sequence[_Clause]) -> None:
    """Give clauses that only list bodies the role of the label before them, or of the words that end their list."""
    for before, here in itertools.pairwise(clauses):
        labelled = before.carried or _LEAD_LABEL.match(before.words) or _JOINT_LABEL.match(before.words)
        if not here.role and _lists(here) and before.ends == "," and labelled:
            here.role, here.carried = before.role, True
    for here, after in zip(reversed(clauses[:-1]), reversed(clauses[1:]), strict=False):
        tailed = after.role in {"lead", "joint"} and not (
            _LEAD_LABEL.match(after.words) or _JOINT_LABEL.match(after.words)
        )
        if not here.role and _lists(here) and here.ends == "," and tailed:
            here.role = after.role


def _lists(clause: _Clause) -> bool:
    return bool(clause.named) and _FILLER.match(clause.rest) is not None


def _unknown(rest: str) -> Iterator[str]:
    for piece in _BETWEEN.split(rest):
        words = piece.strip(" 、由请:").removeprefix("自治区")
        if (
            words not in {"部门", "单位", "有关部门", "相关部门", ""}
            and len(words) <= UNKNOWN_MOST
            and _UNKNOWN.search(words)
        ):
            yield words
