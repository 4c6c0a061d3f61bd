"""People who connect with the installed ADBC driver, as analysts do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import pyarrow.flight as fl
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from exchange_bureau import Bureau

from beijiang.access import KeyDraft, Permission
from beijiang.exchange.models.wire import read_fields, written_any
from beijiang.exchange.routes.flight import FlightServer

AUTHORIZATION = "adbc.flight.sql.authorization_header"
PURPOSE = "adbc.flight.sql.rpc.call_header.x-beijiang-purpose"


def key_of(bureau: Bureau, login: str) -> tuple[str, str]:
    """Return the id and the secret of a new key of a person."""
    scopes = frozenset(str(p) for p in Permission if p.startswith(("exchange:", "protection:")))
    key, secret = bureau.platform.access.issue_key(bureau[login], KeyDraft(name=login, scopes=scopes, days=1))
    return key.id, secret


@contextmanager
def served(bureau: Bureau) -> Iterator[FlightServer]:
    server = FlightServer(bureau.platform.flight, bureau.platform.access, bureau.platform.settings)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def connected(server: FlightServer, secret: str, header: str | None = None, **options: str) -> Iterator[Any]:
    """Yield a cursor of a client with this key, or with this header."""
    sent = f"Bearer {secret}" if header is None else header
    words = {**({AUTHORIZATION: sent} if sent else {}), **options}
    with closing(adbc.connect(server.address, autocommit=True, db_kwargs=words)) as client, client.cursor() as cursor:
        yield cursor


class Raw:
    """Commands by hand, for what the driver does not ask."""

    def __init__(self, server: FlightServer, secret: str) -> None:
        self._client = fl.FlightClient(server.address)
        self._options = fl.FlightCallOptions(headers=[(b"authorization", f"Bearer {secret}".encode())])

    def __call__(self, name: str, fields: dict[int, Any]) -> Any:
        return self.get(self.info(name, fields).endpoints[0].ticket)

    def info(self, name: str, fields: dict[int, Any]) -> Any:
        descriptor = fl.FlightDescriptor.for_command(written_any(name, fields))
        return self._client.get_flight_info(descriptor, self._options)

    def get(self, ticket: Any) -> Any:
        return self._client.do_get(ticket, self._options).read_all()

    def stream(self, name: str, fields: dict[int, Any]) -> Any:
        return self._client.do_get(self.info(name, fields).endpoints[0].ticket, self._options)

    def act(self, kind: str, body: bytes) -> bytes:
        found = [one.body.to_pybytes() for one in self._client.do_action(fl.Action(kind, body), self._options)]
        return found[0] if found else b""

    def prepare(self, sql: str) -> bytes:
        body = written_any("ActionCreatePreparedStatementRequest", {1: sql.encode()})
        outer = dict(read_fields(self.act("CreatePreparedStatement", body)))
        handle = dict(read_fields(bytes(outer[2])))[1]
        assert isinstance(handle, bytes)
        return handle

    def close(self) -> None:
        self._client.close()


@contextmanager
def raw(server: FlightServer, secret: str) -> Iterator[Raw]:
    with closing(Raw(server, secret)) as client:
        yield client


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate of this machine and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return paths
