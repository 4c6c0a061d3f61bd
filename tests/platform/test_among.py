"""Rows whose value is among very many: one parameter carries them all, on SQLite and on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Column, MetaData, String, Table, create_engine, select

from beijiang.db import among

NAMES = ["企业", "it's", 'a "quoted" one', "back\\slash", "换\n行"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_any_number_of_values_is_one_parameter(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    address = f"sqlite:///{tmp_path / 'x.db'}" if kind == "sqlite" else str(request.getfixturevalue("postgres_url"))
    engine = create_engine(address)
    table = Table("named", MetaData(), Column("name", String))
    table.create(engine)
    with engine.begin() as connection:
        connection.execute(table.insert(), [{"name": name} for name in [*NAMES, "别的"]])
        asked = select(table.c.name)
        many = [*NAMES, *(f"n{n}" for n in range(70_000))]
        found = connection.scalars(asked.where(among(table.c.name, many))).all()
        assert sorted(found) == sorted(NAMES)
        assert connection.scalars(asked.where(among(table.c.name, ()))).all() == []
        assert connection.scalars(asked.where(~among(table.c.name, NAMES))).all() == ["别的"]
        assert connection.scalars(asked.where(among(table.c.name, {"别的"}))).all() == ["别的"]
    engine.dispose()
