"""Files and functions stay small enough to be read in one sitting."""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "beijiang"
FILE_LINES = 600
FUNCTION_LINES = 80


def _sources() -> Iterator[Path]:
    yield from (p for p in SOURCE.rglob("*.py") if "migrations" not in p.parts)


def test_no_file_is_over_its_hard_budget() -> None:
    big = {str(p.relative_to(SOURCE)): n for p in _sources() if (n := len(p.read_text().splitlines())) > FILE_LINES}
    assert not big


def test_no_function_is_over_its_hard_budget() -> None:
    big = []
    for path in _sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _router(node):
                continue
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    big.append(f"{path.relative_to(SOURCE)}:{node.lineno} {node.name} {lines} lines")
    assert not big, "\n".join(big)


def _router(node: ast.AST) -> bool:
    """A router or command group is a closure over its service: a list of small functions, not one long one."""
    return isinstance(node, ast.FunctionDef) and any(
        isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) for n in node.body
    )


def test_no_room_is_a_junk_drawer() -> None:
    junk = {"utils.py", "helpers.py", "misc.py", "common.py"}
    assert not [str(p) for p in _sources() if p.name in junk]
