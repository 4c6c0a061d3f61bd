"""Plain data of ingest: files handed in and what became of them; sources, syncs and certificates; files that arrive."""

from beijiang.ingest.models import arriving, files, sources
from beijiang.ingest.models.arriving import *  # noqa: F403
from beijiang.ingest.models.files import *  # noqa: F403 - one vocabulary in two files
from beijiang.ingest.models.sources import *  # noqa: F403

__all__: list[str] = []
__all__ += arriving.__all__
__all__ += files.__all__
__all__ += sources.__all__
