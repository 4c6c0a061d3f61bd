"""Plain data and rules of protection that need no input or output."""
