"""A small house for the pages to show: campaigns in every status, contacts in every state, calls with every outcome."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg

FIRST = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Radia", "Ken", "Margaret", "Dennis")
LAST = ("Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth", "Perlman", "Thompson", "Hamilton", "Ritchie")
OUTCOMES = (
    # outcome, who, goal, sentiment word, sentiment, answered, reason, ended by
    ("person", "human", "met", "positive", 0.62, True, "goodbye", "agent"),
    ("person", "human", "met", "neutral", 0.05, True, "goodbye", "agent"),
    ("voicemail_message", "voicemail", "not_met", "neutral", 0.0, True, "message_left", "agent"),
    ("no_answer", None, None, None, None, False, None, "carrier"),
    ("person", "human", "not_met", "negative", -0.48, True, "opted_out", "agent"),
    ("busy", None, None, None, None, False, None, "carrier"),
    ("dropped", "human", "unclear", "neutral", 0.1, True, "line_lost", "carrier"),
    ("person", "human", "met", "positive", 0.8, True, "goodbye", "callee"),
)
TURNS = (
    (
        "agent",
        "Hello Ada, this is Sam, the assistant of Riverside Dental. I am calling about your appointment on Monday at ten.",
        180,
        6200,
        False,
    ),
    ("callee", "Oh hi. Yes, what about it?", 6900, 8300, False),
    ("agent", "I only want to make sure that it still suits you. Can you come on Monday at ten, or would another", 8950, 13400, True),
    ("callee", "Monday is fine, I will be there.", 13300, 15100, False),
    ("agent", "Wonderful, then we see you on Monday at ten. Goodbye.", 15800, 18900, False),
)


@dataclass(frozen=True, slots=True)
class House:
    """Ids of what was seeded."""

    agent: int
    number: int
    campaigns: dict[str, int]
    contacts: list[int]
    calls: list[int]
    talked: int
    running: int


async def add_ground(database: "asyncpg.Connection[Any]") -> tuple[int, int]:
    """An agent and a rehearsal number to call from; their ids."""
    agent: int = await database.fetchval("insert into agents (name) values ('Appointment reminder') returning id")
    definition = {"name": "Appointment reminder", "first_message": "Hello {{contact_name}}", "llm": "script"}
    await database.execute("insert into agent_versions (agent_id, version, definition) values ($1, 1, $2)", agent, json.dumps(definition))
    account: int = await database.fetchval(
        "insert into carrier_accounts (name, carrier, rehearsal) values ('Rehearsal', 'twilio', true) returning id"
    )
    number: int = await database.fetchval(
        "insert into phone_numbers (e164, label, carrier_account_id) values ('+14155550100', 'Front desk', $1) returning id", account
    )
    return agent, number


async def seed(database: "asyncpg.Connection[Any]", contacts: int = 40) -> House:
    """Fills an empty database. The running campaign has `contacts` contacts and a call for most of them."""
    agent, number = await add_ground(database)
    campaigns = {
        status: await _campaign(database, name, status, reason, agent, number)
        for status, name, reason in (
            ("cancelled", "Spring survey (old list)", ""),
            ("completed", "October reminders", ""),
            ("paused", "Payment follow-up", "Paused by Maria after the pilot of 20 contacts"),
            ("pending", "Evening notifications", "Waits for its calling hours: Mon 17:00 Europe/Berlin"),
            ("in_progress", "November reminders", ""),
            ("draft", "December reminders", ""),
        )
    }
    main = campaigns["in_progress"]
    people = await _contacts(database, main, contacts)
    for status in ("cancelled", "completed", "paused", "pending"):
        await _contacts(database, campaigns[status], 12)
    await database.execute("update campaigns set retry_delay_min = 60, max_retries = 2, concurrency = 4 where id = $1", main)
    calls = [await _ended_call(database, main, person, at, agent, number) for at, person in enumerate(people[: contacts * 3 // 5])]
    await _finish(database, campaigns["completed"], "completed")
    await _block(database, main)
    running = await _running_call(database, main, people[-1], agent, number)
    await _talk(database, calls[0])
    return House(agent, number, campaigns, people, calls, calls[0], running)


async def _campaign(database: "asyncpg.Connection[Any]", name: str, status: str, reason: str, agent: int, number: int) -> int:
    made: int = await database.fetchval(
        "insert into campaigns (name, agent_id, agent_version, phone_number_id, status, status_reason, timezone, start_time, end_time, "
        "created_by, started_at) values ($1, $2, 1, $3, $4, $5, 'Europe/Berlin', '09:00', '18:00', 'maria', "
        "case when $4 = 'draft' then null else callwright_now() - interval '2 hours' end) returning id",
        name,
        agent,
        number,
        status,
        reason,
    )
    return made


async def _contacts(database: "asyncpg.Connection[Any]", campaign: int, count: int) -> list[int]:
    made = []
    for at in range(count):
        name = f"{FIRST[at % 10]} {LAST[(at // 10 + at) % 10]}"
        variables = {"phone_number": f"+141555502{at:02d}", "contact_name": name, "appointment_date": "Monday at ten"}
        made.append(
            await database.fetchval(
                "insert into contacts (campaign_id, number, name, variables) values ($1, $2, $3, $4) returning id",
                campaign,
                variables["phone_number"],
                name,
                json.dumps(variables),
            )
        )
    return made


async def _ended_call(database: "asyncpg.Connection[Any]", campaign: int, contact: int, at: int, agent: int, number: int) -> int:
    outcome, who, goal, feeling, sentiment, answered, reason, by = OUTCOMES[at % len(OUTCOMES)]
    ago = timedelta(minutes=90 - 2 * at)
    evidence = {
        "reason": {"says": "said goodbye", "turn": 4},
        "who": {"says": "answered in a full sentence after 0.7 s", "turn": 1},
        "goal": {"says": "“Monday is fine, I will be there.”", "turn": 3},
    }
    made: int = await database.fetchval(
        "insert into calls (campaign_id, contact_id, number, contact_name, variables, phone_number_id, carrier_account_id, agent_id, "
        "agent_version, rehearsal, state, process_id, lease_until, planned_at, requested_at, ringing_at, answered_at, ended_at, outcome, "
        "end_reason, ended_by, who, goal, sentiment, sentiment_word, duration_ms, first_word_ms, evidence, opted_out, summary) "
        "select $1, c.id, c.number, c.name, c.variables, p.id, p.carrier_account_id, $3, 1, true, 'ended', 'seed', t, t, t, t, "
        "case when $6 then t + interval '8 seconds' end, t + interval '30 seconds', $5, $7, $8, $9, $10, $11::float8, $12, "
        "case when $6 then 19400 end, case when $6 then 180 + $13::int end, $14, $7 is not distinct from 'opted_out', "
        "case when $6 then 'The appointment on Monday at ten was confirmed.' else '' end "
        "from contacts c, phone_numbers p, (select callwright_now() - $15::interval as t) as clock "
        "where c.id = $2 and p.id = $4 returning id",
        *(campaign, contact, agent, number, outcome, answered, reason, by),
        *(who, goal, sentiment, feeling, at, json.dumps(evidence if answered else {}), ago),
    )
    await _settle(database, contact, outcome)
    return made


async def _settle(database: "asyncpg.Connection[Any]", contact: int, outcome: str) -> None:
    ends = {"person": "completed", "voicemail_message": "completed", "dropped": "failed"}.get(outcome)
    await database.execute(
        "update contacts set status = 'in_progress', tries = tries + 1, last_outcome = $2 where id = $1", contact, outcome
    )
    if ends is None:
        await database.execute(
            "update contacts set status = 'pending', not_before = callwright_now() + interval '40 minutes' where id = $1", contact
        )
    else:
        await database.execute("update contacts set status = $2 where id = $1", contact, ends)


async def _finish(database: "asyncpg.Connection[Any]", campaign: int, status: str) -> None:
    await database.execute("update contacts set status = 'in_progress', tries = 1 where campaign_id = $1", campaign)
    await database.execute("update contacts set status = $2, last_outcome = 'person' where campaign_id = $1", campaign, status)


async def _block(database: "asyncpg.Connection[Any]", campaign: int) -> None:
    await database.execute(
        "update contacts set blocked_by = 'local_hours', blocked_reason = 'it is 06:40 where they live', "
        "look_again_at = callwright_now() + interval '80 minutes' where id in "
        "(select id from contacts where campaign_id = $1 and status = 'pending' and not_before is null order by id limit 5)",
        campaign,
    )
    await database.execute(
        "update contacts set status = 'skipped', status_reason = 'The number is on the do-not-call list' where id in "
        "(select id from contacts where campaign_id = $1 and status = 'pending' and not_before is null order by id desc offset 3 limit 1)",
        campaign,
    )


async def _running_call(database: "asyncpg.Connection[Any]", campaign: int, contact: int, agent: int, number: int) -> int:
    await database.execute("update contacts set status = 'in_progress' where id = $1", contact)
    made: int = await database.fetchval(
        "insert into calls (campaign_id, contact_id, number, contact_name, phone_number_id, carrier_account_id, agent_id, agent_version, "
        "rehearsal, state, process_id, lease_until, planned_at, requested_at, answered_at) "
        "select $1, c.id, c.number, c.name, p.id, p.carrier_account_id, $3, 1, true, 'answered', 'seed', "
        "callwright_now() + interval '1 hour', callwright_now() - interval '20.1 seconds', callwright_now() - interval '20 seconds', "
        "callwright_now() - interval '12 seconds' "
        "from contacts c, phone_numbers p where c.id = $2 and p.id = $4 returning id",
        campaign,
        contact,
        agent,
        number,
    )
    await _say(database, made, TURNS[:2])
    return made


async def _talk(database: "asyncpg.Connection[Any]", call: int) -> None:
    await _say(database, call, TURNS)
    await database.execute(
        "update calls set recording = 'recordings/1.wav', fields = $2 where id = $1", call, json.dumps({"confirmed": "yes"})
    )
    for after_s, kind, source, detail in (
        (0.4, "requested", "carrier", {"carrier_call_id": "CA0123456789"}),
        (2.1, "ringing", "carrier", {"carrier_call_id": "CA0123456789"}),
        (8.0, "answered", "carrier", {"carrier_call_id": "CA0123456789"}),
        (15.5, "answered_by", "agent", {"who": "human", "evidence": "answered in a full sentence after 0.7 s", "at_ms": 6900}),
        (27.6, "ended", "carrier", {"carrier_call_id": "CA0123456789", "outcome": "answered", "duration_s": 19}),
    ):
        await database.execute(
            "insert into call_events (call_id, at, source, kind, detail) "
            "select id, requested_at + make_interval(secs => $2), $3, $4, $5 from calls where id = $1",
            *(call, after_s, source, kind, json.dumps(detail)),
        )


async def _say(database: "asyncpg.Connection[Any]", call: int, turns: tuple[tuple[str, str, int, int, bool], ...], first: int = 0) -> None:
    for position, (speaker, text, start, end, cut) in enumerate(turns, first):
        latency = (
            {"end_of_turn": 220, "recognition": 140, "brain": 60, "voice": 120, "total": 540 + 20 * position} if position in (2, 4) else {}
        )
        await database.execute(
            "insert into transcript_turns (call_id, position, speaker, text, start_ms, end_ms, cut_off, latency_ms) "
            "values ($1, $2, $3, $4, $5, $6, $7, $8)",
            *(call, position, speaker, text, start, end, cut, json.dumps(latency)),
        )


async def say_a_number(database: "asyncpg.Connection[Any]", call: int, number: str) -> None:
    """The callee says a number, and all that a call keeps of what is said has it: summary, fields, evidence, timeline."""
    await _say(database, call, (("callee", f"Call my wife at {number}.", 19000, 20000, False),), first=len(TURNS))
    await database.execute(
        "update calls set summary = 'To be called at ' || $2::text, fields = jsonb_build_object('number', $2::text), "
        "evidence = evidence || jsonb_build_object('goal', jsonb_build_object('says', 'said ' || $2::text)) where id = $1",
        *(call, number),
    )
    await database.execute(
        "insert into call_events (call_id, source, kind, detail) values ($1, 'operator', 'whisper', jsonb_build_object('text', $2::text))",
        *(call, number),
    )
