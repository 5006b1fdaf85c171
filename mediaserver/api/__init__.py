"""REST under /api/v1: what engineers and the dashboard command. Its routes are one table; the OpenAPI document is made from it."""

from mediaserver.api.setup import ROUTES, setup_api

__all__ = ["ROUTES", "setup_api"]
