"""The catalog in the formats that other portals, search engines and tools read; always as anybody sees it."""
