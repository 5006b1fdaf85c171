"""Promises about what became of each attempt and its contact: every end is true, counted once, and followed as the table says."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise

from tests.simulation import oracle
from tests.simulation.history import Answer, CallCommitted, ContactCommitted, ConversationEnded, ResultAnswered, WebhookSent
from tests.simulation.promises_gates import NO_TRY
from tests.simulation.reading import Attempt, CarrierCall, Finding, Reading, broken

LEASE = timedelta(seconds=30)
LOOKS_APART = timedelta(seconds=60)
CLOCK_SLACK = timedelta(seconds=5)  # between the reading of the time in a transaction and its commit, while others go on

CALL_MOVES: Mapping[str | None, tuple[str, ...]] = {
    None: ("planned",),
    "planned": ("planned", "requested", "ended"),
    "requested": ("requested", "unknown", "ringing", "answered", "ended"),
    "unknown": ("unknown", "ringing", "answered", "ended"),
    "ringing": ("ringing", "answered", "ended"),
    "answered": ("answered", "ended"),
    "ended": ("ended",),
}


def calls_move_forward(reading: Reading) -> Iterator[Finding]:
    """An attempt moves forward only: planned, requested (or unknown), ringing, answered, ended."""
    for attempt in reading.attempts.values():
        stood: str | None = None
        for commit in attempt.commits:
            if commit.before != stood or commit.after not in CALL_MOVES[stood]:
                yield broken(commit.at, f"the attempt goes from {stood} to {commit.after}", call=attempt.id)
            stood = commit.after


def attempts_end(reading: Reading) -> Iterator[Finding]:
    """Every attempt ends."""
    for attempt in reading.attempts.values():
        if attempt.end is None:
            yield broken(
                reading.history.ended_at,
                f"the attempt of {attempt.plan.at:%a %H:%M:%S} is {attempt.commits[-1].after} for ever",
                call=attempt.id,
            )


def times_are_in_order(reading: Reading) -> Iterator[Finding]:
    """An attempt's times are in order: planned, requested, ringing, answered, ended."""
    for attempt in reading.attempts.values():
        times = (
            [(name, attempt.row[name]) for name in ("planned_at", "requested_at", "ringing_at", "answered_at", "ended_at")]
            if attempt.row
            else []
        )
        known = [(name, at) for name, at in times if at is not None]
        for (one, first), (two, second) in pairwise(known):
            if second < first:
                yield broken(second, f"{two} {second} lies before {one} {first}", call=attempt.id)


def contact_follows_attempt(reading: Reading) -> Iterator[Finding]:
    """A contact is In Progress exactly while it has an attempt that has not ended."""
    spans: dict[int, list[tuple[datetime, datetime | None]]] = {}
    for attempt in reading.attempts.values():
        if attempt.plan.contact_id is not None:
            spans.setdefault(attempt.plan.contact_id, []).append((attempt.plan.at, attempt.end.at if attempt.end else None))
    for contact_id, rows in reading.contacts.items():
        shown: list[tuple[datetime, datetime | None]] = []
        for row in rows:
            if row.after == "in_progress" != row.before:
                shown.append((row.at, None))
            elif row.before == "in_progress" != row.after and shown:
                shown[-1] = (shown[-1][0], row.at)
        for begins, _ in set(shown) ^ set(spans.get(contact_id, [])):
            yield broken(begins, "the contact is In Progress at other times than its attempts are under way", contact=contact_id)


def outcome_is_true(reading: Reading) -> Iterator[Finding]:
    """The outcome on record is what the carrier and the conversation saw, as far as anything told of it; later evidence corrects it."""
    kept = {each.call_id: each for each in reading.of(ResultAnswered) if each.kept}
    ended = {(each.key, each.delivery, each.call_id) for each in reading.of(WebhookSent) if each.state == "ended"}
    for attempt in reading.attempts.values():
        if attempt.end is None or attempt.row is None:
            continue
        talk = _kept_talk(attempt, kept.get(attempt.id))
        told_of_end = any((each.key, each.delivery, each.call_id) in ended for each in attempt.told)
        true = _true_outcomes(reading, attempt, talk, told_of_end)
        if attempt.row["outcome"] not in true:
            yield broken(
                attempt.end.at,
                f"the outcome is {attempt.row['outcome']}, and what happened is {' or '.join(sorted(true))}",
                call=attempt.id,
            )


def _kept_talk(attempt: Attempt, kept: ResultAnswered | None) -> ConversationEnded | None:
    """The conversation whose result is on record."""
    if attempt.row is None or attempt.row["conversation_ended_at"] is None:
        return None
    matching = [each for each in attempt.talks if kept is None or each.fence == kept.fence]
    return matching[-1] if matching else None


def _true_outcomes(reading: Reading, attempt: Attempt, talk: ConversationEnded | None, told_of_end: bool) -> set[str]:
    if attempt.flip is None:
        return {"withdrawn"}
    if not attempt.posts:
        return {"withdrawn", "lost"}
    if not attempt.at_carrier:
        return _never_made(reading, attempt)
    if talk is not None:
        return {oracle.outcome_of_talk(talk.reason, talk.who, message_delivered=talk.message_delivered)}
    own = [each for each in attempt.at_carrier if attempt.row and each.id == attempt.row["carrier_call_id"]] or attempt.at_carrier
    seen = {_of_line(each) for each in own}
    assert attempt.end is not None
    turn = attempt.end.turn
    looked = any(attempt.found_by(look) for look in reading.looks_for(attempt) if look.turn < turn)
    accepted = any(each.answer is Answer.ACCEPTED and reading.undisturbed(each.process, each.turn, turn) for each in attempt.returns)
    return seen if told_of_end or looked or accepted else seen | {"lost"}


def _of_line(call: CarrierCall) -> str:
    if call.answered is not None:
        return "dropped"  # somebody picked up, and no conversation was kept
    ended = call.ended
    return oracle.outcome_of_line(ended.outcome if ended else None, by_us=bool(ended and ended.by_us))


def _never_made(reading: Reading, attempt: Attempt) -> set[str]:
    """The carrier was asked, and made no call of it."""
    meant = {
        Answer.THROTTLED: "withdrawn",
        Answer.NOTHING_SENT: "withdrawn",
        Answer.OUR_FAULT: "withdrawn",
        Answer.CALLEES_FAULT: "refused",
    }
    true = {meant.get(each.answer, "lost") for each in attempt.returns} or {"lost"}
    assert attempt.end is not None
    heard = all(reading.undisturbed(each.process, each.turn, attempt.end.turn) for each in attempt.returns)
    return true if heard else true | {"lost"}


def contact_follows_the_table(reading: Reading) -> Iterator[Finding]:
    """After each attempt its contact's status, tries and next time are what the table of outcomes says, in the same commit."""
    for attempt in reading.attempts.values():
        end, contact_id = attempt.end, attempt.plan.contact_id
        if end is None or contact_id is None:
            continue
        rows = list(reading.contacts[contact_id])
        after = next((each for each in rows if each.before == "in_progress" != each.after and each.at == end.at), None)
        settings = reading.settings_of(attempt, end.turn)
        if after is None or settings is None:
            yield broken(end.at, "the attempt ends, and its contact stays as it was", call=attempt.id, contact=contact_id)
            continue
        was = rows[rows.index(after) - 1]
        before = oracle.Standing("in_progress", was.tries, was.lost_tries, was.extra_tries, was.not_before, was.callback)
        rules = oracle.Rules(settings.max_retries, settings.retry_delay_min, settings.retry_on_voicemail, settings.retry_on_dropped)
        wanted = oracle.after_call(before, end.outcome or "", rules, end.at, end.callback_at)
        yield from _differs(attempt, end, wanted, after)


def _differs(attempt: Attempt, end: CallCommitted, wanted: oracle.Standing, after: ContactCommitted) -> Iterator[Finding]:
    skipped = end.outcome == "withdrawn" and after.after == "skipped"  # a gate closed for good: see skipped_for_a_reason
    if after.after != wanted.status and not skipped:
        sentence = f"after {end.outcome} the contact is {after.after}, not {wanted.status}"
        yield broken(end.at, sentence, call=attempt.id, contact=after.contact_id)
    if (after.tries, after.lost_tries) != (wanted.tries, wanted.lost):
        sentence = (
            f"after {end.outcome} the contact has {after.tries} tries and {after.lost_tries} lost, not {wanted.tries} and {wanted.lost}"
        )
        yield broken(end.at, sentence, call=attempt.id, contact=after.contact_id)
    if after.after != "pending":
        return
    if after.callback != wanted.callback:
        yield broken(
            end.at, f"after {end.outcome} a callback is{'' if after.callback else ' not'} owed", call=attempt.id, contact=after.contact_id
        )
    if (after.not_before is None) != (wanted.due is None) or (
        after.not_before is not None and wanted.due is not None and abs(after.not_before - wanted.due) > CLOCK_SLACK
    ):
        sentence = f"after {end.outcome} the next try is due at {after.not_before}, not {wanted.due}"
        yield broken(end.at, sentence, call=attempt.id, contact=after.contact_id)


def tries_are_counted(reading: Reading) -> Iterator[Finding]:
    """A contact's tries are its attempts that count: all that ended but the withdrawn and the lost."""
    made = Counter(row["contact_id"] for row in reading.history.final.calls if row["state"] == "ended" and row["outcome"] not in NO_TRY)
    for row in reading.history.final.contacts:
        if row["tries"] != made[row["id"]]:
            sentence = f"the contact has {row['tries']} tries on record, and {made[row['id']]} of its attempts count"
            yield broken(reading.history.ended_at, sentence, contact=row["id"])


def lost_only_after_looking(reading: Reading) -> Iterator[Finding]:
    """An attempt is lost only when lease, POST limit and ring timeout have passed and two looks 60 s apart found nothing."""
    for attempt in reading.attempts.values():
        end, flip = attempt.end, attempt.flip
        if end is None or end.outcome != "lost":
            continue
        if flip is None:
            yield broken(end.at, "an attempt is lost that was never asked for", call=attempt.id)
            continue
        ring = timedelta(seconds=attempt.row["ring_timeout_s"]) if attempt.row else timedelta(0)
        patience = LEASE + timedelta(seconds=reading.history.post_limit_s) + ring
        asked_at = attempt.row["requested_at"] if attempt.row else flip.at
        if end.at - asked_at < patience:
            yield broken(end.at, f"lost {end.at - asked_at} after its flip, before {patience} had passed", call=attempt.id)
        looks = [each for each in reading.looks_for(attempt) if each.turn < end.turn]
        misses = [each.at for each in looks if not attempt.found_by(each)]
        if len(misses) < len(looks):
            yield broken(end.at, "lost though a look had found it", call=attempt.id)
        if not misses or misses[-1] - misses[0] < LOOKS_APART:
            yield broken(
                end.at, f"lost after looks at {[f'{each:%H:%M:%S.%f}' for each in misses]}, which are not 60 s apart", call=attempt.id
            )


def webhooks_are_kept_once(reading: Reading) -> Iterator[Finding]:
    """A report that the carrier was thanked for is on record, once, however often it came."""
    rows = Counter((row["call_id"], row["key"]) for row in reading.history.final.call_events if row["source"] == "carrier")
    for (call_id, key), times in rows.items():
        if times > 1:
            yield broken(reading.history.ended_at, f"the report {key} is kept {times} times", call=call_id)
    for attempt in reading.attempts.values():
        for told in attempt.told:
            if not rows[attempt.id, told.key]:
                yield broken(told.at, f"the report {told.key} was answered and is not kept", call=attempt.id)


def results_are_kept(reading: Reading) -> Iterator[Finding]:
    """A conversation's result that was said to be kept is on record, and no second one takes its place."""
    kept: dict[int, list[ResultAnswered]] = {}
    for answer in reading.of(ResultAnswered):
        if answer.kept:
            kept.setdefault(answer.call_id, []).append(answer)
    for result in reading.of(ConversationEnded):
        taken_over = [each for each in reading.of(CallCommitted) if each.call_id == result.call_id and each.fence > result.fence]
        if any(each.fence == result.fence for each in kept.get(result.call_id, [])) and any(each.turn < result.turn for each in taken_over):
            yield broken(result.at, "a result is kept from a process that did not hold the call any more", call=result.call_id)
    for call_id, answers in kept.items():
        row = reading.attempts[call_id].row
        if row is not None and row["conversation_ended_at"] is None:
            yield broken(answers[0].at, "the result that was kept is not on record", call=call_id)
        if len({each.fence for each in answers}) > 1:
            yield broken(answers[-1].at, "two conversations of one attempt brought a result", call=call_id)


PROMISES = (
    calls_move_forward,
    attempts_end,
    times_are_in_order,
    contact_follows_attempt,
    outcome_is_true,
    contact_follows_the_table,
    tries_are_counted,
    lost_only_after_looking,
    webhooks_are_kept_once,
    results_are_kept,
)
