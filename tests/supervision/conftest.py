"""The database at the end of a cable that a test can cut, and the speech model: as the media server's tests have them."""

from tests.media.conftest import cable, database, model

__all__ = ["cable", "database", "model"]
