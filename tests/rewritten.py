"""What every worker would make of the same sources, made once before they begin: rewritten assertions, and constants.

Each worker imports every module of the suite. To rewrite their assertions takes as long as all else of that, and where no
bytecode is written each worker would do it again. What is kept stands where pytest keeps it, with the hash of its source.
Hypothesis then reads the platform's modules for constants to draw, which takes six seconds of a processor where it has not
kept them, and one where it has.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from _pytest.assertion.rewrite import PYC_TAIL, _read_pyc, _rewrite_test, _write_pyc, assertstate_key, get_cache_dir
from hypothesis.internal.constants_ast import constants_from_module

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest


def rewrite(config: pytest.Config, source: Path) -> None:
    """Rewrite those modules of the folders that are asked for which have changed, and read ``source``, on all processors."""
    stale, sources = stale_in(config.args), sorted(source.rglob("*.py"))
    every = os.cpu_count() or 1
    helpers = [_forked(config, stale[at::every], sources[at::every]) for at in range(every)]
    for helper in helpers:
        os.waitpid(helper, 0)  # what it could not rewrite, its workers do


def stale_in(asked: Sequence[str]) -> list[Path]:
    """Return the modules of those that are folders which pytest would rewrite again."""
    folders = [Path(words) for words in asked if Path(words).is_dir()]
    found = {path for folder in folders for name in ("test_*.py", "conftest.py") for path in folder.rglob(name)}
    return [path for path in sorted(found) if _read_pyc(path, _kept(path)) is None]


def _kept(path: Path) -> Path:
    return get_cache_dir(path.absolute()) / f"{path.stem}{PYC_TAIL}"


def _forked(config: pytest.Config, paths: Sequence[Path], sources: Sequence[Path]) -> int:
    """Begin a process that rewrites the one, reads the other, and says nothing."""
    if child := os.fork():
        return child
    try:
        write(config, paths)
        for path in sources:
            read(path)
    finally:
        os._exit(0)


def write(config: pytest.Config, paths: Sequence[Path]) -> None:
    """Keep what pytest makes of these modules where it looks for it."""
    for path in paths:
        _kept(path).parent.mkdir(parents=True, exist_ok=True)
        source_hash, code = _rewrite_test(path.absolute(), config)
        _write_pyc(config.stash[assertstate_key], code, source_hash, _kept(path))


def read(path: Path) -> None:
    """Let hypothesis keep the constants of a module, which it finds by the module's text and need not import."""
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    constants_from_module(module)
