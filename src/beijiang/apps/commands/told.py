"""What applications and their checks look like at a terminal, from their JSON: of this machine's home or of a server far away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from beijiang.apps.models import AudienceKind, VersionState
from beijiang.kit import Text
from beijiang.terminal import Column, as_json, language, show

__all__ = ["APPS", "VERSIONS", "told_app", "told_checks", "told_version"]

APPS: Final = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("owner", Text("部门", "owner")),
    Column("version", Text("版本", "version"), right=True),
    Column("released_to", Text("发布给", "released to")),
    Column("off", Text("停用", "off")),
)
VERSIONS: Final = (
    Column("number", Text("版本", "version"), right=True),
    Column("label", Text("标签", "label")),
    Column("state", Text("状态", "state")),
    Column("by", Text("提交人", "submitted by")),
    Column("at", Text("时间", "at")),
    Column("note", Text("意见", "note")),
)
_CHECKS = (
    Column("check", Text("检查", "check"), whole=True),
    Column("good", Text("通过", "passed")),
    Column("found", Text("结果", "result")),
)
_FAULTS = (
    Column("file", Text("文件", "file"), whole=True),
    Column("line", Text("行", "line"), right=True),
    Column("what", Text("问题", "what is wrong")),
    Column("mend", Text("怎么改", "how to mend it")),
)


def told_checks(checks: Sequence[Mapping[str, Any]], faults: Sequence[Mapping[str, Any]]) -> None:
    """Show what every check found, and each fault with how to mend it."""
    found = [{"check": _said(c["text"]), "good": c["good"], "found": _said(c["found"])} for c in checks]
    wrong = [{**f, "what": _said(f["what"]), "mend": _said(f["mend"])} for f in faults]
    if as_json():
        show({"checks": found, "faults": wrong})
    else:
        show(found, _CHECKS)
        if wrong:
            show(wrong, _FAULTS)


def told_app(app: Mapping[str, Any]) -> dict[str, Any]:
    """Return an application as a line of the list."""
    release = app["release"]
    return {
        "id": app["id"],
        "name": _said(app["name"]),
        "owner": app["owner"],
        "version": app["version"],
        "released_to": "" if release is None else AudienceKind(release["to"]).text.in_language(language()),
        "off": app["off"],
    }


def told_version(version: Mapping[str, Any]) -> dict[str, Any]:
    """Return a version as a line of the list."""
    state = VersionState(version["state"]).text.in_language(language())
    return {**{key: version[key] for key in ("number", "label", "by", "at", "note")}, "state": state}


def _said(words: Mapping[str, str]) -> str:
    return Text(**words).in_language(language())
