"""What operators command, sent to the REST API in their own name, so that rules, rights and the audit log live in one place."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
import streamlit as st

from dashboard.background import Background
from dashboard.source import background

SESSION_COOKIE = "callwright_session"
KNOWN_PERSON = "person"  # in the state of the page's session: who was signed in when the API was asked last
KEY_HEADER = "Idempotency-Key"
ANSWER_WITHIN_S = 15.0
IMPORT_WITHIN_S = 600.0


@dataclass(frozen=True, slots=True)
class Columns:
    """How the columns of a file are read. `mapping`: header -> variable, "" leaves a column out; `region`: the country (DE) of numbers
    without country code, empty for none."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    region: str = ""


class CommandRefused(Exception):
    """The API said no; the message is its reason, for people. `problems`: field -> what is wrong with it, for forms."""

    def __init__(self, detail: str, problems: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.problems = dict(problems or {})


class SignInNeeded(CommandRefused):
    """The session has ended, or there is none."""


class ApiUnreachable(CommandRefused):
    """The media server does not answer. The message says whether anything was changed, and what to do."""


class Commands:
    """The API in the name of the person whose session cookie `session` is. Ids are the database's."""

    def __init__(self, background: Background, api_url: str, session: str) -> None:
        self._background, self._root, self._session = background, api_url.rstrip("/") + "/api/v1", session

    def me(self) -> dict[str, Any]:
        """Who is signed in: `name` and `role`."""
        return self._ask("GET", "/me")

    def sign_out(self) -> None:
        """Ends the session everywhere."""
        self._ask("POST", "/sign-out")

    def sign_out_everywhere(self) -> None:
        """Ends all sessions of whoever asks."""
        self._ask("POST", "/me/sign-out-everywhere")

    def change_password(self, old: str, new: str) -> None:
        """Another password for whoever asks; all but this session end."""
        self._ask("POST", "/me/password", json={"old_password": old, "password": new})

    def add_user(self, name: str, role: str) -> str:
        """A new account; returns its first password, which can't be read again."""
        return str(self._ask("POST", "/users", json={"name": name, "role": role})["password"])

    def change_user(self, user_id: int, *, role: str | None = None, disabled: bool | None = None) -> None:
        """Another role, or disabled or enabled again; None leaves it as it is."""
        self._ask("PATCH", f"/users/{user_id}", json={"role": role, "disabled": disabled})

    def reset_password(self, user_id: int) -> str:
        """A new random password, which can't be read again; the account's sessions end."""
        return str(self._ask("POST", f"/users/{user_id}/reset-password")["password"])

    def create_token(self, name: str, role: str) -> str:
        """A new token; returns its secret, which can't be read again."""
        return str(self._ask("POST", "/tokens", json={"name": name, "role": role})["secret"])

    def revoke_token(self, token_id: int) -> None:
        """The token is refused from now on."""
        self._ask("DELETE", f"/tokens/{token_id}")

    def retention(self) -> dict[str, Any]:
        """How long things are kept, `days` on which something was deleted, `folders` of recordings."""
        return self._ask("GET", "/retention")

    def preview_retention(self, changes: Mapping[str, int | None]) -> dict[str, Any]:
        """What would be deleted at once, were it changed so: counts, and of which there are `at_least` so many."""
        return self._ask("POST", "/retention/preview", json=dict(changes))

    def change_retention(self, changes: Mapping[str, int | None]) -> None:
        """Other limits in days, None for ever; what is not named stays."""
        self._ask("PATCH", "/retention", json=dict(changes))

    def erase(self, number: str, *, dry_run: bool) -> dict[str, Any]:
        """Everything kept of whoever has this number; what went, or would go."""
        return self._ask("POST", "/erasures", json={"phone_number": number, "dry_run": dry_run})

    def create_webhook(self, values: Mapping[str, Any]) -> str:
        """A new webhook with `url`, `description` and `events`; returns its secret, which can't be read again."""
        return str(self._ask("POST", "/webhooks", json=dict(values))["secret"])

    def change_webhook(self, webhook_id: int, changes: Mapping[str, Any]) -> None:
        """Another address, description or other events; `active`: paused, or active again."""
        self._ask("PATCH", f"/webhooks/{webhook_id}", json=dict(changes))

    def rotate_webhook_secret(self, webhook_id: int) -> str:
        """A new secret, which can't be read again; the one before signs too for a day."""
        return str(self._ask("POST", f"/webhooks/{webhook_id}/rotate-secret")["secret"])

    def delete_webhook(self, webhook_id: int) -> None:
        """Tells that system nothing any more; what waits is lost."""
        self._ask("DELETE", f"/webhooks/{webhook_id}")

    def test_webhook(self, webhook_id: int) -> None:
        """Sends a test; what comes of it stands in its deliveries."""
        self._ask("POST", f"/webhooks/{webhook_id}/test")

    def redeliver_webhook(self, webhook_id: int, delivery_id: int) -> None:
        """Sends a message again."""
        self._ask("POST", f"/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver")

    def add_phone_number(self, values: Mapping[str, Any], once: str) -> int:
        """A new number to call from; returns its id. Sent again with the same word `once`, it is answered as before and added once."""
        return int(self._ask("POST", "/phone-numbers", json=dict(values), headers={KEY_HEADER: once})["id"])

    def change_phone_number(self, number_id: int, changes: Mapping[str, Any]) -> None:
        """Another label, other limits; None takes a limit away."""
        self._ask("PATCH", f"/phone-numbers/{number_id}", json=dict(changes))

    def delete_phone_number(self, number_id: int) -> None:
        """Takes a number out of the list; refused while a campaign that is not over uses it."""
        self._ask("DELETE", f"/phone-numbers/{number_id}")

    def suppress(self, number: str, reason: str, *, rehearsal: bool) -> None:
        """Puts a number, with its country code, on the do-not-call list."""
        self._ask("POST", "/suppressions", json={"number": number, "reason": reason, "rehearsal": rehearsal})

    def suppress_list(self, file_name: str, content: bytes, reason: str, *, rehearsal: bool, dry_run: bool = False) -> dict[str, Any]:
        """Puts a list of numbers, a CSV or one a line, on the do-not-call list; returns the report."""
        form = aiohttp.FormData({"reason": reason, "rehearsal": str(rehearsal).lower(), "dry_run": str(dry_run).lower()})
        form.add_field("file", content, filename=file_name, content_type="text/csv")
        return self._ask("POST", "/suppressions/import", within_s=IMPORT_WITHIN_S, data=form)

    def suppress_list_problems(self, file_name: str, content: bytes) -> bytes:
        """Every row of such a list that holds no number that can be called, as a CSV."""
        form = aiohttp.FormData()
        form.add_field("file", content, filename=file_name, content_type="text/csv")
        return self._ask_file("POST", "/suppressions/import/problems.csv", data=form)

    def unsuppress(self, suppression_id: int) -> None:
        """Takes an entry off the do-not-call list."""
        self._ask("DELETE", f"/suppressions/{suppression_id}")

    def standing(self, campaign_id: int) -> dict[str, Any]:
        """The campaign as the API tells it: `allowed_actions` in the order to show, `hours` in words, `warnings` by field."""
        return self._ask("GET", f"/campaigns/{campaign_id}")

    def create_campaign(self, settings: Mapping[str, Any], once: str) -> int:
        """Makes a Draft; returns its id. `once`: as for a new number."""
        return int(self._ask("POST", "/campaigns", json=dict(settings), headers={KEY_HEADER: once})["id"])

    def edit_campaign(self, campaign_id: int, changes: Mapping[str, Any], version: int | None = None) -> None:
        """Changes settings. With `version`, refused where somebody else has changed the campaign since that version."""
        stated = {} if version is None else {"version": version}
        self._ask("PATCH", f"/campaigns/{campaign_id}", json={**changes, **stated})

    def act(self, campaign_id: int, action: str) -> None:
        """start, pause, resume or cancel."""
        self._ask("POST", f"/campaigns/{campaign_id}/{action}")

    def duplicate(self, campaign_id: int, once: str) -> int:
        """A new Draft with the same settings and contacts; returns its id. `once`: as for a new number."""
        return int(self._ask("POST", f"/campaigns/{campaign_id}/duplicate", headers={KEY_HEADER: once})["id"])

    def delete_campaign(self, campaign_id: int) -> None:
        """Removes a Draft with its contacts."""
        self._ask("DELETE", f"/campaigns/{campaign_id}")

    def preview_import(self, campaign_id: int, file_name: str, beginning: bytes, columns: Columns) -> dict[str, Any]:
        """What the first rows of a CSV are, and what they would become. `beginning`: the first MiB of the file is enough."""
        form = _file_form(file_name, beginning, columns)
        return self._ask("POST", f"/campaigns/{campaign_id}/contacts/import/preview", within_s=IMPORT_WITHIN_S, data=form)

    def import_contacts(
        self,
        campaign_id: int,
        file_name: str,
        content: bytes,
        columns: Columns,
        *,
        once: str,
        dry_run: bool = False,
        all_or_nothing: bool = False,
    ) -> dict[str, Any]:
        """Uploads a CSV; returns the report. `dry_run`: only says what would happen. `once`: as for a new number."""
        form = _file_form(file_name, content, columns)
        asked = urlencode({"dry_run": str(dry_run).lower(), "all_or_nothing": str(all_or_nothing).lower()})
        path = f"/campaigns/{campaign_id}/contacts/import?{asked}"
        return self._ask("POST", path, within_s=IMPORT_WITHIN_S, data=form, headers={KEY_HEADER: once})

    def import_problems(self, import_id: str) -> bytes:
        """Every row that an import refused, as a CSV."""
        return self._ask_file("GET", f"/imports/{import_id}/problems.csv")

    def add_contact(self, campaign_id: int, number: str, name: str, variables: Mapping[str, str]) -> None:
        """Adds one contact; the number with its country code."""
        contact = {"number": number, "name": name, "variables": dict(variables)}
        self._ask("POST", f"/campaigns/{campaign_id}/contacts", json=contact)

    def retry_contact(self, contact_id: int) -> None:
        """Grants a failed contact one more try."""
        self._ask("POST", f"/contacts/{contact_id}/retry")

    def skip_contact(self, contact_id: int) -> None:
        """Leaves a pending contact out."""
        self._ask("POST", f"/contacts/{contact_id}/skip")

    def remove_contact(self, contact_id: int) -> None:
        """Deletes a pending contact from its campaign."""
        self._ask("DELETE", f"/contacts/{contact_id}")

    def change_contacts(self, campaign_id: int, verb: str, status: str, search: str) -> dict[str, Any]:
        """retry, skip or remove all contacts of that status that the list finds: how many were `changed`, and why others were
        `left_alone`. Sent again after it was cut short, it goes on."""
        path, chosen = f"/campaigns/{campaign_id}/contacts/{verb}", {"status": status, "search": search}
        return self._ask("POST", path, within_s=IMPORT_WITHIN_S, json=chosen)

    def why(self, contact_id: int) -> dict[str, Any]:
        """Why the contact is, or is not, called: `now` in words, `gates`, `verdicts` and `campaign`, as the API answers."""
        return self._ask("GET", f"/contacts/{contact_id}/why")

    def forecast(self, campaign_id: int) -> dict[str, Any]:
        """When the campaign will be done: `forecast`, and `compared` with what was expected at Start (None before)."""
        return self._ask("GET", f"/campaigns/{campaign_id}/forecast")

    def forecast_unsaved(self, campaign_id: int, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The forecast for the campaign's contacts under settings that are not saved."""
        return self._ask("POST", "/campaigns/forecast", json={"settings": dict(settings), "campaign_id": str(campaign_id)})

    def missing_variables(self, campaign_id: int) -> dict[str, int]:
        """Variables that the agent's texts need, and how many pending contacts lack each: those would be skipped."""
        found = self._ask("GET", f"/campaigns/{campaign_id}/missing-variables")["items"]
        return {str(each["name"]): int(each["contacts"]) for each in found}

    def agent_templates(self) -> list[dict[str, Any]]:
        """Agents that ship with the product: `name`, `what_for`, `definition`, `variables`."""
        return list(self._ask("GET", "/agent-templates")["items"])

    def create_agent(self, name: str, definition: Mapping[str, Any], once: str) -> int:
        """Makes an agent; returns its id. `once`: as for a new number."""
        return int(self._ask("POST", "/agents", json={"name": name, "definition": dict(definition)}, headers={KEY_HEADER: once})["id"])

    def change_agent(self, agent_id: int, name: str, definition: Mapping[str, Any], version: int) -> int:
        """Makes the agent's next version, and returns it; refused where somebody else has changed the agent since `version`."""
        changes = {"name": name, "definition": dict(definition), "version": version}
        return int(self._ask("PATCH", f"/agents/{agent_id}", json=changes)["version"])

    def delete_agent(self, agent_id: int) -> None:
        """Takes an agent out of the list; refused where a campaign that is not over uses it."""
        self._ask("DELETE", f"/agents/{agent_id}")

    def hear_greeting(self, agent_id: int, contact_name: str, variables: Mapping[str, str]) -> bytes:
        """The first message of the saved version, spoken: a WAV file."""
        sample = {"contact_name": contact_name, "variables": dict(variables)}
        heard: bytes = self._answer("POST", f"/agents/{agent_id}/greeting", ANSWER_WITHIN_S * 2, {"json": sample})
        return heard

    def test_call(self, agent_id: int, wanted: Mapping[str, Any], once: str) -> int:
        """Calls `number` from `phone_number_id` with the agent's saved version, at once, for a contact of `contact_name` and `variables`;
        returns the call's id. `once`: as for a new number."""
        return int(self._ask("POST", f"/agents/{agent_id}/test-call", json=dict(wanted), headers={KEY_HEADER: once})["id"])

    def browser_call(self, agent_id: int, wanted: Mapping[str, Any], once: str) -> tuple[int, str]:
        """Begins a call with the agent's saved version, to be talked in a browser; returns its id and the address of its page. Sent again
        with the same word `once`, it is answered as before."""
        said = self._ask("POST", f"/agents/{agent_id}/browser-call", json=dict(wanted), headers={KEY_HEADER: once})
        return int(said["id"]), str(said["page"])

    def recording_peaks(self, call_id: int) -> dict[str, Any]:
        """What a recording's waveform is drawn from: `duration_ms`, and by channel (`agent`, `callee`) how loud, 0 to 1000. Refused where
        there is no recording, with the reason."""
        return self._ask("GET", f"/calls/{call_id}/recording/peaks")

    def _ask(self, method: str, path: str, *, within_s: float = ANSWER_WITHIN_S, **request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._answer(method, path, within_s, request)
        return answer

    def _ask_file(self, method: str, path: str, **request: Any) -> bytes:
        content: bytes = self._answer(method, path, IMPORT_WITHIN_S, request)
        return content

    def _answer(self, method: str, path: str, within_s: float, request: dict[str, Any]) -> Any:
        try:
            return self._background.run(self._send(method, path, within_s, request), within_s + 1)
        except SignInNeeded:
            st.session_state.pop(KNOWN_PERSON, None)
            raise
        except (aiohttp.ClientConnectorError, aiohttp.ClientOSError) as error:
            raise ApiUnreachable(
                "The media server can't be reached: nothing was changed. Calls are not affected by the dashboard. Try again in a moment."
            ) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiUnreachable("The media server did not answer in time. Look whether it was done before you try again.") from error

    async def _send(self, method: str, path: str, within_s: float, request: dict[str, Any]) -> Any:
        """What is answered: read from JSON, another file's bytes as they are, an empty dictionary for nothing."""
        headers = {"Cookie": f"{SESSION_COOKIE}={self._session}", "X-Callwright": "1"}
        limit = aiohttp.ClientTimeout(total=within_s)
        async with (
            aiohttp.ClientSession(timeout=limit, headers=headers) as http,
            http.request(method, self._root + path, **request) as answer,
        ):
            is_json = answer.content_type.endswith("json")
            if answer.status >= 400:
                raise _refusal(answer.status, await answer.json(content_type=None) if is_json else {})
            return await answer.json(content_type=None) if is_json else await answer.read() or {}


def _file_form(file_name: str, content: bytes, columns: Columns) -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("mapping", json.dumps(dict(columns.mapping)))
    if columns.region:
        form.add_field("default_region", columns.region)
    form.add_field("file", content, filename=file_name, content_type="text/csv")
    return form


def _refusal(status: int, problem: dict[str, Any]) -> CommandRefused:
    """The problem document (RFC 9457) as an exception."""
    detail = str(problem.get("detail") or problem.get("title") or f"The media server answered {status}.")
    if status == 401:
        return SignInNeeded("Your session has ended. Sign in again: you come back to this page, with what you had typed into its fields.")
    if status == 503:
        return ApiUnreachable(detail)
    if status == 403:
        return CommandRefused(f"Not allowed: {detail}")
    return CommandRefused(detail, problem.get("problems"))


def commands() -> Commands:
    """The API in the name of whoever looks at this page."""
    return Commands(background(), os.environ["CALLWRIGHT_API_URL"], session_cookie())


def session_cookie() -> str:
    """The session that the browser brought; empty for none."""
    return str(st.context.cookies.get(SESSION_COOKIE, ""))


def public_url() -> str:
    """The media server as browsers reach it: sign-in and recordings."""
    return os.environ["CALLWRIGHT_PUBLIC_URL"].rstrip("/")
