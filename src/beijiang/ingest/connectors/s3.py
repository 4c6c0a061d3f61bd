"""Object stores that speak S3: listed by prefix, read only while the ETag is the one that was listed.

Requests are signed here and go through the one outbound client, so that no other library opens a connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import ClassVar, Final
from urllib.parse import quote
from xml.etree import ElementTree as ET

from pydantic import SecretStr, field_validator

from beijiang.ingest.connectors.contract import ConnectorOptions, Feed, option
from beijiang.ingest.connectors.files import ROOT, FileConnector, Shelf, safe_folder
from beijiang.ingest.connectors.s3_signing import Account, canonical_query, signed
from beijiang.ingest.connectors.troubles import source_refuses
from beijiang.ingest.connectors.web_files import OK, bytes_of, client, refused, size_of
from beijiang.ingest.models import Found
from beijiang.kit import Invalid, Text, TooLarge
from beijiang.outbound import Credentials, Http, HttpLimits, parsed

__all__ = ["S3", "S3Options"]

_NO_BUCKET: Final = 404
_NOT_ALLOWED: Final = 403
_LISTING: Final = HttpLimits(body=8 * 1024 * 1024)
"""A page names a thousand objects; with the longest names there are, that is less."""
_MOST_PAGES: Final = 10_000
_MOST_EMPTY: Final = 100
_WRONG_KEY: Final = (b"InvalidAccessKeyId", b"SignatureDoesNotMatch", b"InvalidClientTokenId", b"AuthFailure")


class S3Options(ConnectorOptions):
    """Where a bucket is, and who asks."""

    endpoint: str = option(
        Text("服务地址", "End-point"),
        Text(
            "对象存储的地址，如 https://s3.example.gov.cn 或 http://10.6.1.20:9000。",
            "Address of the store, such as https://s3.example.gov.cn.",
        ),
    )
    bucket: str = option(
        Text("存储桶", "Bucket"), Text("桶名。", "Its name."), pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$"
    )
    prefix: str = option(
        Text("前缀", "Prefix"),
        Text("只看此前缀（目录）之下的对象。", "Only objects below this prefix (folder)."),
        default="",
    )
    key: str = option(
        Text("访问密钥", "Access key"), Text("只读账号的 Access Key。", "Of an account that may read."), default=""
    )
    secret: SecretStr = option(
        Text("私有密钥", "Secret key"),
        Text("与访问密钥配对的 Secret Key。", "What belongs to it."),
        default=SecretStr(""),
    )
    region: str = option(
        Text("区域", "Region"), Text("签名所用的区域名。", "Region that is signed for."), default="us-east-1"
    )
    authority: str = option(
        Text("证书颁发机构", "Authority"),
        Text("另外信任的颁发机构证书（PEM）。", "Certificate (PEM) of an authority of your own that is trusted too."),
        default="",
    )

    @field_validator("endpoint")
    @classmethod
    def _address(cls, value: str) -> str:
        return str(parsed(value)).rstrip("/")

    @field_validator("prefix")
    @classmethod
    def _below(cls, value: str) -> str:
        return f"{value.strip('/')}/" if value.strip("/") else ""


class S3(FileConnector):
    """Take objects of a bucket as files."""

    text: ClassVar[Text] = Text("对象存储（S3 兼容）", "Object store (S3 compatible)")
    options_model: ClassVar[type[ConnectorOptions]] = S3Options
    options: S3Options

    def discover(self) -> list[Feed]:
        with self.open() as shelf:
            folders = sorted(shelf.folders())
        here = f"{self.options.bucket}/{self.options.prefix}"
        return [Feed(name=ROOT, comment=here), *(Feed(name=f) for f in folders)]

    @contextmanager
    def open(self) -> Iterator[_Shelf]:
        outbound, authority = self.outbound, self.options.authority
        with client(outbound, authority) as files, Http(outbound, _LISTING, authority) as listings:
            yield _Shelf(files, listings, self.options)


class _Shelf(Shelf):
    """The objects below the prefix; the bucket stands in the path, as every store understands it."""

    def __init__(self, files: Http, listings: Http, options: S3Options) -> None:
        self._files = files
        self._listings = listings
        self._options = options
        url = parsed(options.endpoint)
        self._host = url.netloc.decode("ascii")
        self._root = f"{url.scheme}://{self._host}"
        self._path = f"{url.raw_path.decode('ascii').rstrip('/')}/{options.bucket}"
        secret = options.secret.get_secret_value()
        self._account = Account(options.key, secret, options.region) if options.key else None

    def folders(self) -> Iterator[str]:
        """Yield the names directly below the prefix that hold further ones."""
        for page in self._pages(self._options.prefix, deep=False):
            for common in page.iter("CommonPrefixes"):
                name = common.findtext("Prefix", "").removeprefix(self._options.prefix).rstrip("/")
                if name:
                    yield name

    def listing(self, feed: str, *, deep: bool) -> Iterator[Found]:
        above = self._above(feed)
        for page in self._pages(above, deep=deep):
            for item in page.iter("Contents"):
                name = item.findtext("Key", "").removeprefix(above)
                if name and not name.endswith("/"):
                    yield Found(name, size_of(item.findtext("Size", "")), item.findtext("ETag", "")[:300], _when(item))

    def read(self, feed: str, found: Found) -> Iterator[bytes]:
        path = f"{self._path}/{quote(self._above(feed) + found.name, safe='/-_.~')}"
        shown = self._shown(path, {}, found.mark)
        yield from bytes_of(self._files, f"{self._root}{path}", found, shown)

    def _above(self, feed: str) -> str:
        return self._options.prefix + ("" if safe_folder(feed) == ROOT else f"{feed}/")

    def _pages(self, prefix: str, *, deep: bool) -> Iterator[ET.Element]:
        query = {"list-type": "2", "max-keys": "1000", "prefix": prefix} | ({} if deep else {"delimiter": "/"})
        seen, empty = set[str](), 0
        while len(seen) < _MOST_PAGES and empty < _MOST_EMPTY:
            page = self._page(query)
            yield page
            token = page.findtext("NextContinuationToken", "")
            if page.findtext("IsTruncated", "") != "true" or not token:
                return
            if token in seen:
                raise _odd()
            seen.add(token)
            empty += page.find("Contents") is None and page.find("CommonPrefixes") is None
            query["continuation-token"] = token
        raise _endless()

    def _page(self, query: dict[str, str]) -> ET.Element:
        url = f"{self._root}{self._path}?{canonical_query(query)}"
        answer = self._listings.fetch("GET", url, credentials=self._shown(self._path, query))
        if answer.status == _NO_BUCKET:
            raise source_refuses("source_object_missing", "404")
        if answer.status == _NOT_ALLOWED and any(word in answer.body for word in _WRONG_KEY):
            raise source_refuses("source_login_failed", "403")
        if answer.status != OK:
            raise refused(answer.status)
        return _parsed(answer.body)

    def _shown(self, path: str, query: dict[str, str], if_match: str = "") -> Credentials:
        if self._account is None:
            return Credentials({"if-match": if_match} if if_match else {})
        now = datetime.now(UTC)
        return Credentials(signed(self._account, "GET", self._host, path, query, at=now, if_match=if_match))


def _parsed(body: bytes) -> ET.Element:
    """Read a listing; one that declares entities is no listing."""
    try:
        text = body.decode("utf-8-sig")  # another encoding would hide what is looked for
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise _odd()
        root = ET.fromstring(text)  # noqa: S314 - without a document type there is nothing to expand
    except (ET.ParseError, UnicodeDecodeError) as error:
        raise _odd() from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if root.tag != "ListBucketResult":
        raise _odd()
    return root


def _when(item: ET.Element) -> datetime | None:
    try:
        return datetime.fromisoformat(item.findtext("LastModified", ""))
    except ValueError:
        return None


def _odd() -> Invalid:
    return Invalid(
        "该地址的应答不是 S3 的对象清单。请核对服务地址与桶名。",
        "The answer is no S3 listing. Check end-point and bucket.",
        code="no_listing",
    )


def _endless() -> TooLarge:
    return TooLarge(
        f"对象清单没有尽头（超过 {_MOST_PAGES:,} 页，或一直是空页），已停止。请把前缀填得更具体，或请存储方检查。",
        f"The listing does not end (over {_MOST_PAGES:,} pages, or empty ones only) and was stopped. Give a longer prefix, or have the store checked.",
        code="listing_endless",
    )
