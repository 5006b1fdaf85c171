"""Promises about calls as the carrier saw them: never two at once, never asked for twice, none after a stop."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import combinations

from tests.simulation.history import Answer, PostAccepted, PostBegan, StreamRefused, Verb
from tests.simulation.reading import NEVER, Attempt, CarrierCall, Deed, Finding, Reading, broken

STOPS_WAIT_AT_MOST = timedelta(seconds=5)


def contact_is_in_one_call(reading: Reading) -> Iterator[Finding]:
    """No contact is in two calls at the carrier at once."""
    yield from _at_once(reading, lambda attempt: attempt.plan.contact_id, "contact")


def number_is_in_one_call(reading: Reading) -> Iterator[Finding]:
    """No number is in two calls at the carrier at once, in whatever campaigns."""
    yield from _at_once(reading, lambda attempt: attempt.plan.number, "number")


def _at_once(reading: Reading, of: Callable[[Attempt], object], kind: str) -> Iterator[Finding]:
    same: dict[object, list[Attempt]] = {}
    for attempt in reading.attempts.values():
        if of(attempt) is not None:
            same.setdefault(of(attempt), []).append(attempt)
    for who, attempts in same.items():
        for one, two in combinations(attempts, 2):
            pairs = ((a, b) for a in one.at_carrier for b in two.at_carrier)
            for first, second in pairs:
                earlier, later = sorted((first, second), key=lambda each: each.accepted.turn)
                if earlier.live_at(later.accepted.turn):
                    yield broken(
                        later.accepted.at,
                        f"{kind} {who} is in the calls {earlier.id} and {later.id} at once",
                        calls=(one.id, two.id),
                        **{kind: who},
                    )


def one_post_each(reading: Reading) -> Iterator[Finding]:
    """The carrier is asked for an attempt once at most, ever."""
    for attempt in reading.attempts.values():
        for again in attempt.posts[1:]:
            yield broken(again.at, f"the carrier is asked {len(attempt.posts)} times for one attempt", call=attempt.id)


def only_the_flipped_is_posted(reading: Reading) -> Iterator[Finding]:
    """The carrier is asked only for an attempt whose flip this process has committed and which has not been withdrawn or ended since."""
    for attempt in reading.attempts.values():
        for post in attempt.posts:
            state = attempt.state_before(post.turn)
            if attempt.flip is None or attempt.flip.turn > post.turn:
                yield broken(post.at, "the carrier is asked for an attempt that was not flipped", call=attempt.id)
            elif state != "requested":
                yield broken(post.at, f"the carrier is asked for an attempt that is {state} by then", call=attempt.id)
            elif attempt.flip.holder != post.process:
                yield broken(post.at, f"{post.process} asks for an attempt that {attempt.flip.holder} flipped", call=attempt.id)


def posts_have_rows(reading: Reading) -> Iterator[Finding]:
    """Every request and every call at the carrier has its row, and goes to that row's number from the campaign's number."""
    requests: list[PostBegan | PostAccepted] = [*reading.of(PostBegan), *reading.of(PostAccepted)]
    for asked in requests:
        attempt = reading.attempts.get(asked.call_id)
        if attempt is None:
            yield broken(asked.at, f"no row tells of a {type(asked).__name__} to {asked.to}", call=asked.call_id)
            continue
        line = reading.lines.get(reading.line_id(attempt) or 0)
        if asked.to != attempt.plan.number or (line is not None and asked.caller != line.e164):
            yield broken(asked.at, f"the request goes from {asked.caller} to {asked.to}, which is not what its row says", call=attempt.id)


def accepted_is_known(reading: Reading) -> Iterator[Finding]:
    """Every call that the carrier made is known by its id in the end or was hung up, unless nothing ever told of it."""
    for attempt in reading.attempts.values():
        for call in attempt.at_carrier:
            known = attempt.row is not None and attempt.row["carrier_call_id"] == call.id
            if not known and not call.hang_ups and _was_told_of(reading, attempt, call):
                yield broken(call.accepted.at, f"the carrier's call {call.id} is in no row and was never hung up", call=attempt.id)


def _was_told_of(reading: Reading, attempt: Attempt, call: CarrierCall) -> bool:
    """Whether a report of this call was answered, or a look showed it while it was still to be settled."""
    reported = any(each.carrier_call_id == call.id for each in attempt.told)
    return reported or any(attempt.found_by(look) for look in reading.looks_for(attempt) if look.turn < attempt.ends_turn)


def one_call_per_attempt_goes_on(reading: Reading) -> Iterator[Finding]:
    """Where the carrier made two calls of one request, the second is hung up as soon as something tells of it."""
    for attempt in reading.attempts.values():
        if len(attempt.at_carrier) < 2 or attempt.row is None:
            continue
        for call in attempt.at_carrier:
            told_alive = any(each.carrier_call_id == call.id and call.live_at(each.turn) for each in attempt.told)
            if call.id != attempt.row["carrier_call_id"] and told_alive and not call.hang_ups:
                yield broken(call.accepted.at, f"{call.id} is a second call of one attempt, and nobody hung it up", call=attempt.id)


def calls_end_at_the_carrier(reading: Reading) -> Iterator[Finding]:
    """No call goes on at the carrier when all has come to rest."""
    for call in reading.carrier_calls():
        if call.ended is None and reading.history.quiet_out:
            yield broken(reading.history.ended_at, f"the carrier's call {call.id} never ends", call=call.accepted.call_id)


def nothing_starts_after_pause_or_cancel(reading: Reading) -> Iterator[Finding]:
    """After the answer of a Pause or a Cancel no call of the campaign starts, until it is resumed."""
    for deed in reading.deeds.values():
        if deed.began.verb not in (Verb.PAUSE, Verb.CANCEL) or deed.done is None or deed.committed is None:
            continue
        campaign_id, since = deed.began.campaign_id, deed.committed.turn
        assert campaign_id is not None
        runs_again = (each.turn for each in reading.status[campaign_id] if each.turn > since and each.after in ("pending", "in_progress"))
        own = [each for each in reading.attempts.values() if each.plan.campaign_id == campaign_id]
        yield from _after_a_stop(own, deed, min(runs_again, default=NEVER))


def nothing_starts_after_suppression(reading: Reading) -> Iterator[Finding]:
    """After a number was suppressed no call to it starts, in any campaign, until the entry is lifted."""
    for deed in reading.deeds.values():
        if deed.began.verb is not Verb.SUPPRESS or deed.done is None or deed.committed is None:
            continue
        number = deed.began.number
        assert number is not None
        since = deed.committed.turn
        listed = reading.suppressed[number]
        lifted = next((each.turn for each in reading.lifts(number) if each.turn > since and not listed.before(each.turn + 1)), NEVER)
        yield from _after_a_stop(reading.of_number(number), deed, lifted)


def _after_a_stop(attempts: list[Attempt], deed: Deed, until: int) -> Iterator[Finding]:
    """Calls that start between the answer and `until`. A request that was on its way when the stop was committed, and of whose fate
    nothing could be known within its patience, may still be accepted; nobody is connected to such a call."""
    assert deed.committed is not None
    assert deed.done is not None
    committed, answered = deed.committed, deed.done
    for attempt in attempts:
        for call in attempt.at_carrier:
            if not answered.turn < call.accepted.turn < until:
                continue
            on_its_way = attempt.flip is not None and attempt.flip.turn < committed.turn
            served = any(each.carrier_call_id == call.id for each in attempt.bound)
            if served or not on_its_way or not _fate_unknown(attempt, deed):
                yield broken(
                    call.accepted.at,
                    f"the call starts after {deed.began.verb} was answered at {answered.at:%H:%M:%S.%f}",
                    call=attempt.id,
                    verb=deed.began.verb_id,
                )


def _fate_unknown(attempt: Attempt, deed: Deed) -> bool:
    """Whether the request had not come back when the stop had waited as long as it does, or came back without telling."""
    assert deed.committed is not None
    assert deed.done is not None
    told_nothing = any(each.answer in (Answer.LOST, Answer.SERVER_ERROR) for each in attempt.returns if each.turn < deed.done.turn)
    return told_nothing or deed.done.at - deed.committed.at >= STOPS_WAIT_AT_MOST


def what_a_stop_forbids_is_taken_back(reading: Reading) -> Iterator[Finding]:
    """A stop takes back the calls whose request was on its way and that nobody has answered: before it answers, within five seconds."""
    for deed in reading.deeds.values():
        if deed.began.verb not in (Verb.PAUSE, Verb.CANCEL, Verb.SUPPRESS) or deed.done is None or deed.committed is None:
            continue
        for attempt in reading.attempts.values():
            meant = attempt.plan.number == deed.began.number or (
                deed.began.number is None and attempt.plan.campaign_id == deed.began.campaign_id
            )
            if meant and attempt.state_before(deed.committed.turn) == "requested":
                yield from _taken_back(attempt, deed)


def _taken_back(attempt: Attempt, deed: Deed) -> Iterator[Finding]:
    assert deed.committed is not None
    assert deed.done is not None
    back_before = any(each.turn < deed.committed.turn for each in attempt.returns)
    for call in attempt.at_carrier:
        answered = call.answered is not None and call.answered.turn < deed.done.turn
        if answered or back_before or not call.live_at(deed.done.turn):
            continue
        if any(each.turn > deed.done.turn and each.carrier_call_id == call.id for each in attempt.bound):
            yield broken(
                deed.done.at, f"{call.id}, taken back by {deed.began.verb}, is talked on", call=attempt.id, verb=deed.began.verb_id
            )
        asked = any(each.turn < deed.done.turn for each in call.hang_ups)
        if not (asked or _fate_unknown(attempt, deed)):
            yield broken(
                deed.done.at,
                f"{deed.began.verb} is answered while {call.id}, which it forbids, goes on",
                call=attempt.id,
                verb=deed.began.verb_id,
            )


def who_answers_is_served(reading: Reading) -> Iterator[Finding]:
    """A callee who answers is connected to a process, unless the call is over or was stopped."""
    for refused in reading.of(StreamRefused):
        attempt = reading.attempts.get(refused.call_id)
        if attempt is None or attempt.flip is None:
            continue
        flip = attempt.flip
        over = attempt.ends_turn < refused.turn
        stopped = any(
            deed.committed is not None
            and flip.turn < deed.committed.turn < refused.turn
            and (
                deed.began.campaign_id == attempt.plan.campaign_id
                if deed.began.number is None
                else deed.began.number == attempt.plan.number
            )
            and deed.began.verb in (Verb.PAUSE, Verb.CANCEL, Verb.SUPPRESS)
            for deed in reading.deeds.values()
        )
        calls = [each for each in attempt.at_carrier if each.id == refused.carrier_call_id]
        gone = any(each.ends_turn < refused.turn or each.hang_ups for each in calls)
        second = attempt.row is not None and attempt.row["carrier_call_id"] != refused.carrier_call_id
        talked = any(each.turn < refused.turn for each in attempt.talks)
        if not (refused.left or over or stopped or gone or second or talked):
            yield broken(refused.at, f"the callee answered, and nobody was connected: {refused.why}", call=attempt.id)


PROMISES = (
    contact_is_in_one_call,
    number_is_in_one_call,
    one_post_each,
    only_the_flipped_is_posted,
    posts_have_rows,
    accepted_is_known,
    one_call_per_attempt_goes_on,
    calls_end_at_the_carrier,
    nothing_starts_after_pause_or_cancel,
    nothing_starts_after_suppression,
    what_a_stop_forbids_is_taken_back,
    who_answers_is_served,
)
