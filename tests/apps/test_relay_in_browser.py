"""A relayed application and a bundle's server in a real browser: the way in, the walls between origins, and pages for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asking import PASSWORD, firm
from hosting import bundle, released
from oidc import Served
from playwright.sync_api import Browser, Page, sync_playwright
from upstreams import Upstream

from beijiang.apps import AudienceKind, Plan
from beijiang.kit import SYSTEM
from beijiang.outbound import Target, Use
from patience import until

AXE = Path(__file__).parents[2] / "packaging/web/node_modules/axe-core/axe.min.js"
PROBLEMS = """async () => (await axe.run()).violations.map(
  (v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`)"""
WIDTHS = ((1440, 900), (390, 844))
MAIN = '''
PAGE = """<!doctype html><title>server</title><h1 id="said">waits</h1><script>
let found = "sandboxed";
try { found = document.cookie + localStorage.length; } catch (error) { found = error.name; }
fetch("/api/v1/session").then(() => "reached", () => "kept out").then((word) => {
  document.getElementById("said").textContent = found + " " + word;
});
</script>"""


async def app(scope, receive, send):
    if scope["type"] == "http":
        print("asked for", scope["path"], flush=True)
        heads = [(b"content-type", b"text/html; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": heads})
        await send({"type": "http.response.body", "body": PAGE.encode()})
'''


class PagedUpstream(Upstream):
    """An application with one page that says what its script sees."""

    def on_page(self, h: Any, _: bytes) -> None:
        body = b"""<!doctype html><title>outside</title><h1 id="said"></h1><script>
document.cookie = "own=1"; document.cookie = "wide=1; domain=apps.localhost";
document.getElementById("said").textContent = "cookies: " + document.cookie;</script>"""
        self.say(h, 200, [("Content-Type", "text/html; charset=utf-8")], body)


@pytest.fixture(scope="module")
def browser(chromium: tuple[str, dict[str, str]]) -> Iterator[Browser]:
    path, variables = chromium
    with sync_playwright() as play:
        opened = play.chromium.launch(
            executable_path=path, env=dict(variables), args=["--no-sandbox", "--headless=shell", "--disable-gpu"]
        )
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    made = PagedUpstream()
    yield made
    made.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Served]:
    opened = Served(tmp_path_factory.mktemp("seen"), app_domain="apps.localhost")
    platform, codes = opened.platform, opened.office.codes
    platform.jobs.start_worker()
    uses = frozenset({Use.CALL})
    target = Target(host="127.0.0.1", port=upstream.port, network="127.0.0.1/32", uses=uses, plain_http=True)
    platform.sources.allow(SYSTEM, target, "试验")
    client, _ = opened.client(upstream=upstream.address, label="forest-fire", name="森林防火巡护")
    asked = platform.subscriptions.ask(codes["steward"], client.id, "relay", Plan.STANDARD)
    platform.subscriptions.decide(codes["reviewer"], asked.id, approve=True, note="可以")
    for status in (200, 503, 503, 200):
        upstream.status = status
        platform.app_health.check(codes["steward"], client.id)
    opened.office.write([firm(n) for n in range(60)])
    opened.office.publish()
    released(opened.office, bundle(server__main_py=MAIN), AudienceKind.DEPARTMENTS, "education", "health")
    yield opened
    opened.close()


def signed_in(browser: Browser, served: Served, login: str, width: int = 1440, height: int = 900) -> Page:
    page = browser.new_context(locale="zh-CN", viewport={"width": width, "height": height}).new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{served.address}/console/sign-in")
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", PASSWORD)
    page.locator("form[action='/console/sign-in'] button").click()
    page.wait_for_url("**/console")
    return page


def asked_for(upstream: Upstream, wanted: str) -> dict[str, str]:
    """Return the headers of the last request for a page; a browser may ask for an icon besides."""
    return [heads for method, path, heads, _ in upstream.asked if (method, path) == ("GET", wanted)][-1]


def client_id(served: Served) -> str:
    return served.platform.clients.clients(SYSTEM)[0].id


def test_one_agrees_and_stands_on_the_applications_own_origin(
    browser: Browser, served: Served, upstream: Upstream
) -> None:
    page = signed_in(browser, served, "first")
    port = served.address.rpartition(":")[2]
    page.goto(f"http://forest-fire.apps.localhost:{port}/page?x=1")
    assert page.url.startswith(f"{served.address}/outside/")
    page.get_by_role("button", name="同意并打开").click()
    page.wait_for_url(f"http://forest-fire.apps.localhost:{port}/page?x=1")
    assert page.text_content("#said") == "cookies: own=1; wide=1"  # none of ours is for scripts
    heads = asked_for(upstream, "/page?x=1")
    assert "beijiang" not in heads.get("cookie", "")
    page.goto(f"http://forest-fire.apps.localhost:{port}/page")
    assert asked_for(upstream, "/page")["cookie"] == "own=1; wide=1"
    page.goto(f"{served.address}/console")
    assert "own" not in str(page.evaluate("document.cookie"))
    page.context.close()


def test_a_bundles_page_has_no_origin_cookie_or_storage(browser: Browser, served: Served) -> None:
    page = signed_in(browser, served, "first")
    page.goto(f"{served.address}/apps/firms-app/server/")
    until(page, "document.getElementById('said').textContent != 'waits'")
    assert page.text_content("#said") == "SecurityError kept out"
    page.context.close()


@pytest.mark.parametrize(("width", "height"), WIDTHS)
def test_pages_are_for_everybody(browser: Browser, served: Served, tmp_path: Path, width: int, height: int) -> None:
    if not AXE.exists():
        pytest.fail("axe-core is missing: run python packaging/build_assets.py")
    found: list[str] = []
    one = client_id(served)
    served.reader("first").get("/apps/firms-app/server/")
    for login, paths in (
        ("first", ("/outside", f"/outside/{one}", "/apps/firms-app", "/apps")),
        ("steward", (f"/console/clients/{one}", "/console/apps/firms-app", "/console/clients")),
    ):
        page = signed_in(browser, served, login, width, height)
        for path in paths:
            for language in ("zh-CN", "en"):
                page.goto(f"{served.address}{path}?lang={language}", wait_until="networkidle")
                page.evaluate(AXE.read_text(encoding="utf-8"))
                found += [f"{path}: {problem}" for problem in page.evaluate(PROBLEMS)]
                over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                found += [f"{path}: {over} px too wide"] if over > 0 else []
                page.screenshot(path=tmp_path / f"{path.replace('/', '_')}-{language}-{width}.png", full_page=True)
        page.context.close()
    assert not found, "\n".join(found)
