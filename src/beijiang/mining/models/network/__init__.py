"""Networks in memory: columns of numpy instead of objects, so that a million enterprises fit and chains take milliseconds."""
