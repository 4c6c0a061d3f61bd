"""A built demo home, a server of our own on a copy of it, and a real browser that notices everything that goes wrong."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from nursery import Child, run
from region import DemoRegion, environment
from waiting import until

ARGUMENTS = [
    "--no-sandbox",
    "--headless=shell",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
]
BROKEN = """document.addEventListener('securitypolicyviolation',
  (e) => window.tellBroken(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`));"""
expect.set_options(timeout=60_000)  # a browser on a machine that does other things too
READY = re.compile(r"http://127\.0\.0\.1:\d+(?=\s)")  # the line may be half written


@dataclass(frozen=True)
class Shell:
    """The command as a person types it."""

    home: Path

    def words(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "beijiang.cli", *words, "--home", str(self.home)]

    def run(self, *words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run one command to its end and insist on its exit status."""
        done = run(self.words(*words), env=environment(), timeout=600)
        assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def json(self, *words: str, status: int = 0) -> Any:
        """Run one command with ``--json`` and read its answer."""
        return json.loads(self.run(*words, "--json", status=status).stdout)

    def serve(self) -> Server:
        """Start a server on a free port and wait until it answers."""
        log = self.home / "serve.log"
        with log.open("w") as out:
            process = Child(self.words("serve", "--port", "0"), stdout=out, stderr=subprocess.STDOUT, env=environment())

        def address() -> str:
            ended, said = process.poll(), log.read_text(encoding="utf-8")
            found = READY.search(said)
            assert found or ended is None, f"the server did not start:\n{said}"
            return found[0] if found else ""

        try:
            return Server(until(address, 300), process, log)
        except BaseException:
            process.kill()
            process.wait(90)
            raise


@dataclass
class Server:
    """A running server process."""

    address: str
    process: Child
    log: Path

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(180)


@pytest.fixture(scope="module")
def demo(built_region: DemoRegion, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A copy of the demo home of this module's own; that it works after being copied is itself a promise."""
    home = tmp_path_factory.mktemp("journey") / "home"
    shutil.copytree(built_region.home, home)
    return Shell(home)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """The command on a home that does not exist yet."""
    return Shell(tmp_path / "home")


@pytest.fixture(scope="module")
def site(demo: Shell) -> Iterator[Server]:
    """A server on the module's demo home."""
    server = demo.serve()
    yield server
    assert server.stop() == 0, server.log.read_text(encoding="utf-8")
    assert "Traceback" not in server.log.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser(chromium: tuple[str, dict[str, str]]) -> Iterator[Browser]:
    path, variables = chromium
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=path, env=dict(variables), args=ARGUMENTS)
        yield opened
        opened.close()


@dataclass
class Visitor:
    """Somebody at a browser: every script error, failed request and policy violation of theirs is kept."""

    context: BrowserContext
    page: Page
    address: str
    passwords: dict[str, str]
    faults: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        self.page.goto(self.address + path, wait_until="load")
        return self.page

    def sign_in(self, login: str) -> Page:
        """Sign in as a person of the demo, through the form."""
        page = self.go("/console/sign-in")
        page.fill("input[name=login]", login)
        page.fill("input[name=password]", self.passwords[login])
        page.locator("form[action='/console/sign-in'] button").click()
        page.wait_for_url("**/console")
        return page

    def expect(self, words: str) -> None:
        """Allow faults that contain these words: a journey that asks for a missing page hears of it."""
        self.expected.append(words)

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))

    def end(self) -> None:
        self.context.close()
        rest = [fault for fault in self.faults if not any(words in fault for words in self.expected)]
        assert rest == []


@pytest.fixture
def visit(browser: Browser, site: Server, demo: Shell) -> Iterator[Callable[..., Visitor]]:
    """Open a browser window as a new visitor; at the end nothing may have gone wrong in any of them."""
    accounts = json.loads((demo.home / "demo" / "first-login.json").read_text(encoding="utf-8"))
    passwords = {account["login"]: account["password"] for account in accounts}
    opened: list[Visitor] = []

    def start(login: str | None = None, **options: Any) -> Visitor:
        context = browser.new_context(**{"locale": "zh-CN", "viewport": {"width": 1280, "height": 900}, **options})
        visitor = Visitor(context, context.new_page(), site.address, passwords)
        _listen(visitor, scripts=options.get("java_script_enabled", True))
        opened.append(visitor)
        if login:
            visitor.sign_in(login)
        return visitor

    yield start
    for visitor in opened:
        visitor.end()


def _listen(visitor: Visitor, *, scripts: bool) -> None:
    page, faults = visitor.page, visitor.faults
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))
    page.on("console", lambda line: faults.append(line.text) if line.type in {"error", "warning"} else None)
    page.on("response", lambda got: faults.append(f"{got.status} {got.url}") if got.status >= 500 else None)
    if scripts:
        visitor.context.expose_function("tellBroken", lambda what: faults.append(f"policy: {what}"))
        visitor.context.add_init_script(BROKEN)


@pytest.fixture
def hand_in(tmp_path: Path) -> Callable[[Sequence[str], str], Path]:
    """Write a file the way a department would, in an encoding of its choice."""

    def write(lines: Sequence[str], encoding: str = "gb18030") -> Path:
        path = tmp_path / "学校食堂检查.csv"
        path.write_bytes(("\r\n".join(lines) + "\r\n").encode(encoding))
        return path

    return write
