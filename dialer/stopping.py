"""What Pause, Cancel and a suppression wait for: that no call which they forbid starts after their answer.

They mark, under their locks, the calls whose POST is on its way; who sent the POST hangs up what the carrier accepted of them.
"""

import logging
from collections.abc import Sequence

from db.database import Database
from dialer import queries
from dialer.clock import Clock, RealClock

log = logging.getLogger(__name__)

WAIT_AT_MOST_S = 5.0
_LOOK_EVERY_S = 0.02


async def posts_are_back(db: Database, call_ids: Sequence[int], clock: Clock | None = None) -> bool:
    """Wait until the POSTs of these calls have come back and what was accepted of them is hung up: 5 s at most. Whether all have."""
    clock = clock or RealClock()
    deadline = clock.seconds() + WAIT_AT_MOST_S
    while call_ids:
        still_open: int = await queries.campaigns.posts_open(db.pool, ids=list(call_ids))
        if not still_open:
            break
        if clock.seconds() >= deadline:
            log.warning("%d requests to the carrier have not come back: they are hung up when they do", still_open)
            return False
        await clock.sleep(_LOOK_EVERY_S)
    return True
