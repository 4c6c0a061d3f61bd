"""Files that keep arriving: which of them are wanted, how they are read, and where each of them stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, Final

from beijiang.ingest.models.files import CheckSpec, RunMode
from beijiang.kit import Invalid, Text
from beijiang.kit.errors import JsonValue

__all__ = [
    "FileOrder",
    "FileRules",
    "FileState",
    "Found",
    "Known",
    "Sighting",
    "decided",
    "glob_matches",
    "gone_from",
    "order_of",
]

_UNFINISHED: Final = ("*.tmp", "*.temp", "*.part", "*.partial", "*.filepart", "*.crdownload", "*.swp", "~$*", ".*")
"""Names under which programs write files that are not whole yet."""
_MOST_FILES: Final = 100_000
_MOST_QUIET: Final = 600
_MOST_ROWS: Final = 50
_LONGEST: Final = 300
_PARTS: Final = re.compile(r"(\*\*/|\*\*|\*|\?)")
_KEYLESS: Final = Text(
    "按主键合并需要主键。请用 --key 指定能唯一确定一行的列，或改用追加、替换。",
    "A merge needs a key. Name the columns that identify a row with --key, or append or replace.",
)
_KEYED: Final = Text(
    "有主键的表不能追加（会产生重复）。请改用合并（merge），或不填主键。",
    "A table with a key is not appended to, as rows would repeat. Merge, or leave the key out.",
)
_TAKING: Final = Text(
    "到达的文件不能按主键删除行：每次删除都要有人提交。请在“导入”页提交写有主键的文件，方式选“删除”；数据源自己删除的行由同步带走（add-sync 的 --deletes）。",
    "Files that arrive take no rows out: somebody hands in each removal. Hand in the file of keys with --mode remove; "
    "rows that a source deletes leave by a sync (--deletes of add-sync).",
)
_NEWEST: Final = Text("“只取最新一份”只用于替换方式。", "Only the newest: that goes with replace.")
_OUTSIDE: Final = Text(
    "文件名样式从该目录起写，用 / 分隔，不含 ..。例如 *.csv、**/*.xlsx。",
    "Patterns begin at the folder, with / between its parts and without .. : *.csv, **/*.xlsx.",
)
_LONG: Final = Text(f"每个文件名样式至多 {_LONGEST} 个字符。", f"A pattern has {_LONGEST} characters at most.")
_BOUNDS: Final = Text(
    f"完成标记不含 /；静置时间为 0 至 {_MOST_QUIET} 秒；每次至多 {_MOST_FILES:,} 个文件。",
    f"A marker holds no /; quiet is 0 to {_MOST_QUIET} seconds; a run takes at most {_MOST_FILES:,} files.",
)
_ROWS: Final = Text(f"标题行数、表头行数为 0 至 {_MOST_ROWS}。", f"Title and header rows: 0 to {_MOST_ROWS}.")


class FileOrder(StrEnum):
    """Which of two files is the later one: its rows count where both have a key."""

    TIME = "time"
    NAME = "name"


class FileState(StrEnum):
    """Where a file stands."""

    NEW = "new"
    CHANGED = "changed"
    """Its name was taken, with other contents."""
    KNOWN = "known"
    """Taken, and unchanged since."""
    WAITING = "waiting"
    """Not whole yet, as far as one can tell."""
    REFUSED = "refused"
    """Looked at and not taken, with the reason; it is looked at again when it changes."""
    GONE = "gone"
    """Taken, and no longer at the source. Its rows stay."""
    OLDER = "older"
    """Another file is newer, and only the newest counts."""

    @property
    def text(self) -> Text:
        """Return what people call it."""
        return _STATES[self]


_STATES: Final = {
    FileState.NEW: Text("新文件", "new"),
    FileState.CHANGED: Text("内容已变", "changed"),
    FileState.KNOWN: Text("已取", "taken"),
    FileState.WAITING: Text("等待", "waiting"),
    FileState.REFUSED: Text("未取", "not taken"),
    FileState.GONE: Text("来源已删", "gone at the source"),
    FileState.OLDER: Text("较旧", "older"),
}


def glob_matches(pattern: str, name: str) -> bool:
    """Tell whether a path fits a pattern: ``*`` and ``?`` inside one folder, ``**`` across folders; case is ignored.

    All places that the parts so far can end at are followed at once, so no pattern makes it try again and again.
    """
    name, at, parts = name.lower(), {0}, _PARTS.split(pattern.lower())
    if not name.endswith(parts[-1]):
        return False
    for part in parts:
        if part == "*":
            at = _in_folder(name, at)
        elif part == "**/":
            at = _over_folders(name, at)
        elif part == "**":
            at = {*range(min(at), len(name) + 1)}
        elif part == "?":
            at = {place + 1 for place in at if name[place : place + 1] not in {"", "/"}}
        else:
            at = {place + len(part) for place in at if name.startswith(part, place)}
        if not at:
            return False
    return len(name) in at


def _in_folder(name: str, at: set[int]) -> set[int]:
    """Return where ``*`` can end: anywhere up to the end of the folder's or file's name."""
    found = set[int]()
    for place in sorted(at):
        if place not in found:
            end = name.find("/", place)
            found.update(range(place, (len(name) if end < 0 else end) + 1))
    return found


def _over_folders(name: str, at: set[int]) -> set[int]:
    """Return where ``**/`` can end: here, and behind every folder that follows."""
    found, inside = {*at}, False
    for place, sign in enumerate(name):
        if sign != "/":
            inside = inside or place in found
        elif inside:
            found.add(place + 1)
            inside = False
    return found


@dataclass(frozen=True, kw_only=True)
class FileRules:
    """Which files of a folder are taken, when they count as whole, and how they are read."""

    patterns: tuple[str, ...] = ("*",)
    """Paths below the folder: ``*.csv``, ``**/*.xlsx``."""
    members: tuple[str, ...] = ()
    """Members of archives that are taken; empty takes all."""
    done: str = ""
    """A file waits for its marker: ``.done`` beside it (``a.csv.done`` or ``a.done``), or a name like ``_SUCCESS``."""
    quiet: int = 5
    """Seconds for which a file without a marker has to stay as it is."""
    mode: RunMode = RunMode.AUTO
    newest: bool = False
    """The newest file alone makes the table (replace only)."""
    order: FileOrder = FileOrder.TIME
    limit: int = 10_000
    """Files that one run takes; the others follow in the next."""
    encoding: str = "auto"
    sheet: str = ""
    delimiter: str = ""
    title_rows: int | None = None
    header_rows: int | None = None
    checks: tuple[str, ...] = ()

    def checked(self, key: Sequence[str]) -> FileRules:
        """Return the rules with their mode decided.

        Raises:
            Invalid: they contradict each other, or something is out of bounds (``bad_file_rules``).

        """
        mode = self.mode
        if mode is RunMode.AUTO:
            mode = RunMode.MERGE if key else RunMode.APPEND
        wrong = self._wrong(mode, key)
        if wrong is not None:
            raise Invalid(wrong.zh, wrong.en, code="bad_file_rules")
        for check in self.checks:
            CheckSpec.parse(check)
        return replace(self, mode=mode, patterns=self.patterns or ("*",))

    def _wrong(self, mode: RunMode, key: Sequence[str]) -> Text | None:
        everything = (*self.patterns, *self.members)
        rows = [n for n in (self.title_rows, self.header_rows) if n is not None]
        outside = any(p.startswith("/") or ".." in p.split("/") or "\\" in p for p in everything)
        bounds = (0 <= self.quiet <= _MOST_QUIET, 1 <= self.limit <= _MOST_FILES, "/" not in self.done)
        checks = (
            (mode is RunMode.REMOVE, _TAKING),
            (mode in {RunMode.MERGE, RunMode.HISTORY} and not key, _KEYLESS),
            (mode is RunMode.APPEND and bool(key), _KEYED),
            (self.newest and mode is not RunMode.REPLACE, _NEWEST),
            (outside, _OUTSIDE),
            (any(len(p) > _LONGEST for p in everything), _LONG),
            (not all(bounds), _BOUNDS),
            (any(not 0 <= n <= _MOST_ROWS for n in rows), _ROWS),
        )
        return next((text for wrong, text in checks if wrong), None)

    @property
    def header(self) -> dict[str, Any] | None:
        """Return where the header stands, if that was said."""
        if self.title_rows is None and self.header_rows is None:
            return None
        return {"title_rows": self.title_rows or 0, "header_rows": 1 if self.header_rows is None else self.header_rows}

    @property
    def deep(self) -> bool:
        """Tell whether files below sub-folders may fit."""
        return any("/" in p or "**" in p for p in self.patterns)

    def wants(self, name: str) -> bool:
        """Tell whether a file is one of those to be taken, by its name."""
        return any(glob_matches(p, name) for p in self.patterns) and not self.is_marker(name)

    def is_marker(self, name: str) -> bool:
        """Tell whether a file only says that others are whole."""
        leaf = PurePosixPath(name).name
        return bool(self.done) and (leaf.endswith(self.done) if self.done.startswith(".") else leaf == self.done)

    def markers_of(self, name: str) -> tuple[str, ...]:
        """Return the names of which one has to be there before a file is taken."""
        if not self.done:
            return ()
        path = PurePosixPath(name)
        if not self.done.startswith("."):
            return (str(path.with_name(self.done)),)
        return (f"{name}{self.done}", str(path.with_suffix(self.done)))

    def to_json(self) -> dict[str, JsonValue]:
        """Return the rules for storage, an API answer or the terminal."""
        return {k: [*v] if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> FileRules:
        """Rebuild stored rules."""
        lists = {n: tuple(value.get(n, ())) for n in ("patterns", "members", "checks")}
        return cls(**{**value, **lists, "mode": RunMode(value["mode"]), "order": FileOrder(value["order"])})


@dataclass(frozen=True, slots=True)
class Found:
    """One file as a source lists it."""

    name: str
    """Its path below the folder, with ``/``."""
    size: int | None
    mark: str
    """Something that is not the same any more when the contents are not: times of change, an ETag."""
    modified: datetime | None = None
    fault: str = ""
    """Why it must not be opened: ``link``, ``unsafe_name``."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of a file that was looked at."""

    name: str
    size: int | None
    mark: str
    sha256: str
    """Of the contents that were looked at last."""
    modified: datetime | None = None
    taken: str = ""
    """SHA-256 of the contents whose rows are in the table; empty if none are."""
    why: Text | None = None
    """Why the contents looked at last were not taken."""

    def same_as(self, found: Found) -> bool:
        """Tell whether the source still lists what was looked at."""
        return (self.size, self.mark) == (found.size, found.mark)


@dataclass(frozen=True, slots=True)
class Sighting:
    """One file, where it stands, and why."""

    found: Found
    state: FileState
    why: Text = field(default_factory=lambda: Text("", ""))
    young: bool = False
    """Only a second look can tell whether it still grows."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for an API answer or the terminal."""
        modified = self.found.modified
        return {
            "name": self.found.name,
            "bytes": self.found.size,
            "modified": modified.isoformat() if modified else None,
            "state": self.state.value,
            "why": {"zh": self.why.zh, "en": self.why.en},
        }


_FAULTS: Final = {
    "link": Text("是符号链接，不跟随", "a symbolic link, which is not followed"),
    "unsafe_name": Text("文件名含有不允许的字符或路径", "its name holds characters or a path that are not allowed"),
}


def decided(
    listing: Iterable[Found], known: Mapping[str, Known], rules: FileRules, *, now: datetime, again: bool = False
) -> list[Sighting]:
    """Tell of every wanted file where it stands, oldest first; ``again`` looks anew at what was refused."""
    found = {f.name: f for f in listing}
    seen = [
        _sighted(f, known.get(f.name), rules, found, now=now, again=again)
        for f in found.values()
        if rules.wants(f.name)
    ]
    seen.sort(key=lambda s: order_of(s.found.name, s.found.modified, rules))
    return _only_newest(seen) if rules.newest else seen


def order_of(name: str, modified: datetime | None, rules: FileRules) -> tuple[str, str]:
    """Return by what files are put in order, the oldest first."""
    time = modified.isoformat() if modified is not None and rules.order is FileOrder.TIME else ""
    return time, name


def gone_from(sightings: Sequence[Sighting], known: Mapping[str, Known]) -> list[Sighting]:
    """Return the files whose rows are in the table and that the source no longer lists."""
    here = {s.found.name for s in sightings}
    why = Text("来源已删除该文件，表中的行保留", "no longer at the source; its rows stay in the table")
    return [
        Sighting(Found(k.name, k.size, k.mark, k.modified), FileState.GONE, why)
        for k in known.values()
        if k.taken and k.name not in here
    ]


def _sighted(
    found: Found, known: Known | None, rules: FileRules, listing: Mapping[str, Found], *, now: datetime, again: bool
) -> Sighting:
    waits = _awaits(found, rules, listing)
    if found.fault:
        return Sighting(found, FileState.REFUSED, _FAULTS[found.fault])
    if waits is not None:
        return Sighting(found, FileState.WAITING, waits)
    if known is not None and known.same_as(found):
        if known.why is not None and not again:
            return Sighting(found, FileState.REFUSED, known.why)
        return Sighting(found, FileState.KNOWN if known.taken == known.sha256 else FileState.NEW)
    state = FileState.CHANGED if known is not None and known.taken else FileState.NEW
    return Sighting(found, state, young=not rules.done and _is_young(found, rules, now))


def _awaits(found: Found, rules: FileRules, listing: Mapping[str, Found]) -> Text | None:
    """Say what a file waits for; a marker that is older than the file was meant for what stood there before."""
    if any(glob_matches(p, PurePosixPath(found.name).name) for p in _UNFINISHED):
        return Text("临时文件名，尚未写完", "a name for files that are not finished")
    names = rules.markers_of(found.name)
    here = [listing[n] for n in names if n in listing]
    if not names:
        return None
    if not here:
        return Text(f"等待完成标记 {names[0]}", f"waits for its marker {names[0]}")
    if all(m.modified and found.modified and m.modified < found.modified for m in here):
        return Text(f"完成标记 {here[0].name} 早于文件", f"its marker {here[0].name} is older than the file")
    return None


def _is_young(found: Found, rules: FileRules, now: datetime) -> bool:
    """Tell whether a file may still grow; one from the future is looked at twice as well (clocks differ)."""
    if not rules.quiet:
        return False
    return found.modified is None or abs((now - found.modified).total_seconds()) < rules.quiet or found.modified > now


def _only_newest(seen: Sequence[Sighting]) -> list[Sighting]:
    ready = [s for s in seen if s.state in {FileState.NEW, FileState.CHANGED, FileState.KNOWN}]
    why = Text("只取最新一份", "only the newest counts")
    return [s if s not in ready[:-1] else Sighting(s.found, FileState.OLDER, why) for s in seen]
