"""Why a contact was, or was not, called: the reason now, each gate as it stands, the calls so far, and what was decided before."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

import streamlit as st

from dashboard.commands import CommandRefused, commands
from dashboard.data import data
from dashboard.parts.call_lines import draw_call_lines
from dashboard.parts.frame import Person
from dashboard.parts.status import badge
from dashboard.rows import Campaign, ContactLine
from dashboard.times import moment, zone
from dashboard.words import CAMPAIGN_STATUS, CONTACT_STATUS, capital, md, plain, plural, word

_VERDICTS = {
    "call": ":material/check: open",
    "wait": ":material/schedule: waits",
    "skip": ":material/block: never",
    "fail": ":material/block: never",
}
_GATES = {
    "campaign_status": "The campaign's status",
    "scheduled_start": "Scheduled start",
    "window": "The campaign's hours",
    "circuit_breaker": "The carrier's health",
    "back_off": "The carrier's wish to wait",
    "account_rate": "Calls per second of the account",
    "number_rate": "Calls per second of the number",
    "concurrency": "Lines of the campaign",
    "number_concurrency": "Lines of the number",
    "node_concurrency": "Lines of the media server",
    "throttle": "Throttle delay",
    "pilot": "Start small",
    "retry_delay": "Time of the next try",
    "variables": "Variables of the agent's texts",
    "suppression": "Do-not-call list",
    "max_tries": "Tries left",
    "local_hours": "The callee's own hours",
    "live_attempt": "Other calls to the number",
    "frequency_cap": "Tries per number",
}


@st.dialog("Why?", width="large")
def why(person: Person, campaign: Campaign, contact: ContactLine) -> None:
    """Opens the answer for one contact."""
    there = zone(campaign.timezone, st.context.timezone)
    st.subheader(md(contact.name or (contact.number if person.sees_numbers else "This contact")))
    badge(word(CONTACT_STATUS, contact.status))
    if contact.variables and person.sees_numbers:
        st.caption(" · ".join(f"{md(name)}: {md(str(value))}" for name, value in contact.variables.items()))
    answer = _answer(contact)
    if answer:
        _now(answer, there)
    st.markdown("**Calls**")
    if lines := data().calls_of_contact(campaign.id, contact.id):
        draw_call_lines(person, lines, there, key="why")
    else:
        st.caption("Not called so far.")
    if history := data().verdicts(contact.id):
        st.markdown("**What was decided before**")
        st.markdown("\n".join(f"- {md(moment(each.at, there))}: {gate(each.gate, each.verdict, each.value)}" for each in history))
    if answer:
        _campaign(answer["campaign"], there)
    st.caption(f"Times are in {there}.")


def _answer(contact: ContactLine) -> dict[str, Any]:
    """What the API says; nothing where it does not, and then the dialog says so."""
    try:
        return commands().why(contact.id)
    except CommandRefused as refused:
        st.warning(md(str(refused)), icon=":material/cloud_off:")
        return {}


def _now(answer: Mapping[str, Any], there: tzinfo) -> None:
    """The reason in words, the gates that are closed, and the others for those who ask."""
    reason = str(answer["now"])
    st.info(md(capital(reason)), icon=":material/help:")
    told = [(each["verdict"] == "call", _line(each, there)) for each in answer["gates"]]
    if closed := [line for is_open, line in told if not is_open]:
        st.markdown("**What holds it back now**\n" + "\n".join(closed))
    if passed := [line for is_open, line in told if is_open]:
        with st.expander(f"{plural(len(passed), 'check')} passed", icon=":material/check:"):
            st.markdown("\n".join(passed))


def _line(seen: Mapping[str, Any], there: tzinfo) -> str:
    again = seen["look_again_at"]
    looked = f". Looked at again {md(moment(datetime.fromisoformat(again), there))}" if again else ""
    return f"- {gate(seen['gate'], seen['verdict'], seen['value'])}{looked}"


def gate(name: str, verdict: str, value: str) -> str:
    """One gate with its verdict and what it saw, as markdown."""
    return f"**{_GATES.get(name, plain(name))}** {_VERDICTS.get(verdict, plain(verdict))}: {md(value)}"


def _campaign(changes: Sequence[Mapping[str, Any]], there: tzinfo) -> None:
    """What the campaign's status became, newest first."""
    if not changes:
        return
    with st.expander("What happened to the campaign", icon=":material/history:"):
        for change in changes:
            at = md(moment(datetime.fromisoformat(change["at"]), there))
            reason = f": {md(change['reason'])}" if change["reason"] else ""
            st.markdown(f"{at}: **{word(CAMPAIGN_STATUS, change['status']).label}**{reason}")
