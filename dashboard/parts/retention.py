"""How long things are kept, what a change of that deletes at once, what was deleted lately; and erasing a person. For admins."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

import streamlit as st

from dashboard.commands import CommandRefused, commands
from dashboard.parts import confirm
from dashboard.parts.frame import say_and_rerun
from dashboard.times import moment
from dashboard.words import md, plural

LONGEST_DAYS = 3650
FOR_A_START = 90  # days, where something was kept for ever
_ERASED = "erased"  # in the page's state: what the last erasure deleted, in words


@dataclass(frozen=True, slots=True)
class Kept:
    """One of the things that are kept. `counted`: its name in what the API counts; `one`, `many`: of these."""

    field: str
    label: str
    means: str
    counted: str
    one: str
    many: str


KEPT = (
    Kept("recordings_days", "Recordings", "The sound of calls, from the end of each call.", "recordings", "recording", "recordings"),
    Kept(
        "transcripts_days",
        "Transcripts",
        "What was said, and whatever quotes it: summary, evidence, noted fields, whispers; from the end of each call.",
        "transcripts",
        "transcript",
        "transcripts",
    ),
    Kept(
        "contacts_days",
        "Names and variables of contacts",
        "From the end of their campaign. Phone numbers stay, so that caps and the do-not-call list hold.",
        "contacts",
        "contact's name and variables",
        "contacts' names and variables",
    ),
    Kept(
        "timelines_days",
        "Timelines and reasons for waiting",
        "What the carrier and the agent told about each call; and for each contact, what kept it from being called, and when.",
        "timelines",
        "call's timeline",
        "calls' timelines",
    ),
    Kept(
        "audit_log_days", "Audit log", "Who did what, from each line on.", "audit_lines", "line of the audit log", "lines of the audit log"
    ),
)


def draw_retention(there: tzinfo) -> None:
    """Limits, what was deleted, and erasing a person."""
    kept = commands().retention()
    with st.container(width=640):
        st.subheader("How long things are kept")
        st.write("Counts, results and analytics stay whatever is deleted, and so does the do-not-call list. Deleting can't be undone.")
        changes = {name: days for name, days in _fields(kept).items() if days != kept[name]}
        _change(kept, changes)
        _lately(kept, there)
        st.subheader("Erase a person")
        _erase()


def _fields(kept: Mapping[str, Any]) -> dict[str, int | None]:
    """The limits as they are set on the page; None for ever."""
    turn = st.session_state.get("retention_turn", 0)
    limits: dict[str, int | None] = {}
    for each in KEPT:
        days: int | None = kept[each.field]
        with st.container(border=True, key=f"kept_{each.field}"):
            st.markdown(f"**{each.label}**")
            st.caption(each.means)
            with st.container(horizontal=True, vertical_alignment="center"):
                forever = st.checkbox(f"Keep {each.label.lower()} for ever", days is None, key=f"{each.field}_forever_{turn}")
                if not forever:
                    limits[each.field] = st.number_input(
                        f"Days to keep: {each.label.lower()}",
                        1,
                        LONGEST_DAYS,
                        days or FOR_A_START,
                        key=f"{each.field}_{turn}",
                        width=260,
                    )
                else:
                    limits[each.field] = None
    return limits


def _change(kept: Mapping[str, Any], changes: dict[str, int | None]) -> None:
    """What the change deletes at once, and the way to make it."""
    if not changes:
        st.caption("Nothing is changed. What is set here holds for all campaigns.")
        return
    before, after = commands().preview_retention({}), commands().preview_retention(changes)
    goes = what_goes(before, after)
    if goes:
        st.warning(f"Within a minute of saving this deletes {goes}. It can't be undone.", icon=":material/delete_forever:")
    else:
        st.info("Saving deletes nothing at once: nothing is that old yet.", icon=":material/check:")
    if not st.button("Save these limits", type="primary", icon=":material/save:", key="retention_save"):
        return
    if any(stricter(kept[name], days) for name, days in changes.items()):
        loses = f"{_in_words(changes)}. " + (f"Deleted at once: {goes}. " if goes else "Nothing is that old yet. ")
        loses += "What is deleted can't be brought back; it may still lie in backups of yours."
        confirm.ask("Keep things for less time?", loses, "Save and delete", lambda: _save(changes), "Saved")
    else:
        try:
            _save(changes)
        except CommandRefused as refused:
            st.error(md(str(refused)), icon=":material/error:")
        else:
            say_and_rerun("Saved")


def _save(changes: dict[str, int | None]) -> None:
    commands().change_retention(changes)
    st.session_state["retention_turn"] = st.session_state.get("retention_turn", 0) + 1


def stricter(before: int | None, after: int | None) -> bool:
    """Whether something goes earlier than it did."""
    return after is not None and (before is None or after < before)


def what_goes(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What a change deletes beyond what is due anyhow, in words; empty for nothing."""
    parts = []
    for each in KEPT:
        more = int(after[each.counted]) - int(before[each.counted])
        if more > 0:
            at_least = "more than " if each.counted in after["at_least"] else ""
            parts.append(at_least + plural(more, each.one, each.many))
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1] if parts else ""


def _in_words(changes: Mapping[str, int | None]) -> str:
    named = {each.field: each.label for each in KEPT}
    limits = {name: "for ever" if days is None else f"deleted after {plural(days, 'day')}" for name, days in changes.items()}
    return "; ".join(f"**{named[name]}**: {limit}" for name, limit in limits.items())


def _lately(kept: Mapping[str, Any], there: tzinfo) -> None:
    """When somebody last looked, what was deleted, and which files could not be."""
    st.subheader("Deleted lately")
    for folder in kept["folders"]:
        if folder["waiting"]:
            st.error(
                f"{plural(folder['waiting'], 'file')} of deleted recordings could not be removed on {md(folder['host'])} in "
                f"{md(folder['folder'])}: {md(folder['problem'])}. Nobody can play them here; they are tried again each minute. Mend the "
                "disk or the rights of that folder.",
                icon=":material/error:",
            )
    looked_at = kept["looked_at"]
    st.caption(f"Last looked for what is due: {moment(datetime.fromisoformat(looked_at), there)}" if looked_at else "Not looked yet.")
    if not kept["days"]:
        st.write("Nothing was deleted so far.")
        return
    columns = {"Day (UTC)": [day["day"] for day in kept["days"]]}
    shown = {each.label: [f"{day[each.counted]:,}" for day in kept["days"]] for each in KEPT}
    st.dataframe(columns | shown, hide_index=True, alt="What was deleted on each day")


def _erase() -> None:
    """Everything kept of whoever has a number."""
    if said := st.session_state.pop(_ERASED, None):
        st.success(said, icon=":material/check:")
    st.write("Deletes everything that was said, recorded and noted of whoever has a phone number, over all campaigns, at once.")
    turn = st.session_state.get("erase_turn", 0)
    number = (
        st.text_input("Phone number", placeholder="+1 415 555 0123", type="phone", key=f"erase_{turn}", help="With the country code.") or ""
    ).strip()
    if not st.button("Erase this person", icon=":material/person_remove:", key="erase_person"):
        return
    if not number:
        st.error("Enter the phone number, with the country code.", icon=":material/error:")
        return
    try:
        would = commands().erase(number, dry_run=True)
    except CommandRefused as refused:
        st.error(md(str(refused)), icon=":material/error:")
        return
    skips = f" {plural(would['skipped'], 'contact')} still to be called will be skipped." if would["skipped"] else ""
    loses = f"Of **{md(number)}** this deletes {erased_in_words(would)}.{skips} "
    loses += "An entry on the do-not-call list stays, without its reason, and so do counts. This can't be undone."
    confirm.ask("Erase this person?", loses, "Erase for good", lambda: _erase_now(number), "Erased")


def _erase_now(number: str) -> None:
    erased = commands().erase(number, dry_run=False)
    waiting = int(erased["files_waiting"])
    late = f" {plural(waiting, 'file')} could not be removed yet: see above." if waiting else ""
    st.session_state[_ERASED] = f"Erased: {erased_in_words(erased)}.{late}"
    st.session_state["erase_turn"] = st.session_state.get("erase_turn", 0) + 1


def erased_in_words(counts: Mapping[str, Any]) -> str:
    """What an erasure deletes."""
    return (
        f"{plural(counts['recordings'], 'recording')}, {plural(counts['transcripts'], 'transcript')}, and name and variables of "
        f"{plural(counts['contacts'], 'contact')} and {plural(counts['calls'], 'call')}"
    )
