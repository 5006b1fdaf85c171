"""Where faults stop: what one call's conversation, socket or tap does wrong reaches neither the clock nor another call."""

import logging
from collections.abc import Callable
from typing import ParamSpec

log = logging.getLogger(__name__)

P = ParamSpec("P")


def contained(fault: str, call: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> bool:
    """Call it. Whether it came through; if not, the log has `fault` and the cause."""
    try:
        call(*args, **kwargs)
    except Exception:  # the boundary itself
        log.exception(fault)
        return False
    return True
