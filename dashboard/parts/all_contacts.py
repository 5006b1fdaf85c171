"""Retry, Skip and Remove for all contacts that a list shows, on every page of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard.commands import commands
from dashboard.data import COUNTED_AT_MOST, data
from dashboard.errands import begun, done, errand
from dashboard.parts import confirm
from dashboard.parts.frame import say_and_rerun
from dashboard.parts.lines import untick
from dashboard.rows import Campaign
from dashboard.words import md, plural


@dataclass(frozen=True, slots=True)
class Verb:
    """`takes`: the status of the contacts; `not_in`: those of campaigns that don't allow it; `means`: what becomes of them, and is lost."""

    code: str
    label: str
    takes: str
    not_in: tuple[str, ...]
    icon: str
    doing: str
    done: str
    means: str


VERBS = (
    Verb(
        "retry", "Retry", "failed", ("cancelled",), ":material/replay:", "Retrying", "queued for one more try",
        "Each is called once more when its turn comes. The reason why it failed is not shown in the list any more; its calls are kept.",
    ),
    Verb(
        "skip", "Skip", "pending", ("completed", "cancelled"), ":material/skip_next:", "Skipping", "skipped",
        "They stay in the list and will not be called. This can't be undone.",
    ),
    Verb(
        "remove", "Remove", "pending", ("completed", "cancelled"), ":material/delete:", "Removing", "removed",
        "They and their variables will be gone. This can't be undone.",
    ),
)  # fmt: skip


def all_actions(campaign_id: int, status: str | None, search: str) -> None:
    """A button for each verb that the campaign allows now and that somebody among those shown may take."""
    campaign = data().campaign(campaign_id)
    if campaign is None:
        return
    for verb in VERBS:
        count = _there(campaign, verb)
        if count and status in (None, verb.takes) and campaign.status not in verb.not_in:
            label = f"{verb.label} all {verb.takes} that fit" if search else f"{verb.label} all {count:,} {verb.takes}"
            if st.button(label, icon=verb.icon, key=f"{verb.code}_all", help="On every page of this list, without ticks."):
                _ask(campaign, verb, search)


def go_on(campaign_id: int) -> None:
    """After a command that was begun in a run of the page that was stopped: says what was done."""
    answer = begun(_place(campaign_id))
    if answer is None:
        return
    verb: Verb = st.session_state[_place(campaign_id)].asked[0]
    with st.spinner(f"{verb.doing} contacts…"):
        said = in_words(verb, answer.result())
    done(_place(campaign_id))
    untick()
    say_and_rerun(said)


def in_words(verb: Verb, answer: Mapping[str, Any]) -> str:
    """What came of it: how many, and why others were left alone."""
    said = f"{plural(int(answer['changed']), 'contact')} {verb.done}"
    left = "".join(f"; {int(each['contacts']):,} left alone: {each['reason']}" for each in answer["left_alone"])
    return md(said + left + (f". Stopped before the end: {answer['stopped']}" if answer["stopped"] else ""))


def _ask(campaign: Campaign, verb: Verb, search: str) -> None:
    found = data().count_contacts(campaign.id, verb.takes, search) if search else _there(campaign, verb)
    if not found:
        st.info(f"No {verb.takes} contact fits the search any more.", icon=":material/search_off:")
        return
    count = plural(found, f"{verb.takes} contact")
    if search and found > COUNTED_AT_MOST:
        count = f"more than {COUNTED_AT_MOST:,} {verb.takes} contacts"
    which = f" whose name or number has **{md(search)}** in it" if search else ""
    confirm.ask(
        f"{verb.label} {count}?",
        f"**{md(campaign.name)}**: {count}{which}. {verb.means}{_of_the_campaign(campaign, verb, found)}",
        f"{verb.label} {count}",
        lambda: _do(campaign.id, verb, search, count),
    )


def _of_the_campaign(campaign: Campaign, verb: Verb, found: int) -> str:
    if campaign.status == "completed":
        return " The campaign is Completed and goes on with them."
    if verb.takes == "pending" and campaign.status in ("pending", "in_progress") and found >= campaign.pending + campaign.in_progress:
        return " Nobody is left to call then: the campaign will be Completed."
    return ""


def _do(campaign_id: int, verb: Verb, search: str, count: str) -> str:
    api, sent = commands(), errand(_place(campaign_id), (verb, search))
    with st.spinner(f"{verb.doing} {count}… You can close this page: it goes on."):
        answer = sent.send(lambda _once: api.change_contacts(campaign_id, verb.code, verb.takes, search))
    done(_place(campaign_id))
    untick()
    return in_words(verb, answer)


def _there(campaign: Campaign, verb: Verb) -> int:
    """How many of its contacts have the status that the verb takes: the counts are named as the statuses are."""
    return int(getattr(campaign, verb.takes))


def _place(campaign_id: int) -> str:
    return f"all_contacts_{campaign_id}"
