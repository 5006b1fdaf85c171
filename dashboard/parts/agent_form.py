"""The fields of an agent: its texts, its goal, and each step of its script. What was typed comes back as a definition."""

import re
import textwrap
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import streamlit as st

from dashboard.parts.agent_draft import Draft, add_step, remove_step, rename_step
from dashboard.parts.agent_texts import ANY_TIME, Definition, speaks_for, spoken_for, steps
from dashboard.words import md, plain

GOALS = ("met", "not_met", "unclear")
ENDS = ("goodbye", "declined", "callback", "wrong_person", "opted_out")
SLOT_KINDS = ("text", "number", "date", "choice", "yes_no")
WITH_CHOICES = ("choice", "number")
TOOLS = {
    "end_call": "End the call",
    "do_not_call": "Put the number on the do-not-call list",
    "schedule_callback": "Agree on a time to call again",
    "note_field": "Note what the callee says",
}
SCRIPT = "script"
MODELS = (SCRIPT, "openai/gpt-4.1-mini", "openai/gpt-4.1")  # offered; any other can be typed
VOICES = ("joe", "joe@1.15")
MOST_ATTEMPTS = 9
STEP_NAMED_BY = 70  # letters of what it says
ON_VOICEMAIL = {"message": "Leave the voicemail message", "hang_up": "Hang up without a word"}
STEP_NAME = re.compile(r"[a-z][a-z0-9_]*")
Step = dict[str, Any]
Change = Callable[[Draft, str, Definition], None]
"""What to do to the steps of a draft, given the name and the definition as they are typed."""


def fields(draft: Draft) -> tuple[str, Definition]:
    """Draws all fields; returns the name and the definition as they are typed."""
    definition, key = deepcopy(draft.definition), draft.key
    name = st.text_input("Agent name", draft.name, key=f"{key}_name", max_chars=200, required=True) or ""
    company = speaks_for(definition)
    if company is not None:
        said = "Said wherever a text uses {{company_name}}, unless the contact brings a company_name of its own."
        company = st.text_input("Who it speaks for", company, key=f"{key}_company", help=md(said), placeholder="Riverside Dental") or ""
    _texts(definition, key)
    if definition.get("script"):
        _script(draft, name, definition)
    else:
        st.info("This agent has no script: a language model speaks freely, led by the instructions above.", icon=":material/forum:")
    if company is not None and company != speaks_for(draft.definition):
        definition = spoken_for(definition, company)
    return name, definition


def _texts(definition: Definition, key: str) -> None:
    _area(definition, "first_message", "First message", key, "What the agent says when the call is answered: who is calling, and why.")
    _area(definition, "goodbye", "Goodbye", key, "Said last, before the agent hangs up.")
    options = list(ON_VOICEMAIL)
    on_voicemail = definition.get("on_voicemail", "message")
    definition["on_voicemail"] = st.selectbox(
        "When a mailbox answers", options, options.index(on_voicemail), format_func=ON_VOICEMAIL.__getitem__, key=f"{key}_on_voicemail"
    )
    _area(definition, "voicemail_message", "Voicemail message", key, "Left after the beep. Empty: nothing is left.")
    _area(definition, "goal", "Goal", key, "What the call is for, in words. It is not spoken.", height=80)
    with st.expander("Voice, and what decides what is said"):
        _services(definition, key)


def _services(definition: Definition, key: str) -> None:
    left, right = st.columns(2)
    with left:
        told = "joe is the voice of this machine; joe@1.15 is the same, 1.15 times as high. You can type another number."
        definition["voice"] = _typed("Voice", definition.get("voice", VOICES[0]), VOICES, f"{key}_voice", told)
    with right:
        told = "The script needs no other machine. A language model is named openai/ and its name, at any compatible address."
        definition["llm"] = _typed("Decides what is said", definition.get("llm", SCRIPT), MODELS, f"{key}_llm", told)
    st.caption("What follows counts only where a language model decides. The script goes by its steps.")
    address = st.text_input(
        "Address of the language model", definition.get("llm_base_url", ""), key=f"{key}_llm_base_url", placeholder="As the server has it",
        help="Where an OpenAI-compatible API answers. Empty: the address and key that the media server was started with.",
    )  # fmt: skip
    definition["llm_base_url"] = (address or "").strip()
    tools = list(definition.get("tools", TOOLS))
    definition["tools"] = st.multiselect(
        "It may", [*TOOLS, *(tool for tool in tools if tool not in TOOLS)], tools, format_func=lambda tool: TOOLS.get(tool, tool),
        key=f"{key}_tools",
    )  # fmt: skip
    _area(definition, "prompt", "Instructions", key, "Who the agent is, what it should find out, how it should speak.", height=200)


def _script(draft: Draft, name: str, definition: Definition) -> None:
    script, key = definition["script"], f"{draft.key}_script"
    script["steps"] = steps(definition)
    names = list(script["steps"])
    st.subheader("Script")
    st.caption("After the first message the agent goes from step to step. The Script tab shows the way as a picture.")
    script["start"] = _choose("Begins with step", script["start"], names, f"{key}_start")
    changed: Change | None = None  # done once all fields are drawn, with what is in them
    for step_name, step in script["steps"].items():
        says = textwrap.shorten(step.get("say") or step.get("reprompt") or "says nothing", STEP_NAMED_BY, placeholder=" …")
        with st.expander(f"Step **{md(step_name)}**: {md(says)}"):
            _step(step, names, f"{key}_{step_name}")
            changed = _name_of_step(step_name, names, f"{key}_{step_name}") or changed
    changed = _new_step(names, key) or changed
    with st.expander("At any time: who is calling, call me later, never again"):
        for field, label in ANY_TIME.items():
            _area(script, field, label, key, "", height=80)
    if changed is not None:
        changed(draft, name, definition)
        st.rerun()


def _name_of_step(step: str, names: list[str], key: str) -> Change | None:
    """Another name for the step, or an end to it, where somebody asks for one."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        asked = (st.text_input("Name of the step", step, key=f"{key}_name", width=260) or "").strip()
        renaming = st.button("Rename", icon=":material/edit:", key=f"rename_{key}", help="Ways that lead here lead here still.")
        removing = len(names) > 1 and st.button("Remove this step", icon=":material/delete:", key=f"remove_{key}")
    if renaming and asked != step and _is_free(asked, names):
        return lambda draft, name, definition: rename_step(draft, name, definition, step, asked)
    return (lambda draft, name, definition: remove_step(draft, name, definition, step)) if removing else None


def _new_step(names: list[str], key: str) -> Change | None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        asked = (st.text_input("New step", key=f"{key}_new", placeholder="another_day", width=260) or "").strip()
        adding = st.button("Add step", icon=":material/add:", key=f"add_{key}")
    if not (adding and _is_free(asked, names)):
        return None
    return lambda draft, name, definition: add_step(draft, name, definition, asked)


def _is_free(asked: str, names: list[str]) -> bool:
    """Whether a step can be called so; says why not."""
    if not STEP_NAME.fullmatch(asked):
        st.error("Name the step in small letters, digits and _, such as another_day.", icon=":material/error:")
    elif asked in names:
        st.error(f"There is a step {md(asked)} already. Choose another name.", icon=":material/error:")
    else:
        return True
    return False


def _step(step: Step, names: list[str], key: str) -> None:
    """The fields of one step; changes `step`."""
    _area(step, "say", "Says", key, "Empty: the step says nothing of its own.", height=80)
    step["ask"] = st.checkbox("Waits for an answer", bool(step.get("ask")), key=f"{key}_ask")
    if step["ask"]:
        _area(step, "reprompt", "Asks again with", key, "Said when the answer was not understood. Empty: the same words again.", height=80)
        step["intents"] = _choices(list(step.get("intents", ())), names, key)
        _slot(step, key)
        _patience(step, names, key)
    left, middle, right = st.columns(3)
    with left:
        label = "After any other answer, goes to" if step["ask"] else "Then goes to"
        step["next"] = _choose(label, step.get("next", ""), ["", *names], f"{key}_next")
    with middle:
        step["goal"] = _choose("The goal is then", step.get("goal", ""), ["", *GOALS], f"{key}_goal", words=True)
    with right:
        step["end"] = _choose("Ends the call as", step.get("end", ""), ["", *ENDS], f"{key}_end", words=True)
    written = st.text_area(
        "Notes when it is reached",
        "\n".join(f"{field} = {value}" for field, value in step.get("notes", {}).items()),
        key=f"{key}_notes",
        placeholder="understood = yes",
        help="One a line: the field, and what is noted in it. With nothing after the =, the field is forgotten.",
        height=80,
    )
    step["notes"] = notes(written or "")


def notes(written: str) -> dict[str, str]:
    """Field and value of each line; what is no field is refused when it is saved, with the reason."""
    pairs = (line.partition("=") for line in written.splitlines() if line.strip())
    return {field.strip(): value.strip() for field, _, value in pairs}


def _patience(step: Step, names: list[str], key: str) -> None:
    """What becomes of an answer that does not fit, or comes too soon."""
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    with left:
        attempts = st.number_input(
            "Asks at most (times)", 1, max(MOST_ATTEMPTS, step.get("attempts", 2)), step.get("attempts", 2), key=f"{key}_attempts",
            help="How often it asks before it goes on without an answer.",
        )  # fmt: skip
        step["attempts"] = int(attempts)
    with right:
        step["otherwise"] = _choose("When no answer fits, goes to", step.get("otherwise", ""), ["", *names], f"{key}_otherwise")
    step["heard_out"] = st.checkbox(
        "An answer counts only once the question was heard to its end", bool(step.get("heard_out")), key=f"{key}_heard_out",
        help="For what must not be told to the wrong person: an answer that comes sooner is asked for once more.",
    )  # fmt: skip


def _choices(choices: list[Step], names: list[str], key: str) -> list[Step]:
    """The answers that are told apart, and a place for one more. One without a name is left out."""
    kept = []
    for at, choice in enumerate([*choices, {"name": "", "examples": [], "next": names[0]}]):
        title = f"Choice {at + 1}" if choice["name"] else "Another choice"
        left, right = st.columns([1, 2])
        with left:
            name = st.text_input(title, choice["name"], key=f"{key}_choice_{at}", placeholder="yes", help="Empty it to remove the choice.")
            to = _choose(f"{title} leads to", choice["next"], names, f"{key}_choice_{at}_next")
        with right:
            written = st.text_area(
                f"{title}: what people say",
                "\n".join(choice["examples"]),
                key=f"{key}_choice_{at}_examples",
                help="One example a line.",
                height=120,
            )
        if name and name.strip():
            examples = [line.strip() for line in (written or "").splitlines() if line.strip()]
            kept.append({"name": name.strip(), "examples": examples, "next": to})
    return kept


def _slot(step: Step, key: str) -> None:
    slot = step.get("slot") or {}
    left, right = st.columns([2, 1])
    named = (left.text_input("Notes the answer as", slot.get("name", ""), key=f"{key}_slot", placeholder="preferred_day") or "").strip()
    with right:
        kind = _choose("What kind of answer", slot.get("kind", "text"), list(SLOT_KINDS), f"{key}_slot_kind", words=True)
    choices = list(slot.get("choices", ()))
    if named and kind in WITH_CHOICES:
        told = "One a line. For a number in digits; with none, any number." if kind == "number" else "One a line."
        written = st.text_area("What it may be", "\n".join(choices), key=f"{key}_slot_choices", help=told, height=80)
        choices = [line.strip() for line in (written or "").splitlines() if line.strip()]
    step["slot"] = {**slot, "name": named, "kind": kind, "choices": choices if kind in WITH_CHOICES else []} if named else None


def _area(values: dict[str, Any], field: str, label: str, key: str, explained: str, height: int = 110) -> None:
    written = st.text_area(label, values.get(field, ""), key=f"{key}_{field}", help=explained or None, height=height)
    values[field] = (written or "").strip()


def _typed(label: str, value: str, offered: Sequence[str], key: str, explained: str) -> str:
    """One of `offered`, or anything else that is typed."""
    options = list(dict.fromkeys([*offered, value]))
    chosen = st.selectbox(label, options, options.index(value), accept_new_options=True, key=key, help=explained)
    return str(chosen or value).strip()


def _choose(label: str, value: str, options: list[str], key: str, *, words: bool = False) -> str:
    """One of `options`; a value that is none of them can still be seen."""
    offered = options if value in options else [*options, value]
    shown: str = st.selectbox(label, offered, offered.index(value), format_func=lambda code: _shown(code, words), key=key)
    return shown


def _shown(code: str, words: bool) -> str:
    return "-" if not code else plain(code) if words else code
