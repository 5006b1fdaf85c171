"""The database: that it is there, that it lasts, and that it refuses what must not happen."""
