"""The dashboard's pages run in this process by Streamlit's own AppTest, on a real database."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import commands
from tests.dashboard.real_api import RealApi
from tests.dashboard.seed import House, seed

APP = Path(__file__).parents[2] / "dashboard" / "app.py"


class HasDatabase(Protocol):
    @property
    def database_url(self) -> str: ...


@dataclass
class Dashboard:
    """Opens pages as somebody who is signed in."""

    api: RealApi
    database_url: str

    async def open(self, view: str, **query: str) -> AppTest:
        """The page of `dashboard/views/VIEW.py` with the query parameters, drawn once and without an exception."""
        page = AppTest.from_file(str(APP), default_timeout=30)
        for name, value in query.items():
            page.query_params[name] = value
        page.switch_page(f"views/{view}.py")
        return await self.draw(page)

    async def draw(self, page: AppTest) -> AppTest:
        """Draws the page anew, with what was clicked and typed."""
        await asyncio.to_thread(page.run)
        assert [exception.message for exception in page.exception] == []
        return page

    async def press(self, page: AppTest, key: str, event: str, value: object) -> AppTest:
        """Draws the page anew as after a press on what the component of that key draws. AppTest has no hands for components: the
        browser's message is made here."""
        (pressed,) = (each for each in page.get("bidi_component") if each.key == key)
        states = page._tree.get_widget_states()
        told = json.dumps([{"event": event, "value": value}])
        states.widgets.add(id=f"$$STREAMLIT_INTERNAL_KEY_{pressed.proto.id}__events", json_trigger_value=told)
        await asyncio.to_thread(page._run, states)
        assert [exception.message for exception in page.exception] == []
        return page


@pytest.fixture
async def dashboard(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Dashboard]:
    """The dashboard on an empty database, used by an operator."""
    api = RealApi(database_url, tmp_path)
    api.start()
    session = api.session()
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("CALLWRIGHT_API_URL", api.url)
    monkeypatch.setenv("CALLWRIGHT_PUBLIC_URL", api.url)
    monkeypatch.setattr(commands, "session_cookie", lambda: session)
    st.cache_resource.clear()
    yield Dashboard(api, database_url)
    await asyncio.to_thread(st.cache_resource.clear)
    api.stop()


@pytest.fixture
def as_viewer(dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dashboard is used by somebody who may only look."""
    session = dashboard.api.session("viewer")
    monkeypatch.setattr(commands, "session_cookie", lambda: session)


@pytest.fixture
def as_admin(dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dashboard is used by somebody who may do everything."""
    session = dashboard.api.session("admin")
    monkeypatch.setattr(commands, "session_cookie", lambda: session)


@pytest.fixture
async def house(dashboard: Dashboard) -> House:
    """The seeded database under the dashboard."""
    database = await asyncpg.connect(dashboard.database_url)
    try:
        return await seed(database)
    finally:
        await database.close()


def shown(page: AppTest) -> str:
    """All words on the page, as markdown."""
    kinds = ("title", "subheader", "markdown", "caption", "info", "warning", "error", "success")
    return "\n".join(str(element.value) for kind in kinds for element in getattr(page, kind)).replace("\\", "")


async def kept(house: HasDatabase, question: str, *values: object) -> Any:
    """What the database holds now: one value."""
    database = await asyncpg.connect(house.database_url)
    try:
        return await database.fetchval(question, *values)
    finally:
        await database.close()


def lines_of(page: AppTest, label: str) -> list[str]:
    """The lines of the list of that name, each as it is read: name, what stands beside it, badges, what there is to tell."""
    lists = [json.loads(each.proto.json) for each in page.get("bidi_component")]
    return [
        " | ".join([line["name"], line["beside"], *(badge["label"] for badge in line["badges"]), line["told"]])
        for each in lists
        if each.get("label") == label
        for line in each["lines"]
    ]


def labels(page: AppTest) -> list[str]:
    """The buttons of the page itself, without the side."""
    return [button.label for button in page.main.button]
