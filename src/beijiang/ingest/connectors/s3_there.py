"""Deliveries to an object store: each object appears whole, and the marker comes last."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
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

    def read(self, path: str) -> bytes | None:
        pieces = self._pieces(path)
        return None if pieces is None else b"".join(pieces)

    def digest(self, path: str) -> tuple[int, str] | None:
        pieces = self._pieces(path)
        if pieces is None:
            return None
        size, digest = 0, hashlib.sha256()
        for piece in pieces:
            size += len(piece)
            digest.update(piece)
        return size, digest.hexdigest()

    def _pieces(self, path: str) -> list[bytes] | None:
        """Return a file of ours, which is never large."""
        place = self._place(path)
        shown = self._shown("GET", place)
        given = {"Accept-Encoding": "identity"}
        with self._http.open("GET", f"{self._root}{place}", headers=given, credentials=shown) as answer:
            if answer.status == _MISSING:
                return None
            if answer.status == _NOT_ALLOWED:
                raise source_refuses("source_login_failed", "403")
            if answer.status != OK:
                raise refused(answer.status)
            return [*answer.pieces()]

    def _place(self, path: str) -> str:
        return self._above + quote(self._prefix + path, safe="/-_.~")

    def _shown(self, method: str, place: str, body: bytes = b"") -> Credentials:
        if self._account is None:
            return Credentials()
        return Credentials(signed(self._account, method, self._host, place, {}, at=datetime.now(UTC), body=body))
