"""Run every benchmark, or those named: ``python benchmarks/run.py reads search``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(names: list[str]) -> int:
    """Run each benchmark in a process of its own; return how many could not run."""
    scripts = [HERE / f"bench_{n}.py" for n in names] or sorted(HERE.glob("bench_*.py"))
    return sum(subprocess.run([sys.executable, str(s)], check=False).returncode != 0 for s in scripts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
