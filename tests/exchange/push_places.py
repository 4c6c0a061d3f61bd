"""The servers of other tests, for pushes: MariaDB, OpenSSH and S3 as ``tests/sources`` and ``tests/arrivals`` start them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any


def _of(folder: str) -> Any:
    path = Path(__file__).parents[1] / folder / "conftest.py"
    spec = importlib.util.spec_from_file_location(f"{folder}_servers", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_sources, _arrivals = _of("sources"), _of("arrivals")
mariadb_server = _sources.mariadb_server
sshd = _arrivals.sshd
s3 = _arrivals.s3
