"""The verbs of documents."""

from beijiang.mining.service.texts.finding import Finding

__all__ = ["Texts"]


class Texts(Finding):
    """Keep documents, and find what is in them: keywords, likes, classes, names, the tasks of a plan."""
