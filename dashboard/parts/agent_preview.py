"""What the callee hears: every text filled with a sample contact, and the greeting spoken."""

import streamlit as st

from dashboard import drafts
from dashboard.commands import CommandRefused, commands
from dashboard.parts.agent_texts import Definition, filled, spoken, variables
from dashboard.reads.agents import Agent
from dashboard.words import md, plain, plural

SAMPLES = {
    "contact_name": "Ada",
    "date": "Monday, the third of May",
    "day": "Monday",
    "time": "ten o'clock",
    "amount": "fifty dollars",
    "name": "Ada Lovelace",
    "number": "four two seven",
    "topic": "your visit",
    "message": "Your parcel is ready to be collected.",
}
Sample = dict[str, str]


def found(definition: Definition) -> None:
    """The variables of the texts as they are typed: what each contact must bring, and what has a default."""
    used = variables(definition)
    needed, optional = [name for name in used if used[name]], [name for name in used if not used[name]]
    with st.container(border=True):
        st.subheader("Variables")
        if not used:
            st.write(md("The texts use none. Write {{customer_name}} to say something that is different for each contact."))
        if needed:
            st.markdown(f"**{plural(len(needed), 'column')} that each contact needs**")
            st.markdown("\n".join(f"- `{name}`" for name in needed))
            st.caption("A contact without it is skipped, with that reason. It is told before a campaign starts.")
        if optional:
            st.markdown("**With a default, when a contact lacks it**")
            st.markdown("\n".join(f"- `{name}`" for name in optional))
        st.caption(md("{{name}} is filled with the contact's column of that name; {{name|there}} says “there” when it is missing."))


def sample(agent: Agent, definition: Definition) -> Sample:
    """The sample contact, a field for each variable."""
    st.subheader("Sample contact")
    st.caption("Change these values to hear how the texts read for somebody else. A test call uses them too.")
    values: Sample = {}
    drafts.typed_in(f"sample_{agent.id}_")
    columns = st.columns(2)
    for at, (name, needed) in enumerate(variables(definition).items()):
        label = plain(name) + ("" if needed else " (has a default)")
        given = _plausible(name) if needed or name == "contact_name" else ""
        values[name] = columns[at % 2].text_input(label, given, key=f"sample_{agent.id}_{name}") or ""
    if not values:
        st.write("The texts have no variables: every contact hears the same.")
    return values


def preview(definition: Definition, values: Sample) -> None:
    """Every spoken text, filled."""
    st.subheader("What is said")
    missing = [name for name, needed in variables(definition).items() if needed and not values.get(name, "").strip()]
    if missing:
        st.warning(f"Without a value: {md(', '.join(missing))}. A contact like this is skipped.", icon=":material/warning:")
    for line in spoken(definition):
        with st.container(gap=None):
            st.caption(md(line.place))
            st.markdown(md(filled(line.text, values)))


def greeting(agent: Agent, values: Sample, *, changed: bool) -> None:
    """The first message of the saved version, in the voice that calls have."""
    st.subheader("Hear the greeting")
    if changed:
        st.caption(f"Speaks version {agent.version}, as it is saved. Save your changes to hear them.")
    if not st.button("Hear the greeting", icon=":material/volume_up:", key="hear_greeting"):
        return
    try:
        with st.spinner("The voice is speaking"):
            heard = commands().hear_greeting(agent.id, values.get("contact_name", ""), _others(values))
    except CommandRefused as refused:
        st.warning(f"The greeting can't be heard: {md(str(refused))}.", icon=":material/volume_off:")
    else:
        st.audio(heard, format="audio/wav", alt="The agent's greeting, filled with the sample contact")


def _others(values: Sample) -> Sample:
    return {name: value for name, value in values.items() if name != "contact_name" and value.strip()}


def _plausible(name: str) -> str:
    """A value to begin with: by the whole name, or by its last word."""
    return SAMPLES.get(name) or SAMPLES.get(name.rpartition("_")[2]) or plain(name).lower()
