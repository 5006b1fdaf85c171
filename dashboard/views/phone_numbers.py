"""The numbers that campaigns call from: limits, who uses them, how well they are answered; and one of them, to change it."""

import streamlit as st

from dashboard.commands import commands
from dashboard.errands import done
from dashboard.parts import confirm, frame
from dashboard.parts.frame import Person, live
from dashboard.parts.number_form import ADDING, HERE, add_number, change_number
from dashboard.parts.number_health import health, short
from dashboard.parts.paging import Pager
from dashboard.parts.status import badge, inline
from dashboard.reads import phone_numbers
from dashboard.reads.phone_numbers import NumberLine
from dashboard.times import zone
from dashboard.words import Word, md, plural

NAMED = 2  # campaigns that a line of the list names
REHEARSAL = Word("Rehearsal", ":material/science:", "violet", "Its calls go to the simulated phone network, to no real person.")


def show(person: Person) -> None:
    asked = st.query_params.get("id", "")
    if asked:
        done(ADDING)
        _one(person, phone_numbers.number(int(asked)) if asked.isdecimal() else None)
    else:
        _all(person)


def _all(person: Person) -> None:
    st.title("Phone Numbers")
    st.write("The numbers that campaigns call from.")
    if person.may_operate:
        _add()
    pager = Pager("numbers", "all")
    lines = pager.read(phone_numbers.numbers, lambda line: line.id)
    if not lines:
        next_step = "Add the first one above." if person.may_operate else "Once an operator has added one, you will see it here."
        st.info(f"No phone numbers yet. A campaign needs one to call from. {next_step}", icon=":material/dialpad:")
        return
    days = phone_numbers.answered_by_day([line.id for line in lines], _zone())
    _list(lines[0].id - 1, {line.id: short(days.get(line.id, ())) for line in lines})
    pager.controls("Numbers")


def _add() -> None:
    with st.expander("Add a number", icon=":material/add:"):
        if accounts := phone_numbers.accounts():
            add_number(accounts)
        else:
            st.info(
                "There is no carrier account yet. Ask an engineer to set TWILIO\\_ACCOUNT\\_SID and TWILIO\\_AUTH\\_TOKEN and to start the "
                "media server; then add your numbers here.",
                icon=":material/key:",
            )


@live
def _list(after_id: int, healths: dict[int, str]) -> None:
    """The page of the list that follows `after_id`: calls now are live, health is as of when the page was opened."""
    with st.container(gap="xsmall"):
        for line in phone_numbers.numbers(after_id):
            if line.id in healths:
                _line(line, healths[line.id])


def _line(line: NumberLine, answered: str) -> None:
    with st.container(border=True, key=f"number_line_{line.id}"):
        named, limited, used, called = st.columns([2.4, 2, 3, 2], vertical_alignment="center")
        with named.container(gap=None):
            st.page_link(HERE, label=f"**{md(line.number)}**", query_params={"id": str(line.id)})
            st.caption(
                " · ".join(md(part) for part in (line.label, line.account) if part) + (f" {inline(REHEARSAL)}" if line.rehearsal else "")
            )
        with limited.container(gap=None):
            st.markdown(_pace(line))
            st.caption(_concurrency(line))
        used.markdown(_used_by(line))
        with called.container(gap=None):
            st.markdown(answered)
            st.caption(_calls_now(line))


def _one(person: Person, line: NumberLine | None) -> None:
    st.page_link(HERE, label="All phone numbers", icon=":material/arrow_back:")
    if line is None:
        st.warning("There is no such number. It may have been deleted; the list has all there are.", icon=":material/search_off:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(md(line.number), width="content")
        if line.rehearsal:
            badge(REHEARSAL)
    _live_facts(line)
    _campaigns(line)
    days = phone_numbers.answered_by_day([line.id], _zone())
    health(days.get(line.id, ()), _zone())
    if person.may_operate:
        st.subheader("Change")
        change_number(line)
        st.subheader("Delete")
        _delete(line)


@live
def _live_facts(drawn: NumberLine) -> None:
    line = phone_numbers.number(drawn.id) or drawn
    facts = [f"Label: **{md(line.label)}**"] if line.label else []
    facts += [f"Carrier account: **{md(line.account)}**", _pace(line), _concurrency(line), _calls_now(line)]
    st.markdown("  \n".join(facts))


def _campaigns(line: NumberLine) -> None:
    st.subheader("Used by")
    if not line.campaign_ids:
        st.write("No campaign that is not over uses this number.")
    for campaign_id, name in zip(line.campaign_ids, line.campaign_names, strict=True):
        st.page_link("views/campaign.py", label=md(name), query_params={"id": str(campaign_id)}, icon=":material/campaign:")


def _delete(line: NumberLine) -> None:
    if line.campaign_ids:
        names = ", ".join(md(name) for name in line.campaign_names)
        st.write(f"This number can't be deleted while a campaign uses it: {names}. Give them another number, or cancel them first.")
    elif st.button("Delete number", icon=":material/delete:", key="number_delete"):
        loses = f"**{md(line.number)}** goes from the list, and no new campaign can call from it. Past calls and their figures stay. "
        loses += "It remains with the carrier, which goes on charging for it; you can add it again."

        def do() -> None:
            commands().delete_phone_number(line.id)

        confirm.ask("Delete this number?", loses, "Delete the number", do, f"Deleted: {md(line.number)}", then=HERE)


def _pace(line: NumberLine) -> str:
    """How fast calls may start: the slower of the number's own limit and that of its account."""
    if line.calls_per_second is None or line.calls_per_second >= line.account_calls_per_second:
        return f"{_calls(line.account_calls_per_second)} per second (the account's)"
    return f"{_calls(line.calls_per_second)} per second"


def _calls(count: float) -> str:
    return f"{count:g} {'call' if count == 1 else 'calls'}"


def _concurrency(line: NumberLine) -> str:
    return "No limit of calls at the same time" if line.concurrency is None else f"{plural(line.concurrency, 'call')} at the same time"


def _calls_now(line: NumberLine) -> str:
    return f"{plural(line.calls_now, 'call')} now" if line.calls_now else "No calls now"


def _used_by(line: NumberLine) -> str:
    if not line.campaign_names:
        return "Not used by a campaign"
    more = len(line.campaign_names) - NAMED
    named = ", ".join(md(name) for name in line.campaign_names[:NAMED])
    return f"Used by {named}" + (f" and {more} more" if more > 0 else "")


def _zone() -> str:
    return str(zone(st.context.timezone))


frame.page("your phone numbers", show)
