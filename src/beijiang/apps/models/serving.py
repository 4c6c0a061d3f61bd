"""A bundle's own server in Python: its files, and how its process stands."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from beijiang.apps.models.faults import Faults
from beijiang.kit import Text, Word

__all__ = ["SERVER_ENTRY", "ServerStanding", "ServerState", "pause_after", "read_server", "wall_text"]

SERVER_ENTRY: Final = "main.py"
_FOLDER: Final = "server/"
_LONGEST_PAUSE: Final = 300


class ServerState(Word):
    """How the process of a bundle's server stands."""

    STOPPED = "stopped", "未运行（有人访问时启动）", "not running (begins when somebody asks)"
    RUNNING = "running", "运行中", "running"
    HELD = "held", "已停止（启动后才再运行）", "stopped until somebody starts it"
    WAITING = "waiting", "已退出，等待重启", "ended, waits before it begins again"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStanding:
    """What is known of the process of a bundle's server."""

    app_id: str
    version: int
    state: ServerState
    since: datetime
    starts: int
    walls: tuple[str, ...] = ()
    error: str = ""
    """The last line that it wrote before it ended by itself."""
    restart_at: datetime | None = None
    """When somebody wanted it begun anew."""
    held_at: datetime | None = None
    held_reason: str = ""
    """When and why somebody stopped it; it does not run until somebody starts it."""


def pause_after(failures: int) -> int:
    """Return the seconds until a server that ended by itself is begun again."""
    return min(int(2.0 ** min(failures, 16)), _LONGEST_PAUSE)


def read_server(files: Mapping[str, str], faults: Faults) -> dict[str, str]:
    """Return the files of the server by their names below ``server/``; what is wrong is added to the faults. Nothing is run."""
    found = {name.removeprefix(_FOLDER): text for name, text in files.items() if name.startswith(_FOLDER)}
    for name, text in found.items():
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", 1) or 1
            faults.say(
                _FOLDER + name,
                line,
                ("不是能读的 Python", "this is no Python that can be read"),
                ("改正语法", "mend its syntax"),
            )
            continue
        if name == SERVER_ENTRY and not any("app" in _named(node) for node in tree.body):
            faults.say(
                _FOLDER + name,
                1,
                ("没有定义 app", "it defines no app"),
                ("定义一个名为 app 的 ASGI 应用", "define an ASGI application called app"),
            )
    if found and SERVER_ENTRY not in found:
        faults.say(
            _FOLDER + SERVER_ENTRY,
            1,
            ("缺少入口文件", "the file that begins is missing"),
            ("写 server/main.py，定义 app", "write server/main.py that defines app"),
        )
    return found


def _named(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {one.asname or one.name for one in node.names}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


_TEXTS: Final = {
    "files": Text(
        "文件：只能读解释器、客户端和自己的代码，只能写自己的目录",
        "files: reads the interpreter, the client and its code, writes its own folder",
    ),
    "processes": Text("进程：不能启动程序或新进程", "processes: begins no program and no process"),
    "network": Text("网络：没有网络，只有通往平台的一个套接字", "network: none but one socket to the platform"),
}


def wall_text(name: str) -> Text:
    """Return what a wall keeps out, in words."""
    return _TEXTS.get(name, Text(name, name))
