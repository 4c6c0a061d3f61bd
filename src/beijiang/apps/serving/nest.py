"""The process of a bundle's server: walled in by the kernel, then the bundle's code is loaded and answers on a socket.

Run as a script with an empty environment, never imported by the platform. The first line on its input is its order; the line stays
open for as long as the platform lives. It says on its first line of output which walls stand: without the one around files it
ends before any code of the bundle was read.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import struct
import sys
import sysconfig
import threading
from pathlib import Path
from typing import Any

MIB = 1 << 20
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 24, 38
KILL, CLONE_NEWUSER, CLONE_NEWNET, CLONE_THREAD = 9, 0x10000000, 0x40000000, 0x10000
CAPABILITIES, CAPABILITY_VERSION = 64, 0x20080522
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE, ABSENT = 0x7FFF0000, 0x00050001, 0x00050026
FOREIGN_CALLS = 0x40000000
ARGUMENT, SECOND = 16, 24
"""Where the first argument of a call stands, and the second: their lower halves."""
F_SETOWN, F_SETSIG, F_SETOWN_EX, FIOSETOWN, SIOCSPGRP = 8, 10, 15, 0x8901, 0x8902
"""Wishes of fcntl and ioctl by which the kernel sends signals to a process that is named."""
CALLS = {
    # architecture; socket, clone, clone3, prctl, tgkill, prlimit64, fcntl, ioctl; and those that are refused outright: execve,
    # execveat, ptrace, process_vm_readv, process_vm_writev, kill, tkill, rt_sigqueueinfo, rt_tgsigqueueinfo, pidfd_open,
    # pidfd_send_signal, mount, unshare, setns, bpf, perf_event_open, keyctl, io_uring_setup, chroot; setpriority,
    # sched_setaffinity, sched_setscheduler, sched_setparam, sched_setattr, ioprio_set, migrate_pages, move_pages,
    # process_madvise; and where they exist fork and vfork
    "x86_64": (
        0xC000003E,
        (41, 56, 435, 157, 234, 302, 72, 16),
        (59, 322, 101, 310, 311, 62, 200, 129, 297, 434, 424, 165, 272, 308, 321, 298, 250, 425, 161,
         141, 203, 144, 142, 314, 251, 256, 279, 440, 57, 58),
    ),
    "aarch64": (
        0xC00000B7,
        (198, 220, 435, 167, 131, 261, 25, 29),
        (221, 281, 117, 270, 271, 129, 130, 138, 240, 434, 424, 40, 97, 268, 280, 241, 219, 425, 51,
         140, 122, 119, 118, 274, 30, 238, 239, 440),
    ),
}  # fmt: skip
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT, BENEATH = 444, 445, 446, 1
READ, WRITE, OF_FILES = 0b1101, 0b1111111_1110_1111, 0b1100_0000_0000_0111
"""Execute, read a file, read a folder; all there is; what there is of a single file."""


def main() -> None:
    """Read the order, raise the walls, load the bundle, answer."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, KILL, 0, 0, 0)
    order = json.loads(_line(0))
    os.chdir(order["folder"])
    _limit(order)
    import uvicorn  # before the walls: what it loads lies about

    sys.path[:0] = [order["package"], str(Path(order["folder"]) / "code")]
    from beijiang.client import AsyncClient, Client, Options

    walls = _wall(libc, order)
    sys.stdout.write(" ".join(["#walls", *walls]) + "\n")
    sys.stdout.flush()
    if "files" not in walls:
        os._exit(3)
    threading.Thread(target=_outlive_nobody, daemon=True).start()

    class Desk:
        """What the platform gives a request: who looks, and the way to the data as that person."""

        def __init__(self, viewer: dict[str, Any], token: str) -> None:
            self.viewer = viewer
            self._token = token

        def client(self) -> Client:
            return Client("http://platform", self._token, Options(socket=order["platform"]))

        def waiting_client(self) -> AsyncClient:
            return AsyncClient("http://platform", self._token, Options(socket=order["platform"]))

    from importlib import import_module

    application = import_module("main").app

    async def served(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            told = {name: value for name, value in scope["headers"] if name.startswith(b"x-beijiang-")}
            heads = [(name, value) for name, value in scope["headers"] if name not in told]
            viewer = json.loads(told.get(b"x-beijiang-viewer", b"{}"))
            desk = Desk(viewer, told.get(b"x-beijiang-token", b"").decode())
            prefix = told.get(b"x-beijiang-prefix", b"").decode()
            scope = {**scope, "headers": heads, "beijiang": desk, "root_path": prefix}
        await application(scope, receive, send)

    uvicorn.run(
        served,
        fd=order["listener"],
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        loop="asyncio",
        http="h11",
        limit_concurrency=64,
    )


def _line(descriptor: int) -> bytes:
    found = b""
    while not found.endswith(b"\n"):
        piece = os.read(descriptor, 1)
        if not piece:
            os._exit(2)
        found += piece
    return found


def _outlive_nobody() -> None:
    """End with the platform, whatever became of the kernel's own signal."""
    while os.read(0, 1):
        pass
    os._exit(0)


def _limit(order: dict[str, Any]) -> None:
    for name, value in (
        (resource.RLIMIT_AS, order["memory_mb"] * MIB),
        (resource.RLIMIT_CPU, order["cpu_seconds"]),
        (resource.RLIMIT_FSIZE, order["file_mb"] * MIB),
        (resource.RLIMIT_NOFILE, 128),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(name)
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (bound, bound))


def _wall(libc: Any, order: dict[str, Any]) -> list[str]:
    """Raise what walls there are and name those that stand; none of them can be taken down again."""
    stands = []
    apart = not libc.unshare(CLONE_NEWNET) or not libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)
    for capability in range(CAPABILITIES):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.capset(struct.pack("=II", CAPABILITY_VERSION, 0), struct.pack("=6I", *[0] * 6))
    if _around_files(libc, order):
        stands.append("files")
    if _around_calls(libc):
        stands += ["processes", "network"]
    elif apart:
        stands.append("network")
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(PR_SET_PDEATHSIG, KILL, 0, 0, 0)
    return stands


def _around_files(libc: Any, order: dict[str, Any]) -> bool:
    """Leave the interpreter, its libraries and the client for reading, and the own folder for writing (Landlock)."""
    version = libc.syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    known = {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)
    handled = (1 << known) - 1
    ports, scoped = (3 if version >= 4 else 0), (3 if version >= 6 else 0)  # noqa: PLR2004 - versions of the kernel's interface
    rules = struct.pack("=QQQ", handled, ports, scoped)
    size = 24 if version >= 6 else 16 if version >= 4 else 8  # noqa: PLR2004
    fence = libc.syscall(LANDLOCK_CREATE, rules, ctypes.c_size_t(size), 0)
    if fence < 0:
        return False
    package = Path(order["package"]) / "beijiang"
    system = (
        "/lib",
        "/lib64",
        "/usr/lib",
        "/usr/lib64",
        "/usr/local/lib",
        "/usr/share/zoneinfo",
        "/etc/localtime",
        "/dev/urandom",
    )
    mine = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    own = Path(order["folder"])
    shown = [*map(Path, (*system, *mine)), package / "__init__.py", package / "client", package / "kit", own / "code"]
    given: list[tuple[Path, int]] = [(path, READ) for path in shown]
    given += [(own / "work", WRITE), (Path("/dev/null"), WRITE)]
    for path, rights in given:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        may = (rights if path.is_dir() else rights & OF_FILES) & handled
        libc.syscall(LANDLOCK_ADD, fence, BENEATH, struct.pack("=Qi", may, place), 0)
        os.close(place)
    stands: bool = libc.syscall(LANDLOCK_RESTRICT, fence, 0) == 0
    os.close(fence)
    return stands


def _around_calls(libc: Any) -> bool:
    """Have the kernel refuse programs, new processes, sockets to anywhere but this machine's files, and looks into others."""
    machine = CALLS.get(os.uname().machine)
    if machine is None:
        return False
    architecture, (socket, clone, clone3, prctl, tgkill, prlimit, fcntl, ioctl), refused = machine
    me = os.getpid()
    steps = [
        (LOAD, 0, 0, 4),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, 0),
        (AT_LEAST, 0, 1, FOREIGN_CALLS),
        (RETURN, 0, 0, REFUSE),
    ]
    for call in refused:
        steps += [(EQUAL, 0, 1, call), (RETURN, 0, 0, REFUSE)]
    steps += [(EQUAL, 0, 1, clone3), (RETURN, 0, 0, ABSENT)]  # the C library then takes clone, whose wish can be read
    only = ((socket, EQUAL, 1), (clone, ANY_BIT, CLONE_THREAD), (tgkill, EQUAL, me), (prlimit, EQUAL, 0))
    for call, test, wanted in only:
        steps += [
            (EQUAL, 0, 4, call),
            (LOAD, 0, 0, ARGUMENT),
            (test, 1, 0, wanted),
            (RETURN, 0, 0, REFUSE),
            (RETURN, 0, 0, ALLOW),
        ]
    for call, place, wishes in (
        (prctl, ARGUMENT, (PR_SET_PDEATHSIG,)),
        (fcntl, SECOND, (F_SETOWN, F_SETSIG, F_SETOWN_EX)),
        (ioctl, SECOND, (FIOSETOWN, SIOCSPGRP)),
    ):
        steps += [(EQUAL, 0, 2 * len(wishes) + 2, call), (LOAD, 0, 0, place)]
        for wish in wishes:
            steps += [(EQUAL, 0, 1, wish), (RETURN, 0, 0, REFUSE)]
        steps.append((RETURN, 0, 0, ALLOW))
    steps.append((RETURN, 0, 0, ALLOW))
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(steps), ctypes.addressof(buffer))
    libc.prctl(PR_SET_PDEATHSIG, KILL, 0, 0, 0)
    stands: bool = libc.prctl(PR_SET_SECCOMP, 2, ctypes.c_char_p(program), 0, 0) == 0
    return stands


if __name__ == "__main__":
    main()
