"""The audit log: who did what, when. For admins."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

import streamlit as st

from dashboard.parts.export import cell, neutral
from dashboard.parts.paging import Pager
from dashboard.reads import people
from dashboard.reads.people import AuditFilter, AuditLine
from dashboard.times import moment
from dashboard.words import md, plain

ACTION = {
    "sign_in": "signed in",
    "user.create": "added the person",
    "user.change": "changed the account of",
    "user.password": "set a new password for",
    "user.sign_out_everywhere": "signed out everywhere:",
    "token.create": "created the API token",
    "token.revoke": "revoked the API token",
    "webhook.create": "added the webhook",
    "webhook.change": "changed the webhook",
    "webhook.rotate_secret": "made a new secret for the webhook",
    "webhook.delete": "deleted the webhook",
    "webhook.test": "sent a test to the webhook",
    "webhook.redeliver": "sent a message again to the webhook",
    "webhook.disable": "disabled the webhook",
    "campaign.create": "created the campaign",
    "campaign.edit": "edited the campaign",
    "campaign.start": "started the campaign",
    "campaign.pause": "paused the campaign",
    "campaign.resume": "resumed the campaign",
    "campaign.cancel": "cancelled the campaign",
    "campaign.duplicate": "duplicated a campaign as",
    "campaign.delete": "deleted the draft",
    "contact.add": "added contacts to",
    "contact.import": "imported contacts into",
    "contact.retry": "granted one more try to a contact of",
    "contact.skip": "skipped a contact of",
    "contact.remove": "removed a contact:",
    "contact.retry_many": "granted one more try to contacts of",
    "contact.skip_many": "skipped contacts of",
    "contact.remove_many": "removed contacts of",
    "agent.create": "created the agent",
    "agent.change": "changed the agent",
    "agent.delete": "deleted the agent",
    "agent.test_call": "placed a test call with the agent",
    "agent.browser_call": "talked in the browser to the agent",
    "live.listen": "listened to the",
    "live.left": "stopped listening to the",
    "live.refused": "was not let in to the",
    "live.whisper": "whispered to the agent of the",
    "live.take_over": "took over the",
    "live.give_back": "gave back to the agent the",
    "live.hang_up": "hung up the",
    "live.mark": "marked a moment of the",
    "phone_number.add": "added the phone number",
    "phone_number.change": "changed the phone number",
    "phone_number.delete": "deleted the phone number",
    "suppression.add": "put a number on the do-not-call list:",
    "suppression.import": "imported numbers into the do-not-call list:",
    "suppression.remove": "took a number off the do-not-call list:",
    "retention.change": "changed how long things are kept:",
    "retention.delete": "deleted what was kept for long enough:",
    "erasure.person": "erased everything kept of the",
}
_ABOUT_ONESELF = ("sign_in", "user.sign_out_everywhere")


def draw_audit_log(there: tzinfo) -> None:
    """The log by person, action and time, newest first, and as a file."""
    wanted = _filters(there)
    pager = Pager("audit", wanted)
    lines = pager.read(lambda after_id: people.audit_lines(wanted, after_id), lambda line: line.id)
    if not lines:
        st.info("Nothing fits. Change the filters above.", icon=":material/search_off:")
    with st.container(gap="xsmall"):
        for line in lines:
            with st.container(border=True, gap=None, key=f"audit_line_{line.id}"):
                st.markdown(in_words(line))
                st.caption(" · ".join(md(part) for part in (moment(line.at, there), line.subject, details(line.detail)) if part))
    pager.controls("Lines")
    st.download_button(
        "Export as CSV",
        data=lambda: as_csv(people.all_audit_lines(wanted), there),
        file_name="audit-log.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="All lines that fit the filters.",
    )


def _filters(there: tzinfo) -> AuditFilter:
    with st.grid(min_column_width=180):
        actor = st.text_input("Who", placeholder="Person or token", type="search", live=True, key="audit_actor") or ""
        action = st.selectbox(
            "What was done", list(ACTION), index=None, placeholder="Anything", format_func=action_label, key="audit_action"
        )
        since = st.date_input("From", None, key="audit_since", help=f"The first day, in {there}.")
        until = st.date_input("Until", None, key="audit_until", help=f"The last day, in {there}.")
    return AuditFilter(actor.strip(), (action,) if action else (), _midnight(since, there), _midnight(until, there, days=1))


def _midnight(day: date | None, there: tzinfo, days: int = 0) -> datetime | None:
    return datetime.combine(day + timedelta(days), time(), there) if day else None


def action_label(action: str) -> str:
    """An action as the filter names it: Created the campaign."""
    said = ACTION.get(action, plain(action.replace(".", " "))).rstrip(":")
    return said[:1].upper() + said[1:]


def in_words(line: AuditLine) -> str:
    """The line as a sentence in markdown: **maria** started the campaign **June**."""
    said = ACTION.get(line.action, plain(line.action.replace(".", " ")).lower())
    if line.action in _ABOUT_ONESELF:
        return f"**{md(line.actor)}** {said.rstrip(':')}"
    named = line.named or str(line.detail.get("name") or line.subject)
    return f"**{md(line.actor)}** {md(said)} **{md(named)}**"


def details(detail: Mapping[str, Any]) -> str:
    """What else is known, as words; what was left as it was is left out."""
    known = {name: value for name, value in detail.items() if value not in (None, "") and name != "name"}
    return ", ".join(f"{plain(name).lower()}: {_value(value)}" for name, value in known.items())


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(str(part) for part in value) if isinstance(value, list) else str(value)


def as_csv(lines: Iterable[AuditLine], there: tzinfo) -> bytes:
    """The lines as a CSV for spreadsheets; times in `there`, with their offset from UTC."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["at", "who", "action", "about", "name", "details"])
    for line in lines:
        values = (line.at, line.actor, line.action, line.subject, line.named, details(line.detail))
        writer.writerow([neutral(cell(value, there)) for value in values])
    return b"\xef\xbb\xbf" + text.getvalue().encode()
