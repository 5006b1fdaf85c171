"""The recording of a call: the browser plays it from the media server with its own session, so that sound never passes through here."""

from dataclasses import asdict, dataclass
from datetime import tzinfo
from typing import Any

from dashboard.commands import CommandRefused, SignInNeeded, commands, public_url
from dashboard.parts.deleted import why_deleted
from dashboard.rows import Call


@dataclass(frozen=True, slots=True)
class Recording:
    """What a player needs. `address`: of the WAV file, for the browser; `agent` and `callee`: how loud each was, 0 to 1000."""

    address: str
    duration_ms: int
    agent: list[int]
    callee: list[int]

    def drawn(self) -> dict[str, Any]:
        """As the browser takes it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class NoRecording:
    """There is nothing to play; `why` is for people, empty where it goes without saying."""

    why: str


def recording_of(call: Call, there: tzinfo) -> Recording | NoRecording:
    """The stereo recording of a call with its peaks, or why there is none, told in the zone `there`.

    Raises:
        SignInNeeded
    """
    if not call.recorded:
        return NoRecording(_why_none(call, there))
    try:
        peaks = commands().recording_peaks(call.id)
    except SignInNeeded:
        raise
    except CommandRefused as refused:
        return NoRecording(f"The recording can't be played: {str(refused).rstrip('.')}.")
    return Recording(
        f"{public_url()}/api/v1/calls/{call.id}/recording", int(peaks["duration_ms"]), list(peaks["agent"]), list(peaks["callee"])
    )


def _why_none(call: Call, there: tzinfo) -> str:
    if call.recording_deleted_at is not None:
        return why_deleted("The recording was", call.recording_deleted_at, call.recording_kept_days, "recordings", there)
    if call.state == "answered":
        return "The recording can be played once the call has ended."
    if call.state != "ended" or call.outcome == "withdrawn":
        return ""
    if call.answered_at is None:
        return "No recording: the call was not answered."
    return "No recording was kept of this call. Whether calls are recorded is set in the agent."
