"""A process that hands rows over while no file may grow beyond a limit: ``HOME TABLE BYTES``; it says each status, code and receipt."""

from __future__ import annotations

import json
import resource
import signal
import sys
from pathlib import Path

from fastapi.testclient import TestClient

from beijiang.access import KeyDraft, Permission
from beijiang.app import create_app
from beijiang.build import build
from beijiang.kit import SystemClock
from beijiang.settings import Settings

ASKED = 6


def main(home: Path, table: str, size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that a write beyond the limit fails with EFBIG
    platform = build(Settings.for_tests(home), SystemClock())
    consumer = platform.access.actor_for_person("consumer")
    scopes = frozenset({str(Permission.PROTECTION_ROWS_READ_SHARED), str(Permission.PROTECTION_ROWS_READ_GRANTED)})
    _, secret = platform.access.issue_key(consumer, KeyDraft(name="满盘", scopes=scopes, days=1))
    client = TestClient(create_app(platform), headers={"Authorization": f"Bearer {secret}"})
    asked = f"/api/v1/exchange/tables/{table}/rows"
    assert client.get(asked).status_code == 200
    platform.evidence.flush()
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    for _ in range(ASKED):
        answer = client.get(asked)
        said = {
            "status": answer.status_code,
            "rows": len(answer.json().get("rows", ())),
            "code": answer.json().get("error", {}).get("code"),
            "receipt": answer.headers.get("X-Beijiang-Receipt"),
        }
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
    signal.raise_signal(signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
