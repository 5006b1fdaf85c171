"""Webhooks: other systems that are told of what happens here. For admins."""

from datetime import tzinfo

import streamlit as st

from dashboard.commands import commands
from dashboard.parts import confirm, webhooks_form
from dashboard.parts.frame import live, say_and_rerun
from dashboard.parts.status import badge
from dashboard.parts.webhooks_deliveries import draw_deliveries
from dashboard.parts.webhooks_words import ACTIVE, DISABLED, FAILING, PAUSED, event_label
from dashboard.reads import webhooks
from dashboard.reads.webhooks import Endpoint
from dashboard.times import moment
from dashboard.words import Word, md, plural

OPEN = "webhook_open"  # in the state of the page's session: whose deliveries are shown


def draw_webhooks(there: tzinfo) -> None:
    """All endpoints with their health, and the way to a new one."""
    st.write(
        "A webhook tells another system what happens here: a call has ended, a campaign is done, somebody wants no more calls. "
        "Messages hold phone numbers and what calls collected: send them only where those belong."
    )
    if st.button("Add a webhook", type="primary", icon=":material/add:"):
        webhooks_form.add()
    _list(there)


@live
def _list(there: tzinfo) -> None:
    found = webhooks.endpoints()
    if not found:
        st.info(
            "No webhooks yet. Add one with the address that the other system gives you; its engineers find what is sent, and how it is "
            "verified, in docs/webhooks.md.",
            icon=":material/webhook:",
        )
    for endpoint in found:
        _card(endpoint, there)


def _card(endpoint: Endpoint, there: tzinfo) -> None:
    with st.container(border=True, key=f"webhook_line_{endpoint.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(endpoint.url, width="content")  # as markdown it would become a link, and whoever follows it is no courier
            badge(health(endpoint))
        if endpoint.description:
            st.write(md(endpoint.description))
        told = f"Told of: {', '.join(event_label(event) for event in endpoint.events)}"
        st.caption(f"{md(told)}  \n{md(', '.join(_known(endpoint, there)))}")
        if endpoint.disabled_reason:
            st.error(f"Disabled: {md(endpoint.disabled_reason)}. Mend it there, then activate it.", icon=":material/block:")
        elif endpoint.failing_since is not None and endpoint.active:
            since = f"since {md(moment(endpoint.failing_since, there))}"
            st.warning(f"Not delivered {since}: {md(endpoint.last_error)}. It is tried again.", icon=":material/error:")
        _buttons(endpoint)
        if st.session_state.get(OPEN) == endpoint.id:
            draw_deliveries(endpoint, there)


def health(endpoint: Endpoint) -> Word:
    """How an endpoint is, in a word."""
    if not endpoint.active:
        return DISABLED if endpoint.disabled_reason else PAUSED
    return FAILING if endpoint.failing_since is not None else ACTIVE


def _known(endpoint: Endpoint, there: tzinfo) -> list[str]:
    parts = [f"Last delivered {moment(endpoint.last_delivered_at, there)}" if endpoint.last_delivered_at else "Nothing delivered yet"]
    if endpoint.waiting:
        parts.append(f"{endpoint.waiting:,}{' or more' if endpoint.waiting >= 1000 else ''} waiting")
    if endpoint.old_secret_until:
        parts.append(f"its old secret is good until {moment(endpoint.old_secret_until, there)}")
    if endpoint.created_by:
        parts.append(f"added by {endpoint.created_by}")
    return parts


def _buttons(endpoint: Endpoint) -> None:
    here = endpoint.id
    with st.container(horizontal=True):
        shown = st.session_state.get(OPEN) == here
        if st.button("Hide deliveries" if shown else "Deliveries", key=f"webhook_deliveries_{here}", icon=":material/list:"):
            st.session_state[OPEN] = None if shown else here
            st.rerun()
        if endpoint.active and st.button("Send a test", key=f"webhook_test_{here}", icon=":material/send:"):
            commands().test_webhook(here)
            st.session_state[OPEN] = here
            say_and_rerun("Test sent: what came of it stands in the deliveries")
        if st.button("Edit", key=f"webhook_edit_{here}", icon=":material/edit:"):
            webhooks_form.edit(endpoint)
        if endpoint.active:
            if st.button("Pause", key=f"webhook_pause_{here}", icon=":material/pause:"):
                commands().change_webhook(here, {"active": False})
                say_and_rerun("Paused")
        elif st.button("Activate", key=f"webhook_activate_{here}", icon=":material/play_arrow:"):
            commands().change_webhook(here, {"active": True})
            say_and_rerun("Active again")
        if st.button("New secret", key=f"webhook_secret_{here}", icon=":material/key:"):
            webhooks_form.new_secret(endpoint)
        if st.button("Delete", key=f"webhook_delete_{here}", icon=":material/delete:"):
            _delete(endpoint)


def _delete(endpoint: Endpoint) -> None:
    waiting = f"{plural(endpoint.waiting, 'message')} still to be sent, " if endpoint.waiting else ""
    loses = (
        f"**{md(endpoint.url)}** is told nothing any more. Lost are {waiting}its secret, and the list of its deliveries. "
        "This can't be undone; a new webhook has another secret."
    )
    confirm.ask("Delete this webhook?", loses, "Delete the webhook", lambda: commands().delete_webhook(endpoint.id), "Webhook deleted")
