"""The explorer: one typed ``View`` of a data set's rows, kept in an address, computed by the gate, told in words and drawn.

A view never reads a row: it is a few governed summaries of masked values, so that it cannot show more than the rows do.
"""

from beijiang.opendata.explorer.address import pairs, parse, query_string, readable, written_cut
from beijiang.opendata.explorer.answer import Answer, Field, Pivot
from beijiang.opendata.explorer.computing import compute
from beijiang.opendata.explorer.suggesting import fitted, suggestions
from beijiang.opendata.explorer.view import By, Form, Order, View, check

__all__ = [
    "Answer",
    "By",
    "Field",
    "Form",
    "Order",
    "Pivot",
    "View",
    "check",
    "compute",
    "fitted",
    "pairs",
    "parse",
    "query_string",
    "readable",
    "suggestions",
    "written_cut",
]
