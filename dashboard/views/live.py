"""The wallboard: all calls in progress, those that need a person first, and the way to listen to each."""

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard.parts import frame
from dashboard.parts.frame import Person, live
from dashboard.parts.live_attention import Wanted, board, in_need
from dashboard.parts.live_board import live_board
from dashboard.reads.live import LiveCall, calls_in_progress
from dashboard.words import plural

DRAWN = 200  # lines at most: more than that nobody reads at once


def show(person: Person) -> None:
    st.title("Live")
    if not person.may_supervise:
        st.caption("You can read along here. Listening to a call takes the role of a supervisor, which an admin can give you.")
    _now(person)


@live
def _now(person: Person) -> None:
    calls = calls_in_progress()
    _totals(calls)
    wanted = _filters(calls)
    found = board(calls, wanted)
    if found:
        live_board(person, found[:DRAWN])
    else:
        _nothing(wanted, any(call.answered for call in calls))
    if len(found) > DRAWN:
        st.caption(f"And {plural(len(found) - DRAWN, 'more call')} that need you less. To see them, choose a campaign or an agent above.")


def _totals(calls: Sequence[LiveCall]) -> None:
    answered = board(calls, Wanted())
    st.header(f"{len(answered):,} in progress", anchor=False)
    held = sum(call.held_by is not None for call in answered)
    ringing = sum(call.state == "ringing" for call in calls)
    dialed = len(calls) - len(answered) - ringing
    counted = ((sum(map(in_need, answered)), "need attention"), (held, "taken over"), (ringing, "ringing"), (dialed, "being dialed"))
    st.markdown(" · ".join(f"**{count:,}** {what}" for count, what in counted if count) or "All is quiet.")


def _filters(calls: Sequence[LiveCall]) -> Wanted:
    """What to show. There is to choose what has calls now, and what was chosen before."""
    campaigns = {call.campaign_id: call.campaign_name for call in calls if call.campaign_id is not None}
    agents = {call.agent_id: call.agent_name for call in calls}
    with st.grid(min_column_width=220, vertical_alignment="bottom"):
        campaign = _choice("Campaign", "live_campaign", campaigns)
        agent = _choice("Agent", "live_agent", agents)
        in_need_only = st.toggle(
            "Only what needs attention", key="live_in_need", help="Calls that are stuck, or in which the callee sounds unhappy."
        )
    return Wanted(campaign, agent, in_need_only)


def _choice(label: str, key: str, names: Mapping[int, str | None]) -> int | None:
    """One of `names`, or None for all of them."""
    known: dict[int, str] = st.session_state.setdefault(f"{key}_names", {})
    known |= {each: name or "" for each, name in names.items()}
    chosen: int | None = st.session_state.get(key)
    options = sorted({*names, *([] if chosen is None else [chosen])}, key=lambda each: known[each].casefold())
    return st.selectbox(label, options, index=None, placeholder="All", format_func=lambda each: known[each], key=key)


def _nothing(wanted: Wanted, any_call: bool) -> None:
    if any_call and wanted != Wanted():
        st.info("No call in progress fits. Change the filters above.", icon=":material/search_off:")
        return
    st.info("No call is in progress. As soon as somebody answers a call of a running campaign, it appears here.", icon=":material/hearing:")
    st.page_link("views/campaigns.py", label="See which campaigns run, or start one", icon=":material/campaign:")


frame.page("the calls in progress", show)
