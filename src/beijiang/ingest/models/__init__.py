"""Plain data of ingest: files handed in and what became of them; sources, syncs and certificates; streams, harvests, schedules."""

from beijiang.ingest.models import (
    arriving,
    backfill,
    bench,
    capture,
    files,
    freshness,
    harvest,
    impact,
    lateness,
    looks,
    schedules,
    sources,
    streams,
    timing,
    tombstones,
)
from beijiang.ingest.models.arriving import *  # noqa: F403 - one vocabulary in several files
from beijiang.ingest.models.backfill import *  # noqa: F403
from beijiang.ingest.models.bench import *  # noqa: F403
from beijiang.ingest.models.capture import *  # noqa: F403
from beijiang.ingest.models.files import *  # noqa: F403
from beijiang.ingest.models.freshness import *  # noqa: F403
from beijiang.ingest.models.harvest import *  # noqa: F403
from beijiang.ingest.models.impact import *  # noqa: F403
from beijiang.ingest.models.lateness import *  # noqa: F403
from beijiang.ingest.models.looks import *  # noqa: F403
from beijiang.ingest.models.schedules import *  # noqa: F403
from beijiang.ingest.models.sources import *  # noqa: F403
from beijiang.ingest.models.streams import *  # noqa: F403
from beijiang.ingest.models.timing import *  # noqa: F403
from beijiang.ingest.models.tombstones import *  # noqa: F403

__all__: list[str] = []
__all__ += arriving.__all__
__all__ += backfill.__all__
__all__ += bench.__all__
__all__ += capture.__all__
__all__ += files.__all__
__all__ += freshness.__all__
__all__ += harvest.__all__
__all__ += impact.__all__
__all__ += lateness.__all__
__all__ += looks.__all__
__all__ += schedules.__all__
__all__ += sources.__all__
__all__ += streams.__all__
__all__ += timing.__all__
__all__ += tombstones.__all__
