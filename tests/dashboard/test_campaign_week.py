"""The calling hours drawn as a week."""

from datetime import time

from streamlit.testing.v1 import AppTest

from dashboard.parts.week import Segment, in_words, picture, segments, within_local_hours
from tests.dashboard.conftest import Dashboard, shown
from tests.dashboard.seed import House


def test_a_day_s_hours_are_one_segment_of_it() -> None:
    assert segments(time(9), time(17, 30), [1, 5]) == [Segment(1, 540, 1050), Segment(5, 540, 1050)]


def test_without_hours_and_where_both_are_the_same_a_day_is_open_all_day() -> None:
    assert segments(None, None, [2]) == segments(time(9), time(9), [2]) == [Segment(2, 0, 1440)]


def test_a_night_goes_on_on_the_day_after_and_from_sunday_into_monday() -> None:
    assert segments(time(20), time(2), [7]) == [Segment(1, 0, 120, continued=True), Segment(7, 1200, 1440)]
    assert segments(time(20), time(0), [3]) == [Segment(3, 1200, 1440)]
    two = segments(time(20), time(2), [5, 6])
    assert [(each.day, each.start, each.end, each.continued) for each in two] == [
        (5, 1200, 1440, False), (6, 0, 120, True), (6, 1200, 1440, False), (7, 0, 120, True),
    ]  # fmt: skip


def test_the_words_tell_all_that_is_drawn() -> None:
    told = in_words(segments(time(20), time(2), [5]))
    assert told.endswith("Thu closed; Fri 20:00 to 24:00; Sat 00:00 to 02:00 (of the night before); Sun closed")


def test_of_a_night_only_the_evening_is_in_the_callee_s_own_hours() -> None:
    assert within_local_hours(Segment(5, 1200, 1440)) == Segment(5, 1200, 1260)
    assert within_local_hours(Segment(6, 0, 120, continued=True)) is None
    assert [len(picture(segments(None, None, [1]), local_hours=local)["layer"]) for local in (True, False)] == [3, 2]


async def test_the_week_follows_what_is_typed(dashboard: Dashboard, house: House) -> None:
    draft = house.campaigns["draft"]
    page = await dashboard.open("new_campaign", id=str(draft), step="2")
    assert "Mon 09:00 to 18:00; Tue" in drawn(page)
    page.time_input(key=f"new_{draft}_end").set_value(time(2))
    await dashboard.draw(page)
    assert "Mon 00:00 to 02:00 (of the night before), 09:00 to 24:00; Tue" in drawn(page)
    assert "A night belongs to the day on which it starts" in shown(page)


async def test_what_a_setting_will_really_do_is_told_beside_its_field(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("campaign", id=str(house.campaigns["draft"]), tab="Settings")
    assert ":orange[:material/warning:] No media server runs now that could make calls" in shown(page)


def drawn(page: AppTest) -> str:
    """The week in words, for those who don't see its drawing."""
    return str(page.get("vega_lite_chart")[0].proto.alt)
