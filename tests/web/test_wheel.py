"""A built wheel carries the assets and draws pages on a machine that has no Node."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DRAW = """
import sys, shutil, json
sys.path.insert(0, sys.argv[1])
assert shutil.which("node") is None and shutil.which("npm") is None
import beijiang, beijiang.web.assets as assets
from beijiang.settings import Settings
from beijiang.web import Pages
from pathlib import Path
assert Path(beijiang.__file__).is_relative_to(sys.argv[1])
made = Pages(Settings.for_tests(Path(sys.argv[1]) / "home"))
print(json.dumps({"present": assets.assets_present(), "site": assets.asset("css/site.css"), "templates": len(made.environment.list_templates())}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_built_assets_and_their_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        dist = "beijiang/web/static/dist/"
        manifest = json.loads(archive.read(dist + "manifest.json"))
    assert {dist + built for built in manifest.values()} <= names
    assert set(manifest) == {
        "main.js",
        "charts.js",
        "explorer.js",
        "workbench.js",
        "grid.js",
        "api.js",
        "tryout.js",
        "fonts/card.woff2",
        "css/site.css",
        "css/api.css",
    }
    for package in ("echarts", "htmx.org", "swagger-ui-dist", "fontsource-noto-sans-mongolian"):
        assert f"{dist}licences/{package}-LICENSE.txt" in names
    assert not [name for name in names if "node_modules" in name or name.endswith("package-lock.json")]


def test_the_wheel_works_without_node(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"PATH": str(tmp_path)}
    drawn = subprocess.run(
        [sys.executable, "-c", DRAW, str(tmp_path)], capture_output=True, text=True, check=False, env=environment
    )
    assert drawn.returncode == 0, drawn.stderr
    facts = json.loads(drawn.stdout)
    assert facts["present"] is True
    assert facts["site"].startswith("/static/css/site-")
    assert facts["templates"] >= 6


def test_the_lock_file_names_no_address() -> None:
    locked = json.loads((ROOT / "packaging/web/package-lock.json").read_text(encoding="utf-8"))
    assert not [name for name, facts in locked["packages"].items() if "resolved" in facts]
    assert "htmx.org" in locked["packages"][""]["dependencies"]
    assert locked["packages"]["node_modules/htmx.org"]["version"].startswith("2.")
