"""A campaign on the simulated phone network, run through the API as any other program would, and what came of it."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_runtime.templates import template
from mediaserver.api_client import Api
from mediaserver.carriers.simulated.journal import CallJournal, WordErrors, first_words, gaps, percentile, word_errors
from mediaserver.figure import Figure

DEMO = Path(__file__).parents[1] / "demo"
PEOPLE, CONTACTS = DEMO / "people.toml", DEMO / "contacts.csv"
CALLER = "+12025550100"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one contact, from its last call. `callee_said`: the callee's turns, as understood."""

    contact: str
    number: str
    status: str
    outcome: str
    who: str
    goal: str
    sentiment: str
    duration_s: float | None
    callee_said: tuple[str, ...]
    answered: bool
    reason: str


async def agent_and_number(api: Api, **agent: Any) -> dict[str, str]:
    """The appointment reminder and a new number that it calls from: their ids, as a campaign's settings name them.

    `agent`: fields that differ from the template's; an agent of its own is made for them.
    """
    definition = template("appointment_reminder").to_dict() | agent
    known = {each["name"]: str(each["id"]) async for each in api.pages("/agents")}
    name = f"{definition['name']} {len(known) + 1}" if agent else definition["name"]
    if name not in known:
        known[name] = str((await api.post("/agents", {"name": name, "definition": definition}))["id"])
    number = await api.post("/phone-numbers", {"number": CALLER, "label": "Simulated"})
    return {"agent_id": known[name], "phone_number_id": number["id"]}


async def start_campaign(api: Api, name: str, contacts: bytes, *, concurrency: int, calls_with: Mapping[str, str] | None = None) -> str:
    """Makes a campaign, imports `contacts` (CSV), starts: its id. `calls_with`: from `agent_and_number`; made where not given."""
    calls_with = calls_with or await agent_and_number(api)
    campaign = await api.post("/campaigns", {"name": name, **calls_with, "concurrency": concurrency, "local_hours": False})
    campaign_id = str(campaign["id"])
    await api.upload(f"/campaigns/{campaign_id}/contacts/import", CONTACTS.name, contacts)
    await api.post(f"/campaigns/{campaign_id}/start")
    return campaign_id


async def outcomes_of(api: Api, campaign: str) -> list[Outcome]:
    """Every contact of `campaign` with what came of it, in the order of the list."""
    last: dict[str, dict[str, Any]] = {}
    async for call in api.pages(f"/campaigns/{campaign}/calls"):
        known = last.get(str(call["contact_id"]))
        if known is None or int(call["id"]) > int(known["id"]):
            last[str(call["contact_id"])] = call
    contacts = [contact async for contact in api.pages(f"/campaigns/{campaign}/contacts")]
    return [await _outcome(api, contact, last.get(str(contact["id"]))) for contact in sorted(contacts, key=lambda c: int(c["id"]))]


async def _outcome(api: Api, contact: Mapping[str, Any], call: Mapping[str, Any] | None) -> Outcome:
    whole = await api.get(f"/calls/{call['id']}") if call is not None else {}
    duration = whole.get("duration_ms")
    return Outcome(
        contact=contact["name"] or contact["number"],
        number=contact["number"],
        status=contact["status"],
        outcome=whole.get("outcome") or "",
        who=whole.get("who") or "",
        goal=whole.get("goal") or "",
        sentiment=whole.get("sentiment_word") or "",
        duration_s=duration / 1000 if duration is not None else None,
        callee_said=tuple(turn["text"] for turn in whole.get("turns", ()) if turn["speaker"] == "callee"),
        answered=whole.get("answered_at") is not None,
        reason=whole.get("end_reason") or contact["status_reason"],
    )


def bound_outcomes(people: Path) -> dict[str, dict[str, str]]:
    """By number, what its person is bound to lead to: fields of `Outcome` and their values."""
    entries = tomllib.loads(people.read_text(encoding="utf-8"))["people"]
    return {entry["number"]: entry["leads_to"] for entry in entries}


def as_bound(outcome: Outcome, leads_to: Mapping[str, str]) -> bool:
    """Whether `outcome` is what its person is bound to lead to."""
    return all(getattr(outcome, name) == value for name, value in leads_to.items())


def callee_errors(outcomes: Iterable[Outcome], calls: Sequence[CallJournal]) -> WordErrors:
    """Errors of the transcripts' callee turns against what the people said, over all answered calls."""
    said = {call.to: [line.text for line in call.said] for call in calls}
    total = WordErrors(0, 0)
    for outcome in outcomes:
        total += word_errors(said.get(outcome.number, []), outcome.callee_said)
    return total


def figures(outcomes: Sequence[Outcome], calls: Sequence[CallJournal], bound: Mapping[str, Mapping[str, str]]) -> list[Figure]:
    """The figures `demo.*` of one campaign, on the network's clock."""
    firsts, waits = first_words(calls), gaps(calls)
    errors = callee_errors(outcomes, calls)
    right = sum(as_bound(outcome, bound[outcome.number]) for outcome in outcomes if outcome.number in bound)
    return [
        _timing("demo.first_word_p95_ms", firsts, 0.95, "<= 300"),
        _timing("demo.gap_p50_ms", waits, 0.50, "<= 1000"),
        _timing("demo.gap_p95_ms", waits, 0.95, "<= 1800"),
        Figure.measured("demo.callee_wer_percent", [errors.percent], "%", "<= 15", f"{errors.errors} of {errors.words} words"),
        Figure.measured("demo.outcomes_as_bound", [right], "contacts", f"== {len(bound)}"),
    ]


def _timing(name: str, values: Sequence[int], share: float, goal: str) -> Figure:
    value = percentile(values, share)
    if value is None:
        return Figure.not_measured(name, "ms", goal, "no call was answered")
    return Figure.measured(name, [value], "ms", goal, f"n={len(values)}, max={max(values)} ms")
