"""The services of protection: grading, the gate, the SQL gateway."""

from beijiang.protection.service.gate import Gate
from beijiang.protection.service.gateway import SqlGateway, SqlResult
from beijiang.protection.service.grading import Protection
from beijiang.protection.service.impact import ColumnImpact
from beijiang.protection.service.keyed import Keyed
from beijiang.protection.service.private import Private
from beijiang.protection.service.relation import Governed
from beijiang.protection.service.releasing import Releases
from beijiang.protection.service.shelf import Shelf

__all__ = [
    "ColumnImpact",
    "Gate",
    "Governed",
    "Keyed",
    "Private",
    "Protection",
    "Releases",
    "Shelf",
    "SqlGateway",
    "SqlResult",
]
