"""How a job is stopped from the outside. None of these reaches a user."""

from __future__ import annotations


class JobCancelled(BaseException):
    """Somebody cancelled the job; raised inside its work, which must let it through.

    Not an ``Exception``, so that no ``except Exception`` of the work swallows it.
    """


class JobInterrupted(BaseException):
    """The process is stopping, or another process took the job over: leave everything as it is, it will be resumed."""
