"""The engines of this folder's tests. The top-level conftest may load the same plugin; a fixture is the same by name."""

from tests.fixtures_engines import engines

__all__ = ["engines"]
