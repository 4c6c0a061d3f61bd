"""An application while it is written: the open page follows the files, and says what is to be mended."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from asking import Office
from hosting import bundle
from playwright.sync_api import Error, Page, expect, sync_playwright

from beijiang.apps.folder import folder_mark
from nursery import Child
from waiting import until

expect.set_options(timeout=60_000)
ROOT = Path(__file__).parents[2]
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/writing/[\w-]+/pages/-")
AXE = ROOT / "packaging/web/node_modules/axe-core/axe.min.js"
PROBLEMS = "async () => (await axe.run()).violations.map((v) => v.id + v.nodes.map((n) => n.html.slice(0, 160)))"
SOON = 60_000
"""Milliseconds after which a test gives up waiting; how soon a saved file shows is no promise."""


@dataclass
class Desk:
    folder: Path
    address: str

    def save(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def desk(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("writing") / "firms-app"
    found = Desk(folder, "")
    folder.mkdir()
    for name, text in bundle().items():
        found.save(name, text)
    log = folder.parent / "preview.log"
    home = office.platform.settings.home
    words = [sys.executable, "-m", "beijiang.cli", "--home", str(home), "app", "preview", str(folder), "--watch"]
    with log.open("w") as out:
        process = Child([*words, "--as", "steward"], stdout=out, stderr=subprocess.STDOUT)

    def address() -> str:
        told = ADDRESS.search(log.read_text(encoding="utf-8"))
        assert told or process.poll() is None, log.read_text(encoding="utf-8")
        return told[0] if told else ""

    found.address = until(address)
    yield found
    process.terminate()
    process.wait(90)
    assert "Traceback" not in log.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(desk: Desk, chromium: tuple[str, dict[str, str]]) -> Iterator[Page]:
    path, variables = chromium
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=path, env=dict(variables), args=["--no-sandbox", "--headless=shell", "--disable-gpu"]
        )
        opened = browser.new_page(viewport={"width": 390, "height": 900}, reduced_motion="reduce")
        opened.set_default_timeout(60_000)
        faults: list[str] = []
        opened.on("pageerror", lambda error: faults.append(str(error)))
        opened.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)

        def opens() -> bool:
            with suppress(Error):  # it announces itself just before it listens
                opened.goto(desk.address)
                return True
            return False

        until(opens)
        yield opened
        browser.close()
        assert not faults


def test_a_saved_page_shows_in_the_open_one(desk: Desk, page: Page) -> None:
    expect(page.get_by_text("Automatic checks").or_(page.get_by_text("自动检查"))).to_be_visible(timeout=SOON)
    page.evaluate("window.stayed = true")
    text = (desk.folder / "pages/overview.md").read_text(encoding="utf-8")
    english = (desk.folder / "i18n/en.toml").read_text(encoding="utf-8")
    desk.save("i18n/en.toml", english + '"新的一句话。" = "A new sentence."\n')
    desk.save("pages/overview.md", text.replace("现在看的是", "新的一句话。\n\n现在看的是", 1))
    expect(page.get_by_text("新的一句话。").or_(page.get_by_text("A new sentence."))).to_be_visible(timeout=SOON)
    expect(page.locator(".chart-canvas canvas")).to_have_count(1)
    assert page.evaluate("window.stayed"), "the page was not loaded again, so its place and focus stay"


def test_a_fault_is_told_with_its_place_and_goes_when_it_is_mended(desk: Desk, page: Page) -> None:
    good = (desk.folder / "pages/overview.md").read_text(encoding="utf-8")
    desk.save("pages/overview.md", good.replace('query = "by_league"', 'query = "by_moon"'))
    told = page.get_by_role("alert")
    expect(told).to_contain_text("pages/overview.md", timeout=SOON)
    expect(told).to_contain_text("by_moon")
    line = good.splitlines().index('query = "by_league"')
    numbers = [int(n) for n in told.locator("td.n").all_inner_texts()]
    assert any(abs(n - line) <= 2 for n in numbers), (numbers, line)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(PROBLEMS) == []
    desk.save("pages/overview.md", good)
    expect(told).to_have_count(0, timeout=SOON)
    expect(page.locator(".chart-canvas")).to_have_count(1)


def test_what_only_the_platform_can_see_is_told_too(desk: Desk, page: Page) -> None:
    good = (desk.folder / "queries/by_league.sql").read_text(encoding="utf-8")
    desk.save("queries/by_league.sql", good.replace('AS "户数"', 'AS "户口"'))
    expect(page.get_by_role("alert")).to_contain_text("户口", timeout=SOON)
    desk.save("queries/by_league.sql", good)
    expect(page.get_by_role("alert")).to_have_count(0, timeout=SOON)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(PROBLEMS) == []


def test_who_does_not_know_the_key_finds_nothing(desk: Desk) -> None:
    parts = desk.address.split("/")
    parts[4] = "x" * len(parts[4])
    for rest in ("pages/-", "checks", "changes"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen("/".join([*parts[:5], rest]))  # noqa: S310 - it is the address that was just read
        caught.value.close()
        assert caught.value.code == 404


def test_a_mark_moves_with_every_save_and_with_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("1")
    before = folder_mark(tmp_path)
    assert folder_mark(tmp_path) == before
    (tmp_path / ".a.swp").write_text("an editor's own file")
    assert folder_mark(tmp_path) == before
    (tmp_path / "a.md").rename(tmp_path / "b.md")
    assert folder_mark(tmp_path) != before
