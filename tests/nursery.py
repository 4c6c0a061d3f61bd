"""Processes that begin where a fresh interpreter stands after its imports, because they are forked from one that made them.

To import the platform takes almost five seconds of a processor, and most commands of the tests take less than that. ``run``
and ``Child`` stand for ``subprocess.run`` and ``subprocess.Popen`` of a Python program: its words, environment, folder and
streams are its own, it is a process of its own that can be killed, and it ends as the interpreter ends. That the platform
starts from nothing, and how quickly, is what ``house/test_startup.py``, ``demo/test_tour.py`` and a command of
``journeys/test_shell.py`` prove.

Each worker of the suite has one nursery, started when it is first needed and gone when the worker is. It has one thread.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import types
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, NoReturn, Self

ROOT = Path(__file__).parents[1]
LOADED = (
    "alembic.command",
    "beijiang.app",
    "beijiang.build",
    "beijiang.demo.commands",
    "beijiang.groups",
    "beijiang.opened",
    "beijiang.worker",
    "cedarpy",
    "dbos",
    "deltalake",
    "duckdb",
    "httpx",
    "polars",
    "psycopg",
    "pyarrow.compute",
    "pyarrow.parquet",
    "rich.table",
    "sqlalchemy.dialects.postgresql.psycopg",
    "typer.main",
    "uvicorn",
)
"""What most commands import, now or later; not what they run by name. None of it begins a thread of Python, so that forking is safe."""


class Child:
    """A Python program in a process of its own; the part of ``subprocess.Popen`` that tests use."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: int | IO[Any] | None = None,
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
        text: bool = False,
    ) -> None:
        """Begin ``words``, the first of which is the interpreter; ``stdout`` alone may be a pipe, ``stderr`` follow it."""
        self.args = list(words)
        self.returncode: int | None = None
        self.stdout: Any = None
        asked = {"words": self.args, "env": dict(os.environ if env is None else env), "cwd": str(cwd or Path.cwd())}
        self._end, theirs = socket.socketpair()
        with open(os.devnull, "r+b") as nothing:  # noqa: PTH123 - a device, read and written
            ends = [nothing if stream == subprocess.DEVNULL else stream for stream in (stdin, stdout, stderr)]
            pipe: int | None = None
            if stdout == subprocess.PIPE:
                reading, pipe = os.pipe()
                self.stdout = open(reading, "r" if text else "rb", encoding="utf-8" if text else None)  # noqa: PTH123, SIM115
                ends[1] = pipe
            numbers = [at if end is None else _number(end, ends[1]) for at, end in enumerate(ends)]
            socket.send_fds(_nursery(), [json.dumps(asked).encode() + b"\n"], [theirs.fileno(), *numbers])
        theirs.close()
        if pipe is not None:
            os.close(pipe)
        self.pid = int(self._line())

    def poll(self) -> int | None:
        """Return the exit status, or nothing while it runs."""
        if self.returncode is None and self._has_ended(0):
            self.returncode = int(self._line())
            self._end.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status; the number of the signal below zero if one ended it."""
        if self.returncode is None and not self._has_ended(timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        status = self.poll()
        assert status is not None
        return status

    def send_signal(self, number: int) -> None:
        """Signal it, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power failure would."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def __enter__(self) -> Self:
        """Let the block wait for its end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close its output and wait for it."""
        if self.stdout is not None:
            self.stdout.close()
        self.wait()

    def _has_ended(self, seconds: float | None) -> bool:
        self._end.settimeout(seconds)
        try:
            self._end.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, TimeoutError):
            return False
        finally:
            self._end.settimeout(None)
        return True

    def _line(self) -> bytes:
        found = b""
        while not found.endswith(b"\n"):
            more = self._end.recv(1)
            assert more, "the nursery is gone"
            found += more
        return found


def run(
    words: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
    check: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run a Python program to its end and return its exit status and all it said, as text."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
        child = Child(words, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=error)
        try:
            status = child.wait(timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise
        said = []
        for stream in (out, error):
            stream.seek(0)
            said.append(stream.read().decode())
    done = subprocess.CompletedProcess(child.args, status, *said)
    if check:
        done.check_returncode()
    return done


def _number(end: int | IO[Any], out: int | IO[Any] | None) -> int:
    if end == subprocess.STDOUT:
        end = 1 if out is None else out
    return end if isinstance(end, int) else end.fileno()


@cache
def _nursery() -> socket.socket:
    """Start this file as a program; it ends when the socket does."""
    ours, theirs = socket.socketpair()
    env = {n: v for n, v in os.environ.items() if not n.startswith("BEIJIANG_")} | {"PYTHONPATH": str(ROOT / "src")}
    with theirs:
        words = [sys.executable, __file__, str(theirs.fileno())]
        process = subprocess.Popen(words, env=env, pass_fds=[theirs.fileno()])

    def leave() -> None:
        ours.close()
        process.wait()

    atexit.register(leave)
    return ours


# In the nursery


def _serve(asking: socket.socket) -> dict[str, Any] | None:
    """Fork a child for each request. In a child, return what it is to do; in the nursery, nothing when nobody asks any more."""
    while True:
        words, numbers, *_ = socket.recv_fds(asking, 1 << 20, 4)
        while words and not words.endswith(b"\n"):
            words += asking.recv(1 << 20)
        if not words:
            return None
        if os.fork() == 0:
            asking.close()
            return _watch(numbers, json.loads(words))
        for number in numbers:
            os.close(number)


def _watch(numbers: list[int], asked: dict[str, Any]) -> dict[str, Any]:
    """Fork once more; tell the number of the child and how it ended to whoever asked. The child returns from here."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    answer = socket.socket(fileno=numbers[0])
    child = os.fork()
    if child == 0:
        answer.close()
        for at, number in enumerate(numbers[1:]):
            os.dup2(number, at)
            os.close(number)
        return asked
    for number in numbers[1:]:
        os.close(number)
    answer.sendall(b"%d\n" % child)
    _, status = os.waitpid(child, 0)
    with suppress(BrokenPipeError):
        answer.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(asked: dict[str, Any]) -> None:
    """Run a program as the interpreter does with these words."""
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    os.chdir(asked["cwd"])
    for at, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        line = at == 2 or bool(os.environ.get("PYTHONUNBUFFERED"))
        stream = open(at, mode, encoding="utf-8", closefd=False, buffering=1 if line and at else -1)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    here = [*os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    sys.path[:0] = [folder for folder in here if folder and folder not in sys.path]
    words = asked["words"][1:]
    while words[0] in {"-u", "-W"}:
        if words[0] == "-W":
            warnings.simplefilter(words[1])  # type: ignore[arg-type]
        words = words[1 if words[0] == "-u" else 2 :]
    if words[0] in {"-m", "-c"}:
        sys.argv = [words[0], *words[2:]]
        sys.path.insert(0, asked["cwd"] if words[0] == "-m" else "")
    else:
        sys.argv = words
        sys.path.insert(0, str(Path(words[0]).resolve().parent))
    if words[0] == "-m":
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    elif words[0] == "-c":
        sys.modules["__main__"] = own = types.ModuleType("__main__")
        exec(compile(words[1], "<string>", "exec"), own.__dict__)  # noqa: S102 - as the interpreter does
    else:
        runpy.run_path(words[0], run_name="__main__")


def _main() -> None:
    for name in LOADED:
        importlib.import_module(name)
    from beijiang.access.service.policy import packaged_policies

    packaged_policies()  # parsed and judged once: they are the same for all
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who watch
    asked = _serve(socket.socket(fileno=int(sys.argv[1])))
    if asked is None:
        os._exit(0)
    _end(asked)


def _end(asked: dict[str, Any]) -> NoReturn:
    """Run a program, then leave as the interpreter does, but without taking apart what was loaded for all."""
    status: int | str | None = 0
    try:
        _become(asked)
    except SystemExit as done:
        status = done.code
    except BaseException:  # noqa: BLE001 - it is the end of a process
        traceback.print_exc()
        status = 1
    if isinstance(status, str):
        sys.stderr.write(f"{status}\n")
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads as the interpreter does
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status or 0)


if __name__ == "__main__":
    _main()
