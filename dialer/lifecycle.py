"""What a campaign, a contact and a call may become. The only place that knows: the table `transitions` of the database,
which refuses everything else, and docs/states.md are held against it by tests.
"""

from collections.abc import Mapping
from enum import StrEnum


class CampaignStatus(StrEnum):
    DRAFT = "draft"  # created, not started; everything can be edited
    PENDING = "pending"  # started, and waiting for its scheduled start or its time window
    IN_PROGRESS = "in_progress"  # calls are being made
    PAUSED = "paused"  # stopped for now
    COMPLETED = "completed"  # every contact is done
    CANCELLED = "cancelled"  # stopped for good


class ContactStatus(StrEnum):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


class CallState(StrEnum):
    PLANNED = "planned"  # ours alone: the carrier has not been asked
    REQUESTED = "requested"  # the one POST may be on its way
    UNKNOWN = "unknown"  # the POST's fate is not known: to be settled, never repeated
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


_C, _T, _S = CampaignStatus, ContactStatus, CallState

CAMPAIGN: Mapping[CampaignStatus, frozenset[CampaignStatus]] = {
    _C.DRAFT: frozenset({_C.PENDING, _C.IN_PROGRESS, _C.CANCELLED}),
    _C.PENDING: frozenset({_C.IN_PROGRESS, _C.PAUSED, _C.COMPLETED, _C.CANCELLED}),
    _C.IN_PROGRESS: frozenset({_C.PENDING, _C.PAUSED, _C.COMPLETED, _C.CANCELLED}),
    _C.PAUSED: frozenset({_C.PENDING, _C.IN_PROGRESS, _C.COMPLETED, _C.CANCELLED}),
    _C.COMPLETED: frozenset({_C.PENDING, _C.IN_PROGRESS}),  # Retry of a failed contact reopens it
    _C.CANCELLED: frozenset(),
}

CONTACT: Mapping[ContactStatus, frozenset[ContactStatus]] = {
    _T.PENDING: frozenset({_T.IN_PROGRESS, _T.SKIPPED, _T.FAILED}),
    _T.IN_PROGRESS: frozenset({_T.PENDING, _T.COMPLETED, _T.FAILED, _T.SKIPPED}),
    _T.COMPLETED: frozenset(),
    _T.FAILED: frozenset({_T.PENDING, _T.COMPLETED}),  # Retry; or evidence of a call that was given up as lost
    _T.SKIPPED: frozenset(),
}

CALL: Mapping[CallState, frozenset[CallState]] = {
    _S.PLANNED: frozenset({_S.REQUESTED, _S.ENDED}),
    _S.REQUESTED: frozenset({_S.UNKNOWN, _S.RINGING, _S.ANSWERED, _S.ENDED}),
    _S.UNKNOWN: frozenset({_S.RINGING, _S.ANSWERED, _S.ENDED}),
    _S.RINGING: frozenset({_S.ANSWERED, _S.ENDED}),
    _S.ANSWERED: frozenset({_S.ENDED}),
    _S.ENDED: frozenset(),
}

TABLES: Mapping[
    str,
    Mapping[CampaignStatus, frozenset[CampaignStatus]]
    | Mapping[ContactStatus, frozenset[ContactStatus]]
    | Mapping[CallState, frozenset[CallState]],
] = {
    "campaign": CAMPAIGN,
    "contact": CONTACT,
    "call": CALL,
}


class Action(StrEnum):
    """What an operator may do with a campaign."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    DUPLICATE = "duplicate"
    EDIT = "edit"
    RETRY_CONTACT = "retry_contact"
    SKIP_CONTACT = "skip_contact"
    REMOVE_CONTACT = "remove_contact"


_ANY = frozenset(CampaignStatus)

ALLOWED_IN: Mapping[Action, frozenset[CampaignStatus]] = {
    Action.START: frozenset({_C.DRAFT}),
    Action.PAUSE: frozenset({_C.PENDING, _C.IN_PROGRESS}),
    Action.RESUME: frozenset({_C.PAUSED}),
    Action.CANCEL: frozenset({_C.DRAFT, _C.PENDING, _C.IN_PROGRESS, _C.PAUSED}),
    Action.DUPLICATE: _ANY,
    Action.EDIT: frozenset({_C.DRAFT, _C.PAUSED}),
    Action.RETRY_CONTACT: _ANY - {_C.CANCELLED},
    Action.SKIP_CONTACT: _ANY - {_C.COMPLETED, _C.CANCELLED},
    Action.REMOVE_CONTACT: _ANY - {_C.COMPLETED, _C.CANCELLED},
}


def shown(status: str) -> str:
    """A status as people read it: In Progress, not in_progress."""
    return status.replace("_", " ").title()


def allowed_actions(status: CampaignStatus) -> list[Action]:
    """The actions that an operator may take in `status`, in the order in which they are shown."""
    return [action for action, statuses in ALLOWED_IN.items() if status in statuses]


def diagram(thing: str) -> str:
    """The transitions of `thing` (campaign, contact, call) as a mermaid state diagram."""
    arrows = [f"    {here} --> {there}" for here, to in TABLES[thing].items() for there in sorted(to)]
    return "\n".join(["stateDiagram-v2", *arrows])
