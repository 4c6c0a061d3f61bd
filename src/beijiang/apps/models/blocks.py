"""Blocks of a page: a fenced piece of Markdown with TOML inside, read with every fault named by its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from beijiang.apps.models.faults import Faults, line_of
from beijiang.apps.models.words import BlockKind

__all__ = ["SHAPES", "Block", "filled", "read_block", "toml_line"]

TEXT_MOST: Final = 500
CHART_FORMS: Final = ("bar", "line", "area", "pie")
TONES: Final = ("info", "ok", "warn", "bad")
"""Looks of a state, each with a shape of its own."""
BETTER: Final = ("higher", "lower")
_COLUMN: Final = re.compile(r"\{\{([^{}]+)\}\}")
QUESTIONS: Final = ("up", "down", "controller", "related")
"""What a block asks a graph of relations about one party."""
OPERATORS: Final = (">", ">=", "<", "<=", "==", "!=")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a kind of block takes: each key with its Python type; ``must`` are there always."""

    must: Mapping[str, type]
    may: Mapping[str, type] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    """Keys whose text readers see, so that it needs its English."""
    columns: tuple[str, ...] = ()
    """Keys that name a column of the query, or several."""


SHAPES: Final[Mapping[BlockKind, Shape]] = {
    BlockKind.NUMBER: Shape(
        {"query": str, "value": str, "title": str},
        {"unit": str, "note": str, "change": str, "better": str},
        ("title", "unit", "note"),
        ("value", "change"),
    ),
    BlockKind.TABLE: Shape(
        {"query": str, "title": str},
        {"columns": list, "note": str, "link": dict, "bar": str, "tones": dict, "half": bool},
        ("title", "note"),
        ("columns", "bar"),
    ),
    BlockKind.CHART: Shape(
        {"query": str, "title": str, "x": str, "y": list},
        {"form": str, "unit": str, "note": str, "stacked": bool, "tones": dict, "half": bool},
        ("title", "unit", "note"),
        ("x", "y"),
    ),
    BlockKind.MAP: Shape(
        {"query": str, "title": str, "value": str},
        {
            "longitude": str,
            "latitude": str,
            "name": str,
            "region": str,
            "unit": str,
            "note": str,
            "link": dict,
            "half": bool,
        },
        ("title", "unit", "note"),
        ("value", "longitude", "latitude", "name", "region"),
    ),
    BlockKind.TIMELINE: Shape(
        {"query": str, "title": str, "at": str, "what": str},
        {"note": str, "half": bool},
        ("title", "note"),
        ("at", "what"),
    ),
    BlockKind.NETWORK: Shape(
        {"graph": str, "about": str, "question": str, "title": str}, {"note": str}, ("title", "note")
    ),
    BlockKind.FILTER: Shape({"parameters": list}, {"title": str}, ("title",)),
    BlockKind.LINK: Shape({"page": str, "title": str}, {"set": dict}, ("title",)),
    BlockKind.TEXT: Shape({"query": str, "when": list}, {"otherwise": str}, ("otherwise",)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block as it stands in a page."""

    kind: BlockKind
    facts: Mapping[str, Any]
    line: int

    @property
    def query(self) -> str:
        """Return the query that it shows, empty for a filter, a link or a graph of relations."""
        return str(self.facts.get("query", ""))

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of the query that it names."""
        found: list[str] = []
        for key in SHAPES[self.kind].columns:
            value = self.facts.get(key, ())
            found += [value] if isinstance(value, str) else list(value)
        if self.kind is BlockKind.TEXT:
            found += [str(rule["column"]) for rule in self.facts["when"]]
            found += [name for words in self.words for name in _COLUMN.findall(words)]
        link = self.facts.get("link")
        return (*found, *(str(c) for c in link["set"].values())) if link else tuple(found)

    @property
    def words(self) -> tuple[str, ...]:
        """Return the texts that readers see."""
        found = [str(self.facts[key]) for key in SHAPES[self.kind].words if key in self.facts]
        if self.kind is BlockKind.TEXT:
            found += [str(rule["say"]) for rule in self.facts["when"]]
        return tuple(found)


def filled(words: str, value: Callable[[str], str]) -> str:
    """Return a text by rule with ``{{column}}`` as the value of that column."""
    return _COLUMN.sub(lambda found: value(found[1]), words)


def toml_line(error: tomllib.TOMLDecodeError) -> int:
    """Return the line that a fault of TOML is at, 1 where it does not say."""
    _, _, rest = str(error).rpartition("at line ")
    number = rest.partition(",")[0]
    return int(number) if number.isdigit() else 1


def read_block(file: str, line: int, word: str, text: str, faults: Faults) -> Block | None:
    """Read one block; ``line`` is that of its fence."""
    kind = BlockKind(word)
    try:
        facts = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        at = line + (toml_line(error) if isinstance(error, tomllib.TOMLDecodeError) else 1)
        faults.say(
            file,
            at,
            (f"{word} 块里的内容不是 TOML", f"what stands in the {word} block is no TOML"),
            ('每行写成 名称 = "值"', 'write each line as name = "value"'),
        )
        return None
    before = len(faults)
    _check_keys(file, line, kind, text, facts, faults)
    if len(faults) == before:
        _check_values(file, line, kind, text, facts, faults)
    return Block(kind=kind, facts=facts, line=line) if len(faults) == before else None


def _check_keys(file: str, line: int, kind: BlockKind, text: str, facts: Mapping[str, Any], faults: Faults) -> None:
    shape = SHAPES[kind]
    known = {**shape.must, **shape.may}
    for key in (one for one in shape.must if one not in facts):
        faults.say(
            file,
            line,
            (f"{kind} 块缺少 {key}", f"the {kind} block has no {key}"),
            (f"补上 {key} = …", f"add {key} = …"),
        )
    for key, value in facts.items():
        at = line + line_of(text, key)
        if key not in known:
            offered = ", ".join(known)
            shown = key[:40]
            faults.say(
                file,
                at,
                (f"{kind} 块不认识 {shown}", f"the {kind} block does not know {shown}"),
                (f"可用：{offered}", f"use one of: {offered}"),
            )
        elif type(value) is not known[key] or (isinstance(value, str) and not 0 < len(value) <= TEXT_MOST):
            name = {
                str: ("文本", "text"),
                list: ("列表", "a list"),
                dict: ("表", "a table"),
                bool: ("是否", "a yes or no"),
            }[known[key]]
            faults.say(
                file,
                at,
                (
                    f"{key} 应为{name[0]}（至多 {TEXT_MOST} 字）",
                    f"{key} is {name[1]} (of at most {TEXT_MOST} characters)",
                ),
                ("改为该类型的值", "give it such a value"),
            )


def _check_values(file: str, line: int, kind: BlockKind, text: str, facts: Mapping[str, Any], faults: Faults) -> None:
    def say(key: str, zh: str, en: str) -> None:
        faults.say(file, line + line_of(text, key), (f"{key} 的值不能用", f"{key} cannot be used"), (zh, en))

    for key in ("columns", "y", "parameters"):
        if key in facts and not (facts[key] and all(isinstance(one, str) and one for one in facts[key])):
            say(key, '写成 ["甲", "乙"] 的名称列表', 'write a list of names, ["a", "b"]')
    if kind is BlockKind.CHART and facts.get("form", "bar") not in CHART_FORMS:
        say("form", f"可用：{'、'.join(CHART_FORMS)}", f"use one of: {', '.join(CHART_FORMS)}")
    if kind is BlockKind.NETWORK and facts["question"] not in QUESTIONS:
        say("question", f"可用：{'、'.join(QUESTIONS)}", f"use one of: {', '.join(QUESTIONS)}")
    _check_looks(facts, say)
    if kind is BlockKind.MAP and ("region" in facts) == ("longitude" in facts and "latitude" in facts):
        say("value", "写 region，或同时写 longitude 和 latitude", "give region, or both longitude and latitude")
    if "link" in facts and not (_is_names(facts["link"].get("set")) and isinstance(facts["link"].get("page"), str)):
        say(
            "link",
            '写成 { page = "页", set = { 参数 = "列" } }',
            'write { page = "page", set = { parameter = "column" } }',
        )
    if "set" in facts and not _is_names(facts["set"]):
        say("set", '写成 { 参数 = "值" }', 'write { parameter = "value" }')
    if kind is BlockKind.TEXT and not (facts["when"] and all(map(_is_rule, facts["when"]))):
        mend = '{ column = "列", op = ">=", value = 数, say = "文字" }'
        say(
            "when",
            f"每条规则写成 {mend}",
            'write each rule as { column = "name", op = ">=", value = 1, say = "words" }',
        )


def _check_looks(facts: Mapping[str, Any], say: Callable[[str, str, str], None]) -> None:
    if facts.get("better", "higher") not in BETTER:
        say("better", f"可用：{'、'.join(BETTER)}", f"use one of: {', '.join(BETTER)}")
    if "tones" in facts and not all(one in TONES for one in facts["tones"].values()):
        offered = ", ".join(TONES)
        say(
            "tones",
            f'写成 {{ 值 = "{TONES[2]}" }}，可用：{offered}',
            f'write {{ value = "{TONES[2]}" }} with: {offered}',
        )


def _is_names(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def _is_rule(rule: object) -> bool:
    return (
        isinstance(rule, dict)
        and set(rule) - {"tone"} == {"column", "op", "value", "say"}
        and rule.get("tone", "info") in TONES
        and rule["op"] in OPERATORS
        and type(rule["value"]) in {int, float, str}
        and isinstance(rule["column"], str)
        and isinstance(rule["say"], str)
        and 0 < len(rule["say"]) <= TEXT_MOST
    )
