"""What the operator's verbs refuse, told apart for whoever answers."""


class NotFound(LookupError):
    """There is no such thing; the message names it."""


class NotAllowed(Exception):
    """The thing's status does not allow it, or something is missing first; `reason` says what and what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Outdated(NotAllowed):
    """Somebody else has changed it since it was read."""
