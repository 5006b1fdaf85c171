"""The settings of the house: one's own account, and for admins people, tokens and the audit log."""

import re
from datetime import UTC, datetime
from inspect import signature
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import commands
from dashboard.parts.audit_log import ACTION, AuditLine, as_csv, details, in_words
from dashboard.parts.people_roles import RIGHTS, ROLE, may
from db.webhook_events import Event
from mediaserver.api import ROUTES
from mediaserver.identity import Role
from mediaserver.supervision.desk import Desk
from tests.dashboard.conftest import Dashboard, kept, labels, shown
from tests.dashboard.real_api import PASSWORD

ROOT = Path(__file__).parents[2]


async def press(dashboard: Dashboard, page: AppTest, opens: str, then: str = "") -> AppTest:
    """Presses the button of that label; then, in the dialog that it opens, another: it stands for as long as its opener is pressed."""
    for label in filter(None, (opens, then)):
        next(button for button in page.button if button.label == label or button.key == label).click()
    return await dashboard.draw(page)


def secret(page: AppTest) -> str:
    (code,) = page.code
    return str(code.value)


def tabs(page: AppTest) -> list[str]:
    return [tab.label for tab in page.tabs]


async def test_what_is_for_admins_is_shown_to_admins_only(dashboard: Dashboard) -> None:
    page = await dashboard.open("settings", part="Audit log")
    assert tabs(page) == ["My account", "Roles"]
    assert labels(page) == ["Change my password", "Sign out everywhere"]


async def test_one_s_own_password_is_changed_by_whoever_knows_it(dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    dashboard.api.account("maria")
    session = dashboard.api.sign_in("maria")
    monkeypatch.setattr(commands, "session_cookie", lambda: session)
    page = await dashboard.open("settings")
    for old, new, again, said in (
        ("", "", "", "Enter your present password"),
        (PASSWORD, "staple and a half", "staple", "not the same twice"),
        ("wrong", "staple and a half", "staple and a half", "this is not your present password"),
        (PASSWORD, "short", "short", "use at least 10 characters"),
    ):
        typed(page, old, new, again)
        await press(dashboard, page, "Change my password")
        assert said in shown(page)
    typed(page, PASSWORD, "staple and a half", "staple and a half")
    await press(dashboard, page, "Change my password")
    assert [toast.value for toast in page.toast] == ["Password changed. Your other sessions have ended."]
    assert [field.value for field in page.text_input] == ["", "", ""]


def typed(page: AppTest, *passwords: str) -> None:
    for field, password in zip(page.text_input, passwords, strict=True):
        field.set_value(password)


async def test_signing_out_everywhere_asks_and_ends_this_session_too(dashboard: Dashboard) -> None:
    page = await dashboard.open("settings")
    await press(dashboard, page, "Sign out everywhere")
    assert dashboard.api.received == []
    await press(dashboard, page, "Sign out everywhere", "confirm_yes")
    assert dashboard.api.received == [("POST", "/me/sign-out-everywhere")]
    assert "Signed out everywhere" in shown(page)
    assert "Your session has ended" in shown(page)


@pytest.mark.usefixtures("as_admin")
async def test_a_person_is_added_with_a_password_that_is_shown_once(dashboard: Dashboard) -> None:
    page = await press(dashboard, await dashboard.open("settings", part="People"), "Add a person")
    await press(dashboard, page, "Add a person", "Add this person")
    assert "Enter a name" in shown(page)
    page.text_input(key="new_user_name").set_value("Olive")
    page.selectbox(key="new_user_role").set_value("viewer")
    await press(dashboard, page, "Add a person", "Add this person")
    assert dashboard.api.knows("olive", secret(page))
    await dashboard.draw(page)
    assert len(page.code) == 0
    assert "Olive" in shown(page)
    assert await kept(dashboard, "select role from users where name = 'Olive'") == "viewer"


@pytest.mark.usefixtures("as_admin")
async def test_a_name_that_is_taken_is_said_so(dashboard: Dashboard) -> None:
    page = await press(dashboard, await dashboard.open("settings", part="People"), "Add a person")
    page.text_input(key="new_user_name").set_value("ADMIN")
    await press(dashboard, page, "Add a person", "Add this person")
    assert "choose another name" in shown(page)


@pytest.mark.usefixtures("as_admin")
async def test_a_role_is_changed_an_account_disabled_and_enabled(dashboard: Dashboard) -> None:
    dashboard.api.account("maria")
    maria = await kept(dashboard, "select id from users where name = 'maria'")
    page = await press(dashboard, await dashboard.open("settings", part="People"), f"role_{maria}")
    page.selectbox(key=f"new_role_{maria}").set_value("supervisor")
    await press(dashboard, page, f"role_{maria}", "Save the role")
    assert await kept(dashboard, "select role from users where id = $1", maria) == "supervisor"
    assert "can't sign in any more" in shown(await press(dashboard, page, f"disable_{maria}"))
    await press(dashboard, page, f"disable_{maria}", "confirm_yes")
    assert not dashboard.api.knows("maria", PASSWORD)
    await press(dashboard, page, f"enable_{maria}")
    assert dashboard.api.knows("maria", PASSWORD)
    await press(dashboard, page, f"password_{maria}")
    await press(dashboard, page, f"password_{maria}", "Make a new password")
    assert dashboard.api.knows("maria", secret(page))


@pytest.mark.usefixtures("as_admin")
async def test_the_last_admin_is_neither_disabled_nor_demoted(dashboard: Dashboard) -> None:
    admin = await kept(dashboard, "select id from users where name = 'admin'")
    page = await press(dashboard, await dashboard.open("settings", part="People"), f"disable_{admin}")
    assert "This is your own account" in shown(page)
    await press(dashboard, page, f"disable_{admin}", "confirm_yes")
    assert "this is the last admin: make another account an admin first" in shown(page)
    await press(dashboard, page, f"role_{admin}")
    page.selectbox(key=f"new_role_{admin}").set_value("viewer")
    await press(dashboard, page, f"role_{admin}", "Save the role")
    assert "this is the last admin" in shown(page)
    assert await kept(dashboard, "select role from users where id = $1 and disabled_at is null", admin) == "admin"


@pytest.mark.usefixtures("as_admin")
async def test_a_token_is_shown_once_and_revoked_after_a_question(dashboard: Dashboard) -> None:
    page = await dashboard.open("settings", part="API tokens")
    assert "No tokens yet" in shown(page)
    await press(dashboard, page, "Create a token")
    page.text_input(key="new_token_name").set_value("reports")
    await press(dashboard, page, "Create a token", "Create this token")
    assert secret(page).startswith("cw_")
    await dashboard.draw(page)
    assert "cw_" not in shown(page)
    assert "by admin, never used" in shown(page)
    await press(dashboard, page, "Revoke")
    assert "are refused from now on" in shown(page)
    await press(dashboard, page, "Revoke", "confirm_yes")
    assert "No tokens yet" in shown(page)
    assert dashboard.api.received[-1][0] == "DELETE"


@pytest.mark.usefixtures("as_admin")
async def test_a_webhook_is_added_with_a_secret_that_is_shown_once(dashboard: Dashboard) -> None:
    page = await dashboard.open("settings", part="Webhooks")
    assert "No webhooks yet" in shown(page)
    await press(dashboard, page, "Add a webhook")
    await press(dashboard, page, "Add a webhook", "Add this webhook")
    assert "Enter the address" in shown(page)
    page.text_input(key="webhook_new_url").set_value("http://93.184.216.34/hook")
    await press(dashboard, page, "Add a webhook", "Add this webhook")
    assert "use https" in shown(page)
    page.text_input(key="webhook_new_url").set_value("https://example.com/hook")
    page.checkbox(key="webhook_new_CALL_ENDED").uncheck()
    await press(dashboard, page, "Add a webhook", "Add this webhook")
    assert "Tick at least one event" in shown(page)
    page.checkbox(key="webhook_new_SUPPRESSION_ADDED").check()
    await press(dashboard, page, "Add a webhook", "Add this webhook")
    assert secret(page).startswith("whsec_")
    await dashboard.draw(page)
    assert len(page.code) == 0
    assert [text.value for text in page.text] == ["https://example.com/hook"]
    assert "Told of: Do-not-call number added" in shown(page)
    assert "Nothing delivered yet, added by admin" in shown(page)


@pytest.mark.usefixtures("as_admin")
async def test_a_webhook_is_edited_paused_tested_and_deleted_after_a_question(dashboard: Dashboard) -> None:
    webhook = await added(dashboard)
    page = await press(dashboard, await dashboard.open("settings", part="Webhooks"), f"webhook_edit_{webhook}")
    page.text_input(key=f"webhook_{webhook}_description").set_value("CRM")
    page.checkbox(key=f"webhook_{webhook}_CAMPAIGN_COMPLETED").check()
    await press(dashboard, page, f"webhook_edit_{webhook}", "Save")
    assert await kept(dashboard, "select description || events::text from webhooks") == "CRM{call.ended,campaign.completed}"
    await press(dashboard, page, f"webhook_pause_{webhook}")
    assert "Send a test" not in labels(page)
    await press(dashboard, page, f"webhook_activate_{webhook}")
    await press(dashboard, page, f"webhook_test_{webhook}")
    assert "1 waiting" in shown(page)
    assert "next in line" in shown(page)
    await press(dashboard, page, f"webhook_secret_{webhook}")
    await press(dashboard, page, f"webhook_secret_{webhook}", "Make a new secret")
    assert secret(page) == await kept(dashboard, "select secret from webhooks")
    await dashboard.draw(page)
    await press(dashboard, page, f"webhook_delete_{webhook}")
    assert "Lost are 1 message still to be sent, its secret, and the list of its deliveries" in shown(page)
    await press(dashboard, page, f"webhook_delete_{webhook}", "confirm_yes")
    assert "No webhooks yet" in shown(page)


@pytest.mark.usefixtures("as_admin")
async def test_how_a_webhook_fares_is_told_with_what_to_do(dashboard: Dashboard) -> None:
    webhook = await added(dashboard)
    failing = "update webhooks set failing_since = callwright_now(), last_error = 'answered 500'"
    await kept(dashboard, failing)
    sent = """insert into webhook_deliveries
                  (webhook_id, event, data, state, attempts, status_code, error, response, duration_ms, delivered_at)
              values ($1, 'call.ended', '{"id": "7"}', $2, 3, 500, 'answered 500', 'out of order', 12, callwright_now()) returning id"""
    for state in ("delivered", "given_up"):
        delivery = await kept(dashboard, sent, webhook, state)
    page = await dashboard.open("settings", part="Webhooks")
    assert "answered 500. It is tried again" in shown(page)
    await press(dashboard, page, f"webhook_deliveries_{webhook}")
    assert "Delivered" in shown(page)
    assert "answered 500 · 3 attempts" in shown(page)
    page.toggle(key=f"webhook_undelivered_{webhook}").set_value(True)
    assert "answered 500 after 12 ms" not in shown(await dashboard.draw(page))
    await press(dashboard, page, f"delivery_{delivery}")
    assert ['"id": "7"' in page.code[0].value, page.code[1].value] == [True, "out of order"]
    await press(dashboard, page, f"redeliver_{delivery}")
    assert await kept(dashboard, "select state from webhook_deliveries where id = $1", delivery) == "waiting"
    await kept(dashboard, "update webhooks set active = false, disabled_reason = 'it answered 410: it wants no messages any more'")
    page = await dashboard.open("settings", part="Webhooks")
    assert "wants no messages any more. Mend it there, then activate it" in shown(page)


async def added(dashboard: Dashboard) -> int:
    """A webhook that is told of calls: its id."""
    made = "insert into webhooks (url, events, secret) values ('https://example.com/hook', '{call.ended}', 'whsec_none') returning id"
    webhook: int = await kept(dashboard, made)
    return webhook


@pytest.mark.usefixtures("as_admin")
async def test_the_audit_log_is_read_by_person_action_and_time(dashboard: Dashboard) -> None:
    for actor, action, days in (("maria", "campaign.start", 0), ("token 3 (reports)", "agent.change", 0), ("maria", "campaign.pause", 9)):
        line = "insert into audit_log (actor, action, subject, at) values ($1, $2, 'campaign 7', callwright_now() - $3 * interval '1 day')"
        await kept(dashboard, f"{line} returning id", actor, action, days)
    page = await dashboard.open("settings", part="Audit log")
    assert "maria started the campaign" in shown(page).replace("*", "")
    page.text_input(key="audit_actor").set_value("MAR")
    assert "reports" not in shown(await dashboard.draw(page))
    page.selectbox(key="audit_action").set_value("campaign.pause")
    assert "started the campaign" not in shown(await dashboard.draw(page))
    page.date_input(key="audit_since").set_value(await kept(dashboard, "select (callwright_now() - interval '3 days')::date"))
    assert "Nothing fits" in shown(await dashboard.draw(page))


@pytest.mark.usefixtures("as_admin")
async def test_the_audit_log_is_paged(dashboard: Dashboard) -> None:
    many = "insert into audit_log (actor, action, subject) select 'maria', 'agent.change', 'agent ' || n from generate_series(1, 60) n"
    await kept(dashboard, f"with made as ({many} returning id) select count(*) from made")
    page = await dashboard.open("settings", part="Audit log")
    await press(dashboard, page, "Next")
    assert "Lines 26 to 50" in shown(page)
    assert "agent 35" in shown(page)


def test_a_line_is_a_sentence_and_a_file_no_formula() -> None:
    at = datetime(2026, 1, 31, 9, tzinfo=UTC)
    line = AuditLine(1, at, "=maria", "user.change", "user 3", {"role": "viewer", "disabled": None}, "Olive")
    assert in_words(line) == "**=maria** changed the account of **Olive**"
    assert details({"fields": ["name", "concurrency"], "name": "June", "disabled": True}) == "fields: name, concurrency, disabled: yes"
    written = as_csv([line], UTC).decode("utf-8-sig").splitlines()
    assert written[1] == "2026-01-31T09:00:00+00:00,'=maria,user.change,user 3,Olive,role: viewer"


def test_every_action_of_the_log_has_words() -> None:
    source = "\n".join(path.read_text() for folder in ("mediaserver", "dialer") for path in (ROOT / folder).rglob("*.py"))
    nouns = "user|token|webhook|campaign|contact|agent|phone_number|suppression|live|retention|erasure"
    asked = {name for name, verb in vars(Desk).items() if not name.startswith("_") and "person" in signature(verb).parameters}
    named = set(re.findall(rf'"((?:{nouns})\.(?!html")[a-z_]+)"', source)) | {f"live.{name}" for name in asked} | {"sign_in"}
    told_by_sql = {"retention.delete"}
    assert (named - {event.value for event in Event}) | told_by_sql == set(ACTION)


def test_the_table_of_roles_is_what_the_api_allows() -> None:
    needed = {(route.method, route.path): route.role for route in ROUTES}
    assert list(ROLE) == [role.value for role in Role]
    for right in RIGHTS:
        for asked in right.asks:
            for role in Role:
                assert may(role.value, right) == role.covers(needed[asked]), f"{role}: {right.what}"
