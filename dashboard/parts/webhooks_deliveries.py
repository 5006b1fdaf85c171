"""What was sent to an endpoint in the last 30 days, what came of it, and sending it again."""

import json
from datetime import tzinfo

import streamlit as st

from dashboard.commands import commands
from dashboard.parts.frame import say_and_rerun
from dashboard.parts.paging import Pager
from dashboard.parts.status import badge
from dashboard.parts.webhooks_words import DELIVERY, event_label
from dashboard.reads import webhooks
from dashboard.reads.webhooks import Delivery, Endpoint
from dashboard.times import clock, moment
from dashboard.words import md, plural, word


def draw_deliveries(endpoint: Endpoint, there: tzinfo) -> None:
    """The deliveries of one endpoint, newest first."""
    undelivered = st.toggle("Only what was not delivered", key=f"webhook_undelivered_{endpoint.id}")
    pager = Pager(f"deliveries_{endpoint.id}", (undelivered,))
    found = pager.read(lambda after_id: webhooks.deliveries(endpoint.id, undelivered, after_id), lambda delivery: delivery.id)
    if not found:
        nothing = (
            "Everything was delivered."
            if undelivered
            else "Nothing was sent in the last 30 days. **Send a test** shows whether it arrives."
        )
        st.info(nothing, icon=":material/outbox:")
    for delivery in found:
        _line(endpoint, delivery, there)
    pager.controls("Deliveries")


def _line(endpoint: Endpoint, delivery: Delivery, there: tzinfo) -> None:
    with st.container(border=True, gap="xsmall", key=f"delivery_line_{delivery.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{md(event_label(delivery.event))}**", width="content")
            badge(word(DELIVERY, delivery.state))
        st.caption(" · ".join(md(part) for part in (moment(delivery.created_at, there), *_came_of(delivery, there))))
        with st.container(horizontal=True):
            if st.button("Look at it", key=f"delivery_{delivery.id}", icon=":material/description:"):
                st.dialog(event_label(delivery.event), width="large")(_whole)(delivery)
            verb = _verb(endpoint, delivery)
            if verb and st.button(verb, key=f"redeliver_{delivery.id}", icon=":material/redo:"):
                commands().redeliver_webhook(endpoint.id, delivery.id)
                say_and_rerun("It is sent")


def _verb(endpoint: Endpoint, delivery: Delivery) -> str:
    """What sending it by hand is called; empty where that can't be, or it goes out in a moment anyway."""
    if not endpoint.active or delivery.under_way:
        return ""
    if delivery.state != "waiting":
        return "Send again"
    return "Send now" if delivery.attempts else ""


def _came_of(delivery: Delivery, there: tzinfo) -> list[str]:
    """What is known of the attempts, in parts."""
    if delivery.delivered_at is not None and delivery.state == "delivered":
        return [f"answered {delivery.status_code} after {delivery.duration_ms} ms", f"at {clock(delivery.delivered_at, there)}"]
    parts = [delivery.error] if delivery.error else []
    if delivery.attempts:
        parts.append(plural(delivery.attempts, "attempt"))
    if delivery.state == "waiting":
        parts.append(_next(delivery, there))
    return parts


def _next(delivery: Delivery, there: tzinfo) -> str:
    if delivery.under_way:
        return "being sent"
    return f"next {moment(delivery.due_at, there)}" if delivery.attempts else "next in line"


def _whole(delivery: Delivery) -> None:
    st.caption(f"Message {md(delivery.message_id)}, {md(delivery.event)}")
    st.code(json.dumps(delivery.data, indent=2, ensure_ascii=False), language="json", wrap_lines=True, height=360)
    if delivery.error:
        st.error(md(delivery.error), icon=":material/error:")
    if delivery.response:
        st.markdown("**The beginning of its answer**")
        st.code(delivery.response, language=None, wrap_lines=True)
