"""What can go wrong in mining, a file for each of its pieces."""

from beijiang.mining.errors.bench import id_taken, no_query, no_run, unfit

__all__ = ["id_taken", "no_query", "no_run", "unfit"]
