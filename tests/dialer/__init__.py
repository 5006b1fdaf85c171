"""The dialer: pure rules by their properties, everything else on a real PostgreSQL with a scripted carrier."""
