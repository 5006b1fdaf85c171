"""The four tabs of one campaign."""
