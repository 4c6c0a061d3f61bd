"""Take the pictures of ``docs/gallery.md``: pages of the demo region, wide and narrow, in both languages and both lights.

    PYTHONPATH=src:tests python packaging/make_gallery.py HOME

``HOME`` is a built demo region (``beijiang --home HOME demo --build-only``); it is served on a free port for as long as this takes.
A page that answers with an error, overflows its window or says an error on the console ends it: the gallery is a check, too.
Besides the pages that have pictures, every page in the menus of some roles is looked at, once, by the first role that has it.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from conftest import _chromium_from_npm

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "images" / "gallery"
ARGUMENTS = ["--no-sandbox", "--headless=shell", "--disable-gpu", "--no-first-run"]
QUALITY = 55


@dataclass(frozen=True)
class Shot:
    """A page of the gallery."""

    name: str
    words: str
    path: str
    then: str = ""
    """Pattern of the link to follow from there."""
    who: str = ""
    tab: str = ""
    """What is added to the address of the link."""


@dataclass(frozen=True)
class Look:
    """How pages are looked at."""

    name: str
    width: int
    height: int
    lang: str = "zh-CN"
    scheme: str = "light"


LOOKS = (
    Look("wide", 1440, 900),
    Look("dark", 1440, 900, "en", "dark"),
    Look("tablet", 768, 1000),
    Look("phone", 390, 800),
    Look("tablet-dark", 768, 1000, "en", "dark"),
    Look("phone-dark", 390, 800, "en", "dark"),
)
KEPT = ("wide", "dark", "phone")
WIDTH = 900
"""Pixels that a picture has at most; all of them together are a few megabytes."""
MENUS = ("reviewer", "steward.commerce_admin", "auditor", "secadmin", "sysadmin", "analyst")
"""Roles whose menus are gone through."""
"""Looks whose pictures are in the documentation; every look is taken and checked."""
SHOTS = (
    Shot("home", "The portal", "/"),
    Shot("search", "Search", "/datasets?q=企业"),
    Shot("dataset", "A data set", "/datasets", r"^/datasets/[a-z0-9_-]+$"),
    Shot("set-quality", "How good, how fresh", "/datasets", r"^/datasets/[a-z0-9_-]+$", tab="/quality"),
    Shot("set-explore", "The explorer", "/datasets", r"^/datasets/[a-z0-9_-]+$", tab="/explore"),
    Shot("set-api", "Code to copy", "/datasets", r"^/datasets/[a-z0-9_-]+$", tab="/api"),
    Shot("set-fields", "The dictionary", "/datasets", r"^/datasets/[a-z0-9_-]+$", tab="/fields"),
    Shot("set-versions", "Versions", "/datasets", r"^/datasets/[a-z0-9_-]+$", tab="/versions"),
    Shot("departments", "Departments", "/departments"),
    Shot("statistics", "Statistics of use", "/statistics"),
    Shot("news", "News", "/news"),
    Shot("help", "Help", "/help"),
    Shot("help-citizen", "Help for citizens", "/help/citizen"),
    Shot("reasons", "Why something is missing", "/help/reasons"),
    Shot("developers", "Developers", "/developers"),
    Shot("voices", "Feedback", "/voices"),
    Shot("voice", "Saying something", "/voice"),
    Shot("works", "Made with it", "/works"),
    Shot("register", "Registering", "/register"),
    Shot("about", "About", "/about"),
    Shot("sign-in", "Signing in", "/console/sign-in"),
    Shot("console", "The console of a reviewer", "/console", who="reviewer"),
    Shot("catalog", "The catalog", "/console/catalog", who="reviewer"),
    Shot(
        "table", "A table: grades and masks", "/console/tables", r"^/console/tables/[^/?]+$", "steward.commerce_admin"
    ),
    Shot("quality", "Quality", "/console/quality", r"^/console/quality/[^/?]+$", "steward.commerce_admin"),
    Shot("lineage", "Lineage", "/console/lineage/企业登记信息", who="steward.commerce_admin"),
    Shot(
        "request", "A request and its stages", "/console/sharing", r"^/console/sharing/requests/[a-z0-9_]+$", "reviewer"
    ),
    Shot("grant", "A grant", "/console/grants", r"^/console/grants/[a-z0-9_]+$", "steward.statistics"),
    Shot("library", "A base library", "/console/libraries", r"^/console/libraries/[a-z0-9_]+$", "steward.bigdata"),
    Shot("evidence", "Evidence", "/console/evidence", who="auditor"),
    Shot("assess", "Assessment", "/console/assess", who="reviewer"),
    Shot("sql", "The SQL work-bench", "/console/sql", who="analyst"),
)


def main() -> None:
    """Serve, look and write."""
    home = Path(sys.argv[1])
    accounts = json.loads((home / "demo" / "first-login.json").read_text(encoding="utf-8"))
    passwords = {one["login"]: one["password"] for one in accounts}
    path, environment = _chromium_from_npm(ROOT / "var" / "test-browser")
    PICTURES.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    with _served(home) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, env=dict(environment), args=ARGUMENTS)
        for look in LOOKS:
            for who in dict.fromkeys(shot.who for shot in SHOTS):
                with _visitor(browser, address, look, who, passwords) as page:
                    for shot in (one for one in SHOTS if one.who == who):
                        faults += _take(page, address, shot, look)
            if look.name in KEPT:
                faults += _menus(browser, address, look, passwords)
        browser.close()
    _write()
    print("\n".join(faults) or f"{len(SHOTS)} pages in {len(LOOKS)} looks, nothing broken")
    sys.exit(1 if faults else 0)


@contextmanager
def _served(home: Path) -> Iterator[str]:
    words = [sys.executable, "-m", "beijiang.cli", "serve", "--port", "0", "--home", str(home)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None  # noqa: S101
        try:
            yield next(found[0] for line in server.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        finally:
            server.terminate()


@contextmanager
def _visitor(browser: Browser, address: str, look: Look, who: str, passwords: dict[str, str]) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(
        viewport={"width": look.width, "height": look.height}, locale=look.lang, color_scheme=look.scheme
    )
    page = context.new_page()
    if who:
        page.goto(f"{address}/console/sign-in?lang={look.lang}")
        page.fill("input[name=login]", who)
        page.fill("input[name=password]", passwords[who])
        page.locator("form[action='/console/sign-in'] button").click()
        page.wait_for_url("**/console")
    yield page
    context.close()


def _take(page: Page, address: str, shot: Shot, look: Look) -> list[str]:
    faults: list[str] = []
    page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    answer = page.goto(_with_language(address + shot.path, look), wait_until="load")
    if shot.then:
        links = page.eval_on_selector_all("a[href]", "all => all.map(a => a.getAttribute('href'))")
        found = next((link for link in links if re.match(shot.then, link)), None)
        if found is None:
            return [f"{shot.name}: no link like {shot.then} on {shot.path}"]
        answer = page.goto(_with_language(address + found + shot.tab, look), wait_until="load")
    page.wait_for_timeout(400)
    if answer is None or answer.status != 200:  # noqa: PLR2004
        faults.append(f"{shot.path}: {answer.status if answer else 'no answer'}")
    if over := int(page.evaluate("document.documentElement.scrollWidth - innerWidth")):
        faults.append(f"{over} px too wide")
    if look.name in KEPT:
        _keep(page.screenshot(), PICTURES / f"{shot.name}-{look.name}.jpg")
    return [f"{shot.name} ({look.name}): {fault}" for fault in faults]


def _keep(content: bytes, path: Path) -> None:
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    picture.thumbnail((WIDTH, WIDTH))
    picture.save(path, quality=QUALITY, optimize=True)


def _menus(browser: Browser, address: str, look: Look, passwords: dict[str, str]) -> list[str]:
    """Go through the menus; every page is looked at once."""
    faults: list[str] = []
    seen: set[str] = set()
    for who in (one for one in MENUS if one in passwords):
        with _visitor(browser, address, look, who, passwords) as page:
            links = page.eval_on_selector_all(".side nav a[href]", "all => all.map(a => a.getAttribute('href'))")
            said: list[str] = []
            page.on("console", lambda line, said=said: said.append(line.text) if line.type == "error" else None)
            for path in (one for one in dict.fromkeys(links) if one not in seen):
                seen.add(path)
                answer = page.goto(_with_language(address + path, look), wait_until="load")
                over = int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))
                status = answer.status if answer else 0
                if status != 200 or over or said:  # noqa: PLR2004
                    faults.append(f"{path} ({look.name}, {who}): {status}, {over} px too wide, {said}")
                    said.clear()
    print(f"{look.name}: {len(seen)} pages of menus", flush=True)
    return faults


def _with_language(address: str, look: Look) -> str:
    return f"{address}{'&' if '?' in address else '?'}lang={look.lang}"


def _write() -> None:
    lines = ["# Gallery", "", "Pages of the demo region, taken by `packaging/make_gallery.py`.", ""]
    for shot in SHOTS:
        at = f"images/gallery/{shot.name}"
        lines += [f"## {shot.words}", "", f"![{shot.words}]({at}-wide.jpg)", ""]
        lines += [f'<img src="{at}-dark.jpg" alt="{shot.words}, English, dark" width="600">']
        lines += [f'<img src="{at}-phone.jpg" alt="{shot.words}, on a telephone" width="200">', ""]
    (ROOT / "docs" / "gallery.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
