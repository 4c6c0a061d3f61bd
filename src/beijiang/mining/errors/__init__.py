"""What can go wrong in mining, a file for each of its pieces."""

from beijiang.mining.errors.bench import id_taken, no_query, no_run, unfit
from beijiang.mining.errors.notebooks import bad_value, no_notebook, notebook_moved, unfit_notebook
from beijiang.mining.errors.texts import bad_grade, no_document, no_form, no_words, too_few_labels, unfit_document

__all__ = [
    "bad_grade",
    "bad_value",
    "id_taken",
    "no_document",
    "no_form",
    "no_notebook",
    "no_query",
    "no_run",
    "no_words",
    "notebook_moved",
    "too_few_labels",
    "unfit",
    "unfit_document",
    "unfit_notebook",
]
