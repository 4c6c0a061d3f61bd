"""Deliveries to a web address: parts in order, each signed, each with the id under which a receiver knows a repetition."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pydantic import SecretStr, field_validator

from beijiang.crypto import webhook_signature
from beijiang.ingest.connectors.contract import ConnectorOptions, option
from beijiang.ingest.connectors.destination import Delivered, Destination, Parcel, Proof, parted
from beijiang.ingest.connectors.rest_troubles import busy
from beijiang.kit import Invalid, Text
from beijiang.outbound import Credentials, Http, HttpLimits, parsed

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.kit.errors import JsonValue

__all__ = ["WebhookDestination", "WebhookOptions"]

_ROWS: Final = 2_000
ECHO_MOST: Final = 64 * 1024
"""Bytes of a receiver's answer that are read; three numbers are all that is wanted of it."""
_WORD_MOST: Final = 40
_LIMITS: Final = HttpLimits(body=ECHO_MOST, seconds=120.0, idle=60.0, redirects=0)
_GOOD: Final = range(200, 300)
_BUSY: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_SHORTEST: Final = 16


class WebhookOptions(ConnectorOptions):
    """Where a receiver listens, and the secret that proves who sends."""

    url: str = option(
        Text("接收地址", "Address"), Text("接收推送的 https 地址。", "The https address that receives deliveries.")
    )
    secret: SecretStr = option(
        Text("签名密钥", "Signing secret"),
        Text("至少 16 个字符；接收方用它核对签名。", "16 characters at least; the receiver checks signatures with it."),
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

    @field_validator("secret")
    @classmethod
    def _long(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < _SHORTEST:
            msg = "too short"
            raise ValueError(msg)
        return value


class WebhookDestination(Destination):
    """Post rows as JSON. A receiver keeps what it gets until the part that is final."""

    text: ClassVar[Text] = Text("网络回调（Webhook）", "Webhook")
    options_model: ClassVar[type[ConnectorOptions]] = WebhookOptions
    tells: ClassVar[bool] = False
    options: WebhookOptions

    @classmethod
    def shown_as(cls, options: Mapping[str, JsonValue], target: str) -> str:
        """Return scheme and host of the receiver; the path stays unsaid, as receivers may put a secret into it."""
        del target
        url = parsed(str(options["url"]))
        return f"{url.scheme}://{url.netloc.decode('ascii')}"

    def look(self, parcel: Parcel) -> Text:
        url = parsed(self.options.url)
        self.outbound.addresses(url.host, url.port or (443 if url.scheme == "https" else 80))
        with self._client() as http:
            self._post(http, {**parcel.facts(), "test": True}, "test")
        return Text(f"向 {url.host} 发送。", f"Parts are posted to {url.host}.")

    def held(self, parcel: Parcel) -> Delivered | None:
        del parcel
        return None

    def deliver(self, parcel: Parcel, goods: Iterator[pa.RecordBatch]) -> Delivered:
        totals, number, sums, sent = {"rows": 0, "gone": 0}, 0, 0, hashlib.sha256()
        with self._client() as http:
            for number, (rows, gone) in enumerate(_parts(parcel, goods), 1):
                totals["rows"] += len(rows)
                totals["gone"] += len(gone)
                sums = (sums + sum(map(_checksum, rows)) + sum(map(_checksum, gone))) % (1 << 64)
                self._post(http, self._body(parcel, number, rows, gone), str(number), sent)
            told: dict[str, JsonValue] = {**totals, "checksum": f"{sums:016x}"}
            closing = self._body(parcel, number + 1, [], []) | {"final": True, "totals": told}
            self.uncertain = True
            answer = self._post(http, closing, str(number + 1), sent)
        digests: list[JsonValue] = [sent.hexdigest()]
        facts: dict[str, JsonValue] = {"parts": number + 1, **told, "answer": answer, "digests": digests}
        return Delivered(rows=totals["rows"], gone=totals["gone"], facts=facts)

    def _client(self) -> Http:
        self.checked(self.options.url)
        return Http(self.outbound, _LIMITS, self.options.authority)

    def _body(self, parcel: Parcel, number: int, rows: list[Any], gone: list[Any]) -> dict[str, Any]:
        part = {"attempt": parcel.attempt, "part": number, "final": False}
        return {**parcel.facts(), **part, "rows": rows, "gone": gone}

    def prove(self, parcel: Parcel, done: Delivered, whole: tuple[int, int] | None) -> Proof:
        """Compare what the receiver says of the whole delivery with what was sent."""
        del parcel, whole
        answer = done.facts.get("answer")
        if not isinstance(answer, dict) or not {"rows", "gone", "checksum"} & answer.keys():
            return Proof(equal=None, facts={"echo": None})
        wanted = {name: done.facts[name] for name in ("rows", "gone", "checksum")}
        same = all(answer[name] == value for name, value in wanted.items() if name in answer)
        return Proof(equal=same, facts={"echo": {n: _short(answer.get(n)) for n in wanted}, "sent": {**wanted}})

    def _post(self, http: Http, body: dict[str, Any], part: str, sent: hashlib._Hash | None = None) -> JsonValue:
        """Send a part; ``sent`` goes over the bodies of all of them, in their order, and into the receipt."""
        content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        if sent is not None:
            sent.update(content)
        at, name = str(int(time.time())), f"{body['delivery']}.{body.get('attempt', 0)}.{part}"
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "webhook-id": name,
            "webhook-timestamp": at,
            "beijiang-delivery": str(body["delivery"]),
            "beijiang-sequence": str(body["sequence"]),
        }
        shown = Credentials(
            {"webhook-signature": webhook_signature(self.options.secret.get_secret_value(), name, at, content)}
        )
        answer = http.fetch("POST", self.options.url, headers=headers, credentials=shown, content=content)
        if answer.status not in _GOOD:
            self.uncertain = False
            raise busy(answer.status) if answer.status in _BUSY else _refused(answer.status)
        try:
            found: JsonValue = json.loads(answer.body or b"null")
        except (ValueError, RecursionError):
            return None
        return found


def _short(told: JsonValue) -> JsonValue:
    """Return what a receiver said of one number, as much of it as such a number takes; it is kept with the proof."""
    plain = told is None or isinstance(told, bool | float) or (isinstance(told, int) and abs(told) < 1 << 63)
    return told if plain else str(told)[:_WORD_MOST]


def _parts(parcel: Parcel, goods: Iterator[pa.RecordBatch]) -> Iterator[tuple[list[Any], list[Any]]]:
    for batch in goods:
        for start in range(0, batch.num_rows, _ROWS):
            rows, gone = parted(batch.slice(start, _ROWS), parcel.key)
            yield _plain(rows), [] if gone is None else _plain(gone)


def _plain(rows: pa.RecordBatch) -> list[Any]:
    """Return rows as JSON can hold them without loss: decimals, days and moments as text."""
    import pyarrow as pa

    def written(column: pa.Array) -> list[Any]:
        kind = column.type
        if pa.types.is_decimal(kind) or pa.types.is_date(kind):
            return [None if v is None else str(v) for v in column.to_pylist()]
        if pa.types.is_timestamp(kind):
            return [None if v is None else v.isoformat() for v in column.to_pylist()]
        if pa.types.is_floating(kind):
            return [v if v is None or v - v == 0 else str(v) for v in column.to_pylist()]
        return list(column.to_pylist())

    columns = [written(column) for column in rows.columns]
    return [dict(zip(rows.schema.names, values, strict=True)) for values in zip(*columns, strict=True)]


def _checksum(row: dict[str, Any]) -> int:
    """Return the first 64 bits of the SHA-256 of a row as canonical JSON; their sum does not depend on the order."""
    text = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _refused(code: int) -> Invalid:
    return Invalid(
        f"接收地址答复 {code}，没有接收。请接收方检查地址、签名密钥和处理程序。",
        f"The receiving address answered {code} and took nothing. Have its owner check address, secret and program.",
        code="push_rejected",
        detail={"status": code},
    )
