"""Start, Pause, Resume, Cancel, Duplicate, Delete: those of a campaign that its status allows."""

import time
from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st

from dashboard.commands import CommandRefused, commands
from dashboard.errands import begun, done, errand
from dashboard.parts import confirm
from dashboard.parts.frame import say, say_and_rerun
from dashboard.rows import Campaign
from dashboard.words import ACTION, md, plural

REST_S = 1.0  # after an action: the second half of a double click on Start must not hit the Pause that takes its place
_RESTS_UNTIL = "actions_rest_until"
DONE = {
    "start": "Started",
    "pause": "Paused: no further call starts; calls in progress finish",
    "resume": "Resumed",
    "cancel": "Cancelled",
}


def action_buttons(campaign: Campaign, allowed: Sequence[str]) -> None:
    """The buttons that `allowed` names, in its order; all of them grey for a moment after an action."""
    pressed, resting = None, _RESTS_UNTIL in st.session_state
    with st.container(horizontal=True):
        for action in allowed:
            if action in ACTION:
                shown = ACTION[action]
                weight: Literal["primary", "secondary"] = "primary" if shown.colour == "primary" else "secondary"
                if st.button(shown.label, icon=shown.icon, type=weight, key=f"do_{action}", disabled=resting):
                    pressed = action
        if campaign.status == "draft" and st.button("Delete", icon=":material/delete:", key="do_delete", disabled=resting):
            pressed = "delete"
    if begun(_copying(campaign)) is not None:
        pressed = "duplicate"
    if pressed is not None:
        try:
            _ACTS.get(pressed, _at_once)(campaign, pressed)
        except CommandRefused as refused:
            st.error(md(str(refused)), icon=":material/error:")


def rested() -> bool:
    """True once after each rest: the buttons may be drawn anew."""
    if time.monotonic() < st.session_state.get(_RESTS_UNTIL, float("inf")):
        return False
    del st.session_state[_RESTS_UNTIL]
    return True


def _rest() -> None:
    st.session_state[_RESTS_UNTIL] = time.monotonic() + REST_S


def _at_once(campaign: Campaign, action: str) -> None:
    commands().act(campaign.id, action)
    _rest()
    say_and_rerun(f"{DONE[action]}: {md(campaign.name)}" if action in ("start", "resume") else DONE[action])


def _cancel(campaign: Campaign, action: str) -> None:
    left = campaign.pending
    loses = f"**{md(campaign.name)}** stops for good. "
    loses += f"{plural(left, 'contact')} will not be called. " if left else ""
    loses += "Calls in progress finish. It can't be started again; Duplicate makes a new version."
    confirm.ask("Cancel this campaign?", loses, "Cancel the campaign", lambda: commands().act(campaign.id, action), DONE[action])


def _duplicate(campaign: Campaign, _action: str) -> None:
    api = commands()
    copy = errand(_copying(campaign), campaign.id).send(lambda once: api.duplicate(campaign.id, once))
    _rest()
    say("Duplicated: this is the new Draft")
    done(_copying(campaign))
    st.switch_page("views/campaign.py", query_params={"id": str(copy)})


def _copying(campaign: Campaign) -> str:
    return f"copying_{campaign.id}"


def _delete(campaign: Campaign, _action: str) -> None:
    loses = f"The draft **{md(campaign.name)}** and its {plural(campaign.total, 'contact')} will be gone. This can't be undone."

    def do() -> None:
        commands().delete_campaign(campaign.id)

    confirm.ask("Delete this draft?", loses, "Delete the draft", do, f"Deleted: {md(campaign.name)}", then="views/campaigns.py")


_ACTS: dict[str, Callable[[Campaign, str], None]] = {"cancel": _cancel, "duplicate": _duplicate, "delete": _delete}
