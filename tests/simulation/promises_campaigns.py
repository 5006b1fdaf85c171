"""Promises about campaigns and their contacts as a whole: completed exactly when all is done, nobody stuck, dropped or miscounted."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby

from tests.simulation import oracle
from tests.simulation.history import (
    Answer,
    CampaignCommitted,
    ContactCommitted,
    ConversationEnded,
    CountsRead,
    Verb,
)
from tests.simulation.promises_gates import missing_of
from tests.simulation.reading import Deed, Finding, Reading, broken

RUNNING = ("pending", "in_progress")
OPEN = ("pending", "in_progress")
STATUSES = ("pending", "in_progress", "completed", "failed", "skipped")

CAMPAIGN_MOVES: Mapping[str | None, tuple[str, ...]] = {
    None: ("draft",),
    "draft": ("pending", "in_progress", "cancelled"),
    "pending": ("in_progress", "paused", "completed", "cancelled"),
    "in_progress": ("pending", "paused", "completed", "cancelled"),
    "paused": ("pending", "in_progress", "completed", "cancelled"),
    "completed": ("pending", "in_progress"),
    "cancelled": (),
}
CONTACT_MOVES: Mapping[str | None, tuple[str | None, ...]] = {
    None: ("pending",),
    "pending": ("in_progress", "skipped", "failed", None),
    "in_progress": ("pending", "completed", "failed", "skipped"),
    "completed": (),
    "failed": ("pending", "completed"),
    "skipped": (),
}
ALLOWED: Mapping[Verb, tuple[str, ...]] = {
    Verb.START: ("draft",),
    Verb.PAUSE: ("pending", "in_progress"),
    Verb.RESUME: ("paused",),
    Verb.CANCEL: ("draft", "pending", "in_progress", "paused"),
    Verb.EDIT: ("draft", "paused"),
    Verb.ADD: ("draft", "paused"),
    Verb.RETRY: ("draft", "pending", "in_progress", "paused", "completed"),
    Verb.SKIP: ("draft", "pending", "in_progress", "paused"),
    Verb.REMOVE: ("draft", "pending", "in_progress", "paused"),
}


def campaigns_move_legally(reading: Reading) -> Iterator[Finding]:
    """A campaign's status changes only as its table says; Completed and Cancelled are closed but for Retry."""
    for campaign_id, rows in reading.status.items():
        stood: str | None = None
        for row in rows:
            if row.before != stood or (row.after != stood and row.after not in CAMPAIGN_MOVES[stood]):
                yield broken(row.at, f"the campaign goes from {stood} to {row.after}", campaign=campaign_id)
            stood = row.after


def contacts_move_legally(reading: Reading) -> Iterator[Finding]:
    """A contact's status changes only as its table says; who was called successfully or skipped stays so."""
    for contact_id, rows in reading.contacts.items():
        stood: str | None = None
        for row in rows:
            if row.before != stood or (row.after != stood and row.after not in CONTACT_MOVES[stood]):
                yield broken(row.at, f"the contact goes from {stood} to {row.after}", contact=contact_id)
            stood = row.after


def verbs_keep_to_their_table(reading: Reading) -> Iterator[Finding]:
    """Operators' actions are done only in the statuses that allow them."""
    for deed in reading.deeds.values():
        allowed = ALLOWED.get(deed.began.verb)
        campaign_id = _campaign_of(reading, deed)
        if allowed is None or deed.committed is None or campaign_id is None:
            continue
        status = reading.status[campaign_id].before(deed.committed.turn)
        if status is None or status.after not in allowed:
            sentence = f"{deed.began.verb} is done while the campaign is {status.after if status else 'not there'}"
            yield broken(deed.committed.at, sentence, verb=deed.began.verb_id, campaign=campaign_id)


def _campaign_of(reading: Reading, deed: Deed) -> int | None:
    if deed.began.campaign_id is not None or deed.began.contact_id is None:
        return deed.began.campaign_id
    return next((each.campaign_id for each in reading.contacts[deed.began.contact_id]), None)


def stops_stop(reading: Reading) -> Iterator[Finding]:
    """Pause and Cancel leave the campaign Paused and Cancelled in their commit."""
    for deed in reading.deeds.values():
        wanted = {Verb.PAUSE: "paused", Verb.CANCEL: "cancelled"}.get(deed.began.verb)
        if wanted is None or deed.committed is None or deed.began.campaign_id is None:
            continue
        since, at = deed.committed.turn, deed.committed.at
        if not any(each.after == wanted and each.turn > since and each.at == at for each in reading.status[deed.began.campaign_id]):
            yield broken(
                at, f"{deed.began.verb} does not leave the campaign {wanted}", verb=deed.began.verb_id, campaign=deed.began.campaign_id
            )


def pauses_have_reasons(reading: Reading) -> Iterator[Finding]:
    """A campaign that pauses by itself says why: its pilot is done, the carrier refuses us, or too many of its requests fail."""
    for campaign_id, rows in reading.status.items():
        for row in rows:
            if row.after == "paused" != row.before and not row.reason:
                yield broken(row.at, "the campaign pauses, and does not say why", campaign=campaign_id)


def our_fault_pauses(reading: Reading) -> Iterator[Finding]:
    """When the carrier refuses our calls through our own fault, the campaign pauses in the commit that withdraws the call."""
    for attempt in reading.attempts.values():
        faults = [each for each in attempt.returns if each.answer is Answer.OUR_FAULT]
        end = attempt.end
        if not faults or end is None or end.outcome != "withdrawn" or end.end_reason != "our_fault" or end.campaign_id is None:
            continue
        before = [each for each in reading.status[end.campaign_id] if each.turn < end.turn][-1:]
        then = [each for each in reading.status[end.campaign_id] if each.turn > end.turn and each.at == end.at]
        if all(each.after in RUNNING for each in (*before, *then)):
            yield broken(end.at, "the campaign goes on though the carrier refuses our calls", call=attempt.id, campaign=end.campaign_id)


def completed_exactly_at_the_end(reading: Reading) -> Iterator[Finding]:
    """A running campaign is Completed in the commit that closes its last open contact, and never while one is open."""
    open_now: dict[int, set[int]] = {}
    status: dict[int, str] = {}
    changes = [each for each in reading.events if isinstance(each, CampaignCommitted | ContactCommitted)]
    for at, together in groupby(changes, key=lambda each: each.at):
        touched = set()
        for change in together:
            touched.add(change.campaign_id)
            if isinstance(change, CampaignCommitted):
                status[change.campaign_id] = change.after
                continue
            contacts = open_now.setdefault(change.campaign_id, set())
            (contacts.add if change.after in OPEN else contacts.discard)(change.contact_id)
        for campaign_id in touched:
            left = open_now.get(campaign_id, set())
            if status.get(campaign_id) == "completed" and left:
                yield broken(
                    at, f"the campaign is Completed while {len(left)} contacts are open", campaign=campaign_id, contacts=sorted(left)
                )
            if status.get(campaign_id) in RUNNING and not left:
                yield broken(at, "the campaign runs on though no contact is open", campaign=campaign_id)


def nobody_is_stuck(reading: Reading) -> Iterator[Finding]:
    """When all has come to rest, no contact is In Progress, and every campaign that was started and not stopped is Completed."""
    at = reading.history.ended_at
    live = {attempt.plan.contact_id for attempt in reading.attempts.values() if attempt.end is None}
    for row in reading.history.final.contacts:
        if row["status"] == "in_progress" and row["id"] not in live:
            yield broken(at, "the contact is In Progress for ever", contact=row["id"])
    for campaign in reading.history.final.campaigns:
        if campaign["status"] in RUNNING:
            left = [
                each["id"] for each in reading.history.final.contacts if each["campaign_id"] == campaign["id"] and each["status"] in OPEN
            ]
            end = "" if reading.history.quiet_out else ", and the run had to be broken off"
            yield broken(at, f"the campaign is never completed{end}", campaign=campaign["id"], contacts=left)


def counts_hold(reading: Reading) -> Iterator[Finding]:
    """The counts of a campaign are equal to its contacts, at every look and in the end."""
    for look in reading.of(CountsRead):
        if any(look.kept.get(each, 0) != look.counted.get(each, 0) for each in STATUSES):
            yield broken(look.at, f"{dict(look.kept)} is kept, {dict(look.counted)} is counted", campaign=look.campaign_id)
    final = reading.history.final
    counted = Counter((row["campaign_id"], row["status"]) for row in final.contacts)
    for kept in final.campaign_counts:
        own = {each: counted[kept["campaign_id"], each] for each in STATUSES}
        if any(kept[each] != own[each] for each in STATUSES):
            sentence = f"{ {each: kept[each] for each in STATUSES} } is kept, {own} is counted"
            yield broken(reading.history.ended_at, sentence, campaign=kept["campaign_id"])


def skipped_for_a_reason(reading: Reading) -> Iterator[Finding]:
    """A contact is skipped only by an operator, or because it can never be called: suppressed, a variable missing, no fit hour."""
    by_hand = {
        (deed.began.contact_id, deed.committed.at)
        for deed in reading.deeds.values()
        if deed.began.verb is Verb.SKIP and deed.committed is not None
    }
    for contact_id, rows in reading.contacts.items():
        for row in rows:
            looked_from = _claimed_at(reading, row) if row.before == "in_progress" else row.turn
            if (
                row.after == "skipped" != row.before
                and (contact_id, row.at) not in by_hand
                and not _never_callable(reading, row, looked_from)
            ):
                yield broken(row.at, f"the contact is skipped without cause: {row.reason}", contact=contact_id)


def _claimed_at(reading: Reading, row: ContactCommitted) -> int:
    """The turn of the claim whose flip met a gate that is closed for good; the call is withdrawn in a commit after that."""
    claims = [each.plan.turn for each in reading.attempts.values() if each.plan.contact_id == row.contact_id and each.plan.turn < row.turn]
    return max(claims, default=row.turn)


def _never_callable(reading: Reading, row: ContactCommitted, looked_from: int) -> bool:
    """Whether it could never be called, as anybody saw it who looked between that turn and the row's."""
    settings = reading.settings[row.campaign_id].before(row.turn)
    if settings is None or any(reading.suppressed[row.number].between(looked_from, row.turn)) or missing_of(reading, row, settings):
        return True
    hours = (settings.start_time, settings.end_time, settings.timezone, settings.weekdays)
    return settings.local_hours and not oracle.ever_allows(row.number, row.zone, *hours, row.at)


def failed_for_a_reason(reading: Reading) -> Iterator[Finding]:
    """A contact that is not in a call becomes Failed only if all its tries are used."""
    for contact_id, rows in reading.contacts.items():
        for row in rows:
            settings = reading.settings[row.campaign_id].before(row.turn)
            if settings is None or (row.before, row.after) != ("pending", "failed"):
                continue
            if oracle.tries_allow(row.tries, settings.max_retries, row.extra_tries, callback=row.callback):
                yield broken(row.at, f"the contact fails after {row.tries} tries, and has some left: {row.reason}", contact=contact_id)


def opt_outs_are_heard(reading: Reading) -> Iterator[Finding]:
    """Who says in a call not to be called again is on the do-not-call list before that conversation ends."""
    for talk in reading.of(ConversationEnded):
        attempt = reading.attempts.get(talk.call_id)
        if talk.opted_out and attempt is not None and not reading.is_suppressed(attempt.plan.number, talk.turn):
            lifted = any(each.turn < talk.turn for each in reading.lifts(attempt.plan.number))
            if not lifted:
                yield broken(talk.at, "the callee opted out, and is not on the do-not-call list", call=attempt.id)


PROMISES = (
    campaigns_move_legally,
    contacts_move_legally,
    verbs_keep_to_their_table,
    stops_stop,
    pauses_have_reasons,
    our_fault_pauses,
    completed_exactly_at_the_end,
    nobody_is_stuck,
    counts_hold,
    skipped_for_a_reason,
    failed_for_a_reason,
    opt_outs_are_heard,
)
