"""What has to be said of a web service: where it is, who asks, and how each of its end-points delivers rows."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator

from beijiang.ingest.connectors.contract import ConnectorOptions, option
from beijiang.ingest.typing import ColumnSpec, ColumnType
from beijiang.kit import Text

__all__ = ["Endpoint", "Paging", "RestColumn", "RestOptions"]

_MAX_PRECISION = 38


def from_text(value: Any) -> Any:
    """Read what the terminal and a form can only give as text."""
    return json.loads(value) if isinstance(value, str) else value


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RestColumn(_Part):
    """One column, and where in a row its value stands."""

    name: str = Field(min_length=1, max_length=200)
    path: str = Field(default="", description="JSON pointer (/a/b) or dotted (a.b); empty: the member called like it.")
    type: ColumnType = ColumnType.TEXT
    precision: int | None = Field(default=None, ge=1, le=_MAX_PRECISION)
    scale: int | None = Field(default=None, ge=0, le=_MAX_PRECISION)
    format: Literal["", "epoch", "epoch_ms"] = Field(default="", description="Times and dates counted since 1970.")
    comment: str = ""
    optional: bool = Field(default=False, description="May be absent from every row; otherwise that stops a run.")

    @model_validator(mode="after")
    def _exact(self) -> Self:
        if self.type is ColumnType.DECIMAL and (self.precision is None or (self.scale or 0) > self.precision):
            msg = "a decimal needs a precision, and no scale beyond it"
            raise ValueError(msg)
        return self

    @property
    def spec(self) -> ColumnSpec:
        """Return the column as tables know it."""
        if self.type is not ColumnType.DECIMAL:
            return ColumnSpec(self.name, self.type)
        return ColumnSpec(self.name, self.type, precision=self.precision, scale=self.scale or 0, fixed=True)


class Paging(_Part):
    """How one page leads to the next."""

    by: Literal["none", "page", "offset", "cursor", "link", "next"] = Field(
        default="none",
        description="page, offset: a number in the query; cursor: a mark from the last page; link: the Link header (RFC 8288); next: an address in the body.",
    )
    parameter: str = Field(
        default="", description="Query parameter of page, offset or cursor; empty: called like that."
    )
    first: int = Field(default=1, ge=0, description="Number of the first page.")
    size: int = Field(default=0, ge=0, description="Rows per page that are asked for; 0: as the service likes.")
    size_parameter: str = Field(default="", description="Query parameter of the size.")
    path: str = Field(default="", description="Where the next cursor or address stands in the body.")
    total: str = Field(default="", description="Where the body says how many rows there are; checked at the end.")
    max_pages: int = Field(default=100_000, ge=1, le=10_000_000, description="More pages than this stop the run.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.by in {"cursor", "next"} and not self.path:
            msg = "say in path where the next cursor or address stands"
            raise ValueError(msg)
        if bool(self.size) != bool(self.size_parameter):
            msg = "size and size_parameter go together"
            raise ValueError(msg)
        return self


class Endpoint(_Part):
    """One list of rows of the service."""

    name: str = Field(min_length=1, max_length=200)
    path: str = Field(default="", description="Below the base address; may hold a fixed query.")
    comment: str = ""
    rows: str = Field(default="", description="Path to the list of rows; empty: the whole body is the list.")
    columns: tuple[RestColumn, ...] = Field(
        default=(), description="Empty: the members of the first page's rows, as text."
    )
    key: tuple[str, ...] = ()
    paging: Paging = Paging()
    since: str = Field(default="", description="Query parameter that takes the cursor of incremental runs.")
    since_format: Literal["iso", "plain", "epoch", "epoch_ms"] = Field(
        default="iso", description="iso: 2026-01-02T03:04:05+08:00; plain: 2026-01-02 03:04:05; or since 1970."
    )
    ok: str = Field(
        default="", description="Path to the service's own result code, if it answers errors with status 200."
    )
    ok_values: tuple[str, ...] = Field(default=("0",), description="Result codes that mean success.")
    service: str = Field(default="", description="Service code on the national exchange platform.")

    @model_validator(mode="after")
    def _known(self) -> Self:
        names = [c.name for c in self.columns]
        if len(set(names)) != len(names) or (names and not set(self.key) <= set(names)):
            msg = "columns have different names, and the key is among them"
            raise ValueError(msg)
        return self


class RestOptions(ConnectorOptions):
    """How a web service that answers JSON is reached."""

    base_url: str = option(
        Text("基础地址", "Base address"),
        Text(
            "所有接口共同的地址，如 https://data.example.gov.cn/api。",
            "Address that all end-points lie below, such as https://data.example.gov.cn/api.",
        ),
    )
    endpoints: Annotated[tuple[Endpoint, ...], BeforeValidator(from_text)] = option(
        Text("接口清单", "End-points"),
        Text(
            "用 JSON 写明每个接口：name、path、rows、columns、key、paging、since。",
            "The lists of rows, as JSON: name, path, rows, columns, key, paging, since.",
        ),
        min_length=1,
    )
    auth: Literal["none", "key", "basic", "bearer", "oauth2", "exchange"] = option(
        Text("身份验证", "Authentication"),
        Text(
            "exchange 为全国一体化共享交换平台的签名头。", "exchange: signed headers of the national exchange platform."
        ),
        default="none",
    )
    user: str = option(
        Text("账号", "Account"),
        Text(
            "账号（basic）、客户端（oauth2）或请求方（exchange）。",
            "Account (basic), client (oauth2) or requester (exchange).",
        ),
        default="",
    )
    secret: SecretStr = option(
        Text("密钥", "Secret"),
        Text("密钥、口令、令牌、客户端密钥或签名密钥。", "Key, password, token, client secret or signing key."),
        default=SecretStr(""),
    )
    key_name: str = option(
        Text("密钥名", "Key name"),
        Text("放密钥的请求头或参数名。", "Header or query parameter of the key."),
        default="X-API-Key",
    )
    key_in: Literal["header", "query"] = option(
        Text("密钥位置", "Key place"), Text("密钥放在请求头还是参数里。", "Where the key goes."), default="header"
    )
    token_url: str = option(
        Text("令牌地址", "Token address"),
        Text("颁发 OAuth2 令牌的地址。", "Address that gives OAuth2 tokens."),
        default="",
    )
    client_auth: Literal["basic", "body"] = option(
        Text("客户端验证", "Client shows itself by"),
        Text("客户端在令牌地址如何表明身份。", "How the client shows itself there."),
        default="basic",
    )
    scope: str = option(Text("权限范围", "Scope"), Text("OAuth2 的 scope。", "OAuth2 scope."), default="")
    key_url: str = option(
        Text("密钥服务地址", "Key service"),
        Text(
            "exchange：颁发有期限签名密钥的地址；空则直接用密钥签名。",
            "exchange: address that gives signing keys for a while; empty: the secret itself signs.",
        ),
        default="",
    )
    key_cipher: Literal["ecb", "cbc", "none"] = option(
        Text("密钥加密方式", "How keys are packed"),
        Text(
            "签名密钥用应用密钥以 AES 加密：ecb、cbc（前 16 字节为初始向量），none 为明文。以平台文档为准。",
            "Given keys are encrypted with AES under the app key: ecb, cbc (the first 16 bytes are the IV), or none. The platform's documents say which.",
        ),
        default="ecb",
    )
    key_made_by: Literal["itself", "md5", "sha1prng"] = option(
        Text("AES 密钥来源", "AES key"),
        Text(
            "应用密钥本身（16、24、32 字节）、其 MD5，或 Java SHA1PRNG 由它生成。",
            "The app key itself (16, 24 or 32 bytes), its MD5, or what Java's SHA1PRNG makes of it.",
        ),
        default="itself",
    )
    per_second: float = option(
        Text("每秒请求数", "Requests per second"),
        Text("每秒最多请求几次；0 表示我方不限。", "Requests per second at most; 0: no limit of ours."),
        default=0,
        ge=0,
        le=1000,
    )
    retries: int = option(
        Text("重试次数", "Retries"),
        Text("服务繁忙时每个请求重试几次。", "How often a request is tried again when the service is busy."),
        default=4,
        ge=0,
        le=10,
    )
    page_mib: int = option(
        Text("单页上限", "Largest page"),
        Text("一页解开后的最大字节数（MiB）。", "Largest page, unpacked, in MiB."),
        default=32,
        ge=1,
        le=256,
    )
    seconds: float = option(
        Text("单页时限", "Longest page"),
        Text("一页最长等多少秒。", "Longest time for one page."),
        default=120,
        gt=0,
        le=3600,
    )
    time_zone: str = option(
        Text("时区", "Time zone"),
        Text("不带时区的时间按此时区理解。", "Zone of times without one."),
        default="Asia/Shanghai",
    )
    authority: str = option(
        Text("证书颁发机构", "Authority"),
        Text("另外信任的颁发机构证书（PEM）。", "Certificate (PEM) of an authority of your own that is trusted too."),
        default="",
    )

    @field_validator("base_url", "token_url", "key_url")
    @classmethod
    def _address(cls, value: str) -> str:
        from beijiang.outbound import parsed

        return str(parsed(value)) if value else value

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key
        except (KeyError, OSError) as error:
            msg = "no such time zone"
            raise ValueError(msg) from error

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.base_url or (self.auth == "oauth2" and not self.token_url):
            msg = "base_url, and token_url with oauth2, are needed"
            raise ValueError(msg)
        if len({e.name for e in self.endpoints}) != len(self.endpoints):
            msg = "end-points have different names"
            raise ValueError(msg)
        return self
