"""One small file per migration: its number, the one before, and nothing else of its own."""
