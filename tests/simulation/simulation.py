"""Runs one seed: a world, its processes, its carrier and its operators, until nothing is due any more; returns the history."""

import asyncio
from collections.abc import Sequence

from tests.simulation import history as h
from tests.simulation.carrier import POST_LIMIT_S, SimulatedCarrier
from tests.simulation.operators import Operators
from tests.simulation.postgres import Postgres
from tests.simulation.process import SimulatedProcess
from tests.simulation.scenario import VARIABLE
from tests.simulation.world import BUSY_STEPS_AT_MOST, IDLE_JUMPS_AT_MOST, QUIET_AT_MOST, STEPS_AT_MOST, World

ACCOUNT = "scripted"
_AGENTS = (frozenset[str](), frozenset({VARIABLE}))
_ABOUT_TO_START = ((None, "planned"), ("planned", "requested"))
_COUNTS = ("pending", "in_progress", "completed", "failed", "skipped")
_COUNT = ", ".join(f"count(*) filter (where status = '{status}') as {status}" for status in _COUNTS)
_READ_COUNTS = f"""select k.campaign_id, to_jsonb(k) - 'campaign_id' as kept, to_jsonb(c) - 'campaign_id' as counted
    from campaign_counts k join (select campaign_id, {_COUNT} from contacts group by campaign_id) c using (campaign_id)
    order by campaign_id"""


def simulate(seed: int, postgres: Postgres) -> h.History:
    """The history of a seed. The same seed has the same history, wherever and whenever it runs."""
    postgres.empty()
    world = World(seed, postgres)
    postgres.set_clock(world.now)
    simulation = Simulation(world)
    with world.log_in_history():
        try:
            return simulation.run()
        finally:
            for process in simulation.processes:
                process.pool.cut()
            world.dispose()


class Simulation:
    """One run."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.processes: list[SimulatedProcess] = []
        self._carrier = SimulatedCarrier(world, self._somebody)
        self._operators = Operators(world, self._somebody)
        self._began_at = world.now
        self._to_come = 0
        world.recorder.hints.append(self._hint)

    def run(self) -> h.History:
        """Set up, be busy, be quiet, look back."""
        accounts, lines, agents = self._set_up()
        self._be_busy()
        quiet_out = self._be_quiet()
        return h.History(
            seed=self._world.seed,
            began_at=self._began_at,
            ended_at=self._world.now,
            quiet_out=quiet_out,
            post_limit_s=POST_LIMIT_S,
            accounts=accounts,
            lines=lines,
            agents=agents,
            events=tuple(self._world.recorder.events),
            final=self._final(),
        )

    def _set_up(self) -> tuple[Sequence[h.Account], Sequence[h.Line], Sequence[h.Agent]]:
        world, observe = self._world, self._world.postgres.observe
        scenario = world.scenario
        account_id = observe(
            "insert into carrier_accounts (name, carrier, calls_per_second) values ($1, $1, $2) returning id",
            ACCOUNT,
            scenario.calls_per_second,
        )[0]["id"]
        lines = []
        for line in scenario.lines:
            made = observe(
                "insert into phone_numbers (e164, carrier_account_id, concurrency, calls_per_second) values ($1, $2, $3, $4) returning id",
                line.e164,
                account_id,
                line.concurrency,
                line.calls_per_second,
            )[0]["id"]
            lines.append(
                h.Line(id=made, e164=line.e164, account_id=account_id, concurrency=line.concurrency, calls_per_second=line.calls_per_second)
            )
        agents = []
        for place, required in enumerate(_AGENTS):
            made = observe("insert into agents (name) values ($1) returning id", f"Agent {place}")[0]["id"]
            said = {"first_message": " ".join(["Hello", *(f"{{{{{name}}}}}" for name in sorted(required))])}
            observe("insert into agent_versions (agent_id, version, definition) values ($1, 1, $2)", made, said)
            agents.append(h.Agent(id=made, required=required))
        desk = SimulatedProcess(world, "desk", 1, {})
        self.processes.append(desk)
        setting_up = world.begin(self._operators.set_up(desk, [each.id for each in agents], [each.id for each in lines]), "set up", desk)
        while not setting_up.done():
            world.turn()
        setting_up.result()
        for campaign_id in sorted(world.recorder.campaigns):
            self._operators.start_after(campaign_id, world.rng.choice((0.0, 0.0, 5.0, 60.0)))
        for concurrency in scenario.processes:
            self._start_process(concurrency, world.rng.uniform(0.0, 5.0))
        account = h.Account(id=account_id, name=ACCOUNT, calls_per_second=scenario.calls_per_second)
        return (account,), lines, agents

    def _be_busy(self) -> None:
        world = self._world
        world.be_unkind()
        keeping_going = world.begin(self._operators.keep_going(), "the operators keep it going")
        while not self._busy_enough():
            since = len(world.recorder.events)
            if world.turn() is not None:
                self._interfere(since)
        keeping_going.cancel()
        while self._to_come:
            world.turn()
        for process in self._living()[1:]:
            if world.chance(world.unkindness.last):
                process.kill(world.leave_half_done(process))

    def _busy_enough(self) -> bool:
        world = self._world
        if world.steps >= BUSY_STEPS_AT_MOST or world.idle_jumps >= IDLE_JUMPS_AT_MOST:
            return True
        return len(world.recorder.calls) >= world.scenario.busy_calls or self._all_over()

    def _interfere(self, since: int) -> None:
        world = self._world
        danger = 6 if world.in_danger(since) else 1
        for planned in world.claimed(since):
            if world.chance(world.unkindness.ambush):
                world.hold_back_the_last(30)
                self._operators.stop(world.recorder.calls[planned])
        if world.chance(world.unkindness.verb * danger):
            self._operators.interfere()
        calls = [each for each in world.recorder.events[since:] if isinstance(each, h.CallCommitted)]
        for call in calls:
            if (call.before, call.after) in _ABOUT_TO_START and world.chance(world.unkindness.verb * 5):
                self._operators.get_in_the_way(call)
        if world.chance(0.004):
            self._read_counts()
        living = self._living()
        if living and world.chance(world.unkindness.kill * danger):
            self._kill(world.rng.choice(living))
        elif living and world.chance(world.unkindness.freeze):
            self._freeze(world.rng.choice(living))
        elif living and world.chance(world.unkindness.stop):
            stopping = world.rng.choice(living)
            self._to_come += 1
            world.begin(self._stop(stopping), f"stop {stopping.id}")

    def _kill(self, process: SimulatedProcess) -> None:
        process.kill(self._world.leave_half_done(process))
        self._start_process(process.concurrency, self._world.rng.choice((0.5, 5.0, 40.0, 90.0)))

    def _freeze(self, process: SimulatedProcess) -> None:
        """Never between a flip and the answer to its POST: no dialer could know how long it has been away. And not within a transaction,
        whose times it would tear apart."""
        calls = self._world.recorder.calls.values()
        posting = any((each["process_id"], each["state"], each["posted_at"]) == (process.id, "requested", None) for each in calls)
        if not posting and not process.frozen and not any(each.in_transaction for each in process.pool.lent):
            self._to_come += 1
            self._world.begin(self._frozen(process, self._world.rng.choice((3.0, 35.0, 70.0))), f"freeze {process.id}")

    async def _frozen(self, process: SimulatedProcess, seconds: float) -> None:
        await process.freeze(seconds)
        self._to_come -= 1

    async def _stop(self, process: SimulatedProcess) -> None:
        self._start_process(process.concurrency, self._world.rng.choice((0.5, 30.0)))
        await process.stop()
        self._to_come -= 1

    def _start_process(self, concurrency: int, after_s: float) -> None:
        async def start() -> None:
            await asyncio.sleep(after_s)
            process = SimulatedProcess(self._world, f"p{len(self.processes)}", concurrency, {ACCOUNT: self._carrier})
            self.processes.append(process)
            self._to_come -= 1
            process.start()

        self._to_come += 1
        self._world.begin(start(), "a new process")

    def _be_quiet(self) -> bool:
        """Whether everything came to its end, and not to our patience's."""
        world = self._world
        world.be_quiet()
        world.begin(self._operators.see_to_the_end(), "the operators see to the end")
        steps, until = world.steps + STEPS_AT_MOST, world.now + QUIET_AT_MOST
        while not self._all_over():
            if world.steps > steps or world.now > until:
                return False
            world.turn()
        self._read_counts()
        return True

    def _all_over(self) -> bool:
        world = self._world
        return world.recorder.over() and not world.recorder.live and not world.busy

    def _living(self) -> list[SimulatedProcess]:
        return [each for each in self.processes[1:] if not each.dead]

    def _somebody(self) -> SimulatedProcess | None:
        """A process that a load balancer would choose now."""
        serving = [each for each in self._living() if not each.draining]
        return self._world.rng.choice(serving) if serving else None

    def _hint(self) -> None:
        for process in self._living():
            if self._world.chance(0.5):
                self._world.loop.call_later(self._world.rng.uniform(0.0, 0.05), process.hint)

    def _read_counts(self) -> None:
        for row in self._world.postgres.observe(_READ_COUNTS):
            self._world.recorder.note(h.CountsRead, "", campaign_id=row["campaign_id"], kept=row["kept"], counted=row["counted"])

    def _final(self) -> h.FinalRows:
        def rows(table: str, order: str = "id") -> list[h.Row]:
            return [dict(each) for each in self._world.postgres.observe(f"select * from {table} order by {order}")]

        return h.FinalRows(
            campaigns=rows("campaigns"),
            campaign_counts=rows("campaign_counts", "campaign_id"),
            contacts=rows("contacts"),
            calls=rows("calls"),
            call_events=rows("call_events"),
            suppressions=rows("suppressions"),
        )
