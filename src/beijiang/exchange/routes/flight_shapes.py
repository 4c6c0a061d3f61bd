"""What the metadata commands of Flight SQL answer: fixed columns, filled with what the reader may ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from beijiang import __version__
from beijiang.exchange.models.flight import like
from beijiang.kit import Invalid

if TYPE_CHECKING:
    from beijiang.exchange.models.wire import Message
    from beijiang.exchange.service import FlightSql
    from beijiang.kit import Actor

__all__ = ["Shapes"]

KIND: Final = "TABLE"
"""The one type of table: what somebody is given to read."""


def _field(name: str, kind: Any, *, filled: bool = False) -> Any:
    return pa.field(name, kind, nullable=not filled)


_VALUE: Final = pa.dense_union(
    [
        _field("string_value", pa.string()),
        _field("bool_value", pa.bool_()),
        _field("bigint_value", pa.int64()),
        _field("int32_bitmask", pa.int32()),
        _field("string_list", pa.list_(pa.string())),
        _field("int32_to_int32_list_map", pa.map_(pa.int32(), pa.list_(pa.int32()))),
    ]
)
TEXT, YES_NO, BITS = 0, 1, 3
INFO: Final[Mapping[int, tuple[int, Any]]] = {
    0: (TEXT, "beijiang"),
    1: (TEXT, __version__),
    2: (TEXT, pa.__version__),
    3: (YES_NO, True),  # read-only
    4: (YES_NO, True),  # SQL
    5: (YES_NO, False),  # Substrait
    8: (BITS, 0),  # no transactions
    9: (YES_NO, True),  # queries can be cancelled
    10: (YES_NO, False),  # no bulk ingestion
    504: (TEXT, '"'),
}
"""By the numbers of ``SqlInfo``."""

_TABLES: Final = [
    _field("catalog_name", pa.string()),
    _field("db_schema_name", pa.string()),
    _field("table_name", pa.string(), filled=True),
    _field("table_type", pa.string(), filled=True),
]
_KEYS: Final = [
    _field("pk_catalog_name", pa.string()),
    _field("pk_db_schema_name", pa.string()),
    _field("pk_table_name", pa.string(), filled=True),
    _field("pk_column_name", pa.string(), filled=True),
    _field("fk_catalog_name", pa.string()),
    _field("fk_db_schema_name", pa.string()),
    _field("fk_table_name", pa.string(), filled=True),
    _field("fk_column_name", pa.string(), filled=True),
    _field("key_sequence", pa.int32(), filled=True),
    _field("fk_key_name", pa.string()),
    _field("pk_key_name", pa.string()),
    _field("update_rule", pa.uint8(), filled=True),
    _field("delete_rule", pa.uint8(), filled=True),
]
SCHEMAS: Final[Mapping[str, Any]] = {
    "CommandGetSqlInfo": pa.schema(
        [_field("info_name", pa.uint32(), filled=True), _field("value", _VALUE, filled=True)]
    ),
    "CommandGetCatalogs": pa.schema([_field("catalog_name", pa.string(), filled=True)]),
    "CommandGetDbSchemas": pa.schema(
        [_field("catalog_name", pa.string()), _field("db_schema_name", pa.string(), filled=True)]
    ),
    "CommandGetTables": pa.schema(_TABLES),
    "CommandGetTableTypes": pa.schema([_field("table_type", pa.string(), filled=True)]),
    "CommandGetPrimaryKeys": pa.schema(
        [
            _field("catalog_name", pa.string()),
            _field("db_schema_name", pa.string()),
            _field("table_name", pa.string(), filled=True),
            _field("column_name", pa.string(), filled=True),
            _field("key_name", pa.string()),
            _field("key_sequence", pa.int32(), filled=True),
        ]
    ),
    "CommandGetExportedKeys": pa.schema(_KEYS),
    "CommandGetImportedKeys": pa.schema(_KEYS),
    "CommandGetXdbcTypeInfo": pa.schema(
        [
            _field("type_name", pa.string(), filled=True),
            _field("data_type", pa.int32(), filled=True),
            _field("column_size", pa.int32()),
            _field("literal_prefix", pa.string()),
            _field("literal_suffix", pa.string()),
            _field("create_params", pa.list_(_field("item", pa.string(), filled=True))),
            _field("nullable", pa.int32(), filled=True),
            _field("case_sensitive", pa.bool_(), filled=True),
            _field("searchable", pa.int32(), filled=True),
            _field("unsigned_attribute", pa.bool_()),
            _field("fixed_prec_scale", pa.bool_(), filled=True),
            _field("auto_increment", pa.bool_()),
            _field("local_type_name", pa.string()),
            _field("minimum_scale", pa.int32()),
            _field("maximum_scale", pa.int32()),
            _field("sql_data_type", pa.int32(), filled=True),
            _field("datetime_subcode", pa.int32()),
            _field("num_prec_radix", pa.int32()),
            _field("interval_precision", pa.int32()),
        ]
    ),
}
NULLABLE, SEARCHABLE, MOMENTS = 1, 3, 9
TYPES: Final = (
    # name, number of XDBC, size, quote, radix, largest scale, part of a moment
    ("BOOLEAN", -7, 1, None, None, None, None),
    ("BIGINT", -5, 19, None, 10, 0, None),
    ("DECIMAL", 3, 38, None, 10, 38, None),
    ("INTEGER", 4, 10, None, 10, 0, None),
    ("DOUBLE", 8, 53, None, 2, None, None),
    ("VARCHAR", 12, None, "'", None, None, None),
    ("DATE", 91, 10, "'", None, None, 1),
    ("TIMESTAMP", 93, 26, "'", None, 6, 3),
)
"""The types of columns and literals, ordered by number."""


class Shapes:
    """Answers of the metadata commands: the site is the catalog, departments are schemas, resources are tables."""

    def __init__(self, service: FlightSql, site: str) -> None:
        self._service = service
        self._site = site
        self._fill: dict[str, Callable[[Actor, Message], list[dict[str, Any]]]] = {
            "CommandGetCatalogs": lambda _, __: [{"catalog_name": site}],
            "CommandGetDbSchemas": self._schemas,
            "CommandGetTables": self._tables,
            "CommandGetTableTypes": lambda _, __: [{"table_type": KIND}],
            "CommandGetPrimaryKeys": _nothing,
            "CommandGetExportedKeys": _nothing,
            "CommandGetImportedKeys": _nothing,
            "CommandGetXdbcTypeInfo": _types,
        }

    def schema(self, command: Message) -> Any:
        """Return the columns of a command's answer.

        Raises:
            Invalid: it is no command that asks for metadata (``flight_command``).

        """
        found = SCHEMAS.get(command.name)
        if found is None:
            raise Invalid(
                f"这里不能使用“{command.name}”。", f'"{command.name}" cannot be used here.', code="flight_command"
            )
        if command.name == "CommandGetTables" and any(command.numbers("with_schema")):
            return found.append(_field("table_schema", pa.binary(), filled=True))
        return found

    def table(self, actor: Actor, command: Message) -> Any:
        """Return the answer of a command."""
        schema = self.schema(command)
        if command.name == "CommandGetSqlInfo":
            return _info(command.numbers("info"), schema)
        return pa.Table.from_pylist(self._fill[command.name](actor, command), schema=schema)

    def _here(self, command: Message) -> bool:
        return command.text("catalog") in {None, "", self._site}

    def _schemas(self, actor: Actor, command: Message) -> list[dict[str, Any]]:
        if not self._here(command):
            return []
        found = dict.fromkeys(one.schema for one in self._service.tables(actor))
        wanted = command.text("schema_pattern")
        return [{"catalog_name": self._site, "db_schema_name": one} for one in found if like(wanted, one)]

    def _tables(self, actor: Actor, command: Message) -> list[dict[str, Any]]:
        kinds = command.texts("types")
        if not self._here(command) or (kinds and KIND not in kinds):
            return []
        whole = any(command.numbers("with_schema"))
        return [
            {
                "catalog_name": self._site,
                "db_schema_name": one.schema,
                "table_name": one.name,
                "table_type": KIND,
                **({"table_schema": self._service.columns(actor, one.name).serialize().to_pybytes()} if whole else {}),
            }
            for one in self._service.tables(actor, command.text("schema_pattern"), command.text("table_pattern"))
        ]


def _nothing(actor: Actor, command: Message) -> list[dict[str, Any]]:
    """Nothing: tables of the lake declare no keys to their readers."""
    del actor, command
    return []


def _types(actor: Actor, command: Message) -> list[dict[str, Any]]:
    del actor
    wanted = {one - (1 << 64) if one >> 63 else one for one in command.numbers("data_type")}
    return [
        {
            "type_name": name,
            "local_type_name": name,
            "data_type": number,
            "column_size": size,
            "literal_prefix": quote,
            "literal_suffix": quote,
            "nullable": NULLABLE,
            "case_sensitive": name == "VARCHAR",
            "searchable": SEARCHABLE,
            "unsigned_attribute": None if radix is None else False,
            "fixed_prec_scale": False,
            "minimum_scale": None if scale is None else 0,
            "maximum_scale": scale,
            "sql_data_type": MOMENTS if part else number,
            "datetime_subcode": part,
            "num_prec_radix": radix,
        }
        for name, number, size, quote, radix, scale, part in TYPES
        if not wanted or number in wanted
    ]


def _info(wanted: tuple[int, ...], schema: Any) -> Any:
    """Return facts of the server as a union of kinds of values."""
    asked = [number for number in wanted if number in INFO] if wanted else [*INFO]
    values: dict[int, list[Any]] = {kind: [] for kind in range(len(_VALUE))}
    kinds, offsets = [], []
    for number in asked:
        kind, value = INFO[number]
        kinds.append(kind)
        offsets.append(len(values[kind]))
        values[kind].append(value)
    children = [pa.array(values[place], _VALUE.field(place).type) for place in range(len(_VALUE))]
    names = [_VALUE.field(place).name for place in range(len(_VALUE))]
    union = pa.UnionArray.from_dense(pa.array(kinds, pa.int8()), pa.array(offsets, pa.int32()), children, names)
    return pa.Table.from_arrays([pa.array(asked, pa.uint32()), union], schema=schema)
