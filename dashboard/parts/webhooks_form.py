"""What is asked of an endpoint: its address, what it is for, and what it is told of."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard.commands import CommandRefused, commands
from dashboard.parts.frame import say_and_rerun
from dashboard.parts.tokens_shown_once import make_and_show
from dashboard.parts.webhooks_words import event_label
from dashboard.reads.webhooks import Endpoint
from dashboard.words import md
from db.webhook_events import MEANS, Event

_MADE = "The webhook is made, and told of what happens from now on. This is its secret: messages are verified with it."


def add() -> None:
    """Opens the form for a new endpoint; its secret is shown once."""

    def form() -> Callable[[], str] | None:
        values = _fields("webhook_new", "", "", [Event.CALL_ENDED.value])
        sent = st.button("Add this webhook", type="primary", key="webhook_new_send")
        return (lambda: commands().create_webhook(values)) if sent and _complete(values) else None

    make_and_show("Add a webhook", form, _MADE)


def edit(endpoint: Endpoint) -> None:
    """Opens the form for an endpoint that is there."""

    def form() -> None:
        values = _fields(f"webhook_{endpoint.id}", endpoint.url, endpoint.description, endpoint.events)
        if not st.button("Save", type="primary", key="webhook_save", icon=":material/save:") or not _complete(values):
            return
        try:
            commands().change_webhook(endpoint.id, values)
        except CommandRefused as refused:
            st.error(md(str(refused)), icon=":material/error:")
        else:
            say_and_rerun("Webhook saved")

    st.dialog("Edit the webhook")(form)()


def new_secret(endpoint: Endpoint) -> None:
    """Asks whether to make another secret, and shows it once."""

    def form() -> Callable[[], str] | None:
        st.write(
            f"Messages to **{md(endpoint.url)}** are signed with the new secret and the present one for 24 hours, then with the new one "
            "alone. Change it in the other system within that time, or what is sent is refused there."
        )
        sent = st.button("Make a new secret", type="primary", key="webhook_secret_send", icon=":material/warning:")
        return (lambda: commands().rotate_webhook_secret(endpoint.id)) if sent else None

    make_and_show("Make a new secret?", form, "The new secret. The one before is good for 24 hours more.")


def _fields(key: str, url: str, description: str, events: list[str]) -> dict[str, Any]:
    address = st.text_input(
        "Address",
        url,
        placeholder="https://example.com/webhooks",
        max_chars=2000,
        key=f"{key}_url",
        help="Where messages are posted; https.",
    )
    what_for = st.text_input("What for", description, max_chars=200, key=f"{key}_description", help="Optional: which system this is.")
    st.markdown("**Tell of**")
    with st.container(gap=None):
        chosen = [
            event.value
            for event in Event
            if st.checkbox(
                event_label(event), event.value in events, key=f"{key}_{event.name}", help=f"{MEANS[event][0].upper()}{MEANS[event][1:]}."
            )
        ]
    return {"url": (address or "").strip(), "description": (what_for or "").strip(), "events": chosen}


def _complete(values: dict[str, Any]) -> bool:
    """Whether there is something in each field that needs it; what lacks is said."""
    lacks = "Enter the address." if not values["url"] else "Tick at least one event." if not values["events"] else ""
    if lacks:
        st.error(lacks, icon=":material/error:")
    return not lacks
