"""Plain data of ingest: files handed in and what became of them; rows on the bench; sources, syncs and certificates."""

from beijiang.ingest.models import bench, files, looks, sources
from beijiang.ingest.models.bench import *  # noqa: F403 - one vocabulary in four files
from beijiang.ingest.models.files import *  # noqa: F403
from beijiang.ingest.models.looks import *  # noqa: F403
from beijiang.ingest.models.sources import *  # noqa: F403

__all__: list[str] = []
__all__ += bench.__all__
__all__ += files.__all__
__all__ += looks.__all__
__all__ += sources.__all__
