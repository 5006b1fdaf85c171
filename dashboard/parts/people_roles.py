"""The four roles in words, and what each may do."""

from dataclasses import dataclass

import streamlit as st

from dashboard.words import Word

ROLE = {
    "viewer": Word("Viewer", ":material/visibility:", "gray", "Sees campaigns and calls, with phone numbers masked. Changes nothing."),
    "operator": Word("Operator", ":material/campaign:", "blue", "Runs campaigns, agents, phone numbers and the do-not-call list."),
    "supervisor": Word("Supervisor", ":material/hearing:", "green", "What an operator may, and is trusted with live calls."),
    "admin": Word(
        "Admin",
        ":material/shield_person:",
        "violet",
        "What a supervisor may, and people, API tokens, webhooks, retention and the audit log.",
    ),
}


@dataclass(frozen=True, slots=True)
class Right:
    """Something that one may do, from the role `least` upwards; `asks`: of the API, as method and path."""

    what: str
    least: str
    asks: tuple[tuple[str, str], ...]


RIGHTS = (
    Right(
        "See campaigns, calls, transcripts and agents; hear recordings",
        "viewer",
        (("GET", "/campaigns"), ("GET", "/calls/{call_id}"), ("GET", "/calls/{call_id}/recording"), ("GET", "/agents")),
    ),
    Right("Change one's own password", "viewer", (("POST", "/me/password"),)),
    Right("See phone numbers in full; export the call log", "operator", ()),
    Right("Create, start, pause and cancel campaigns", "operator", (("POST", "/campaigns"), ("POST", "/campaigns/{campaign_id}/start"))),
    Right("Upload, retry, skip and remove contacts", "operator", (("POST", "/campaigns/{campaign_id}/contacts/import"),)),
    Right("Change agents and phone numbers; place a test call", "operator", (("POST", "/agents"), ("POST", "/phone-numbers"))),
    Right("Change the do-not-call list", "operator", (("POST", "/suppressions"), ("DELETE", "/suppressions/{suppression_id}"))),
    Right(
        "Listen to live calls; whisper, take over, hang up, mark a moment",
        "supervisor",
        (
            ("GET", "/live"),
            *(("POST", f"/live/{{call_id}}/{verb}") for verb in ("whisper", "takeover", "give-back", "hangup", "marks")),
        ),
    ),
    Right("Add people, change their roles, disable them", "admin", (("POST", "/users"), ("PATCH", "/users/{user_id}"))),
    Right("Make and revoke API tokens", "admin", (("POST", "/tokens"), ("DELETE", "/tokens/{token_id}"))),
    Right(
        "Tell other systems of what happens, by webhooks",
        "admin",
        (("POST", "/webhooks"), ("PATCH", "/webhooks/{webhook_id}"), ("DELETE", "/webhooks/{webhook_id}")),
    ),
    Right("Set how long things are kept; erase a person", "admin", (("PATCH", "/retention"), ("POST", "/erasures"))),
    Right("Read the audit log", "admin", (("GET", "/audit-log"),)),
)


def may(role: str, right: Right) -> bool:
    """Whether `role`, a name of ROLE, has the right: each role has those of the ones before it."""
    ranks = list(ROLE)
    return ranks.index(role) >= ranks.index(right.least)


def rights_table(own: str) -> None:
    """What each role may do; `own` is the role of whoever looks."""
    shown = {"What": [right.what for right in RIGHTS], "Who may": [_who_may(right) for right in RIGHTS]}
    st.markdown(f"Your role is **{ROLE[own].label}**. An admin can change it.")
    st.table(shown, hide_index=True, border="horizontal", alt="What each role may do")


def _who_may(right: Right) -> str:
    able = [word.label for role, word in ROLE.items() if may(role, right)]
    return "Everybody" if len(able) == len(ROLE) else ", ".join(able)


def choose_role(label: str, key: str, now: str = "operator") -> str:
    """A list of the roles, and what the chosen one may do."""
    chosen = st.selectbox(label, list(ROLE), index=list(ROLE).index(now), format_func=lambda role: ROLE[role].label, key=key)
    st.caption(ROLE[chosen].means)
    return chosen
