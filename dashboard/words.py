"""How states, outcomes and reasons are called on the pages. Codes that are not listed here are shown as plain words."""

from dataclasses import dataclass
from typing import Literal

Colour = Literal["red", "orange", "yellow", "blue", "green", "violet", "gray", "primary"]


@dataclass(frozen=True, slots=True)
class Word:
    """A code as people read it: its label, an icon (so that colour is never alone), its colour, and what it means."""

    label: str
    icon: str
    colour: Colour
    means: str = ""


CAMPAIGN_STATUS = {
    "draft": Word("Draft", ":material/edit_note:", "gray", "Created, not started. Everything can be edited."),
    "pending": Word("Pending", ":material/schedule:", "blue", "Started; waits for its scheduled start or its calling hours."),
    "in_progress": Word("In Progress", ":material/phone_in_talk:", "green", "Calls are being made."),
    "paused": Word("Paused", ":material/pause_circle:", "orange", "Stopped for now. Resume goes on where it stopped."),
    "completed": Word("Completed", ":material/check_circle:", "blue", "Every contact is done."),
    "cancelled": Word("Cancelled", ":material/cancel:", "gray", "Stopped for good. Duplicate makes a new version."),
}

CONTACT_STATUS = {
    "pending": Word("Pending", ":material/schedule:", "gray", "Waits to be called."),
    "in_progress": Word("In Progress", ":material/phone_in_talk:", "green", "Is being called now."),
    "completed": Word("Completed", ":material/check_circle:", "blue", "The call was made successfully."),
    "failed": Word("Failed", ":material/error:", "red", "All tries are used up."),
    "skipped": Word("Skipped", ":material/skip_next:", "orange", "Will not be called."),
}

CALL_STATE = {
    "planned": Word("Planned", ":material/schedule:", "gray", "The carrier has not been asked yet."),
    "requested": Word("Dialing", ":material/dialpad:", "blue", "The carrier was asked to place the call."),
    "unknown": Word("Being settled", ":material/help:", "orange", "The carrier did not say what became of it; it is being asked."),
    "ringing": Word("Ringing", ":material/notifications_active:", "blue", "The phone rings."),
    "answered": Word("Talking", ":material/phone_in_talk:", "green", "The call was answered and goes on."),
    "ended": Word("Ended", ":material/call_end:", "gray"),
}

OUTCOME = {
    "person": Word("Talked to a person", ":material/person:", "green"),
    "callback": Word("Asked to be called back", ":material/event_repeat:", "blue"),
    "voicemail_message": Word("Voicemail, message left", ":material/voicemail:", "blue"),
    "voicemail_no_message": Word("Voicemail, nothing left", ":material/voicemail:", "gray"),
    "dropped": Word("Dropped", ":material/phone_disabled:", "orange", "A person was there, then the line was lost."),
    "no_answer": Word("No answer", ":material/phone_missed:", "gray"),
    "busy": Word("Busy", ":material/phone_paused:", "gray"),
    "carrier_failure": Word("Carrier failure", ":material/error:", "red", "The carrier could not place the call."),
    "refused": Word("Number refused", ":material/block:", "red", "The carrier refuses this number for good."),
    "lost": Word("Lost", ":material/help:", "red", "The carrier knows nothing of this call."),
    "withdrawn": Word("Withdrawn", ":material/undo:", "gray", "Nobody was called; it does not count as a try."),
}

WHO = {
    "human": Word("Person", ":material/person:", "green"),
    "voicemail": Word("Voicemail", ":material/voicemail:", "blue"),
    "screening": Word("Call screening", ":material/shield:", "gray"),
    "menu": Word("Phone menu", ":material/dialpad:", "gray"),
    "no_one": Word("Nobody spoke", ":material/volume_off:", "gray"),
    "unknown": Word("Unknown", ":material/help:", "gray"),
}

GOAL = {
    "met": Word("Met", ":material/check_circle:", "green"),
    "not_met": Word("Not met", ":material/do_not_disturb_on:", "orange"),
    "unclear": Word("Unclear", ":material/help:", "gray"),
}

SENTIMENT = {
    "positive": Word("Positive", ":material/sentiment_satisfied:", "green"),
    "neutral": Word("Neutral", ":material/sentiment_neutral:", "gray"),
    "negative": Word("Negative", ":material/sentiment_dissatisfied:", "orange"),
}

SPEAKER = {"agent": "Agent", "supervisor": "Supervisor"}  # the callee goes by name

AGENT_STATE = {
    "speaking": Word("Agent speaks", ":material/record_voice_over:", "blue"),
    "listening": Word("Agent listens", ":material/hearing:", "green"),
    "thinking": Word("Agent thinks", ":material/more_horiz:", "gray"),
    "mailbox": Word("At a mailbox", ":material/voicemail:", "gray"),
    "away": Word("Agent is away", ":material/support_agent:", "orange"),
    "ending": Word("Agent says goodbye", ":material/waving_hand:", "gray"),
    "over": Word("Just over", ":material/call_end:", "gray"),
}

GATE = {
    "queue": "Next in the queue: called when a line is free",
    "retry_delay": "Waiting for the time of the next try",
    "campaign_status": "The campaign is not running",
    "scheduled_start": "Before the scheduled start",
    "window": "Outside the campaign's calling hours",
    "variables": "A variable of the agent's texts is missing",
    "suppression": "On the do-not-call list",
    "max_tries": "All tries are used up",
    "local_hours": "Outside the callee's own hours",
    "live_attempt": "The number is in another call",
    "frequency_cap": "Called often enough lately",
    "back_off": "The carrier asked us to wait",
    "account_rate": "The carrier's calls per second are used up",
    "number_rate": "The number's calls per second are used up",
    "number_concurrency": "All lines of the number are busy",
    "node_concurrency": "All lines of the server are busy",
    "concurrency": "All lines of the campaign are busy",
    "throttle": "Waiting for the throttle delay",
    "circuit_breaker": "Too many failed requests at the carrier",
}

END_REASON = {
    "goodbye": "The agent had said what there was to say",
    "declined": "The callee declined",
    "opted_out": "The callee asked not to be called again",
    "wrong_person": "Somebody else picked up",
    "callback": "The callee asked to be called back",
    "message_left": "A message was left on the mailbox",
    "no_message": "A mailbox, and nothing was left on it",
    "silence": "Nobody spoke",
    "hung_up": "The callee hung up before the conversation was done",
    "line_lost": "The line was lost",
    "time_limit": "The call reached its time limit",
    "supervisor": "A supervisor ended the call",
    "failed": "A fault on our side ended it",
    "throttled": "The carrier wanted fewer requests at once",
    "nothing_sent": "The carrier could not be reached",
    "our_fault": "The carrier refused our account or caller number",
    "gate_closed": "It was no longer allowed in the moment of dialing",
    "stopped": "The campaign was stopped, or the number was put on the do-not-call list",
    "queued": "The carrier let the call wait",
    "never_dialed": "The server that was about to dial ended",
}

ENDED_BY = {
    "agent": "the agent",
    "callee": "the callee",
    "operator": "an operator",
    "carrier": "the carrier",
    "fault": "a fault on our side",
}

ACTION = {
    "start": Word("Start", ":material/play_arrow:", "primary"),
    "pause": Word("Pause", ":material/pause:", "primary"),
    "resume": Word("Resume", ":material/play_arrow:", "primary"),
    "cancel": Word("Cancel", ":material/cancel:", "gray"),
    "duplicate": Word("Duplicate", ":material/content_copy:", "gray"),
}

WEEKDAYS = {1: "Mon", 2: "Tue", 3: "Wed", 4: "Thu", 5: "Fri", 6: "Sat", 7: "Sun"}


def word(table: dict[str, Word], code: str | None) -> Word:
    """The word for `code`; a code that the table lacks in plain letters; a dash for none."""
    if code is None:
        return Word("-", "", "gray")
    return table.get(code) or Word(plain(code), ":material/label:", "gray")


def plain(code: str) -> str:
    """A code such as `no_answer` as words."""
    return code.replace("_", " ").capitalize()


def plural(count: int, one: str, many: str | None = None) -> str:
    """`count` with its noun: 1 contact, 2,000 contacts."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def percent(part: float, whole: float) -> str:
    """The share in whole percent: 70%. A dash where there is nothing to have a share of."""
    return f"{part / whole:.0%}" if whole else "-"


def capital(text: str) -> str:
    """A reason, which begins with a small letter to stand within a sentence, as one that stands alone."""
    return text[:1].upper() + text[1:]


def md(text: str) -> str:
    """`text` as Streamlit's markdown shows it literally: names, numbers and transcripts are data, not markup."""
    return "".join("\\" + sign if sign in "\\`*_{}[]()<>#+-.!|~$:&" else sign for sign in text.replace("\n", " "))
