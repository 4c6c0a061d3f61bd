"""What entries look like at a terminal, from their JSON: of this machine's home or of a server far away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from beijiang.catalog.models import MatchKind, OpenType, State
from beijiang.kit import Text
from beijiang.terminal import Column, as_json, language, say, show

__all__ = ["GAPS", "ITEMS", "ONE", "RESOURCES", "show_entry", "show_hits"]

RESOURCES: Final = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("provider", Text("提供方", "provider"), spare=True),
    Column("state", Text("状态", "state")),
    Column("version", Text("版本", "version"), right=True, spare=True),
    Column("open_type", Text("开放属性", "opening"), spare=True),
    Column("level", Text("级别", "grade"), spare=True),
    Column("rows", Text("行数", "rows"), right=True),
    Column("code", Text("代码", "code"), whole=True),
)
ONE: Final = (*RESOURCES, Column("table", Text("表", "table")), Column("revision", Text("修订号", "revision")))
ITEMS: Final = (
    Column("#", Text("#", "#"), right=True),
    Column("column", Text("列", "column"), whole=True),
    Column("name", Text("名称", "name")),
    Column("type", Text("类型", "type")),
    Column("grade", Text("级别", "grade")),
    Column("share", Text("共享属性", "sharing")),
    Column("open", Text("开放属性", "opening")),
)
GAPS: Final = (
    Column("blocking", Text("必须", "must")),
    Column("field", Text("字段", "field")),
    Column("what", Text("需要补全", "what is missing")),
)


def show_hits(found: Mapping[str, Any], words: str) -> None:
    """Print the entries that a search found, from its JSON."""
    if as_json():
        show(found)
        return
    if found["kind"] not in {MatchKind.ALL, MatchKind.PHRASE, MatchKind.NOTHING}:
        say(
            Text(
                f"没有完全匹配“{words}”的目录，以下是最接近的。",
                f"Nothing matches “{words}” exactly; these come closest.",
            )
        )
    if found["suggestion"]:
        say(Text(f"您是不是要找：{found['suggestion']}", f"Did you mean: {found['suggestion']}"))
    say(Text(f"共 {found['total']} 条", f"{found['total']} found"))
    rows = [
        {
            **{key: hit[key] for key in ("id", "level", "rows")},
            "name": hit["title"],
            "provider": hit["provider_name"],
            "state": State(hit["state"]).text.in_language(language()),
            "open_type": _opening(hit["open_type"]),
        }
        for hit in found["hits"]
    ]
    show(rows, [column for column in RESOURCES if column.key not in {"version", "code"}])


def show_entry(found: Mapping[str, Any]) -> None:
    """Print an entry of a server with its items and what it lacks, from its JSON."""
    if as_json():
        show(found)
        return
    entry = found["entry"]
    facts = {
        "id": found["id"],
        "name": entry["name"],
        "provider": entry["provider_name"],
        "table": found["table"],
        "state": Text(**found["state_name"]).in_language(language()),
        "version": found["version"],
        "open_type": _opening(entry["open_type"]),
        "level": found["level"],
        "rows": found["facts"]["rows"],
        "code": next(iter(found["codes"]), None),
        "revision": found["revision"],
    }
    show(facts, ONE)
    opened = set(found["open_items"])
    items = [
        {
            **{key: item[key] for key in ("column", "name", "type")},
            "#": number,
            "grade": item["level"] or "",
            "open": item["column"] in opened,
        }
        for number, item in enumerate(entry["items"], 1)
    ]
    show(items, [column for column in ITEMS if column.key != "share"])
    gaps = [{**gap, "what": Text(**gap["text"]).in_language(language())} for gap in found["missing"]]
    if gaps:
        show(gaps, GAPS)


def _opening(value: str | None) -> str:
    return OpenType(value).text.in_language(language()) if value else ""
