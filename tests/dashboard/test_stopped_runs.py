"""A run of a page that is stopped while the API does what it was told: its answer is not lost, and nothing is done twice."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, Protocol

import pytest
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx
from streamlit.testing.v1 import AppTest

from dashboard.commands import CommandRefused, Commands
from dashboard.errands import Errand
from tests.dashboard.conftest import Dashboard, kept, labels, shown
from tests.dashboard.seed import House

CONTACTS = "phone_number,contact_name\n+14155550123,Ada\n+14155550124,Grace\n"


class Stopping(Protocol):
    """`asked`: only a command that is given these is meant. Returns what it was given, each time it was sent."""

    def __call__(self, name: str, **asked: Any) -> list[tuple[Any, ...]]: ...


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Stopping:
    """Somebody clicks elsewhere while the API answers this command: the run that sent it ends at its next step, and another one begins."""

    def stop(name: str, **asked: Any) -> list[tuple[Any, ...]]:
        real = getattr(Commands, name)
        sent: list[tuple[Any, ...]] = []

        def command(self: Commands, *given: Any, **named: Any) -> Any:
            answer = real(self, *given, **named)
            if asked.items() <= named.items():
                context = get_script_run_ctx()
                assert context is not None
                if not sent and context.script_requests is not None:
                    again = RerunData(query_string=context.query_string, page_script_hash=context.page_script_hash)
                    context.script_requests.request_rerun(again)
                sent.append(given)
            return answer

        monkeypatch.setattr(Commands, name, command)
        return sent

    return stop


async def with_a_file(dashboard: Dashboard, house: House) -> AppTest:
    """The wizard's third step with a file chosen."""
    page = await dashboard.open("new_campaign", id=str(house.campaigns["draft"]), step="3")
    page.file_uploader[0].upload("contacts.csv", CONTACTS.encode(), "text/csv")
    return page


async def test_an_import_is_done_once_and_told(dashboard: Dashboard, house: House, stopped: Stopping) -> None:
    page = await dashboard.draw(await with_a_file(dashboard, house))
    sent = stopped("import_contacts", all_or_nothing=False)
    page.button(key="new_upload_import").click()
    await dashboard.draw(page)
    assert "2 contacts imported from contacts.csv" in shown(page)
    assert "2 contacts in this campaign so far" in shown(page).replace("*", "")
    assert len(sent) == 1


async def test_the_report_of_a_large_file_is_kept(
    dashboard: Dashboard, house: House, stopped: Stopping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.parts.upload.MIB", 32)
    page = await dashboard.draw(await with_a_file(dashboard, house))
    sent = stopped("import_contacts", dry_run=True)
    page.button(key="new_upload_check").click()
    await dashboard.draw(page)
    assert "Import 2 contacts" in labels(page)
    assert len(sent) == 1


async def test_all_failed_contacts_are_retried_once_and_told(dashboard: Dashboard, house: House, stopped: Stopping) -> None:
    page = await dashboard.open("campaign", id=str(house.campaigns["in_progress"]), tab="Contacts")
    page.button(key="retry_all").click()
    await dashboard.draw(page)
    sent = stopped("change_contacts")
    for key in ("retry_all", "confirm_yes"):
        page.button(key=key).click()
    await dashboard.draw(page)
    assert [toast.value for toast in page.toast] == ["3 contacts queued for one more try"]
    assert len(sent) == 1


async def test_a_new_campaign_is_made_once_and_goes_on(dashboard: Dashboard, house: House, stopped: Stopping) -> None:
    page = await dashboard.open("new_campaign")
    page.text_input(key="new_name").input("Spring")
    page.selectbox(key="new_number").select(house.number)
    sent = stopped("create_campaign")
    press(page, "Continue to call settings")
    await dashboard.draw(page)
    assert page.title[0].value == "Spring"
    assert page.query_params["step"] == "2"
    assert len(sent) == await kept(dashboard, "select count(*) from campaigns where name = 'Spring'") == 1
    page.query_params.clear()
    await dashboard.draw(page)
    assert page.title[0].value == "New campaign"


async def test_settings_that_were_saved_are_not_somebody_elses(dashboard: Dashboard, house: House, stopped: Stopping) -> None:
    paused = house.campaigns["paused"]
    page = await dashboard.open("campaign", id=str(paused), tab="Settings")
    page.number_input(key=f"edit_{paused}_1_concurrency").set_value(9)
    sent = stopped("edit_campaign")
    press(page, "Save settings")
    await dashboard.draw(page)
    assert "Somebody else" not in shown(page)
    assert "Save settings" in labels(page)
    assert len(sent) == 1
    assert await kept(dashboard, "select concurrency from campaigns where id = $1", paused) == 9


async def test_an_agent_is_made_saved_and_tried_once(dashboard: Dashboard, house: House, stopped: Stopping) -> None:
    async def place(_wanted: Any) -> int:
        return house.running

    dashboard.api.place_test_call = place
    page = await dashboard.open("agents", show="Templates")
    sent = [stopped(name) for name in ("create_agent", "change_agent", "test_call")]
    page.button(key="template_0_use").click()
    await dashboard.draw(page)
    assert page.title[0].value == "Appointment reminder 2"
    made = await kept(dashboard, "select max(id) from agents")
    page = await dashboard.open("agent", id=str(made))
    page.text_area(key=f"agent_{made}_1_0_goodbye").input("Bye for now.")
    page.button(key="save_agent").click()
    await dashboard.draw(page)
    assert "Somebody else" not in shown(page)
    assert page.text_area(key=f"agent_{made}_2_0_goodbye").value == "Bye for now."
    page.text_input(key="test_call_number").input("+1 415 555 0188")
    page.button(key="test_call_now").click()
    await dashboard.draw(page)
    assert "Open this call" in [link.proto.label for link in page.main.get("page_link")]
    assert [len(each) for each in sent] == [1, 1, 1]


async def test_a_phone_number_is_added_once_and_shown(dashboard: Dashboard, house: House, stopped: Stopping) -> None:
    page = await dashboard.open("phone_numbers")
    page.text_input(key="number_add_number").input("+1 202 555 0199")
    sent = stopped("add_phone_number")
    press(page, "Add number")
    await dashboard.draw(page)
    assert "+12025550199" in page.title[0].value
    assert len(sent) == 1


async def test_a_campaign_is_duplicated_once(dashboard: Dashboard, house: House, stopped: Stopping) -> None:
    page = await dashboard.open("campaign", id=str(house.campaigns["completed"]))
    before = await kept(dashboard, "select max(id) from campaigns")
    sent = stopped("duplicate")
    page.button(key="do_duplicate").click()
    await dashboard.draw(page)
    assert page.query_params["id"] == str(before + 1)
    assert (len(sent), await kept(dashboard, "select max(id) from campaigns")) == (1, before + 1)


def test_two_runs_share_one_errand() -> None:
    errand, sent, told = Errand[str]("x"), Event(), Event()

    def slow(key: str) -> str:
        sent.set()
        told.wait()
        return key

    with ThreadPoolExecutor() as runs:
        first = runs.submit(errand.send, slow)
        sent.wait()
        second = runs.submit(errand.send, lambda _key: "sent twice")
        told.set()
        assert first.result() == second.result() == errand.key


def test_an_errand_that_was_refused_is_sent_again_with_its_key() -> None:
    errand, keys = Errand[int]("x"), []

    def add(key: str) -> int:
        keys.append(key)
        if len(keys) == 1:
            raise CommandRefused("no")
        return 1

    with pytest.raises(CommandRefused):
        errand.send(add)
    assert errand.begun is None
    assert errand.send(add) == 1
    assert keys == [errand.key, errand.key]


def press(page: AppTest, label: str) -> None:
    """Presses the button of that name."""
    next(button for button in page.button if button.label == label).click()
