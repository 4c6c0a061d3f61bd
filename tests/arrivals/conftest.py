"""The platform, a department's folder in which files arrive, and the few words in which a test speaks to both."""

from __future__ import annotations

import fcntl
import getpass
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from beijiang.ingest import Certificate, FileRules, Run, SourceDraft, SyncDraft, SyncPlan
from beijiang.kit import SYSTEM
from beijiang.outbound import Target
from ports import listens, own_port

if TYPE_CHECKING:
    from beijiang.build import Platform

ORG = "education"
HEAD = "编号,名称,人数\n"


@dataclass
class Bureau:
    """A department whose files the platform takes; each test has its own folder and table."""

    platform: Platform
    folder: Path
    table: str
    kind: str = "folder"
    reach: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def lines(*numbers: int, name: str = "学校") -> str:
        return HEAD + "".join(f"{n},{name}{n},{n * 10}\n" for n in numbers)

    @property
    def source(self) -> str:
        return f"来源{self.table}"

    def put(self, name: str, text: str | bytes, *, minute: int | None = None) -> Path:
        """Put a file there, as if a while ago, so that nobody waits for it to be finished."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        at = time.time() - 3600 + 60 * (0 if minute is None else minute)
        os.utime(path, (at, at))
        return path

    def connect(self) -> None:
        draft = SourceDraft(name=self.source, kind=self.kind, org_id=ORG, options=self.reach)
        self.platform.sources.add(SYSTEM, draft)

    def take(self, feed: str = ".", *, key: tuple[str, ...] = (), **rules: Any) -> None:
        draft = SyncDraft(source_id=self.source, feed=feed, table=self.table, key=key, files=FileRules(**rules))
        self.platform.sources.take(SYSTEM, draft)

    def plan(self, **words: Any) -> SyncPlan:
        return self.platform.sources.plan(SYSTEM, self.table, **words)

    def states(self, **words: Any) -> dict[str, str]:
        return {s.found.name: s.state.value for s in self.plan(**words).files}

    def run(self, **words: Any) -> Run:
        run = self.platform.ingest.wait(SYSTEM, self.platform.sources.run(SYSTEM, self.table, **words))
        assert run.error is None, run.error
        return run

    def proof(self, run: Run) -> Certificate:
        found = self.platform.sources.certificate(SYSTEM, run.id)
        assert found is not None
        return found

    def rows(self, columns: str = '"编号"') -> list[Any]:
        found = self.platform.sql.run(SYSTEM, f'SELECT {columns} FROM "{self.table}" ORDER BY 1, 2').rows.to_pylist()
        return [(int(row["编号"]), *list(row.values())[1:]) for row in found]

    def count(self) -> int:
        found = self.platform.sql.run(SYSTEM, f'SELECT COUNT(DISTINCT "编号") AS n FROM "{self.table}"')
        return int(found.rows.to_pylist()[0]["n"])

    def numbers(self) -> list[int]:
        found = self.platform.sql.run(SYSTEM, f'SELECT "编号" AS n FROM "{self.table}" ORDER BY 1').rows.to_pylist()
        return sorted(int(row["n"]) for row in found)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One platform for a module: its tests have folders and tables of their own."""
    from beijiang.build import build
    from beijiang.settings import Settings

    built = build(Settings.for_tests(tmp_path_factory.mktemp("city")))
    built.first_start()
    built.jobs.start_worker()
    yield built
    built.stop()
    built.close()


@pytest.fixture
def bureau(city: Platform, tmp_path: Path) -> Bureau:
    folder = tmp_path / "交换"
    folder.mkdir()
    city.sources.allow(SYSTEM, Target(folder=str(folder)), "测试")
    made = Bureau(city, folder, f"到达 {uuid.uuid4().hex[:12]}", reach={"path": str(folder)})
    made.connect()
    return made


@dataclass
class Sshd:
    """A real OpenSSH server of our own, which knows one key and serves files only."""

    port: int
    user: str
    private_key: str
    fingerprint: str
    other_key: str
    public_key: str


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        # A newcomer's machine may lack it and is told; CI installs it, and there nothing may be skipped.
        absent = pytest.fail if os.environ.get("CI") else pytest.skip
        absent("OpenSSH's server is missing; get it with: apt-get install -y --no-install-recommends openssh-server")
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host", "mine", "other"):
        word = "sesam-4711" if name == "mine" else ""
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", word, "-f", str(folder / name)]
        subprocess.run(command, check=True)
    (folder / "authorized").write_text((folder / "mine.pub").read_text())
    port = own_port()
    words = [
        "ListenAddress 127.0.0.1", f"Port {port}", f"HostKey {folder / 'host'}", "PidFile none", "UsePAM no",
        "StrictModes no", f"AuthorizedKeysFile {folder / 'authorized'}", "PermitRootLogin yes",
        "Subsystem sftp internal-sftp", "ForceCommand internal-sftp", "MaxStartups 50",
    ]  # fmt: skip
    (folder / "config").write_text("\n".join(words) + "\n")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([program, "-D", "-e", "-f", str(folder / "config")], stdout=log, stderr=log)
    listens(port, server, folder / "log")
    told = subprocess.run(["ssh-keygen", "-lf", str(folder / "host.pub")], check=True, capture_output=True, text=True)
    yield Sshd(
        port,
        getpass.getuser(),
        (folder / "mine").read_text(),
        told.stdout.split()[1],
        (folder / "other").read_text(),
        (folder / "host.pub").read_text(),
    )
    server.terminate()
    server.wait()


@dataclass
class Store:
    """A real S3 server, which checks signatures."""

    url: str
    key: str
    secret: str


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    program = _moto()
    port = own_port()
    # The first calls need no account: they make one. From then on every signature is checked.
    environment = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "3"}
    told = tmp_path_factory.mktemp("s3") / "log"
    with told.open("wb") as log:
        command = [str(program), "-H", "127.0.0.1", "-p", str(port)]
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    url = f"http://127.0.0.1:{port}"
    listens(port, server, told)

    def act(**words: str) -> str:
        body = urllib.parse.urlencode({"Version": "2010-05-08", "UserName": "reader", **words}).encode()
        shown = {"Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/iam/aws4_request, x"}
        request = urllib.request.Request(url, body, shown)
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return str(answer.read().decode())

    everything = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    act(Action="CreateUser")
    act(Action="PutUserPolicy", PolicyName="all", PolicyDocument=everything)
    made = act(Action="CreateAccessKey")
    key, secret = (re.search(f"<{n}>([^<]+)<", made) for n in ("AccessKeyId", "SecretAccessKey"))
    assert key is not None
    assert secret is not None
    yield Store(url, key[1], secret[1])
    server.terminate()
    server.wait()


def _moto() -> Path:
    """Return the S3 server of the PyPI package moto, in an environment of its own: it wants other versions than we do."""
    root = Path(__file__).parents[2]
    folder = root / "var" / "test-s3"
    program = folder / "bin" / "moto_server"
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / ".test-s3.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            uv = [sys.executable, "-m", "uv"]
            wanted = ["-r", str(root / "requirements" / "s3-server.txt"), "--require-hashes"]
            made = subprocess.run([*uv, "venv", "-q", "--python", sys.executable, str(folder)], check=False)
            made = subprocess.run(
                [*uv, "pip", "install", "-q", "--python", str(folder / "bin" / "python"), *wanted], check=False
            )
            if made.returncode:
                absent = pytest.fail if os.environ.get("CI") else pytest.skip
                absent("no S3 server: let uv reach a package index for requirements/s3-server.txt")
    return program
