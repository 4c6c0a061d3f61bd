"""Searching the catalog: character pairs for words, bit sets for facets, one page per question."""
