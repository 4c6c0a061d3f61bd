"""Every setting: type, default and one sentence of help.

Read, in rising order of weight, from the defaults here, ``beijiang.toml`` in the home folder, ``BEIJIANG_*`` variables,
and arguments. The reference page is generated from this file and tested.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from beijiang.kit import Invalid, Language, Text

TOML_NAME = "beijiang.toml"
POSTGRES = re.compile(r"postgres(?:ql)?(?:\+psycopg)?://")
DATABASES = re.compile(r"sqlite:///|" + POSTGRES.pattern)


HEALTH_LEAST = 60
"""Fewest seconds between two looks at an outside application."""


class MailSecurity(StrEnum):
    """How the line to the mail server is kept from others."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class LogHash(StrEnum):
    """How new shards of the evidence log are hashed."""

    SHA256 = "sha256"
    SM3 = "sm3"


class LogSignature(StrEnum):
    """How checkpoints of the evidence log are signed; SM2 stands beside Ed25519, which witnesses everywhere understand."""

    ED25519 = "ed25519"
    SM2 = "sm2"


class Settings(BaseSettings):
    """How one installation runs."""

    model_config = SettingsConfigDict(env_prefix="BEIJIANG_", extra="forbid", frozen=True)

    home: Path = Field(default=Path("var/home"), description="Folder that holds everything this installation keeps.")
    database_url: SecretStr | None = Field(
        default=None, description="Metadata database; empty means SQLite in the home folder (postgresql://...)."
    )
    key_file: Path | None = Field(
        default=None,
        description="File of the root keys that seal secrets; empty means the home folder's name with .keys, beside it. Back it up apart from the home.",
    )
    host: str = Field(default="127.0.0.1", description="Address that the web server listens on.")
    port: int = Field(default=8150, ge=0, le=65535, description="Port that the web server listens on.")
    public_url: str = Field(
        default="http://127.0.0.1:8150",
        description="Address under which visitors reach the site; links are made from it. Unset, the address served.",
    )
    contact_mail: str = Field(
        default="",
        pattern=r"^([^@\s]+@[^@\s]+)?$",
        description="Mail address for readers of the open catalog, named in data.json; empty: postmaster at the host of public_url.",
    )
    mail_host: str = Field(default="", description="Mail server that takes notices; empty: no mail is sent.")
    mail_port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    mail_security: MailSecurity = Field(
        default=MailSecurity.STARTTLS, description="How the line to the mail server is kept: starttls, tls or none."
    )
    mail_account: str = Field(
        default="", description="Account at the mail server; its password is set by beijiang notices mail-password."
    )
    mail_sender: str = Field(
        default="",
        pattern=r"^([^@\s<>]+@[^@\s<>]+)?$",
        description="Address that mails come from; empty: no mail is sent.",
    )
    mail_authority: Path | None = Field(
        default=None, description="File of certificates (PEM) that the mail server may show besides public ones."
    )
    language: Language = Field(default=Language.ZH, description="Language shown to visitors who did not choose one.")
    region_name: str = Field(default="内蒙古自治区", description="Name of the region this installation serves.")
    demo: bool = Field(default=False, description="Mark the installation as a demonstration on every page.")
    bad_row_limit: float = Field(
        default=0.2, ge=0, le=1, description="Share of bad rows above which an ingest run commits nothing."
    )
    upload_limit_bytes: int = Field(default=2 << 30, ge=1, description="Largest file that may be uploaded, in bytes.")
    spool_limit_bytes: int = Field(
        default=2 << 30, ge=1 << 20, description="Bytes of a stream that may wait to be taken in; more is not received."
    )
    argon2_memory_kib: int = Field(default=65_536, ge=8, description="Memory of one password hash, in KiB.")
    argon2_rounds: int = Field(default=3, ge=1, description="Passes of one password hash.")
    session_idle_minutes: int = Field(
        default=30, ge=1, description="Minutes without a request after which a session ends."
    )
    session_hours: int = Field(default=12, ge=1, description="Hours after which a session ends in any case.")
    admin_session_idle_minutes: int = Field(
        default=15, ge=1, description="Minutes without a request after which an administrator's session ends."
    )
    admin_session_hours: int = Field(
        default=8, ge=1, description="Hours after which an administrator's session ends in any case."
    )
    lockout_failures: int = Field(default=5, ge=1, description="Failed sign-ins after which an account is locked.")
    lockout_minutes: int = Field(default=15, ge=1, description="Minutes for which a locked account stays locked.")
    sign_in_failures_per_source: int = Field(
        default=50, ge=1, description="Failed sign-ins in ten minutes after which a network address is refused."
    )
    setup_code_hours: int = Field(
        default=72, ge=1, description="Hours for which the one-time code of a new account is good."
    )
    api_key_days: int = Field(default=365, ge=1, description="Longest life of an API key, in days.")
    token_seconds: int = Field(
        default=300, ge=30, le=3600, description="Life of an application's access token for a person, in seconds."
    )
    token_machine_seconds: int = Field(
        default=600,
        ge=30,
        le=3600,
        description="Life of an access token that an application has for itself, in seconds.",
    )
    sign_on_hours: int = Field(
        default=12, ge=1, le=720, description="Hours for which an application may renew a person's sign-on."
    )
    client_overlap_hours: int = Field(
        default=24,
        ge=0,
        le=720,
        description="Hours for which the earlier secret of an application is good after a new one.",
    )
    signing_key_days: int = Field(
        default=90,
        ge=1,
        description="Days after which identity tokens are signed by a new key; the old one stays published.",
    )
    app_domain: str = Field(
        default="",
        pattern=r"^([a-z0-9-]+(\.[a-z0-9-]+)*)?$",
        description="Domain under which outside applications have hosts of their own (NAME.apps.example); empty: none are relayed.",
    )
    relay_seconds: float = Field(
        default=120.0, gt=0, description="Longest exchange with an outside application that is relayed, in seconds."
    )
    relay_body_mb: int = Field(
        default=64, ge=1, description="Largest body of a relayed request or answer, in megabytes."
    )
    relay_at_once: int = Field(
        default=32, ge=1, description="Exchanges with outside applications at once; one application has a quarter."
    )
    health_seconds: int = Field(
        default=60,
        ge=5,
        description="Seconds between two looks at whether an outside application answers; what is below 60 counts as 60.",
    )
    server_memory_mb: int = Field(
        default=1024, ge=256, description="Address space of the process of a hosted application's server, in megabytes."
    )
    server_cpu_seconds: int = Field(
        default=600, ge=5, description="Processor time after which such a process is ended and begun anew, in seconds."
    )
    server_seconds: float = Field(
        default=30.0, gt=0, description="Longest answer of a hosted application's server, in seconds."
    )
    server_idle_seconds: int = Field(
        default=300, ge=5, description="Seconds without a request after which such a process is stopped."
    )
    query_seconds: float = Field(default=30.0, gt=0, description="Longest run of one interactive query, in seconds.")
    query_memory_mb: int = Field(default=512, ge=64, description="Memory of one interactive query, in megabytes.")
    query_rows: int = Field(default=1000, ge=1, description="Rows that one interactive query returns at most.")
    query_at_once: int = Field(
        default=0,
        ge=0,
        description="Queries of people that run at once; 0 means one per core, fewer where memory is short.",
    )
    query_person_at_once: int = Field(default=2, ge=1, description="Queries of one person that run at once.")
    query_queue: int = Field(default=32, ge=0, description="Queries that may wait; more are refused at once.")
    query_wait_seconds: float = Field(
        default=30.0, gt=0, description="Longest wait of a query for its turn, in seconds."
    )
    query_person_seconds: float = Field(
        default=1800.0, ge=0, description="Seconds that one person's queries may run within an hour; 0 means no limit."
    )
    query_cache_mb: int = Field(
        default=64, ge=0, description="Memory for answers that are asked again, in megabytes; 0 keeps none."
    )
    query_export_rows: int = Field(default=100_000, ge=1, description="Rows that one export of a query holds at most.")
    query_export_seconds: float = Field(default=120.0, gt=0, description="Longest run of an export, in seconds.")
    job_rows: int = Field(
        default=100_000, ge=1, description="Rows that the job of an application writes into its table at most."
    )
    graph_memory_mb: int = Field(
        default=2048, ge=16, description="Memory for graphs of relations, in megabytes; the least used go first."
    )
    graph_seconds: float = Field(
        default=60.0, gt=0, description="Longest time in which a graph is loaded, or a question answered, in seconds."
    )
    ckan_calls: int = Field(
        default=60,
        ge=0,
        description="Calls of CKAN's API a minute from one address without a key; 0 means without limit.",
    )
    trusted_proxies: str = Field(
        default="",
        description="Addresses or networks, with commas between, of the web servers in front whose X-Forwarded-For names the caller; "
        "without it all who come through one are one address, for sign-in limits and for visitors' calls.",
    )
    visitor_calls: int = Field(
        default=600,
        ge=0,
        description="Calls of all program addresses a minute from one address without a key or a session; 0 means without limit.",
    )
    query_history_days: int = Field(default=180, ge=1, description="Days for which a person's past queries are kept.")
    share_cache_mb: int = Field(
        default=20_480, ge=1, description="Disk for the files of Delta Sharing, in megabytes; the least used go first."
    )
    flight: bool = Field(default=False, description="Serve Arrow Flight SQL beside the web server.")
    flight_host: str = Field(
        default="127.0.0.1",
        description="Address that the Flight SQL server listens on; another than this machine's own needs flight_tls_cert.",
    )
    flight_port: int = Field(default=31337, ge=0, le=65535, description="Port that the Flight SQL server listens on.")
    flight_tls_cert: Path | None = Field(
        default=None, description="Certificate chain (PEM) of the Flight SQL server; empty: without TLS."
    )
    flight_tls_key: Path | None = Field(default=None, description="Private key (PEM) of flight_tls_cert.")
    flight_rows: int = Field(default=5_000_000, ge=1, description="Rows that one Flight SQL query returns at most.")
    flight_mb: int = Field(default=2048, ge=1, description="Megabytes that one Flight SQL query returns at most.")
    flight_seconds: float = Field(
        default=60.0,
        gt=0,
        description="Longest work of one Flight SQL query, in seconds, without the pauses of its reader.",
    )
    flight_pause_seconds: float = Field(
        default=600.0, gt=0, description="Longest pauses of the reader of one Flight SQL query in all, in seconds."
    )
    flight_person_at_once: int = Field(
        default=4, ge=1, description="Flight SQL answers that one person reads at the same time."
    )
    flight_at_once: int = Field(
        default=16,
        ge=1,
        description="Flight SQL answers that are read at the same time by everybody; each has its own memory.",
    )
    flight_idle_minutes: float = Field(
        default=10.0, gt=0, description="Minutes after which an unused statement or ticket of Flight SQL is forgotten."
    )
    engine_threads: int = Field(default=0, ge=0, description="Threads of the query engine; 0 means one per core.")
    engine_memory_mb: int = Field(default=4096, ge=64, description="Memory of the query engine, in megabytes.")
    spark_url: str = Field(
        default="",
        pattern="^(sc://.+)?$",
        description="Spark Connect server (sc://host:port) that counts the rules of quality and links records; empty: the embedded engine does. It must see the lake's files under the same paths, and write below tmp/linking, which only the platform's own user may: run it as that user.",
    )
    time_zone: str = Field(
        default="Asia/Shanghai",
        description="Zone in which moments are cut into days and shown, and naive ones are read.",
    )
    log_name: str = Field(
        default="",
        pattern=r"^[^\s+]*$",
        description="Name under which the evidence log signs, such as log.example.gov.cn; empty: host and port of public_url. Fixed with the first signature.",
    )
    log_hash: LogHash = Field(
        default=LogHash.SHA256, description="Hash of the evidence log's tree; a change begins a new shard."
    )
    log_signature: LogSignature = Field(
        default=LogSignature.ED25519,
        description="How checkpoints are signed; sm2 adds an SM2 signature beside the Ed25519 one.",
    )
    evidence_spool_bytes: int = Field(
        default=256 << 20,
        ge=1 << 16,
        description="Bytes of evidence that may wait on the disk while the database takes none; beyond it reads are refused.",
    )
    evidence_reserve_bytes: int = Field(
        default=8 << 20,
        ge=0,
        description="Bytes of the disk that are held for evidence, and given up to it when the disk is full of other things.",
    )
    serving_limit_bytes: int = Field(
        default=20 << 30, ge=1 << 20, description="Disk that the serving copies of all tables may take, in bytes."
    )
    push_seconds: float = Field(
        default=14_400, gt=0, description="Longest run of one attempt at a delivery that is pushed, in seconds."
    )
    push_idle_seconds: float = Field(
        default=900,
        gt=0,
        description="Seconds without any progress after which a delivery that is pushed is cut off, and tried again later.",
    )
    push_org_at_once: int = Field(
        default=2, ge=1, description="Deliveries of one department that are pushed at the same time in one process."
    )
    learning_threads: int = Field(
        default=2, ge=1, description="Threads that training or scoring a model takes; more of them give the same model."
    )
    learning_rows: int = Field(
        default=2_000_000,
        ge=1000,
        description="Rows that a training set has at most, and that are read of the past of one feature view.",
    )
    linkage_late_hours: int = Field(
        default=24,
        ge=1,
        description="Hours that letters to a linked node may wait, or that it may be silent, before an alert is raised.",
    )
    linkage_entries_most: int = Field(
        default=50_000, ge=1, description="Catalog entries in force that are kept of one linked node below."
    )
    linkage_departments_most: int = Field(
        default=1000, ge=1, description="Departments whose entries are kept of one linked node below."
    )
    workers: int = Field(default=2, ge=1, description="Jobs that run at the same time in one process.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Add the TOML file of the home folder below the environment."""
        del dotenv_settings, file_secret_settings
        values = {**env_settings(), **init_settings()}
        home = Path(values.get("home", cls.model_fields["home"].default))
        toml = TomlConfigSettingsSource(settings_cls, toml_file=home / TOML_NAME)
        return init_settings, env_settings, toml

    @classmethod
    def load(cls, home: Path | None = None) -> Self:
        """Read the settings of ``home`` (default: ``BEIJIANG_HOME`` or ``var/home``).

        Raises:
            Invalid: a setting is unknown or its value is wrong; the message names it and where it may stand, never the value.

        """
        try:
            return cls() if home is None else cls(home=home)
        except ValidationError as error:
            raise _wrong(error) from None
        except TOMLDecodeError as error:
            raise Invalid(
                f"{TOML_NAME} 不是正确的 TOML：{error}。请改正后重试。",
                f"{TOML_NAME} is not valid TOML: {error}. Correct it and try again.",
                code="settings_wrong",
            ) from None

    @property
    def health_every(self) -> int:
        """Return the seconds between two looks at an outside application."""
        return max(self.health_seconds, HEALTH_LEAST)

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(_NO_ZONE) from None
        return name

    @field_validator("database_url")
    @classmethod
    def _is_a_known_database(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None or not url.get_secret_value():
            return None
        if not DATABASES.match(url.get_secret_value()):
            raise ValueError(_NO_DATABASE)
        return url

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if not re.match(r"https?://[^/\s]+", url):
            raise ValueError(_NO_ADDRESS)
        return url

    @classmethod
    def for_tests(cls, folder: Path, **changes: object) -> Self:
        """Return settings for a throw-away platform in ``folder``: cheap password hashes, any free port, patience."""
        quick = {
            "home": folder / "home",
            "argon2_memory_kib": 64,
            "argon2_rounds": 1,
            "port": 0,
            "flight_port": 0,
            "ckan_calls": 0,
            "visitor_calls": 0,
            "evidence_reserve_bytes": 0,
            "engine_memory_mb": 1024,
            "query_seconds": 120.0,
        }
        return cls.model_validate({**quick, **changes})

    @property
    def root_key_file(self) -> Path:
        """Return where the root keys are: outside of the home, so that a copy of it opens no secret."""
        return self.key_file or self.home.resolve().with_suffix(".keys")

    @property
    def metadata_url(self) -> str:
        """Return the SQLAlchemy URL of the metadata database."""
        if self.database_url is not None:
            return POSTGRES.sub("postgresql+psycopg://", self.database_url.get_secret_value(), count=1)
        return f"sqlite:///{(self.home / 'metadata.db').resolve()}"


_NO_ZONE = Text("没有这个时区，例如 Asia/Shanghai", "no such time zone; an example is Asia/Shanghai")
_NO_DATABASE = Text("应以 postgresql:// 或 sqlite:/// 开头", "it begins with postgresql:// or sqlite:///")
_NO_ADDRESS = Text("应以 http:// 或 https:// 开头", "it begins with http:// or https://")
_PROBLEMS = {
    "int_parsing": "应为整数",
    "float_parsing": "应为数字",
    "bool_parsing": "应为 true 或 false",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "不能小于 {ge}",
    "less_than_equal": "不能大于 {le}",
    "enum": "可选 {expected}",
}


def _problem(fault: ErrorDetails) -> Text:
    facts = fault.get("ctx", {})
    own = facts.get("error")
    if isinstance(own, ValueError) and own.args and isinstance(own.args[0], Text):
        return own.args[0]
    return Text(_PROBLEMS.get(fault["type"], fault["msg"]).format(**facts), fault["msg"])


def _wrong(error: ValidationError) -> Invalid:
    """Name the settings that are wrong and what each is for. Values stay out of it: one of them may be a password."""
    zh: list[str] = []
    en: list[str] = []
    for fault in error.errors(include_input=False, include_url=False):
        name = str(fault["loc"][0]) if fault["loc"] else ""
        field = Settings.model_fields.get(name)
        if field is None:
            near = get_close_matches(name, Settings.model_fields, n=1)
            zh.append(f"没有设置“{name}”" + (f"，是不是 {near[0]}？" if near else "。"))
            en.append(f"There is no setting “{name}”" + (f"; did you mean {near[0]}?" if near else "."))
            continue
        problem, place = _problem(fault), f"{TOML_NAME}, BEIJIANG_{name.upper()}"
        zh.append(f"设置“{name}”的值不对：{problem.zh}（{place}）。")
        en.append(f"The value of “{name}” is wrong: {problem.en} ({place}).")
    return Invalid("".join(zh), " ".join(en), code="settings_wrong")
