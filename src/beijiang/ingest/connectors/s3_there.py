"""Deliveries to an object store: each object appears whole, and the marker comes last."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import quote

from beijiang.ingest.connectors.files_there import FileDestination
from beijiang.ingest.connectors.s3 import S3, S3Options
from beijiang.ingest.connectors.s3_signing import Account, signed
from beijiang.ingest.connectors.troubles import source_refuses
from beijiang.ingest.connectors.web_files import OK, client, refused
from beijiang.kit import Text
from beijiang.outbound import Credentials, Http, parsed

if TYPE_CHECKING:
    from beijiang.ingest.connectors.contract import ConnectorOptions
    from beijiang.outbound import HttpStream

__all__ = ["S3Destination"]

_MISSING: Final = 404
_NOT_ALLOWED: Final = 403


class S3Destination(FileDestination):
    """Bring files to a bucket."""

    text: ClassVar[Text] = S3.text
    options_model: ClassVar[type[ConnectorOptions]] = S3Options
    options: S3Options

    @contextmanager
    def place(self) -> Iterator[_Bucket]:
        self.checked(self.options.endpoint)
        with client(self.outbound, self.options.authority) as http:
            yield _Bucket(http, self.options)


class _Bucket:
    def __init__(self, http: Http, options: S3Options) -> None:
        self._http = http
        url = parsed(options.endpoint)
        self._host = url.netloc.decode("ascii")
        self._root = f"{url.scheme}://{self._host}"
        self._above = f"{url.raw_path.decode('ascii').rstrip('/')}/{options.bucket}/"
        self._prefix = options.prefix
        secret = options.secret.get_secret_value()
        self._account = Account(options.key, secret, options.region) if options.key else None

    def put(self, path: str, body: bytes) -> None:
        place = self._place(path)
        answer = self._http.fetch(
            "PUT", f"{self._root}{place}", credentials=self._shown("PUT", place, body), content=body
        )
        if answer.status == _MISSING:
            raise source_refuses("source_object_missing", "404")
        if answer.status == _NOT_ALLOWED:
            raise source_refuses("source_forbidden", "403")
        if answer.status != OK:
            raise refused(answer.status)

    def pieces(self, path: str) -> Generator[bytes] | None:
        place = self._place(path)
        shown = self._shown("GET", place)
        given = {"Accept-Encoding": "identity"}
        opened = ExitStack()
        answer = opened.enter_context(self._http.open("GET", f"{self._root}{place}", headers=given, credentials=shown))
        if answer.status == OK:
            return _closing(opened, answer)
        opened.close()
        if answer.status == _MISSING:
            return None
        if answer.status == _NOT_ALLOWED:
            raise source_refuses("source_login_failed", "403")
        raise refused(answer.status)

    def _place(self, path: str) -> str:
        return self._above + quote(self._prefix + path, safe="/-_.~")

    def _shown(self, method: str, place: str, body: bytes = b"") -> Credentials:
        if self._account is None:
            return Credentials()
        return Credentials(signed(self._account, method, self._host, place, {}, at=datetime.now(UTC), body=body))


def _closing(opened: ExitStack, answer: HttpStream) -> Generator[bytes]:
    """Yield the body, and let go of the connection however the reading ends."""
    with opened:
        yield from answer.pieces()
