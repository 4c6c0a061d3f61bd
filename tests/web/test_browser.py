"""The shells and pieces in a real browser: nothing breaks the policy, nothing fails axe, and it works without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from patience import until

AXE = Path(__file__).parents[2] / "packaging/web/node_modules/axe-core/axe.min.js"
WATCH = """
window.broken = [];
document.addEventListener('securitypolicyviolation', (e) => window.broken.push(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`));
"""


@pytest.fixture(scope="module")
def browser(chromium: tuple[str, dict[str, str]]) -> Iterator[Browser]:
    path, environment = chromium
    with sync_playwright() as play:
        opened = play.chromium.launch(
            executable_path=path, env=dict(environment), args=["--no-sandbox", "--headless=shell", "--disable-gpu"]
        )
        yield opened
        opened.close()


def visit(browser: Browser, address: str, **options: Any) -> tuple[Page, list[str]]:
    """Open a page and collect everything that goes wrong on it."""
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(60_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if line.type in {"error", "warning"} else None)
    page.on("requestfailed", lambda sent: faults.append(f"failed {sent.url}"))
    if options.get("java_script_enabled", True):
        page.add_init_script(WATCH)
    page.goto(address, wait_until="networkidle")
    return page, faults


@pytest.mark.parametrize("path", ["/shell/portal", "/shell/console", "/api"])
def test_nothing_breaks_the_content_policy(browser: Browser, address: str, path: str) -> None:
    page, faults = visit(browser, address + path)
    page.wait_for_timeout(300)
    assert page.evaluate("window.broken") == []
    assert faults == []
    page.context.close()


def test_the_policy_does_stop_an_inline_script(browser: Browser, address: str) -> None:
    """The check above can fail: an inline script on the same page is reported and does not run."""
    page, _ = visit(browser, address + "/shell/portal")
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s); }"
    )
    until(page, "window.broken.length > 0")
    assert page.evaluate("window.ran") is None
    page.context.close()


@pytest.mark.parametrize("path", ["/shell/portal", "/shell/console", "/page"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_overflows(
    browser: Browser, address: str, path: str, width: int, scheme: str
) -> None:
    page, _ = visit(
        browser, address + path, viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "async () => (await axe.run()).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(' | ')}`)"
    )
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.context.close()


def test_the_chart_is_drawn_and_the_theme_is_remembered(browser: Browser, address: str) -> None:
    page, _ = visit(browser, address + "/shell/portal")
    inked = "() => { const c = document.querySelector('.chart-canvas canvas'); const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; return d.some((v, i) => i % 4 === 3 && v > 0); }"
    until(page, inked)
    page.locator("[data-theme-switch]:visible").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 22, 29)"
    page.context.close()


def test_the_keyboard_walks_rows_and_opens_the_box(browser: Browser, address: str) -> None:
    page, _ = visit(browser, address + "/shell/console")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") == "1"
    page.keyboard.press("Control+k")
    expect(page.locator("dialog.palette")).to_be_visible(timeout=60_000)
    page.keyboard.press("Escape")
    expect(page.locator("dialog.palette")).to_be_hidden(timeout=60_000)
    page.context.close()


def test_a_chosen_file_is_sent_and_a_refusal_is_told(browser: Browser, address: str) -> None:
    page, _ = visit(browser, address + "/shell/portal")
    page.fill("#f-n", "x")
    page.set_input_files(
        "input[type=file]", {"name": "x.bin", "mimeType": "application/octet-stream", "buffer": b"x" * (3 << 20)}
    )
    page.get_by_role("button", name="上传").click()
    page.wait_for_selector(".toast.bad")
    assert page.inner_text("#announce")
    page.context.close()


@pytest.mark.parametrize("path", ["/shell/portal", "/shell/console"])
def test_the_menu_opens_on_a_phone_without_scripts(browser: Browser, address: str, path: str) -> None:
    page, _ = visit(browser, address + path, viewport={"width": 390, "height": 800}, java_script_enabled=False)
    link = page.locator("details nav a").first
    if not link.is_visible():
        page.locator("details > summary").first.click()
    assert link.is_visible()
    page.context.close()


def test_the_api_page_lists_the_endpoints_offline(browser: Browser, address: str) -> None:
    page, faults = visit(browser, address + "/api")
    page.get_by_text("/api/v1/orders").first.wait_for()
    assert faults == []
    page.context.close()


def test_mongolian_is_set_in_the_packaged_font(browser: Browser, address: str) -> None:
    page, _ = visit(browser, address + "/shell/portal")
    assert page.evaluate("document.fonts.check('11px \"Noto Sans Mongolian\"', '\\u1825')")
    assert page.evaluate("[...document.fonts].some((f) => f.family.includes('Mongolian') && f.status === 'loaded')")
    assert page.evaluate("getComputedStyle(document.querySelector('.mongolian')).writingMode") == "vertical-lr"
    page.context.close()
