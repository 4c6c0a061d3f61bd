"""How long until the terminal answers, and until a server on the demo home answers its first request."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from report import Line, median_seconds, show

COMMAND = [str(Path(sys.executable).with_name("beijiang"))]


def help_seconds() -> float:
    return median_seconds(lambda: subprocess.run([*COMMAND, "--help"], check=True, capture_output=True))


def server_seconds(home: Path) -> float:
    """Start ``serve`` and wait for the first 200 of the home page."""
    port = 18150 + os.getpid() % 1000
    begin = time.perf_counter()
    with subprocess.Popen(
        [*COMMAND, "--home", str(home), "serve", "--port", str(port)], stderr=subprocess.DEVNULL
    ) as server:
        try:
            while time.perf_counter() - begin < 60:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                        assert answer.status == 200
                        return time.perf_counter() - begin
                except OSError:
                    time.sleep(0.02)
        finally:
            server.terminate()
            server.wait(60)
    raise SystemExit("the server did not answer within 60 s")


def main() -> None:
    demo = Path(os.environ.get("BEIJIANG_HOME", "var/demo"))
    with tempfile.TemporaryDirectory() as folder:
        if not demo.exists():
            print("no demo home under var/demo (make demo builds it): measuring on a fresh home")
            demo = Path(folder)
            subprocess.run([*COMMAND, "--home", str(demo), "init"], check=True, capture_output=True)
        lines = [
            Line("beijiang --help", help_seconds(), "limit", 0.5, 1.0),
            Line("server start to first page", server_seconds(demo), "limit", 5.0, 1.0),
        ]
    show("Start", lines)


if __name__ == "__main__":
    main()
