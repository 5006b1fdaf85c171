"""What somebody has typed outlives the end of their session and a media server that is away, and nobody else ever sees it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import commands, drafts
from tests.dashboard.conftest import Dashboard, kept, shown
from tests.dashboard.seed import House


@dataclass
class Browser:
    """Who is signed in with the browser that all windows share."""

    dashboard: Dashboard
    session: str = ""

    def sign_in(self, name: str) -> None:
        """By an account of that name."""
        self.session = self.dashboard.api.sign_in(name)

    async def session_ends(self) -> None:
        """All sessions, at once."""
        await kept(self.dashboard, "with ended as (update sessions set ended_at = callwright_now() returning 1) select count(*) from ended")


@pytest.fixture
def browser(dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """Maria has signed in; Otto could."""
    shared = Browser(dashboard)
    for name in ("maria", "otto"):
        dashboard.api.account(name)
    shared.sign_in("maria")
    monkeypatch.setattr(commands, "session_cookie", lambda: shared.session)
    return shared


@dataclass(frozen=True)
class Form:
    """A page, what is typed on it, the button that finds out, and what is then on it. `query`: given the house."""

    view: str
    query: Callable[[House], dict[str, str]]
    type: Callable[[AppTest], object]
    button: str
    typed: Callable[[AppTest], object]


FORMS = {
    "new campaign": Form(
        "new_campaign",
        lambda _house: {},
        lambda page: page.text_input(key="new_name").input("Spring"),
        "Continue to call settings",
        lambda page: page.text_input(key="new_name").value == "Spring",
    ),
    "call settings": Form(
        "new_campaign",
        lambda house: {"id": str(house.campaigns["draft"]), "step": "2"},
        lambda page: [page.number_input[0].set_value(9), page.pills[0].set_value([1, 3])],
        "Continue to contacts",
        lambda page: (page.number_input[0].value, page.pills[0].value) == (9, [1, 3]),
    ),
    "contact by hand": Form(
        "new_campaign",
        lambda house: {"id": str(house.campaigns["draft"]), "step": "3"},
        lambda page: [page.text_area[0].input("day = Monday"), page.text_input(key="new_contact_number").input("+14155550123")],
        "Add contact",
        lambda page: (page.text_area[0].value, page.text_input(key="new_contact_number").value) == ("day = Monday", "+14155550123"),
    ),
    "settings": Form(
        "campaign",
        lambda house: {"id": str(house.campaigns["paused"]), "tab": "Settings"},
        lambda page: page.text_input[0].input("Another name"),
        "Save settings",
        lambda page: page.text_input[0].value == "Another name",
    ),
    "agent": Form(
        "agent",
        lambda house: {"id": str(house.agent)},
        lambda page: page.text_area[0].input("Hello {{first_name}}"),
        "Save as version 2",
        lambda page: page.text_area[0].value == "Hello {{first_name}}",
    ),
    "do not call": Form(
        "do_not_call",
        lambda _house: {},
        lambda page: [page.text_area[0].input("+12025550155\n+12025550156"), page.text_input(key="suppress_0_reason").input("letter")],
        "Add to the list",
        lambda page: page.text_area[0].value == "+12025550155\n+12025550156",
    ),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_what_was_typed_is_there_after_signing_in_again(dashboard: Dashboard, house: House, browser: Browser, form: Form) -> None:
    page = await dashboard.open(form.view, **form.query(house))
    form.type(page)
    await browser.session_ends()
    next(button for button in page.button if button.label == form.button).click()
    await dashboard.draw(page)
    assert "Your session has ended" in shown(page)
    browser.sign_in("otto")
    assert not form.typed(await dashboard.open(form.view, **form.query(house)))
    browser.sign_in("maria")
    back = await dashboard.open(form.view, **form.query(house))
    assert form.typed(back)
    state: Any = back.session_state
    fields = set(drafts.typed(state))
    assert fields
    assert not fields & {button.key for button in back.button}, "Streamlit refuses a value that is given to a button"


async def test_a_window_of_somebody_else_shows_nothing(dashboard: Dashboard, house: House, browser: Browser) -> None:
    page = await dashboard.open("agent", id=str(house.agent))
    page.text_area[0].input("Between us")
    await dashboard.draw(page)
    browser.sign_in("otto")
    page.session_state[commands.KNOWN_PERSON] = None  # some time has passed: the page asks again who is there
    await dashboard.draw(page)
    assert "You are signed in as otto" in shown(page).replace("*", "")
    assert not page.text_area
    browser.sign_in("maria")
    await dashboard.draw(page)
    assert page.text_area[0].value == "Between us"


async def test_an_agents_text_outlives_a_media_server_that_is_away(
    dashboard: Dashboard, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await dashboard.open("agent", id=str(house.agent))
    page.text_area[0].input("Not saved yet")
    await dashboard.draw(page)
    there = dashboard.api.url
    monkeypatch.setenv("CALLWRIGHT_API_URL", "http://127.0.0.1:1")
    page.session_state[commands.KNOWN_PERSON] = None
    await dashboard.draw(page)
    assert not page.text_area
    monkeypatch.setenv("CALLWRIGHT_API_URL", there)
    await dashboard.draw(page)
    assert page.text_area[0].value == "Not saved yet"


def test_a_shelf_forgets_what_is_old_and_what_is_too_much() -> None:
    shelf, place = drafts.Shelf(), ("maria", "http://here", ())
    shelf.put(place, {"a": 1, "b": 2}, now=0)
    shelf.put(place, {"b": 3}, now=10)
    assert shelf.look(place, now=10 + drafts.KEPT_S) == {"a": 1, "b": 3}
    assert shelf.look(place, now=11 + drafts.KEPT_S) == {}
    assert shelf.look(("otto", "http://here", ()), now=10) == {}
    for number in range(drafts.MOST):
        shelf.put(("maria", f"http://{number}", ()), {"a": number}, now=20)
    assert shelf.look(place, now=20) == {}
    assert len(shelf.kept) == drafts.MOST
