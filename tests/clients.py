"""The Python of the public clients that our protocols are tested with: an environment of its own, made when first asked for."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIST = ROOT / "requirements" / "clients.txt"


def python() -> Path:
    """Return the interpreter that has ``requirements/clients.txt``; the clients want other versions than we run on."""
    folder = ROOT / "var" / "test-clients"
    program = folder / "bin" / "python"
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / ".test-clients.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made_from = folder / "made-from.txt"
        if not made_from.exists() or made_from.read_bytes() != LIST.read_bytes():
            uv = [sys.executable, "-m", "uv"]
            wanted = ["-r", str(LIST), "--require-hashes"]
            subprocess.run([*uv, "venv", "-q", "--clear", "--python", sys.executable, str(folder)], check=False)
            made = subprocess.run([*uv, "pip", "install", "-q", "--python", str(program), *wanted], check=False)
            if made.returncode:
                absent = pytest.fail if os.environ.get("CI") else pytest.skip
                absent("no public clients: let uv reach a package index for requirements/clients.txt")
            made_from.write_bytes(LIST.read_bytes())
    return program
