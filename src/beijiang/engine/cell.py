"""The nursery of the processes in which a user's SQL runs, and what each of them does: limited, locked, used once.

Run as a script by ``cells.py`` with an empty environment, never imported by the platform. The nursery gives up network,
programs and privileges, loads the engine once, and from then on only forks: each child begins as the same clean copy,
serves one request and ends, so nothing goes from one person's query to another's. The nursery itself never sees a query.

A child speaks two messages: a request (length, JSON) and an answer (status byte, length, Arrow IPC or a reason code). Where
the answer is wanted as a stream, a message of each part (``PART``) comes before the last one, first that of the schema.
Engine error text never leaves it, because it quotes row values and SQL.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

HEAD = struct.Struct(">BQ")
LENGTH = 8
ORDER_BYTES = 4096
OK, FAILED, PART = 0, 1, 2
PART_BYTES = 7 << 20
"""Bytes of one part of a stream; clients of Arrow Flight take no message over 16 MiB."""
MIB = 1 << 20
BASE_MB = 1088
"""Address space of the interpreter, the engine and Arrow before any query, on top of which the query's memory comes."""
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 4, 22, 38
SECCOMP_MODE_FILTER = 2
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050001
FOREIGN_CALLS = 0x40000000
"""Numbers from here on belong to another calling convention of the same machine."""
FORBIDDEN = {  # socket, connect, execve, execveat, ptrace, process_vm_readv, and where they exist fork and vfork
    "x86_64": (0xC000003E, (41, 42, 59, 322, 101, 310, 57, 58)),
    "aarch64": (0xC00000B7, (198, 203, 221, 281, 117, 270)),
}


class Stopped(Exception):
    """Carry a reason code out of the work; the text of the cause stays behind."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Pair(NamedTuple):
    """Two engines that hold nothing yet: one will see the files, the other only empty stubs of them."""

    engine: Any
    stubs: Any


def main() -> None:
    """Get ready, then give birth to a child for each order until the parent leaves."""
    _seclude()
    pair = _pair(sys.argv[1])
    control = socket.socket(fileno=0)
    alive: set[int] = set()
    while True:
        text, descriptors, _, _ = socket.recv_fds(control, ORDER_BYTES, 2)
        alive -= _reaped(alive)
        if not text:
            break
        order = json.loads(text)
        if "end" in order:
            if order["end"] in alive:
                _kill(order["end"])
            continue
        child = os.fork()
        if child == 0:
            control.close()
            _live(pair, order["folder"], *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        alive.add(child)
        control.send(str(child).encode())
    for child in alive:
        _kill(child)
    os._exit(0)


def _reaped(alive: set[int]) -> set[int]:
    """Return the children that have ended; until they are asked for here their numbers belong to nobody else."""
    return {child for child in alive if os.waitpid(child, os.WNOHANG)[0]}


def _kill(child: int) -> None:
    for kill in (os.killpg, os.kill):  # it may not lead a group of its own yet
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(child, signal.SIGKILL)


def _pair(time_zone: str) -> Pair:
    """Load the engine and all that a first query would wait for, without a thread: a fork takes only its own along."""
    import duckdb
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())
    pa.set_cpu_count(1)
    config: dict[str, Any] = {"threads": 1, "async_threads": 0}
    pair = Pair(duckdb.connect(config=config), duckdb.connect(config=config))
    pair.engine.execute(f"SET GLOBAL TimeZone = {_literal(time_zone)}")
    pair.engine.sql("SELECT now(), CAST(1 AS VARCHAR) AS v").to_arrow_table()
    for connection in pair:
        connection.execute("CREATE SCHEMA lake")
    return pair


def _live(pair: Pair, folder: str, requests: int, answers: int) -> NoReturn:
    """Answer one request and end, whatever happens."""
    payload, status = b"query_failed", FAILED
    try:
        os.setsid()
        os.chdir(folder)
        with os.fdopen(requests, "rb") as stream:
            request = _read_request(stream)
        if request is not None:
            _confine(request)
            payload, status = _run(pair, request, answers), OK
    except Stopped as stop:
        payload = stop.reason.encode()
    except MemoryError:
        payload = b"query_memory"
    except BaseException:  # noqa: BLE001, S110 - whatever it is, its text must not leave
        pass
    with contextlib.suppress(OSError), os.fdopen(answers, "wb") as sink:
        sink.write(HEAD.pack(status, len(payload)))
        sink.write(payload)
    os._exit(0)


def _seclude() -> None:
    """Leave the network, other programs and the right to gain rights, while this process still has one thread.

    An empty network needs a privilege or a user namespace; where the system gives neither, the engine's own lock and its
    lack of any network code remain.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    _forbid_calls(libc)
    os.environ.clear()


def _forbid_calls(libc: Any) -> None:
    """Have the kernel refuse sockets, new programs and looks into other processes, for this and every later thread."""
    machine = FORBIDDEN.get(os.uname().machine)
    if machine is None:
        return  # an architecture whose call numbers are not listed; the other walls remain
    architecture, calls = machine
    count = len(calls)
    steps = [
        (LOAD, 0, 0, 4),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, 0),
        (AT_LEAST, count + 1, 0, FOREIGN_CALLS),
        *((EQUAL, count - place, 0, call) for place, call in enumerate(calls)),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE),
    ]
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(steps), ctypes.addressof(buffer))
    libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(program), 0, 0)


def _read_request(stream: Any) -> dict[str, Any] | None:
    head = stream.read(LENGTH)
    if len(head) < LENGTH:
        return None  # the parent ended
    body: dict[str, Any] = json.loads(stream.read(int.from_bytes(head, "big")))
    return body


def _confine(request: dict[str, Any]) -> None:
    """Give up what the query does not need; limits of the system hold even where the engine's own do not."""
    seconds, memory = request["seconds"], request["memory_mb"]
    cpu = int(seconds * request["threads"]) + 2
    limits = {
        resource.RLIMIT_CPU: cpu,
        resource.RLIMIT_AS: (BASE_MB + memory) * MIB,
        resource.RLIMIT_FSIZE: request["temp_mb"] * MIB,
        resource.RLIMIT_NOFILE: 64 + len(request["files"]),
        resource.RLIMIT_CORE: 0,
    }
    for name, value in limits.items():
        _, hard = resource.getrlimit(name)
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (bound, bound))


def _run(pair: Pair, request: dict[str, Any], answers: int) -> bytes:
    import duckdb

    _same_tables(pair.stubs, request)
    engine = _engine(pair.engine, request)
    timer = threading.Timer(request["seconds"] + request["pause"], engine.interrupt)
    timer.daemon = True
    timer.start()
    try:
        if request["stream"]:
            _send_parts(engine, request, answers)
            return b""
        return _answer(engine, request)
    except duckdb.InterruptException:
        raise Stopped("query_timeout") from None
    except (duckdb.OutOfMemoryException, MemoryError):
        raise Stopped("query_memory") from None
    except duckdb.IOException as exc:
        spilled = "Could not write file" in str(exc)  # the system's limit on files cut what did not fit into memory
        raise Stopped("query_memory" if spilled else "data_unavailable") from None
    except (duckdb.BinderException, duckdb.CatalogException):
        raise Stopped("query_unbound") from None  # decided by the text and the columns alone, before any row is read
    except duckdb.Error as exc:
        reason = "query_memory" if "bad_alloc" in str(exc) or "memory" in str(exc)[:40].lower() else "query_failed"
        raise Stopped(reason) from None
    except OSError as exc:  # what goes wrong while parts are made comes from Arrow, with the words of the engine
        raise Stopped(_reason_of(str(exc)[:80])) from None
    finally:
        timer.cancel()


def _reason_of(words: str) -> str:
    if "INTERRUPT" in words.upper():
        return "query_timeout"
    return "query_memory" if "memory" in words.lower() or "allocate" in words else "query_failed"


def _answer(engine: Any, request: dict[str, Any]) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    rows, wanted = 0, request["rows"]
    reader = engine.sql(request["sql"]).to_arrow_reader(2048)
    with pa.ipc.new_stream(sink, reader.schema) as writer:
        for batch in reader:
            part = batch if wanted is None else batch.slice(0, wanted + 1 - rows)
            writer.write_batch(part)
            rows += part.num_rows
            if request["bytes"] is not None and sink.tell() > request["bytes"]:
                raise Stopped("query_too_large")
            if wanted is not None and rows > wanted:
                break
    answer: bytes = sink.getvalue().to_pybytes()
    return answer


def _send_parts(engine: Any, request: dict[str, Any], answers: int) -> None:
    """Send the schema and then the rows as they come; the pipe holds the engine back where the reader is slow."""
    reader = engine.sql(request["sql"]).to_arrow_reader(request["batch"])
    _send(answers, reader.schema.serialize())
    left = request["bytes"]
    for batch in reader:
        for part in _pieces(batch):
            message = part.serialize()
            if left is not None:
                left -= message.size
                if left < 0:
                    raise Stopped("query_too_large")
            _send(answers, message)


def _pieces(batch: Any) -> Any:
    """Yield a batch in slices of at most ``PART_BYTES``."""
    if batch.nbytes <= PART_BYTES:
        yield batch
        return
    if batch.num_rows == 1:
        raise Stopped("query_too_large")
    half = batch.num_rows // 2
    yield from _pieces(batch.slice(0, half))
    yield from _pieces(batch.slice(half))


def _send(answers: int, message: Any) -> None:
    for part in (HEAD.pack(PART, message.size), message):
        view = memoryview(part).cast("B")
        while view:
            view = view[os.write(answers, view) :]


def _same_tables(stubs: Any, request: dict[str, Any]) -> None:
    """Have the engine's own parser name the tables of the SQL, over empty stubs and without any file access (wall 4)."""
    import duckdb

    for statement in request["stubs"]:
        stubs.execute(statement)
    _lock(stubs)
    try:
        known = _spellings(stubs, request["tables"])
        if len(stubs.extract_statements(request["sql"])) != 1:
            raise Stopped("tables_differ")
        found = stubs.get_table_names(request["sql"], qualified=True)
    except duckdb.Error:
        raise Stopped("query_failed") from None
    named = {known.get(entry) or known.get(entry.rpartition(" AS ")[0]) for entry in found}
    if named != set(request["tables"]):
        raise Stopped("tables_differ")


def _spellings(stubs: Any, tables: list[str]) -> dict[str, str]:
    """Have the engine itself spell each relation, so that no quoting of ours stands between its answer and the names."""
    return {
        spelling: table
        for table in tables
        for prefix in ("memory.lake.", "lake.")
        for spelling in stubs.get_table_names(f"FROM {prefix}{table}", qualified=True)
    }


def _engine(engine: Any, request: dict[str, Any]) -> Any:
    files = "[" + ", ".join(_literal(path) for path in request["files"]) + "]"
    for statement in (
        f"SET threads = {int(request['threads'])}",
        f"SET memory_limit = '{int(request['memory_mb'])}MB'",
        f"SET temp_directory = {_literal(str(Path.cwd() / 'spill'))}",
        f"SET max_temp_directory_size = '{int(request['temp_mb'])}MB'",
        f"SET allowed_paths = {files}",
        *request["views"],
    ):
        engine.execute(statement)
    _lock(engine)
    return engine


def _lock(connection: Any) -> None:
    for statement in (
        "SET python_enable_replacements = false",
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        "SET allow_community_extensions = false",
        "SET allow_persistent_secrets = false",
        "SET enable_external_access = false",
        "SET max_expression_depth = 250",
        "SET lock_configuration = true",
    ):
        connection.execute(statement)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
