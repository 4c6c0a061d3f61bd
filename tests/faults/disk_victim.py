"""A process that takes one file in while no file may grow beyond a limit: ``HOME FILE LANDING STAGING`` (bytes, 0: no limit)."""

from __future__ import annotations

import importlib.util
import json
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from beijiang.ingest import IngestRequest
from beijiang.kit import SYSTEM, BeijiangError

DESK = Path(__file__).parents[1] / "ingest" / "conftest.py"
ORG = "org_market"


def limit(size: int) -> None:
    if size:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def load_desk() -> Any:
    spec = importlib.util.spec_from_file_location("ingest_desk", DESK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ingest_desk"] = module
    spec.loader.exec_module(module)
    return module


def take(desk: Any, file: Path, landing: int, staging: int) -> str | None:
    limit(landing)
    landed = desk.ingest.land(SYSTEM, file, file.name, ORG)
    limit(staging)
    request = IngestRequest(files=(landed.sha256,), into="表", org_id=ORG, key=("编号",))
    run = desk.ingest.wait(SYSTEM, desk.ingest.submit(SYSTEM, request))
    return None if run.error is None else str(run.error["code"])


def main() -> None:
    home, file, landing, staging = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that a write beyond the limit fails with EFBIG
    desk = load_desk().open_desk(home)
    try:
        error = take(desk, file, landing, staging)
    except BeijiangError as caught:
        error = caught.reason
    tables = [t.name for t in desk.tables.list(SYSTEM)]
    found = {
        "error": error,
        "tables": tables,
        "rows": desk.rows().height if tables else 0,
        "landing": [p.name for p in (desk.settings.home / "landing").rglob("*") if p.is_file()],
        "staging": [p.name for p in (desk.settings.home / "staging").iterdir()],
        "evidence": desk.evidence.check().ok,
    }
    desk.close()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
