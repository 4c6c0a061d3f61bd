"""Services (服务接口) that departments run: what is declared of one, where it stands, and what its calls came to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from beijiang.kit import Word

__all__ = [
    "BUCKETS",
    "SERVICE_MOVES",
    "Breaker",
    "BreakerState",
    "CallOutcome",
    "CallRow",
    "Parameter",
    "ParameterPlace",
    "Probe",
    "Service",
    "ServiceAnswer",
    "ServiceAuth",
    "ServiceDraft",
    "ServiceField",
    "ServiceMove",
    "ServicePlan",
    "ServiceProof",
    "ServiceQuery",
    "ServiceSpec",
    "ServiceState",
    "ServiceStats",
    "ServiceVersion",
    "ServiceView",
    "Severity",
    "ValueType",
    "VersionState",
    "service_id_of",
    "service_table",
]

_NAME: Final = r"^[^\x00-\x20/?#&={}]{1,100}$"
_HEADER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,60}")
_OWN_HEADERS: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "proxy-authorization",
        "te",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
_HOLE: Final = re.compile(r"\{([^{}]*)\}")
_PREFIX: Final = "service:"


def service_table(service_id: str) -> str:
    """Return the name that grants know a service by, where those on tables have the table's."""
    return _PREFIX + service_id


def service_id_of(table: str) -> str | None:
    """Return the id of the service that a grant names, None where it names a table."""
    return table.removeprefix(_PREFIX) if table.startswith(_PREFIX) else None


class ServiceState(Word):
    """Where a service stands."""

    DRAFT = "draft", "草稿", "draft"
    TESTED = "tested", "已测试", "tested"
    OFFERED = "offered", "已提供", "offered"
    PAUSED = "paused", "已暂停", "paused"
    RETIRED = "retired", "已下线", "retired"


class VersionState(Word):
    """Where one version of a service stands."""

    DRAFT = "draft", "草稿", "draft"
    TESTED = "tested", "已测试", "tested"
    LIVE = "live", "现行", "in use"
    PAST = "past", "历史", "replaced"


class ServiceMove(Word):
    """What is done with a service."""

    REGISTER = "service_register", "登记", "registered"
    CHANGE = "service_change", "修改", "changed"
    TEST = "service_test", "测试", "tested"
    OFFER = "service_offer", "提供", "offered"
    PAUSE = "service_pause", "暂停", "paused"
    RESUME = "service_resume", "恢复", "resumed"
    RETIRE = "service_retire", "下线", "retired"


SERVICE_MOVES: Final[Mapping[ServiceMove, frozenset[ServiceState]]] = {
    ServiceMove.CHANGE: frozenset(ServiceState) - {ServiceState.RETIRED},
    ServiceMove.TEST: frozenset(ServiceState) - {ServiceState.RETIRED},
    ServiceMove.OFFER: frozenset({ServiceState.TESTED, ServiceState.OFFERED, ServiceState.PAUSED}),
    ServiceMove.PAUSE: frozenset({ServiceState.OFFERED}),
    ServiceMove.RESUME: frozenset({ServiceState.PAUSED}),
    ServiceMove.RETIRE: frozenset(ServiceState) - {ServiceState.RETIRED},
}
"""From which states a step is possible."""


class ServiceAuth(Word):
    """How the platform shows the service who asks."""

    NONE = "none", "不需要", "nothing"
    KEY = "key", "密钥（请求头或参数）", "a key in a header or parameter"
    BASIC = "basic", "账号口令（Basic）", "account and password (Basic)"
    BEARER = "bearer", "令牌（Bearer）", "token (Bearer)"
    EXCHANGE = "exchange", "国家共享交换平台签名头", "signed headers of the national exchange platform"
    SIGNED = "signed", "本平台签名（HMAC-SM3，含随机数）", "this platform's signature (HMAC-SM3 with a nonce)"


class ParameterPlace(Word):
    """Where a parameter goes."""

    QUERY = "query", "查询参数", "query"
    PATH = "path", "路径", "path"
    HEADER = "header", "请求头", "header"
    BODY = "body", "请求体", "body"


class ValueType(Word):
    """Of which type a value is; a number that must keep every digit is declared as text."""

    TEXT = "text", "文本", "text"
    INTEGER = "integer", "整数", "whole number"
    DOUBLE = "double", "数值", "number"
    BOOLEAN = "boolean", "是否", "yes or no"
    DATE = "date", "日期", "date"
    TIMESTAMP = "timestamp", "时间", "time"


class Severity(Word):
    """What becomes of an answer that does not fit what was declared."""

    REFUSE = "refuse", "整个应答不交付", "the whole answer is refused"
    QUARANTINE = "quarantine", "剔除不合格的记录", "records that do not fit are left out"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Parameter(_Part):
    """One parameter of a call."""

    name: str = Field(pattern=_NAME)
    place: ParameterPlace = ParameterPlace.QUERY
    type: ValueType = ValueType.TEXT
    required: bool = False
    choices: tuple[str, ...] = Field(default=(), max_length=500)
    longest: int = Field(default=200, ge=1, le=4000, description="Characters of a text at most.")
    item: str = Field(
        default="", max_length=200, description="The answer field that it stands for; held against the grant's rows."
    )
    comment: str = Field(default="", max_length=300)


class ServiceField(_Part):
    """One field of an answer."""

    column: str = Field(min_length=1, max_length=200, description="Column of the catalog item.")
    path: str = Field(default="", max_length=300, description="JSON pointer (/a/b) or dotted (a.b) within a record.")
    type: ValueType = ValueType.TEXT
    required: bool = Field(default=False, description="A record without it does not fit.")
    choices: tuple[str, ...] = Field(default=(), max_length=500)
    longest: int = Field(default=2000, ge=1, le=100_000)
    level: Literal["L1", "L2", "L3", "L4"] = Field(
        default="L2", description="Grade; never below what name or kind ask for."
    )
    kind: str = Field(
        default="", max_length=60, description="Kind of the item, such as citizen_id; empty: by its name."
    )


class ServiceSpec(_Part):
    """Everything that is declared of a service, but its secret."""

    base_url: str = Field(min_length=8, max_length=500)
    path: str = Field(default="", max_length=500, description="Below the base; {name} is filled by a path parameter.")
    method: Literal["GET", "POST"] = "GET"
    parameters: tuple[Parameter, ...] = Field(default=(), max_length=60)
    rows: str = Field(default="", max_length=300, description="Path to the records; empty: the answer itself.")
    fields: tuple[ServiceField, ...] = Field(min_length=1, max_length=200)
    ok: str = Field(default="", max_length=300, description="Path to the service's own result code, if it has one.")
    ok_values: tuple[str, ...] = Field(default=("0",), max_length=20)
    auth: ServiceAuth = ServiceAuth.NONE
    user: str = Field(default="", max_length=200, description="Account, requester or application id.")
    key_name: str = Field(default="X-API-Key", max_length=60)
    key_in: Literal["header", "query"] = "header"
    key_url: str = Field(default="", max_length=500, description="exchange: address that gives signing keys.")
    key_cipher: Literal["ecb", "cbc", "none"] = "ecb"
    key_made_by: Literal["itself", "md5", "sha1prng"] = "itself"
    code: str = Field(default="", max_length=100, description="exchange: code of the service there.")
    authority: str = Field(default="", max_length=20_000, description="Certificate (PEM) that is trusted besides.")
    per_minute: int = Field(default=600, ge=1, le=1_000_000, description="Calls a minute, of all consumers.")
    consumer_per_minute: int = Field(default=60, ge=1, le=1_000_000, description="Calls a minute of one consumer.")
    seconds: float = Field(default=10, gt=0, le=60, description="Longest time for one call, repeats included.")
    retries: int = Field(default=1, ge=0, le=3, description="Repeats of a GET that failed; others are never repeated.")
    body_kib: int = Field(default=1024, ge=1, le=16_384, description="Largest answer.")
    max_rows: int = Field(default=200, ge=1, le=1000, description="Records of one answer at most.")
    severity: Severity = Severity.REFUSE
    failures: int = Field(default=5, ge=1, le=100, description="Failures in a row that open the breaker.")
    cool_seconds: int = Field(default=60, ge=1, le=3600, description="How long it stays open before one try.")
    probe_minutes: int = Field(default=5, ge=0, le=1440, description="Time between probes; 0: none.")
    sample: dict[str, str] = Field(default={}, max_length=60, description="Parameters of tests and probes.")
    contact: str = Field(default="", max_length=200)

    @field_validator("path")
    @classmethod
    def _below(cls, value: str) -> str:
        if value and (not value.startswith("/") or "?" in value or "#" in value or "/../" in f"{value}/"):
            msg = "a path begins with a slash and has neither query nor .."
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        names = [one.name for one in self.parameters]
        columns = [one.column for one in self.fields]
        if len(set(names)) != len(names) or len(set(columns)) != len(columns):
            msg = "parameters and fields have different names"
            raise ValueError(msg)
        holes = set(_HOLE.findall(self.path))
        if holes != {one.name for one in self.parameters if one.place is ParameterPlace.PATH}:
            msg = "every {name} of the path is a path parameter, and the other way round"
            raise ValueError(msg)
        self._check_parameters(set(columns))
        if set(self.sample) - set(names):
            msg = "the sample names parameters that are not declared"
            raise ValueError(msg)
        if self.auth is ServiceAuth.KEY and not _HEADER.fullmatch(self.key_name):
            msg = "key_name is no name of a header"
            raise ValueError(msg)
        return self

    def _check_parameters(self, columns: set[str]) -> None:
        for one in self.parameters:
            if one.place is ParameterPlace.PATH and not one.required:
                msg = f"the path parameter {one.name} has to be required"
            elif one.place is ParameterPlace.HEADER and (
                not _HEADER.fullmatch(one.name) or one.name.lower() in _OWN_HEADERS | {self.key_name.lower()}
            ):
                msg = f"{one.name} cannot be a header of a caller"
            elif one.place is ParameterPlace.BODY and self.method == "GET":
                msg = f"a GET has no body for {one.name}"
            elif one.item and one.item not in columns:
                msg = f"{one.name} stands for a field that is not declared"
            else:
                continue
            raise ValueError(msg)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of the answer in order."""
        return tuple(one.column for one in self.fields)

    @property
    def signs(self) -> bool:
        """Tell whether a secret is needed."""
        return self.auth is not ServiceAuth.NONE


class ServiceDraft(_Part):
    """What a provider registers; the secret is sealed and never shown again."""

    resource_id: str = Field(max_length=40)
    name: str = Field(min_length=1, max_length=100)
    purpose: str = Field(default="", max_length=1000, description="What the service is for.")
    spec: ServiceSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceVersion:
    """One version of what is declared of a service."""

    service_id: str
    number: int
    state: VersionState
    spec: ServiceSpec
    secret: str = field(default="", repr=False)
    """Sealed by the vault."""
    by_name: str
    at: datetime
    tested_at: datetime | None = None
    offered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service of a department."""

    id: str
    name: str
    purpose: str
    resource_id: str
    resource_name: str
    provider_id: str
    state: ServiceState
    live: int | None
    """The version that calls go by; None before the first was offered."""
    newest: int
    by: str
    by_name: str
    created_at: datetime
    changed_at: datetime
    reason: str = ""
    revision: int = 1

    @property
    def table(self) -> str:
        """Return the name that grants know it by."""
        return service_table(self.id)


class BreakerState(Word):
    """Whether calls go through."""

    CLOSED = "closed", "正常", "calls go through"
    OPEN = "open", "已熔断", "calls are held back"
    HALF_OPEN = "half_open", "试探中", "one call tries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """The circuit breaker of a service, as it is kept."""

    service_id: str
    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    since: datetime
    reason: str = ""
    revision: int = 0


class CallOutcome(Word):
    """How a call ended."""

    OK = "ok", "成功", "answered"
    PARTLY = "partly", "部分记录不合格", "some records left out"
    BREACH = "breach", "应答与约定不符", "the answer does not fit"
    FAILED = "failed", "服务故障", "the service failed"
    TIMEOUT = "timeout", "超时", "too slow"
    DECLINED = "declined", "服务不受理此参数", "the service declines the parameters"
    HELD_BACK = "held_back", "熔断拦截", "held back by the breaker"
    LIMITED = "limited", "超过限速", "over a rate limit"
    REFUSED = "refused", "拒绝交付", "not handed over"


BUCKETS: Final = (20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 60_000)
"""Upper ends (ms) between which the times of calls are counted."""
ANSWERED: Final = frozenset({CallOutcome.OK, CallOutcome.PARTLY, CallOutcome.DECLINED})
REACHED: Final = ANSWERED | {CallOutcome.BREACH, CallOutcome.FAILED, CallOutcome.TIMEOUT, CallOutcome.REFUSED}


@dataclass(frozen=True, slots=True)
class CallRow:
    """Calls of one day, consumer and outcome within one span of time."""

    day: date
    org_id: str
    outcome: CallOutcome
    bucket: int
    calls: int
    rows: int
    millis: int
    slowest: int


@dataclass(frozen=True, slots=True)
class ServiceStats:
    """What the calls of some days came to."""

    calls: int = 0
    answered: int = 0
    errors: int = 0
    held_back: int = 0
    limited: int = 0
    rows: int = 0
    mean: float | None = None
    """Milliseconds of calls that reached the service."""
    half: int | None = None
    most: int | None = None
    """The times within which half of them, and 95 of a hundred, were over (upper ends of ``BUCKETS``)."""
    slowest: int | None = None

    @property
    def error_share(self) -> float | None:
        """Return the share of failures among the calls that went out."""
        out = self.answered + self.errors
        return self.errors / out if out else None

    @classmethod
    def of(cls, rows: Sequence[CallRow]) -> ServiceStats:
        """Sum up."""
        reached = [row for row in rows if row.outcome in REACHED]
        out = sum(row.calls for row in reached)

        def by(*outcomes: CallOutcome) -> int:
            return sum(row.calls for row in rows if row.outcome in outcomes)

        return cls(
            calls=sum(row.calls for row in rows),
            answered=by(*ANSWERED),
            errors=by(CallOutcome.FAILED, CallOutcome.TIMEOUT, CallOutcome.BREACH, CallOutcome.REFUSED),
            held_back=by(CallOutcome.HELD_BACK),
            limited=by(CallOutcome.LIMITED),
            rows=sum(row.rows for row in rows),
            mean=sum(row.millis for row in reached) / out if out else None,
            half=_within(reached, out, 0.5),
            most=_within(reached, out, 0.95),
            slowest=max((row.slowest for row in reached), default=None),
        )


def _within(rows: Sequence[CallRow], out: int, share: float) -> int | None:
    seen = 0
    for bucket in BUCKETS:
        seen += sum(row.calls for row in rows if row.bucket == bucket)
        if out and seen >= share * out:
            return bucket
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One look at whether a service answers as declared."""

    service_id: str
    at: datetime
    ok: bool
    millis: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceProof:
    """What a test call came to; it holds no value of the answer."""

    ok: bool
    millis: int
    records: int
    unfit: int
    problems: tuple[str, ...]
    """Which fields do not fit and why."""
    filled: Mapping[str, int]
    """In how many records each field has a value."""
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """What a step would do, before it does it."""

    move: ServiceMove
    possible: bool
    problems: tuple[Any, ...]
    """What stands against it (``Problem``)."""
    from_version: int | None
    to_version: int | None
    grants: int
    orgs: tuple[str, ...]
    """Departments whose grants are touched; they are told."""
    lost: tuple[str, ...]
    """Fields that grants give and that would be gone."""
    parameters: tuple[str, ...]
    """Parameters that are new, gone or required now."""
    address_moves: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceView:
    """A service as its reader may see it."""

    service: Service
    version: ServiceVersion
    """What calls go by; the newest one before it is offered, and for its provider."""
    versions: tuple[ServiceVersion, ...]
    steps: tuple[Any, ...]
    breaker: Breaker | None
    stats: ServiceStats | None
    days: tuple[tuple[date, ServiceStats], ...]
    consumers: tuple[tuple[str, ServiceStats], ...]
    probes: tuple[Probe, ...]
    may_manage: bool
    grants: tuple[str, ...]
    """Ids of the reader's grants that open it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAnswer:
    """What a consumer gets: rows as the grant gives them, and what proves that they were had."""

    service_id: str
    version: int
    columns: tuple[Any, ...]
    rows: Sequence[dict[str, Any]]
    left_out: int | None
    """Records that did not fit what was declared; not told (None) where the grant gives some rows only."""
    more: bool | None
    """Whether the service answered more records than one call hands over; not told likewise."""
    receipt: str
    grant_id: str
    salt: str
    request_sm3: str
    response_sm3: str
    millis: int

    @property
    def in_doubt(self) -> tuple[str, ...]:
        """Return the columns whose values are being looked into (校核)."""
        return tuple(one.name for one in self.columns if one.in_doubt)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceQuery:
    """Which services are wanted."""

    words: str = ""
    state: ServiceState | None = None
    limit: int = 500
