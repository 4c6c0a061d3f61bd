"""Physical files of the lake are handed out in one place and used in two: the tables themselves, and protection."""

import ast
import gc
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "beijiang"
PHYSICAL = {"Lake", "Snapshot", "Scan"}
MAY = {"tables", "protection", "engine", "build.py"}
ENGINE_CALLS = {"fetch", "run_untrusted", "stream", "stream_untrusted", "write_parquet"}
ENGINE_USERS = {"tables", "protection", "engine", "guard"}


@cache
def _files() -> list[tuple[str, ast.Module]]:
    """Return every module as a tree; a collection of garbage amid the making of one breaks Python 3.11's count of its depth."""
    found = []
    gc.collect()
    gc.disable()
    try:
        for path in SOURCE.rglob("*.py"):
            relative = path.relative_to(SOURCE)
            found.append((str(relative), ast.parse(path.read_text(encoding="utf-8"))))
    finally:
        gc.enable()
    return found


def test_only_tables_and_protection_name_physical_files() -> None:
    trespass = []
    for name, tree in _files():
        if name.split("/")[0] in MAY:
            continue
        for node in ast.walk(tree):
            names = {a.name for a in node.names} if isinstance(node, ast.ImportFrom) else set()
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                ("beijiang.tables", "beijiang.engine")
            ):
                trespass.extend(f"{name}: {n}" for n in sorted(names & PHYSICAL))
    assert not trespass, "\n".join(trespass)


def test_only_tables_protection_and_health_ask_the_engine() -> None:
    trespass = [
        f"{name}:{node.lineno}"
        for name, tree in _files()
        if name.split("/")[0] not in ENGINE_USERS
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ENGINE_CALLS
        and "engine" in ast.unparse(node.func.value)
    ]
    assert not trespass, "\n".join(trespass)


def test_only_libraries_derive_from_tables_that_others_lent() -> None:
    """``derive(lent=...)`` reads another organisation's table; the agreement to that is kept by ``fusion`` alone."""
    lenders = {
        name.split("/")[0]
        for name, tree in _files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and any(word.arg == "lent" for word in node.keywords)
    }
    assert lenders == {"fusion"}


def test_readers_of_parquet_are_known() -> None:
    """A second way out would begin with opening a file of the lake by hand."""
    openers = {"read_table", "ParquetFile", "scan_parquet", "read_parquet", "DeltaTable"}
    known = {"ingest", "tables", "engine", "demo"}
    found = {
        name
        for name, tree in _files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in openers and name.split("/")[0] not in known
    }
    assert (
        found
        == {
            "exchange/service/leaked.py",  # a file that a person brings to have it traced, nothing of the lake
            "fusion/service/keeping.py",  # names of records and digests between runs, no value of a source
            "fusion/service/matching.py",  # what a run has written itself: names of records, and counts
            "mining/service/learning/training.py",  # training sets, which were read through the gate; who learns is asked again
            "protection/service/keyed.py",  # writes treated copies beside the files, hands nothing out
        }
    )
