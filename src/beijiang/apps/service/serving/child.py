"""One process of a bundle's server: begun with nothing inherited, asked on a socket file, its words kept, ended with the platform."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Final

from beijiang.apps.serving import NEST, PACKAGE

if TYPE_CHECKING:
    from beijiang.settings import Settings

__all__ = ["LOG", "Child", "ChildOrder", "sweep_sockets"]

LOG: Final = "log"
_LOG_BYTES: Final = 256 << 10
_LINE_BYTES: Final = 4096
_READY: Final = 30.0
_GRACE: Final = 3.0
_FILE_MB: Final = 16
_PREFIX: Final = "beijiang-srv-"
_WALLS: Final = b"#walls"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildOrder:
    """What a process is begun with."""

    folder: Path
    files: Mapping[str, str]
    digest: str
    version: int
    bridge: Callable[[Path], Callable[[], None]]
    """Opens the way to the platform at a socket file; returns what shuts it."""


class Child:
    """A process that answers."""

    def __init__(self, order: ChildOrder, settings: Settings, spawn: Callable[[Callable[[], object]], object]) -> None:
        self.digest, self.version = order.digest, order.version
        self.walls: tuple[str, ...] = ()
        self.last_line = ""
        self.used_at = self.began_at = time.monotonic()
        self._log = order.folder / LOG
        self._ready = threading.Event()
        self._sockets = Path(mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        self.socket = str(self._sockets / "in")
        self._shut = order.bridge(self._sockets / "out")
        _lay_out(order)
        self._process = self._begun(order, settings, spawn)
        self._hearer = threading.Thread(target=self._hear, name="beijiang-server-log", daemon=True)
        self._hearer.start()
        self._ready.wait(_READY)

    def _begun(
        self, order: ChildOrder, settings: Settings, spawn: Callable[[Callable[[], object]], object]
    ) -> subprocess.Popen[bytes]:
        from beijiang.outbound import listening_at

        listener = listening_at(Path(self.socket))
        words = {
            "folder": str(order.folder),
            "package": str(PACKAGE),
            "memory_mb": settings.server_memory_mb,
            "cpu_seconds": settings.server_cpu_seconds,
            "file_mb": _FILE_MB,
            "listener": listener.fileno(),
            "platform": str(self._sockets / "out"),
        }

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(  # noqa: S603 - our own script, by this interpreter
                [sys.executable, "-I", "-B", str(NEST)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[listener.fileno()],
                env={},
                cwd=order.folder,
                start_new_session=True,
            )

        try:
            # The thread that begins it outlives it: the kernel ends a child when the thread that began it ends.
            process = spawn(start)
        finally:
            listener.close()  # only the child listens: when it ends, whoever asks is told so at once
        assert isinstance(process, subprocess.Popen)  # noqa: S101 - what spawn was given
        assert process.stdin is not None  # noqa: S101 - a pipe was asked for
        with suppress(BrokenPipeError):  # it may have ended already; its last words say why
            process.stdin.write(json.dumps(words).encode() + b"\n")
            process.stdin.flush()
        return process

    @property
    def is_walled(self) -> bool:
        """Tell whether it runs behind the one wall that must stand."""
        return "files" in self.walls and self.lives

    @property
    def lives(self) -> bool:
        """Tell whether it runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Return its number."""
        return self._process.pid

    def end(self) -> None:
        """End it: asked first, killed after a moment; its sockets go too, and its last words are heard."""
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(_GRACE if self.lives else 0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._hearer.join(_GRACE)
        self._shut()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def _hear(self) -> None:
        """Keep what it says, the newest; the first line names its walls."""
        out = self._process.stdout
        assert out is not None  # noqa: S101 - a pipe was asked for
        with out:
            while line := out.readline(_LINE_BYTES):
                if not self.walls and line.startswith(_WALLS):
                    self.walls = tuple(line.decode().split()[1:])
                    if "files" in self.walls:
                        self._ready.set()
                    else:
                        self.last_line = "no wall around files on this machine"
                    continue
                self.last_line = line.decode("utf-8", "replace").strip()[:500]
                self._keep(line)
        self._ready.set()

    def _keep(self, line: bytes) -> None:
        with self._log.open("ab") as log:
            log.write(line)
            size = log.tell()
        if size > _LOG_BYTES:
            self._log.write_bytes(self._log.read_bytes()[-_LOG_BYTES // 2 :])


def _lay_out(order: ChildOrder) -> None:
    """Write the reviewed files anew; what the server wrote itself stays in its own folder."""
    code = order.folder / "code"
    shutil.rmtree(code, ignore_errors=True)
    for name, text in order.files.items():
        path = code / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (order.folder / "work").mkdir(exist_ok=True)


def sweep_sockets() -> None:
    """Remove the socket files of platforms that are no more."""
    from tempfile import gettempdir

    for left in Path(gettempdir()).glob(f"{_PREFIX}*"):
        pid = left.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdecimal() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(left, ignore_errors=True)
