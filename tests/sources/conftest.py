"""A department's real database beside the whole platform, and the few words in which a test speaks to both."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from beijiang.ingest import Certificate, Run, SourceDraft, SyncDraft
from beijiang.kit import SYSTEM
from beijiang.outbound import Target
from ports import listens, own_port

if TYPE_CHECKING:
    from beijiang.build import Platform

ORG = "education"


@dataclass
class Department:
    """A department with a database of its own, and what the platform takes from it."""

    platform: Platform
    database: sa.Engine
    url: sa.URL
    kind: str = "postgresql"
    reach: dict[str, Any] = field(default_factory=dict)

    def sql(self, *statements: str) -> None:
        with self.database.begin() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))

    def options(self, **changes: Any) -> dict[str, Any]:
        return {**self.reach, **changes}

    def connect(self, name: str = "学籍库", **changes: Any) -> None:
        draft = SourceDraft(name=name, kind=self.kind, org_id=ORG, options=self.options(**changes))
        self.platform.sources.add(SYSTEM, draft)

    def take(self, feed: str, table: str, **words: Any) -> None:
        self.platform.sources.take(SYSTEM, SyncDraft(source_id="学籍库", feed=feed, table=table, **words))

    def run(self, table: str, **words: Any) -> Run:
        """Run a sync to its end in this process."""
        run = self.platform.ingest.wait(SYSTEM, self.platform.sources.run(SYSTEM, table, **words))
        assert run.error is None, run.error
        return run

    def drain(self, table: str) -> None:
        """Follow a source's log until nothing is left in it."""
        for _ in range(60):
            run_id = self.platform.captures.catch_up(SYSTEM, table)
            if run_id is None:
                return
            run = self.platform.ingest.wait(SYSTEM, run_id)
            assert run.error is None, run.error
        pytest.fail("the end of the log is never reached")

    def certificate(self, run: Run) -> Certificate:
        found = self.platform.sources.certificate(SYSTEM, run.id)
        assert found is not None
        return found

    def rows(self, table: str, columns: str = "*") -> list[dict[str, Any]]:
        return self.platform.sql.run(SYSTEM, f'SELECT {columns} FROM "{table}" ORDER BY 1').rows.to_pylist()


@pytest.fixture
def department(platform: Platform, postgres_url: str) -> Iterator[Department]:
    with _department(platform, postgres_url) as made:
        yield made


@pytest.fixture
def logged_department(platform: Platform, logical_url: str) -> Iterator[Department]:
    """The same on a server whose log tells of rows."""
    with _department(platform, logical_url) as made:
        yield made


@contextlib.contextmanager
def _department(platform: Platform, address: str) -> Iterator[Department]:
    platform.first_start()
    url = sa.make_url(address)
    database = sa.create_engine(url, poolclass=sa.NullPool)
    folder = str(url.query["host"])
    platform.sources.allow(SYSTEM, Target(folder=folder), "测试库的套接字")
    reach = {"host": folder, "database": url.database, "user": url.username, "tls": "off"}
    yield Department(platform, database, url, reach=reach)
    database.dispose()


@pytest.fixture
def socket_folder(postgres_url: str) -> Path:
    return Path(str(sa.make_url(postgres_url).query["host"]))


PASSWORD = "only-to-read"


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[tuple[Path, int]]:
    """Socket and port of a MariaDB of our own: a throw-away instance of the Debian package, without root's rights."""
    with _mariadb("--skip-log-bin") as server:
        yield server


@pytest.fixture(scope="session")
def binlog_server() -> Iterator[tuple[Path, int]]:
    """Socket and port of one whose log tells of rows."""
    words = (
        "--log-bin=log",
        "--binlog-format=ROW",
        "--binlog-row-image=FULL",
        "--binlog-row-metadata=FULL",
        "--server-id=7",
    )
    with _mariadb(*words, "--innodb-flush-log-at-trx-commit=0", "--max-binlog-size=65536") as server:
        yield server


@contextlib.contextmanager
def _mariadb(*settings: str) -> Iterator[tuple[Path, int]]:
    programs = [shutil.which(n, path=f"{os.environ['PATH']}:/usr/sbin") for n in ("mariadbd", "mariadb-install-db")]
    if None in programs:
        # A newcomer's machine may lack it and is told; CI installs it, and there nothing may be skipped.
        absent = pytest.fail if os.environ.get("CI") else pytest.skip
        absent("MariaDB is missing; get it with: apt-get install -y --no-install-recommends mariadb-server")
    folder = Path(tempfile.mkdtemp(prefix="bj-maria-"))
    common = ["--no-defaults", f"--datadir={folder / 'data'}"]
    if os.getuid() == 0:
        shutil.chown(folder, "nobody")
        common.append("--user=nobody")
    port = own_port()
    made = [str(programs[1]), *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(made, check=True, capture_output=True)
    certificate, secret = _certificate(folder)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(programs[0]), *common, f"--socket={folder / 's'}", f"--port={port}", "--bind-address=127.0.0.1",
             f"--ssl-cert={certificate}", f"--ssl-key={secret}", "--innodb-buffer-pool-size=64M", *settings],
            stdout=log, stderr=log,
        )  # fmt: skip
    listens(port, server, folder / "log")
    yield folder / "s", port
    server.terminate()
    server.wait()
    shutil.rmtree(folder)


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for the name localhost, signed by itself."""
    import datetime as dt

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(pem))
    paths[1].write_bytes(key.private_bytes(pem, *plain))
    for path in paths if os.getuid() == 0 else ():
        shutil.chown(path, "nobody")
    return paths


@pytest.fixture
def maria(platform: Platform, mariadb_server: tuple[Path, int]) -> Iterator[Department]:
    """A department with a MariaDB database, which the account ``reader`` may read and nothing more."""
    with _maria(platform, mariadb_server) as made:
        yield made


@pytest.fixture
def logged_maria(platform: Platform, binlog_server: tuple[Path, int]) -> Iterator[Department]:
    """The same where the account may read the binary log too."""
    with _maria(platform, binlog_server, "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO reader@'%'") as made:
        yield made


@contextlib.contextmanager
def _maria(platform: Platform, server: tuple[Path, int], *grants: str) -> Iterator[Department]:
    platform.first_start()
    path, port = server
    name = f"t_{uuid.uuid4().hex}"
    url = sa.URL.create("mysql+pymysql", "root", query={"unix_socket": str(path), "charset": "utf8mb4"})
    admin = sa.create_engine(url, poolclass=sa.NullPool)
    with admin.begin() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
        connection.execute(sa.text(f"CREATE OR REPLACE USER reader@'%' IDENTIFIED BY '{PASSWORD}'"))
        for grant in (f"GRANT SELECT ON {name}.* TO reader@'%'", *grants):
            connection.execute(sa.text(grant))
    database = sa.create_engine(url.set(database=name), poolclass=sa.NullPool)
    platform.sources.allow(SYSTEM, Target(host="localhost", port=port, network="127.0.0.0/8"), "测试库")
    platform.sources.allow(SYSTEM, Target(host="localhost", port=port, network="::1/128"), "测试库")
    reach = {"host": "localhost", "port": port, "database": name, "user": "reader", "password": PASSWORD, "tls": "off"}
    yield Department(platform, database, url.set(database=name), "mysql", reach)
    database.dispose()
    with admin.begin() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name}"))
    admin.dispose()
