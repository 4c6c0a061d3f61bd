"""What has to be said of a stream: how its messages become rows, and how they come."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, SecretStr, field_validator, model_validator

from beijiang.ingest.connectors.contract import ConnectorOptions, option
from beijiang.ingest.connectors.rest_options import RestColumn, from_text
from beijiang.kit import Text

__all__ = ["META", "MqttOptions", "StreamOptions", "WebhookOptions"]

META: Final = frozenset({"$id", "$received", "$topic", "$value"})
"""Paths that lead to what is known of a delivery, not into its message; ``$topic.1`` is the first level of the topic."""


def _list_from_text(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return from_text(value) if value.lstrip().startswith("[") else [v.strip() for v in value.split(",") if v.strip()]


class StreamOptions(ConnectorOptions):
    """How the messages of a stream of any kind become rows."""

    columns: Annotated[tuple[RestColumn, ...], BeforeValidator(from_text)] = option(
        Text("列", "Columns"),
        Text(
            "用 JSON 写明每一列：name、path、type；path 可为消息内的路径，或 $topic.1、$received、$id、$value。",
            "Every column, as JSON: name, path, type; a path leads into the message, or is $topic.1, $received, $id, $value.",
        ),
        min_length=1,
    )
    rows: str = option(
        Text("记录路径", "Path to rows"),
        Text(
            "消息中记录列表的路径；空为整条消息。", "Where a message holds its list of rows; empty: the message itself."
        ),
        default="",
    )
    payload: Literal["json", "text"] = option(
        Text("内容格式", "Payload"),
        Text("json，或 text：整条内容是一个值（$value）。", "json, or text: the whole payload is one value ($value)."),
        default="json",
    )
    batch_seconds: float = option(
        Text("批次间隔", "Batch"),
        Text("收到后最迟多少秒入表。", "After how many seconds at most a message goes into the table."),
        default=10,
        ge=0.2,
        le=3600,
    )
    time_zone: str = option(
        Text("时区", "Time zone"),
        Text("不带时区的时间按此时区理解。", "Zone of times without one."),
        default="Asia/Shanghai",
    )

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key
        except (KeyError, OSError) as error:
            msg = "no such time zone"
            raise ValueError(msg) from error

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [c.name for c in self.columns]
        strange = [c.path for c in self.columns if c.path.startswith("$") and c.path.split(".")[0] not in META]
        if len(set(names)) != len(names) or strange:
            msg = "columns have different names, and paths with $ are $id, $received, $topic or $value"
            raise ValueError(msg)
        return self


class WebhookOptions(StreamOptions):
    """How senders post their messages."""

    signing_key: SecretStr = option(
        Text("签名密钥", "Signing key"),
        Text(
            "发送方不用 API 密钥时，以此密钥对请求签名（HMAC-SHA256）；至少 32 个字符。",
            "Senders without an API key sign with it (HMAC-SHA256); at least 32 characters.",
        ),
        default=SecretStr(""),
    )
    per_second: float = option(
        Text("每秒请求数", "Requests per second"),
        Text("每秒最多接收几个请求。", "Requests per second that are taken at most."),
        default=500,
        gt=0,
        le=100_000,
    )
    max_kib: int = option(
        Text("请求上限", "Largest request"),
        Text("一个请求的最大字节数（KiB）。", "Largest request, in KiB."),
        default=1024,
        ge=1,
        le=8192,
    )

    @field_validator("signing_key")
    @classmethod
    def _long(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < 32:  # noqa: PLR2004
            msg = "a signing key has at least 32 characters"
            raise ValueError(msg)
        return value


class MqttOptions(StreamOptions):
    """How a broker is reached, and what is subscribed to."""

    host: str = option(
        Text("主机", "Host"), Text("消息服务器的主机名或地址。", "Name or address of the broker."), min_length=1
    )
    port: int = option(
        Text("端口", "Port"), Text("加密端口通常为 8883。", "8883 with TLS, as a rule."), default=8883, ge=1, le=65535
    )
    topics: Annotated[tuple[str, ...], BeforeValidator(_list_from_text)] = option(
        Text("主题", "Topics"),
        Text("主题过滤器，逗号分隔，如 sensors/+/temp。", "Topic filters with commas between, such as sensors/+/temp."),
        min_length=1,
    )
    user: str = option(Text("账号", "Account"), Text("登录账号；可空。", "Account; may be empty."), default="")
    password: SecretStr = option(
        Text("口令", "Password"), Text("登录口令。", "Password of the account."), default=SecretStr("")
    )
    client_id: str = option(
        Text("客户端标识", "Client id"),
        Text(
            "服务器据此保留离线消息；空为本平台自定。",
            "The broker keeps messages under it while we are away; empty: ours.",
        ),
        default="",
        max_length=100,
    )
    tls: Literal["on", "off"] = option(
        Text("加密", "TLS"), Text("off 只用于封闭网络。", "off is for closed networks only."), default="on"
    )
    authority: str = option(
        Text("证书颁发机构", "Authority"),
        Text("另外信任的颁发机构证书（PEM）。", "Certificate (PEM) of an authority of your own that is trusted too."),
        default="",
    )
    protocol: Literal["5", "3.1.1"] = option(
        Text("协议版本", "Protocol"),
        Text("服务器不支持 5 时用 3.1.1。", "3.1.1 where the broker does not speak 5."),
        default="5",
    )
    inflight: int = option(
        Text("在途消息数", "In flight"),
        Text("未确认的消息最多几条。", "Messages that may be on their way unacknowledged."),
        default=1000,
        ge=1,
        le=10_000,
    )

    @field_validator("topics")
    @classmethod
    def _filters(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for topic in value:
            levels = topic.split("/")
            wrong = any(("#" in level or "+" in level) and len(level) > 1 for level in levels) or "#" in levels[:-1]
            if wrong or not topic or "\0" in topic or len(topic.encode()) > 65_535:  # noqa: PLR2004
                msg = "a topic filter has + for one level, and # for all levels at its end"
                raise ValueError(msg)
        return value
