"""What runs in the process of a bundle's server; a script of its own, never imported by the platform."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["NEST", "PACKAGE"]

NEST: Final = Path(__file__).with_name("nest.py")
PACKAGE: Final = Path(__file__).parents[3]
"""The folder in which the package stands, of which the process sees the client and what the client needs."""
