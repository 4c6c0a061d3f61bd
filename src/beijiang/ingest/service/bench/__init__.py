"""The bench on which rows that were set aside are mended, sent back, dismissed, and taken in again."""

from beijiang.ingest.service.bench.replaying import Replaying

__all__ = ["Bench"]


class Bench(Replaying):
    """See what was set aside and why, mend it in place or send it back, and take it in once."""
