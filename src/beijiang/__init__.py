"""Beijiang (云上北疆): the platform that a regional government runs its data on."""

__all__ = ["__version__"]

__version__: str


def __getattr__(name: str) -> str:
    """Look the version up when it is asked for: finding it takes longer than a help page."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("beijiang")
    except PackageNotFoundError:  # a source tree that was never installed
        return "0.0.0"
