"""The operators of a simulated world: they set campaigns up, interfere at random moments, and in the end see that all come to an end."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from db.database import LOST, UNDONE, DatabaseUnavailable
from dialer import campaigns, contacts, suppressions
from dialer.campaign_settings import CampaignSettings, InvalidCampaign
from dialer.errors import NotAllowed, NotFound, Outdated
from tests.simulation import history as h
from tests.simulation.history import Row, Verb
from tests.simulation.process import Died, SimulatedProcess
from tests.simulation.scenario import Person, person, settings
from tests.simulation.world import VERB, World

_REFUSALS = (NotAllowed, NotFound, Outdated, InvalidCampaign, *LOST, *UNDONE, DatabaseUnavailable)
_CAMPAIGN_VERBS = (Verb.PAUSE, Verb.PAUSE, Verb.RESUME, Verb.RESUME, Verb.RESUME, Verb.EDIT, Verb.ADD, Verb.CANCEL, Verb.START)
_CONTACT_VERBS = (Verb.RETRY, Verb.RETRY, Verb.SKIP, Verb.REMOVE)
_STARTS = 5
_NUMBER_VERBS = (Verb.SUPPRESS, Verb.SUPPRESS, Verb.UNSUPPRESS)

Work = Callable[[], Coroutine[Any, Any, Any]]


class Operators:
    """`somebody`: a process that answers them, or None."""

    def __init__(self, world: World, somebody: Callable[[], SimulatedProcess | None]) -> None:
        self._world, self._somebody = world, somebody
        self._ids = itertools.count(1)

    async def set_up(self, desk: SimulatedProcess, agents: list[int], lines: list[int]) -> None:
        """The campaigns of the scenario, as Drafts with their contacts."""
        for place, plan in enumerate(self._world.scenario.campaigns):
            values = dict(plan.settings) | {"agent_id": agents[plan.agent], "phone_number_id": lines[plan.line]}
            created = await campaigns.create(desk.db, CampaignSettings(name=f"Campaign {place}", **values), actor="operator")
            await contacts.add(desk.db, created.id, [_new(each) for each in plan.people], actor="operator")

    def start_after(self, campaign_id: int, seconds: float) -> None:
        """Start a campaign a while from now, and again where nobody answered."""

        async def later() -> None:
            await asyncio.sleep(seconds)
            for _ in range(_STARTS):
                if self._world.recorder.campaigns[campaign_id]["status"] == "draft":
                    await self._on_campaign(Verb.START, campaign_id)
                    await asyncio.sleep(5.0)

        self._world.begin(later(), "operator: start later")

    def interfere(self) -> None:
        """One deed, whatever comes of it."""
        rng, known = self._world.rng, self._world.recorder
        kind = rng.random()
        live = [each for _, each in sorted(known.calls.items()) if each["state"] in ("planned", "requested")]
        if live and self._world.chance(0.6):
            self.stop(rng.choice(live))
        elif kind < 0.5:
            verb, campaign_id = rng.choice(_CAMPAIGN_VERBS), rng.choice(sorted(known.campaigns))
            if verb is not Verb.CANCEL or self._world.chance(0.3):
                self._on_campaign(verb, campaign_id)
        elif kind < 0.75 and known.contacts:
            self._on_contact(rng.choice(_CONTACT_VERBS), rng.choice(sorted(known.contacts)))
        else:
            self._on_number(rng.choice(_NUMBER_VERBS), rng.choice(self._world.scenario.numbers))

    def get_in_the_way(self, call: h.CallCommitted) -> None:
        """Stop a call that is about to start."""
        verb = self._world.rng.choice((Verb.PAUSE, Verb.PAUSE, Verb.CANCEL, Verb.SUPPRESS, Verb.SUPPRESS))
        if verb is Verb.SUPPRESS:
            self._on_number(verb, call.number)
        elif call.campaign_id is not None:
            self._on_campaign(verb, call.campaign_id)

    def stop(self, call: Row) -> None:
        """Something that forbids a call which is on its way."""
        match self._world.rng.random():
            case share if share < 0.5:
                self._on_number(Verb.SUPPRESS, call["number"])
            case share if share < 0.9:
                self._on_campaign(Verb.PAUSE, call["campaign_id"])
            case _:
                self._on_campaign(Verb.CANCEL, call["campaign_id"])

    async def keep_going(self) -> None:
        """While the world is busy: what was paused is soon resumed, most of the time."""
        world = self._world
        while True:
            world.recorder.status_changed.clear()
            for campaign_id, row in sorted(world.recorder.campaigns.items()):
                if row["status"] == "paused" and world.chance(0.8):
                    await asyncio.sleep(world.rng.choice((0.1, 5.0, 40.0)))
                    await self._on_campaign(Verb.RESUME, campaign_id)
            await world.recorder.status_changed.wait()

    async def see_to_the_end(self) -> None:
        """Start what is a Draft and resume what is paused, for as long as there is any."""
        world = self._world
        while True:
            world.recorder.status_changed.clear()
            for campaign_id, row in sorted(world.recorder.campaigns.items()):
                if row["status"] in ("draft", "paused"):
                    await self._get_going(campaign_id, row["status"])
            await world.recorder.status_changed.wait()

    async def _get_going(self, campaign_id: int, status: str) -> None:
        await asyncio.sleep(self._world.rng.choice((1.0, 60.0, 600.0)))
        if status == "paused":
            await self._on_campaign(Verb.RESUME, campaign_id)
            return
        await self._on_campaign(Verb.EDIT, campaign_id, {"scheduled_start": None})
        if any(each["campaign_id"] == campaign_id and each["status"] == "pending" for each in self._world.recorder.contacts.values()):
            await self._on_campaign(Verb.START, campaign_id)
        else:
            await self._on_campaign(Verb.CANCEL, campaign_id)

    def _on_campaign(self, verb: Verb, campaign_id: int, changes: Mapping[str, Any] | None = None) -> "asyncio.Task[None]":
        rng, actor = self._world.rng, "operator"
        if verb is Verb.EDIT and changes is None:
            drawn = settings(rng, self._world.now)
            changes = {name: drawn[name] for name in rng.sample(sorted(drawn), 3)}
        added = person(rng, rng.choice(self._world.scenario.numbers)) if verb is Verb.ADD else None

        def work(process: SimulatedProcess) -> Coroutine[Any, Any, Any]:
            db, clock = process.db, process.clock
            match verb:
                case Verb.START:
                    return campaigns.start(db, campaign_id, actor=actor)
                case Verb.PAUSE:
                    return campaigns.pause(db, campaign_id, actor=actor, clock=clock)
                case Verb.RESUME:
                    return campaigns.resume(db, campaign_id, actor=actor)
                case Verb.CANCEL:
                    return campaigns.cancel(db, campaign_id, actor=actor, clock=clock)
                case Verb.EDIT:
                    return campaigns.edit(db, campaign_id, changes or {}, version=None, actor=actor)
            assert added is not None
            return contacts.add(db, campaign_id, [_new(added)], actor=actor)

        return self._ask(verb, work, campaign_id=campaign_id, number=added.number if added else None)

    def _on_contact(self, verb: Verb, contact_id: int) -> "asyncio.Task[None]":
        act = {Verb.RETRY: contacts.retry, Verb.SKIP: contacts.skip, Verb.REMOVE: contacts.remove}[verb]
        return self._ask(verb, lambda process: act(process.db, contact_id, actor="operator"), contact_id=contact_id)

    def _on_number(self, verb: Verb, number: str) -> "asyncio.Task[None]":
        async def lift(process: SimulatedProcess) -> None:
            entry = await suppressions.look_up(process.db, number)
            if entry is None:
                raise NotFound("it is not on the list")
            await suppressions.remove(process.db, entry.id, actor="operator")

        async def add(process: SimulatedProcess) -> None:
            await suppressions.add(process.db, number, reason="asked", source="operator", actor="operator", clock=process.clock)

        return self._ask(verb, add if verb is Verb.SUPPRESS else lift, number=number)

    def _ask(self, verb: Verb, work: Callable[[SimulatedProcess], Coroutine[Any, Any, Any]], **about: Any) -> "asyncio.Task[None]":
        async def ask() -> None:
            world.busy += 1
            try:
                await self._asked(verb, work, **about)
            finally:
                world.busy -= 1

        world = self._world
        return world.begin(ask(), f"operator: {verb}")

    async def _asked(self, verb: Verb, work: Callable[[SimulatedProcess], Coroutine[Any, Any, Any]], **about: Any) -> None:
        process, verb_id = self._somebody(), next(self._ids)
        if process is None:
            return
        VERB.set(verb_id)
        refused = None
        self._world.recorder.note(h.VerbBegan, process.id, verb_id=verb_id, verb=verb, **about)
        try:
            await process.do(work(process), f"{verb} {verb_id}")
        except Died:
            return
        except _REFUSALS as error:
            refused = f"{type(error).__name__}: {error}"
        self._world.recorder.note(h.VerbAnswered, process.id, verb_id=verb_id, verb=verb, refused=refused)


def _new(each: Person) -> contacts.NewContact:
    return contacts.NewContact(number=each.number, variables=each.variables)
