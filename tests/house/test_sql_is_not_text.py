"""SQL is built as a tree; text with a hole in it is how the worst defects of our peers began."""

import ast
import re
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "beijiang"
STATEMENT = re.compile(r"^\s*(select|insert|update|delete|create|drop|alter|copy|attach|with)\s+\S", re.IGNORECASE)
TRUSTED = {
    # Fixed pragmas and statements of the database's own, whose holes are filled from constants beside them.
    "db/database.py",
}


def test_no_statement_is_put_together_from_strings() -> None:
    found = []
    for path in SOURCE.rglob("*.py"):
        name = str(path.relative_to(SOURCE))
        if "migrations" in path.parts or name in TRUSTED:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            head = _head(node)
            if head and STATEMENT.match(head):
                found.append(f"{name}:{node.lineno}: {head[:60]}")
    assert not found, "\n".join(found)


def _head(node: ast.AST) -> str | None:
    """Return the literal beginning of a string that has holes: f-string, %, + or .format()."""
    if isinstance(node, ast.JoinedStr) and any(isinstance(v, ast.FormattedValue) for v in node.values):
        first = node.values[0]
        return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add):
        left = node.left
        return left.value if isinstance(left, ast.Constant) and isinstance(left.value, str) else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        left = node.func.value
        return left.value if isinstance(left, ast.Constant) and isinstance(left.value, str) else None
    return None
