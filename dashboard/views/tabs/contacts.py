"""Contacts: who is in the campaign, what became of each and why; Retry, Skip and Remove, one, many or all that are shown."""

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard.commands import CommandRefused, commands
from dashboard.data import data
from dashboard.parts import confirm
from dashboard.parts.add_contact import add_contact
from dashboard.parts.all_contacts import all_actions, go_on
from dashboard.parts.frame import Person, live, say_and_rerun, shown_number
from dashboard.parts.imports_list import imports_list
from dashboard.parts.lines import Line, draw_lines, tick_turn, untick
from dashboard.parts.paging import Pager
from dashboard.parts.upload import upload
from dashboard.parts.why import why
from dashboard.rows import Campaign, ContactLine
from dashboard.times import moment, zone
from dashboard.words import CONTACT_STATUS, OUTCOME, md, plural, word

CHANGES_CONTACTS = ("draft", "paused")


def show(person: Person, campaign: Campaign) -> None:
    may_add = person.may_operate and campaign.status in CHANGES_CONTACTS
    if campaign.total == 0:
        st.info(
            "No contacts yet. Upload a CSV or add one by hand." if may_add else "This campaign has no contacts.",
            icon=":material/person_add:",
        )
    if may_add:
        with st.expander("Add contacts", icon=":material/person_add:", expanded=campaign.total == 0):
            by_file, by_hand = st.tabs(["Upload a CSV", "Add by hand"])
            with by_file:
                upload(campaign, f"upload_{campaign.id}")
            with by_hand:
                add_contact(campaign, f"contact_{campaign.id}")
    elif person.may_operate and campaign.status not in ("completed", "cancelled"):
        st.caption("Contacts can be added while the campaign is Draft or Paused. Pause it first.")
    imports_list(campaign)
    if campaign.total == 0:
        return
    searching, choosing = st.columns([2, 4], vertical_alignment="bottom")
    search = (
        searching.text_input("Search", placeholder="Name or number", type="search", live=True, key="contact_search", persist_state="page")
        or ""
    )
    status = choosing.pills(
        "Status",
        list(CONTACT_STATUS),
        format_func=lambda code: CONTACT_STATUS[code].label,
        key="contact_status",
        persist_state="page",
        wrap=True,
    )
    _list(person, campaign, status, search)


@live
def _list(person: Person, campaign: Campaign, status: str | None, search: str) -> None:
    go_on(campaign.id)
    pager = Pager(f"contacts_{campaign.id}", (status, search))
    masked = not person.sees_numbers
    lines = pager.read(lambda after_id: data().contacts(campaign.id, status, search, after_id, masked=masked), lambda line: line.id)
    if not lines:
        st.info("No contact fits. Change the search or the status above.", icon=":material/search_off:")
    actions, everybody = (st.container(horizontal=True, vertical_alignment="center") for _ in range(2))
    if lines:
        chosen = _lines(person, campaign, lines)
        if person.may_operate:
            with actions:
                _actions(campaign, chosen)
            if pager.is_long:
                with everybody:
                    all_actions(campaign.id, status, search.strip())
    pager.controls("Contacts")


def _lines(person: Person, campaign: Campaign, lines: Sequence[ContactLine]) -> list[ContactLine]:
    """Draws the contacts, and says why for the one that was asked about; the ones that are ticked."""
    answer = draw_lines(
        "Contacts",
        [_line(person, campaign, line) for line in lines],
        key=f"contact_lines_{tick_turn()}",
        ticks=person.may_operate,
        asks="Why this contact was, or was not, called.",
    )
    for line in lines:
        if line.id == answer.asked:
            why(person, campaign, line)
    return [line for line in lines if line.id in answer.ticked]


def _line(person: Person, campaign: Campaign, line: ContactLine) -> Line:
    number = shown_number(person, line.number)
    status = [word(CONTACT_STATUS, line.status)]
    return Line(line.id, line.name or number, number if line.name else "", status, _story(campaign, line))


def _story(campaign: Campaign, line: ContactLine) -> str:
    """What happened to the contact so far and what it waits for."""
    there = zone(campaign.timezone, st.context.timezone)
    parts = [plural(line.tries, "try", "tries")] if line.tries else []
    if line.last_outcome:
        parts.append(f"last: {word(OUTCOME, line.last_outcome).label}")
    if line.status_reason:
        parts.append(line.status_reason)
    if line.status == "pending" and line.not_before:
        parts.append(f"{'call back' if line.callback else 'next try'} {moment(line.not_before, there)}")
    elif line.status == "pending" and line.blocked_reason:
        parts.append(line.blocked_reason)
    if line.person_deleted_at:
        parts.append(f"name and variables deleted {moment(line.person_deleted_at, there)}")
    return " · ".join(parts)


def _actions(campaign: Campaign, chosen: Sequence[ContactLine]) -> None:
    failed = [line for line in chosen if line.status == "failed"]
    pending = [line for line in chosen if line.status == "pending"]
    closed = campaign.status in ("completed", "cancelled")
    cancelled = campaign.status == "cancelled"
    if st.button(
        f"Retry ({len(failed)})",
        icon=":material/replay:",
        disabled=not failed or cancelled,
        key="retry",
        help="One more try for failed contacts.",
    ):
        _retry(failed)
    if st.button(
        f"Skip ({len(pending)})",
        icon=":material/skip_next:",
        disabled=not pending or closed,
        key="skip",
        help="Leave pending contacts out.",
    ):
        _confirmed(
            "Skip", "They stay in the list and will not be called. This can't be undone.", pending, commands().skip_contact, "skipped"
        )
    if st.button(
        f"Remove ({len(pending)})", icon=":material/delete:", disabled=not pending or closed, key="remove", help="Delete pending contacts."
    ):
        _confirmed("Remove", "They and their variables will be gone. This can't be undone.", pending, commands().remove_contact, "removed")
    st.caption(f"{plural(len(chosen), 'contact')} ticked" if chosen else "Tick contacts to retry, skip or remove them.")


def _confirmed(verb: str, loses: str, chosen: Sequence[ContactLine], act: Callable[[int], None], done: str) -> None:
    named = ", ".join(md(line.name or line.number) for line in chosen[:3]) + (f" and {len(chosen) - 3} more" if len(chosen) > 3 else "")

    def do() -> None:
        for line in chosen:
            act(line.id)
        untick()

    count = plural(len(chosen), "contact")
    confirm.ask(f"{verb} {count}?", f"**{named}**. {loses}", f"{verb} {count}", do, f"{count} {done}")


def _retry(chosen: Sequence[ContactLine]) -> None:
    try:
        for line in chosen:
            commands().retry_contact(line.id)
    except CommandRefused as refused:
        st.error(md(str(refused)), icon=":material/error:")
        return
    untick()
    say_and_rerun(f"{plural(len(chosen), 'contact')} queued for one more try")
