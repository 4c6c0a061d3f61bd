"""There is one way out: only ``beijiang.outbound`` opens connections, and connectors take their addresses from it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "beijiang"
CLIENTS = {
    "aiohttp", "ftplib", "http.client", "httpcore", "httpcore2", "httplib2", "httpx", "httpx2", "imaplib", "poplib", "pycurl",
    "requests", "smtplib", "socket", "telnetlib", "urllib.request", "urllib3", "websocket", "websockets", "xmlrpc.client",
}  # fmt: skip
LISTENERS = {"opened.py", "worker.py"}
"""Take the address that the server listens at; open no connection."""
OWN_PROTOCOL = {"ingest/connectors/mqtt.py", "ingest/connectors/mysql.py"}
"""Connectors whose driver is handed a socket; its address comes from ``Outbound`` like all others."""
OWN_CHILDREN = {"engine/cell.py", "engine/cells.py"}
"""Hand files to the children of the SQL gateway over a pair of sockets that has no address; the kernel refuses others there."""
LIBRARY = "client/"
"""Runs in other people's programs and speaks to a platform; nothing of a server may import it."""
OWN_READERS = {"apps/serving/nest.py"}
"""The process of a bundle's server: a program of its own in which a department's code reads as others' programs do."""
TERMINAL = "remote/"
"""The terminal on another machine, which speaks to a platform as programs do; only the list of commands knows it."""
OPENING = {"connect", "connect_ex", "create_connection", "open_connection", "open_unix_connection", "urlopen"}


def test_nothing_else_brings_a_client_of_its_own() -> None:
    found = [
        f"{path}:{line} {name}"
        for path, line, name in _imported()
        if not path.startswith(("outbound/", LIBRARY))
        and any(name == client or name.startswith(f"{client}.") for client in CLIENTS)
        and not (path in LISTENERS | OWN_PROTOCOL | OWN_CHILDREN and name == "socket")
    ]
    assert not found, "\n".join(found)


def test_no_part_of_a_server_uses_the_library_of_its_readers() -> None:
    found = [
        path
        for path, _, name in _imported()
        if not path.startswith((LIBRARY, TERMINAL)) and path not in OWN_READERS and name.startswith("beijiang.client")
    ]
    assert not found, "\n".join(found)


def test_the_terminal_on_another_machine_is_no_part_of_a_server() -> None:
    users = {
        path for path, _, name in _imported() if name.startswith("beijiang.remote") and not path.startswith(TERMINAL)
    }
    assert users == {"groups.py"}
    inside = {
        name
        for path, _, name in _imported()
        if path.startswith(TERMINAL)
        and name.startswith("beijiang.")
        and name.split(".")[1] not in {"client", "kit", "remote", "terminal"}
    }
    assert not inside, "it knows a platform by its API alone"


def test_what_listens_connects_nowhere() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path in sorted(LISTENERS | OWN_CHILDREN)
        for tree in [_tree(path)]
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in OPENING and ast.unparse(node) != "duckdb.connect"
    ]
    assert not found, "\n".join(found)


def test_every_connector_takes_its_addresses_from_the_way_out() -> None:
    """A connector is a class of our contract; whoever opens something names ``self.outbound`` in the same module."""
    seen, missing = 0, []
    for path in _paths("ingest/connectors"):
        tree = _tree(path)
        bases = {
            b.id for n in ast.walk(tree) if isinstance(n, ast.ClassDef) for b in n.bases if isinstance(b, ast.Name)
        }
        if not bases & {"Connector", "FileConnector"}:
            continue
        seen += 1
        asks = any(isinstance(n, ast.Attribute) and n.attr == "outbound" for n in ast.walk(tree))
        missing += [] if asks else [path]
    assert seen
    assert not missing


def _paths(folder: str = ".") -> list[str]:
    return sorted(str(path.relative_to(SOURCE)) for path in (SOURCE / folder).rglob("*.py"))


def _tree(path: str) -> ast.Module:
    return ast.parse((SOURCE / path).read_text(encoding="utf-8"))


@cache
def _imported() -> list[tuple[str, int, str]]:
    """Return what every module imports: its path, the line and the name."""
    return [(path, line, name) for path in _paths() for line, name in _imports(_tree(path))]


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
