"""A new campaign in three steps: basics, call settings, contacts.

The first step makes a Draft, and each later one changes it: leaving, reloading or a mistake loses nothing that was saved,
and the address of the page (id, step) leads back to where one was.
"""

from typing import Any

import streamlit as st

from dashboard import drafts
from dashboard.commands import CommandRefused, commands
from dashboard.data import data
from dashboard.errands import begun, done, errand
from dashboard.parts import campaign_form as form
from dashboard.parts import frame
from dashboard.parts.add_contact import add_contact
from dashboard.parts.forecast import forecast, forecast_of_unsaved
from dashboard.parts.frame import Person
from dashboard.parts.upload import upload
from dashboard.parts.warnings import missing_variables, warnings_by_field
from dashboard.rows import Campaign
from dashboard.words import md, plural

STEPS = ("Basics", "Call settings", "Contacts")
_MAKING = "making_campaign"  # the errand; over once a step of the new campaign is drawn


def show(person: Person) -> None:
    st.page_link("views/campaigns.py", label="All campaigns", icon=":material/arrow_back:")
    if not person.may_operate:
        st.warning("Your role can look at campaigns, not create them. Ask an administrator for the operator role.", icon=":material/lock:")
        return
    asked = st.query_params.get("id", "")
    campaign = data().campaign(int(asked)) if asked.isdecimal() else None
    if campaign is not None:
        done(_MAKING)
    if campaign is not None and campaign.status != "draft":
        st.switch_page("views/campaign.py", query_params={"id": str(campaign.id)})
    step = st.query_params.get("step", "1")
    st.title("New campaign" if campaign is None else md(campaign.name))
    number = int(step) if campaign is not None and step in ("1", "2", "3") else 1
    st.progress(number / len(STEPS), text=f"Step {number} of {len(STEPS)}: **{STEPS[number - 1]}**")
    with st.container(width=760):
        if campaign is None or number == 1:
            _basics(campaign)
        elif number == 2:
            _call_settings(campaign)
        else:
            _contacts(campaign)


def _basics(campaign: Campaign | None) -> None:
    agents, numbers = data().agents(), data().phone_numbers()
    for missing, noun, view, label in (
        (not agents, "agent", "views/agents.py", "Make one from a template"),
        (not numbers, "phone number", "views/phone_numbers.py", "Add one"),
    ):
        if missing:
            st.warning(f"There is no {noun} yet, and a campaign needs one. Come back here once there is.", icon=":material/info:")
            st.page_link(view, label=label, icon=":material/arrow_forward:")
    drafts.typed_in("new_name", "new_agent", "new_number")
    problems = st.session_state.get("basics_problems", {})
    values = form.basics(form.values_of(campaign) if campaign else {}, agents, numbers, "new", form.Remarks(problems))
    making = campaign is None and begun(_MAKING) is not None
    pressed = st.button("Continue to call settings", type="primary", icon=":material/arrow_forward:", icon_position="right")
    if pressed or making:
        _save(campaign, values, {} if making else form.missing_basics(values), "basics_problems", "2")


def _call_settings(campaign: Campaign) -> None:
    drafts.typed_in(f"new_{campaign.id}_")
    problems = st.session_state.get("settings_problems", {})
    known = form.values_of(campaign)
    remarks = form.Remarks(problems, warnings_by_field(campaign.id))
    values = form.call_settings(known, f"new_{campaign.id}", remarks)
    named = {name: known[name] for name in ("name", "agent_id", "phone_number_id")}
    forecast_of_unsaved(campaign, {**named, **values}, f"new_{campaign.id}")
    with st.container(horizontal=True):
        back = st.button("Back", icon=":material/arrow_back:")
        on = st.button("Continue to contacts", type="primary", icon=":material/arrow_forward:", icon_position="right")
    if back or on:
        _save(campaign, values, form.missing_settings(values), "settings_problems", "1" if back else "3")


def _save(campaign: Campaign | None, values: dict[str, Any], missing: dict[str, str], key: str, step: str) -> None:
    """Keeps the values in the Draft and goes to `step`; where they can't be kept, says why beside the fields."""
    campaign_id, problems, refusal = campaign.id if campaign else 0, missing, ""
    if not problems:
        try:
            if campaign is None:
                api = commands()
                campaign_id = errand(_MAKING, values).send(lambda once: api.create_campaign(values, once))
            else:
                commands().edit_campaign(campaign.id, values, campaign.version)
        except CommandRefused as refused:
            problems, refusal = refused.problems, str(refused)
    st.session_state[key] = problems
    if refusal and not problems.keys() & values.keys():  # of no field on this step
        st.error(md(refusal), icon=":material/error:")
        return
    if not problems:
        st.query_params.from_dict({"id": str(campaign_id), "step": step})
    st.rerun()


def _contacts(campaign: Campaign) -> None:
    st.markdown(f"**{plural(campaign.total, 'contact')}** in this campaign so far.")
    if campaign.total:
        missing_variables(campaign.id)
    by_file, by_hand = st.tabs(["Upload a CSV", "Add by hand"])
    with by_file:
        upload(campaign, "new_upload")
    with by_hand:
        add_contact(campaign, "new_contact")
    forecast(campaign)
    st.divider()
    with st.container(horizontal=True):
        if st.button("Back", icon=":material/arrow_back:"):
            st.query_params.from_dict({"id": str(campaign.id), "step": "2"})
            st.rerun()
        label = "Review and start" if campaign.total else "Finish later"
        if st.button(label, type="primary" if campaign.total else "secondary", icon=":material/arrow_forward:", icon_position="right"):
            st.switch_page("views/campaign.py", query_params={"id": str(campaign.id)})


frame.page("new campaigns", show)
