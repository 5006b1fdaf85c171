"""Events, endpoints and deliveries of webhooks in words."""

from dashboard.words import Word, plain
from db.webhook_events import PING

ACTIVE = Word("Active", ":material/check_circle:", "green", "Is told of what happens.")
FAILING = Word("Failing", ":material/error:", "red", "The last message was not taken. It is sent again, later and later.")
PAUSED = Word("Paused", ":material/pause_circle:", "orange", "Nothing is sent, and what happens meanwhile is not told later.")
DISABLED = Word("Disabled", ":material/block:", "red", "Nothing is sent until somebody activates it again.")

DELIVERY = {
    "waiting": Word("Waiting", ":material/schedule:", "blue", "Is still to be sent, or to be sent again."),
    "delivered": Word("Delivered", ":material/check_circle:", "green", "The other system took it."),
    "given_up": Word("Given up", ":material/error:", "red", "All attempts failed. It is sent again only by hand."),
}


def event_label(event: str) -> str:
    """An event as people read it: Call ended."""
    return "Test" if event == PING else plain(event.replace(".", " ").replace("suppression", "do-not-call number"))
