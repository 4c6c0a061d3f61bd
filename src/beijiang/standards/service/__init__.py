"""The facts of the standards, and the verbs of the registry."""

from beijiang.standards.service.books import Books
from beijiang.standards.service.facts import Standards
from beijiang.standards.service.laws import Laws, ProfileView
from beijiang.standards.service.papers import Paper, PaperTable, paper_file
from beijiang.standards.service.reading import ElementQuery, Listed, RuleQuery, StandingRule
from beijiang.standards.service.registry import Registry
from beijiang.standards.service.sheets import SheetFormat, text_file, text_tables

__all__ = [
    "Books",
    "ElementQuery",
    "Laws",
    "Listed",
    "Paper",
    "PaperTable",
    "ProfileView",
    "Registry",
    "RuleQuery",
    "SheetFormat",
    "Standards",
    "StandingRule",
    "paper_file",
    "text_file",
    "text_tables",
]
