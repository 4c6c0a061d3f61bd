"""Find the built web assets: content-hashed files and the manifest that names them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

DIST = Path(__file__).parent / "static" / "dist"
FOREVER = "public, max-age=31536000, immutable"


@cache
def manifest() -> dict[str, str]:
    """Return logical name to built file name; empty when the assets were not built."""
    path = DIST / "manifest.json"
    if not path.exists():
        return {}
    built: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return built


def assets_present() -> bool:
    """Tell whether every built file that the manifest names is there."""
    return bool(manifest()) and all((DIST / name).exists() for name in manifest().values())


def asset(name: str) -> str:
    """Return the address of an asset; a page without built assets still works, unstyled."""
    return f"/static/{manifest().get(name, name)}"


def font(name: str) -> Path | None:
    """Return the file of a font that the server draws with; None while the assets are not built."""
    path = DIST / manifest().get(name, name)
    return path if path.is_file() else None


class Assets(StaticFiles):
    """Serve the built files: forever for hashed names, compressed where a compressed twin lies beside."""

    def __init__(self) -> None:
        super().__init__(directory=DIST, check_dir=False)

    async def get_response(self, path: str, scope: Scope) -> Response:
        accepts = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        twin = DIST / f"{path}.gz"
        if accepts and not path.endswith(".gz") and twin.is_file() and twin.resolve().is_relative_to(DIST.resolve()):
            response: Response = FileResponse(twin, media_type=_media_type(path), headers={"Content-Encoding": "gzip"})
        else:
            response = await super().get_response(path, scope)
        if response.status_code < 400:  # noqa: PLR2004  # the first error status
            response.headers["Cache-Control"] = FOREVER
            response.headers["Vary"] = "Accept-Encoding"
        return response


def _media_type(path: str) -> str:
    kinds = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".txt": "text/plain"}
    return kinds.get(Path(path).suffix, "application/octet-stream")
