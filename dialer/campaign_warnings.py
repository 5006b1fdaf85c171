"""Settings that can be used and yet will not do what they seem to say: what will really happen. Pure."""

from dialer.calling_hours import LOCAL_END, LOCAL_START, Window, meet, window
from dialer.campaign_settings import CampaignSettings
from dialer.rows import Capacity

CALL_LASTS_AT_MOST_S = 60.0  # so long calls may have to last on average for the concurrency to be reached, without a warning


def warnings(settings: CampaignSettings, capacity: Capacity) -> dict[str, str]:
    """Field -> what will really happen, and what to do about it; empty where nothing is to be said. `settings` are valid."""
    found: dict[str, str] = {}
    concurrency = [*_above_limits(settings.concurrency, capacity), *_never_reached(settings, capacity)]
    if concurrency:
        found["concurrency"] = "; ".join(concurrency)
    tries, delay_min = 1 + settings.max_retries, settings.retry_delay_min or 1
    if tries > settings.max_per_24h and delay_min * settings.max_per_24h < 24 * 60:
        found["max_retries"] = (
            f"a number is called at most {settings.max_per_24h} times in 24 hours, over all campaigns: of {tries} tries the later ones wait"
        )
    hours = window(settings.start_time, settings.end_time, settings.timezone, settings.weekdays)
    if settings.local_hours and hours is not None and not meet(hours, Window(LOCAL_START, LOCAL_END, hours.zone)):
        found["start_time"] = (
            f"nobody in {hours.zone.key} will be called: people are called from {LOCAL_START:%H:%M} to {LOCAL_END:%H:%M} where they are; "
            "choose other hours, or set local_hours off"
        )
    return found


def _above_limits(concurrency: int, capacity: Capacity) -> list[str]:
    if capacity.processes_concurrency is None:
        return ["no media server runs now that could make calls: nobody is called until one does"]
    limits = [
        (capacity.processes_concurrency, "the media servers that run now carry"),
        (capacity.number_concurrency, "the phone number carries"),
    ]
    lower = [(most, what) for most, what in limits if most is not None and most < concurrency]
    if not lower:
        return []
    most, what = min(lower)
    return [f"at most {most} call{' runs' if most == 1 else 's run'} at the same time, for {what} no more, over all campaigns"]


def _never_reached(settings: CampaignSettings, capacity: Capacity) -> list[str]:
    """Calls end while others start: at few starts per second there are never many at the same time."""
    rates = [capacity.account_calls_per_second, capacity.number_calls_per_second]
    rates.append(1000 / settings.throttle_delay_ms if settings.throttle_delay_ms else None)
    rate = min(each for each in rates if each is not None)
    lasts_s = settings.concurrency / rate
    if settings.concurrency == 1 or lasts_s <= CALL_LASTS_AT_MOST_S:
        return []
    return [
        f"at most {rate:g} call{' starts' if rate == 1 else 's start'} per second (carrier account, number and throttle delay), so that "
        f"{settings.concurrency} run at the same time only if they last {lasts_s:.0f} s on average"
    ]
