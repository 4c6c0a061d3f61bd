"""Query engines: one small port, an embedded adapter (DuckDB) now, a distributed one (Spark Connect) later.

``beijiang.engine.port`` is what other domains see; ``beijiang.engine.duckdb`` is named by ``build.py`` only.
"""

from beijiang.engine.port import LAKE, Engine, QueryLimits, Scan, Stop, Streamed, View, WrittenFile

__all__ = ["LAKE", "Engine", "QueryLimits", "Scan", "Stop", "Streamed", "View", "WrittenFile"]
