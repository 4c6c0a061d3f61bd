"""Files on a web server: what an index page links to, or a list of names in which a date may stand."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal
from urllib.parse import quote, unquote, urlsplit

from pydantic import BeforeValidator, SecretStr, field_validator

from beijiang.ingest.connectors.contract import ConnectorOptions, Feed, option
from beijiang.ingest.connectors.files import ROOT, FileConnector, Shelf, file_changed, safe_folder, safe_name
from beijiang.ingest.connectors.troubles import feed_missing
from beijiang.ingest.connectors.web_files import OK, bytes_of, client, refused, size_of, when
from beijiang.ingest.models import Found
from beijiang.kit import Invalid, Text
from beijiang.outbound import Credentials, parsed

if TYPE_CHECKING:
    from beijiang.outbound import Http

__all__ = ["HttpFiles", "HttpFilesOptions"]

_NOT_THERE: Final = frozenset({404, 410})
_NOT_ALLOWED: Final = 403
_NO_HEAD: Final = frozenset({405, 501})
_PAGE: Final = 16 * 1024 * 1024
_DEPTH: Final = 6
_FOLDERS: Final = 2_000


def _names(value: Any) -> Any:
    """Read what the terminal and a form give as one text: a name on each line, or commas between."""
    return [p.strip() for p in value.replace(",", "\n").splitlines() if p.strip()] if isinstance(value, str) else value


class HttpFilesOptions(ConnectorOptions):
    """Where files are to be had over HTTP."""

    url: str = option(
        Text("网址", "Address"),
        Text(
            "列出文件的网页（目录索引），或文件清单共同的地址。",
            "The page that lists the files (an index), or the address that all names of the list lie below.",
        ),
    )
    names: Annotated[tuple[str, ...], BeforeValidator(_names)] = option(
        Text("文件清单", "Names"),
        Text(
            "留空则读目录索引；否则逐行写文件名，其中 {yyyy}{mm}{dd} 代表日期。",
            "Empty: read the index. Otherwise a name a line, in which {yyyy}{mm}{dd} stand for a date.",
        ),
        default=(),
        max_length=1000,
    )
    days: int = option(
        Text("回看天数", "Days back"),
        Text("名称含日期时，向前找多少天。", "For names with a date: how many days back are looked for."),
        default=7,
        ge=0,
        le=400,
    )
    auth: Literal["none", "basic", "bearer"] = option(
        Text("身份验证", "Authentication"),
        Text("向服务器表明身份的方式。", "How the server is shown who asks."),
        default="none",
    )
    user: str = option(Text("账号", "Account"), Text("用于 basic。", "For basic."), default="")
    secret: SecretStr = option(
        Text("口令或令牌", "Password or token"), Text("口令或令牌。", "Password or token."), default=SecretStr("")
    )
    authority: str = option(
        Text("证书颁发机构", "Authority"),
        Text("另外信任的颁发机构证书（PEM）。", "Certificate (PEM) of an authority of your own that is trusted too."),
        default="",
    )

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        return str(parsed(value))


class HttpFiles(FileConnector):
    """Take files from a web server."""

    text: ClassVar[Text] = Text("网站文件（HTTP/HTTPS）", "Files on a web server (HTTP, HTTPS)")
    options_model: ClassVar[type[ConnectorOptions]] = HttpFilesOptions
    options: HttpFilesOptions

    def discover(self) -> list[Feed]:
        with self.open() as shelf:
            assert isinstance(shelf, _Shelf)  # noqa: S101 - made below
            folders = [] if self.options.names else shelf.folders()
            if self.options.names:
                next(shelf.listing(ROOT, deep=False), None)
        return [Feed(name=ROOT, comment=self.options.url), *(Feed(name=f) for f in folders)]

    @contextmanager
    def open(self) -> Iterator[Shelf]:
        with client(self.outbound, self.options.authority) as http:
            yield _Shelf(http, self.options)


class _Links(HTMLParser):
    """Gathers where a page leads."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.targets += [v for n, v in attrs if tag == "a" and n == "href" and v]


class _Shelf(Shelf):
    """Everything stays below the address that was given."""

    def __init__(self, http: Http, options: HttpFilesOptions) -> None:
        self._http = http
        self._options = options
        self._method = "HEAD"
        self._base = options.url if options.names or options.url.endswith("/") else options.url.rsplit("/", 1)[0] + "/"
        if not self._base.endswith("/"):
            self._base += "/"
        shown = options.secret.get_secret_value()
        word = base64.b64encode(f"{options.user}:{shown}".encode()).decode()
        words = {"none": "", "basic": f"Basic {word}", "bearer": f"Bearer {shown}"}
        self._credentials = Credentials({"Authorization": words[options.auth]} if words[options.auth] else {})

    def folders(self) -> list[str]:
        """Return the folders that the index links to."""
        return sorted(name[:-1] for name in self._links("", first=True) if name.endswith("/"))

    def listing(self, feed: str, *, deep: bool) -> Iterator[Found]:
        above = "" if safe_folder(feed) == ROOT else f"{feed}/"
        if self._options.names:
            names: Iterator[str] = iter(_dated(self._options.names, self._options.days))
        else:
            names = self._walked(above, deep=deep)
        for name in names:
            found = self._asked(above, name)
            if found is not None:
                yield found

    def _walked(self, above: str, *, deep: bool) -> Iterator[str]:
        seen, waiting = {above}, [above]
        while waiting:
            folder = waiting.pop(0)
            for link in self._links(folder, first=folder == above == ""):
                inner = folder + link
                if not link.endswith("/"):
                    yield inner.removeprefix(above)
                elif deep and inner not in seen and inner.count("/") <= _DEPTH and len(seen) < _FOLDERS:
                    seen.add(inner)
                    waiting.append(inner)

    def _links(self, folder: str, *, first: bool = False) -> list[str]:
        """Return what lies directly below a folder, by the links of its page; folders end with a stroke."""
        page = self._options.url if first else self._base + quote(folder)
        with self._http.open("GET", page, credentials=self._credentials) as answer:
            if answer.status in _NOT_THERE:
                raise feed_missing(folder or ROOT)
            if answer.status != OK:
                raise refused(answer.status)
            text = bytearray()
            for piece in answer.pieces():
                text += piece
                if len(text) > _PAGE:
                    raise _no_index()
        links = _Links()
        links.feed(text.decode("utf-8", "replace"))
        below = unquote(urlsplit(self._base + quote(folder)).path)
        found = {}
        for target in links.targets:
            try:
                url = parsed(parsed(page).join(target))
            except Exception:  # noqa: BLE001, S112 - a page may link to anything
                continue
            path = unquote(url.raw_path.decode("ascii", "replace").partition("?")[0])
            name = path.removeprefix(below)
            same = (url.scheme, url.host, url.port) == (parsed(page).scheme, parsed(page).host, parsed(page).port)
            if same and path != name and name and "/" not in name[:-1] and not url.query:
                found[name] = True
        return list(found)

    def _asked(self, above: str, name: str) -> Found | None:
        if not safe_name(name):
            return Found(name, None, "", fault="unsafe_name")
        with self._http.open(
            self._method, self._url(above, name), headers={"Accept-Encoding": "identity"}, credentials=self._credentials
        ) as answer:
            if answer.status in _NOT_THERE:
                return None
            if answer.status in _NO_HEAD and self._method == "HEAD":
                self._method = "GET"  # the head of its answer says as much, and the rest is not read
                return self._asked(above, name)
            if answer.status not in {OK, _NOT_ALLOWED}:
                raise refused(answer.status)
            etag, changed = answer.headers.get("etag", ""), answer.headers.get("last-modified", "")
            size = size_of(answer.headers.get("content-length", "")) if answer.status == OK else None
            return Found(name, size, f"{etag} {changed}".strip()[:300], when(changed))

    def read(self, feed: str, found: Found) -> Iterator[bytes]:
        above = "" if feed == ROOT else f"{feed}/"
        yield from bytes_of(self._http, self._url(above, found.name), found, self._credentials)
        now = self._asked(above, found.name)
        if now is None or (now.size, now.mark) != (found.size, found.mark):
            raise file_changed()

    def _url(self, above: str, name: str) -> str:
        return self._base + quote(above + name)


def _dated(names: tuple[str, ...], days: int) -> list[str]:
    """Put the last days' dates into names that have a place for one, the oldest first."""
    today = datetime.now(UTC).date() + timedelta(days=1)  # a day begins earlier in China
    made: dict[str, None] = {}
    for back in range(days + 1, -1, -1):
        day = today - timedelta(days=back)
        for name in names:
            dated = name.replace("{yyyy}", f"{day:%Y}").replace("{mm}", f"{day:%m}").replace("{dd}", f"{day:%d}")
            made[dated] = None
    return list(made)


def _no_index() -> Invalid:
    return Invalid(
        "该网址给出的不是文件目录页。请填目录索引的网址，或逐个写明文件名。",
        "This address gives no page that lists files. Name an index, or list the files.",
        code="no_index",
    )
