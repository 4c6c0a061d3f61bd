"""How any other database is named: the parts of a SQLAlchemy address, none of which can lead elsewhere than it says."""

from __future__ import annotations

import re
from typing import Final

import sqlalchemy as sa
from pydantic import SecretStr, field_validator, model_validator

from beijiang.ingest.connectors.contract import ConnectorOptions, option
from beijiang.ingest.connectors.zones import Zone
from beijiang.kit import Invalid, Text

__all__ = ["FILE_DIALECTS", "AnySQLOptions", "dialect_of"]

FILE_DIALECTS: Final = frozenset({"sqlite"})
"""Dialects that open a file instead of a connection."""
_DIALECT: Final = re.compile(r"[a-z][a-z0-9_]*(\+[a-z0-9_]+)?", re.IGNORECASE)
_PLACE: Final = re.compile(r"[^/\\:?#@;=\s]*")
_PARAMETERS: Final = frozenset(
    {
        "application_name", "charset", "client_encoding", "connect_timeout", "driver", "encoding", "encrypt", "local_code",
        "login_timeout", "schema", "service_name", "sid", "sslmode", "tds_version", "timeout", "trustservercertificate",
    }
)  # fmt: skip
"""What a driver may be told besides. Whatever names another machine, a file or a library is not among them."""
_VALUE: Final = re.compile(r"[\w .,+-]{0,100}")


class AnySQLOptions(ConnectorOptions):
    """How a database is reached whose SQLAlchemy dialect is installed."""

    dialect: str = option(
        Text("方言与驱动", "Dialect and driver"),
        Text(
            "SQLAlchemy 的写法，如 oracle+oracledb、mssql+pymssql、dm+dmPython；须已安装。",
            "As SQLAlchemy writes it: oracle+oracledb, mssql+pymssql, dm+dmPython; it must be installed.",
        ),
    )
    host: str = option(Text("主机", "Host"), Text("主机名；文件型数据库不填。", "Host; empty for a file."), default="")
    port: int = option(
        Text("端口", "Port"), Text("必填，文件型除外。", "Needed, except for a file."), default=0, ge=0, le=65535
    )
    database: str = option(
        Text("数据库", "Database"), Text("库名或服务名。", "Name of database or service."), default=""
    )
    path: str = option(
        Text("文件路径", "Path"),
        Text(
            "文件型数据库的文件，须在允许读取的目录里。",
            "File of a database that is one, in a folder that may be read.",
        ),
        default="",
    )
    user: str = option(
        Text("账号", "Account"), Text("只读账号即可。", "An account that may only read is enough."), default=""
    )
    password: SecretStr = option(Text("口令", "Password"), Text("账号的口令。", "Its password."), default=SecretStr(""))
    schemas: tuple[str, ...] = option(
        Text("模式", "Schemas"),
        Text("逗号分隔；空则为账号自己的模式。", "With commas; the account's own if empty."),
        default=(),
    )
    tables: tuple[str, ...] = option(
        Text("表名", "Tables"),
        Text(
            "账号无权列出表时，在此写明可读的表，逗号分隔。",
            "Where the account may not list tables: those that it may read, with commas.",
        ),
        default=(),
    )
    parameters: tuple[str, ...] = option(
        Text("驱动参数", "Driver parameters"),
        Text("名称=值，逗号分隔，如 service_name=ORCL。", "NAME=VALUE, with commas, such as service_name=ORCL."),
        default=(),
    )
    time_zone: Zone = option(
        Text("时区", "Time zone"),
        Text("不带时区的时间列按此时区理解。", "Zone of columns that hold a time without one."),
        default="Asia/Shanghai",
    )

    @field_validator("dialect")
    @classmethod
    def _is_a_dialect(cls, name: str) -> str:
        if not _DIALECT.fullmatch(name):
            msg = "write DIALECT or DIALECT+DRIVER"
            raise ValueError(msg)
        return name

    @field_validator("database")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not _PLACE.fullmatch(name):
            msg = "a name, without path, host or parameters"
            raise ValueError(msg)
        return name

    @field_validator("parameters")
    @classmethod
    def _are_harmless(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            name, sign, value = word.partition("=")
            if not sign or name.casefold() not in _PARAMETERS or not _VALUE.fullmatch(value):
                msg = f"NAME=VALUE, and one of {', '.join(sorted(_PARAMETERS))}"
                raise ValueError(msg)
        return words

    @model_validator(mode="after")
    def _leads_somewhere(self) -> AnySQLOptions:
        """A file or a machine, never both: what a driver does with the other is its own secret."""
        is_file = self.name in FILE_DIALECTS
        if is_file != bool(self.path) or is_file == bool(self.host) or (not is_file and not self.port):
            msg = "a file dialect takes a path, every other host and port"
            raise ValueError(msg)
        return self

    @property
    def name(self) -> str:
        """Return the dialect without its driver."""
        return self.dialect.partition("+")[0].casefold()

    def query(self) -> dict[str, str]:
        """Return the driver's parameters."""
        return {name: value for name, _, value in (word.partition("=") for word in self.parameters)}


def dialect_of(name: str) -> type[sa.engine.Dialect]:
    """Return an installed dialect.

    Raises:
        Invalid: ``dialect_missing``, ``driver_missing``.

    """
    try:
        found: type[sa.engine.Dialect] = sa.URL.create(name).get_dialect()
    except sa.exc.NoSuchModuleError as error:
        raise Invalid(
            f"本机没有安装 SQLAlchemy 方言“{name}”。请安装该数据库的方言包（见 docs/how-to/read-any-database.md）后重启。",
            f'No SQLAlchemy dialect "{name}" is installed. Install the database\'s package (docs/how-to/read-any-database.md) and start again.',
            code="dialect_missing",
        ) from error
    try:
        found.import_dbapi()
    except ImportError as error:
        raise Invalid(
            f"方言“{name}”的驱动没有安装：缺少 {error.name}。请安装后重启。",
            f'The driver of the dialect "{name}" is not installed: {error.name} is missing. Install it and start again.',
            code="driver_missing",
        ) from error
    if found.is_async:
        raise Invalid(
            f"“{name}”是异步驱动，请改用同步驱动。",
            f'"{name}" is an asynchronous driver; name one that is not.',
            code="dialect_missing",
        )
    return found
