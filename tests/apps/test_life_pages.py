"""The pages of ratings, trials and grants in a real browser: axe finds nothing, and they fit a telephone, in both languages."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from asking import OTHER, OWNER, PASSWORD, Office
from hosting import bundle, released, renamed
from playwright.sync_api import Browser, sync_playwright

from beijiang.access import SESSION_COOKIE
from beijiang.apps import AudienceKind, CanaryKind, CanaryTo

AXE = (Path(__file__).parents[2] / "packaging/web/node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
PROBLEMS = "async () => (await axe.run()).violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html.slice(0, 160)))"
PAGES = (("first", "/apps"), ("first", "/apps/lived"), ("second", "/apps/lived"), ("reviewer", "/console/apps/lived"), ("steward", "/console/apps/lived"), ("publisher", "/console/apps/waits"))  # fmt: skip


@pytest.fixture(scope="module")
def address(office: Office) -> Iterator[str]:
    files, platform = renamed(bundle(), "lived"), office.platform
    released(office, files, AudienceKind.DEPARTMENTS, OWNER, OTHER)
    platform.app_ratings.rate(office["first"], "lived", 4, "很好用，就是字小了一点。")
    hidden = platform.app_ratings.rate(office["second"], "lived", 1, "不当言论")
    platform.app_ratings.hide(office["reviewer"], "lived", hidden.id, "含不当言论")
    for name, begins in (("lived", True), ("waits", False)):
        own = renamed(bundle(), name)
        if not begins:
            released(office, own, AudienceKind.DEPARTMENTS, OTHER)
        own["i18n/en.toml"] = own["i18n/en.toml"].replace("Overview", "At a glance")
        _, second = platform.apps.submit(office["steward"], own)
        platform.apps.review(office["reviewer"], name, second.number, approve=True, note="可以")
        if begins:
            to = CanaryTo(kind=CanaryKind.SHARE, percent=50)
            platform.app_canaries.begin(office["publisher"], name, second.number, to)
    for login in ("first", "second", "colleague"):
        platform.apps.page(office[login], "lived", "overview", {})
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(office.app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(90)
    listener.close()


@pytest.fixture(scope="module")
def browser(chromium: tuple[str, dict[str, str]]) -> Iterator[Browser]:
    path, variables = chromium
    with sync_playwright() as play:
        words = ["--no-sandbox", "--headless=shell", "--disable-gpu"]
        opened = play.chromium.launch(executable_path=path, env=dict(variables), args=words)
        yield opened
        opened.close()


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize(("login", "at"), PAGES)
def test_they_are_accessible_and_fit(
    office: Office, browser: Browser, address: str, login: str, at: str, width: int
) -> None:
    token = office.platform.access.sign_in(login, PASSWORD, "tests").token
    context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce", bypass_csp=False)
    context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": address.replace("http:", "https:")}])
    context.set_default_timeout(60_000)
    page, faults = context.new_page(), list[str]()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    for language in ("zh-CN", "en"):
        page.goto(f"{address}{at}?lang={language}")
        page.evaluate("document.querySelectorAll('details.card, section details').forEach((one) => (one.open = true))")
        page.evaluate(AXE)
        assert page.evaluate(PROBLEMS) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if pictures := os.environ.get("TEST_PICTURES"):
            name = f"{at.strip('/').replace('/', '-')}-{login}-{width}-{language}.png"
            page.screenshot(path=str(Path(pictures) / name), full_page=True)
    assert not faults
    context.close()
