"""A work plan in the style of one, written from the rows of the plan of 2018 in sentences of our own.

``STYLES`` differ in how they name who leads, where deadlines and numbers stand, and how headings are numbered; each also
tells of numbers that were reached before, of numbers that are no targets, and of bodies that only occur.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

NUMERALS = ("", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十")
_TARGET = re.compile(r"(?P<code>\w+)(?P<op>>=|=)(?P<value>[\d.]+) (?P<unit>\S+)")
OPERATORS = {">=": "≥", "=": "="}


@dataclass(frozen=True)
class Truth:
    """What a reader of the document should find."""

    number: str
    title: str
    leads: frozenset[str]
    joint: frozenset[str]
    targets: frozenset[tuple[str, float, str]]
    due: date | None
    wider: bool = False
    """Whether other bodies take part that are no single organisation."""


@dataclass
class Written:
    """A document and the truth about it."""

    text: str
    truth: list[Truth] = field(default_factory=list)


def _numbers(row: Mapping[str, str]) -> list[tuple[str, str, float, str]]:
    found = [_TARGET.match(one.strip()) for one in row["numeric_targets"].split(";")]
    return [(m["code"], OPERATORS[m["op"]], float(m["value"]), m["unit"]) for m in found if m]


def _sentence(name: str, op: str, value: float, unit: str, pick: random.Random, style: str) -> str:
    """Say a target in one of several ways; a name that is a growth keeps its verb beside the number."""
    number = f"{value:g}{unit}"
    for verb in ("增长", "提高"):
        if name.endswith(verb):
            return f"{name}{number}以上" if op == "≥" else f"{name}{number}"
    if name.startswith("新增"):
        return f"{name}{number}"
    if style == "rough":
        ways = [f"{name}要达到 {value:g} {unit}", f"将{name}提高至{number}", f"{name}不低于{number}的目标要完成"]
        return pick.choice(ways[: 2 if op == "=" else 3])
    ways = [f"{name}达到{number}", f"{name}达{number}", f"力争{name}达到{number}"]
    return pick.choice(ways)


def _brackets(leads: str, joint: str, due: str) -> str:
    with_joint = f"，{joint}配合" if joint else ""
    when = f"，{due}前完成" if due else ""
    return f"（{leads}牵头{with_joint}{when}）"


def _labels(leads: str, joint: str, due: str) -> str:
    parts = [f"牵头单位：{leads}"]
    parts += [f"配合单位：{joint}"] if joint else []
    parts += [f"完成时限：{due}"] if due else []
    return f"（{'；'.join(parts)}）"


def _lines(leads: str, joint: str, due: str) -> str:
    said = f"\n责任部门：{leads}"
    said += f"\n配合部门：{joint}" if joint else ""
    return said + (f"\n完成时限：{due}前" if due else "")


def _prose(leads: str, joint: str, due: str) -> str:
    together = f"会同{joint}" if joint else ""
    when = f"，确保{due}前落实到位" if due else ""
    return f"此项工作由{leads}牵头负责{'，' if together else ''}{together}{when}。"


def _rough(leads: str, joint: str, due: str) -> str:
    """Say it as hurried writers do; chosen by what the words happen to be, so that it stays the same every time."""
    ways = (
        lambda: (
            f"({leads.replace('、', ',')}等部门按职责分工负责{';' + joint + '配合' if joint else ''}{',' + due + '前' if due else ''})"
        ),
        lambda: (
            f"{leads}要牵头拿出方案{'，' + joint + '积极参与' if joint else ''}{'，务必于' + due + '前办结' if due else ''}。"
        ),
        lambda: f"由{leads}负责{'，' + joint + '协助' if joint else ''}{'，' + due + '完成' if due else ''}。",
        lambda: f"\n责任单位 {leads}\n{'配合单位 ' + joint if joint else ''}\n{'时限 ' + due if due else ''}",
    )
    return ways[len(leads) % 4]()


STYLES: Mapping[str, Callable[[str, str, str], str]] = {
    "brackets": _brackets,
    "labels": _labels,
    "lines": _lines,
    "prose": _prose,
    "rough": _rough,
}
_DUES = (("2018年12月底", date(2018, 12, 31)), ("2018年10月底", date(2018, 10, 31)), ("2018年9月30日", date(2018, 9, 30)),
         ("第三季度末", date(2018, 9, 30)), ("2018年底", date(2018, 12, 31)), ("11月底", date(2018, 11, 30)), ("", None))  # fmt: skip
_BEFORE = (
    "此前已建成平台38个，汇聚数据2100万条。",
    "截至2017年底，各地接入系统112个。",
    "目前全区装机能力为110万台。",
    "审计厅、质监局提出的意见要认真研究吸收。",
    "要按照国家统一部署，结合本地实际扎实推进。",
    "相关技术路线由专家委员会论证后确定。",
)


def write(
    rows: Sequence[Mapping[str, str]],
    summaries: Mapping[str, str],
    figures: Mapping[str, str],
    names: Mapping[str, Sequence[str]],
    style: str,
    seed: int,
) -> Written:
    """Write a plan; ``names`` are the names of each body, ``figures`` the Chinese names of the indicators by code."""
    pick = random.Random(seed)  # noqa: S311 - no secret is made
    made = Written(
        "2018年大数据发展工作要点\n\n为推进大数据发展，结合实际，制定本要点。国家部委要求的2项试点另行安排。\n\n"
    )
    part = ""
    for row in rows:
        number = row["section_no"]
        numbers = _numbers(row)
        said = [_sentence(figures[code], op, value, unit, pick, style) for code, op, value, unit in numbers]
        leads, joint_all = row["lead_departments"].split(";"), [b for b in row["support_departments"].split(";") if b]
        joint = [b for b in joint_all if b in names]
        wider = len(joint) < len(joint_all)
        due_words, due = pick.choice(_DUES)
        if "by end of 2018" in row["numeric_targets"]:
            due_words, due = "2018年底", date(2018, 12, 31)
        spell = [pick.choice(names[b]) for b in leads]
        helped = [pick.choice(names[b]) for b in joint] + (["各盟行政公署、各市人民政府"] if wider else [])
        end = STYLES[style]("、".join(spell), "、".join(helped), due_words)
        goals = ("，".join(said) + "。") if said else ""
        noise = pick.choice(_BEFORE) if pick.random() < 0.6 else ""
        if number == "0":
            made.text += f"总体目标。{noise}2018年，全区{goals}{end}\n\n"
        else:
            chapter, _, item = number.partition(".")
            if chapter != part:
                part = chapter
                made.text += f"{NUMERALS[int(chapter)]}、{row['part_en'] and _part_zh(row, summaries)}\n\n"
            made.text += f"（{NUMERALS[int(item)]}）{row['title_zh']}。{summaries[number]}。{noise}{goals}{end}\n\n"
        made.truth.append(
            Truth(
                number,
                row["title_zh"],
                frozenset(leads),
                frozenset(joint),
                frozenset((figures[code], value, op) for code, op, value, _ in numbers),
                due,
                wider,
            )
        )
    made.text += "各部门要高度重视，于每季度末报送进展情况。\n"
    return made


def _part_zh(row: Mapping[str, str], summaries: Mapping[str, str]) -> str:
    return summaries[f"part {row['section_no']}"]
