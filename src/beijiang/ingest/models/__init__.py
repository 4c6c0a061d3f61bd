"""Plain data of ingest: files handed in and what became of them; sources, syncs and certificates; logs that are followed."""

from beijiang.ingest.models import capture, files, sources
from beijiang.ingest.models.capture import *  # noqa: F403 - one vocabulary in three files
from beijiang.ingest.models.files import *  # noqa: F403
from beijiang.ingest.models.sources import *  # noqa: F403

__all__: list[str] = []
__all__ += capture.__all__
__all__ += files.__all__
__all__ += sources.__all__
