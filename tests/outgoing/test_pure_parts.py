"""Signatures, waits and addresses of outgoing webhooks: without a network."""

import ipaddress
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.webhook_events import MEANS, PING, Event
from mediaserver.outgoing import schedule
from mediaserver.outgoing.addresses import InvalidAddress, checked, is_public
from mediaserver.outgoing.signing import new_secret, signature, signed

PAGE = (Path(__file__).parents[2] / "docs/webhooks.md").read_text(encoding="utf-8")


def documented() -> Any:
    """`verified` as docs/webhooks.md has it."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names["verified"]


def test_a_signature_is_that_of_the_standard() -> None:
    body = b'{"event_type":"ping","data":{"success":true}}'
    made = signature("whsec_plJ3nmyCDGBKInavdOK15jsl", "msg_loFOjxBNrRLzqYUf", 1731705121, body)
    assert made == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="


def test_the_documented_code_takes_what_is_signed_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    verified, old, new = documented(), new_secret(), new_secret()
    monkeypatch.setattr("time.time", lambda: 1_900_000_100.0)
    headers = signed([new, old], "msg_1", 1_900_000_000, b"{}")
    assert verified(headers, b"{}", new)
    assert verified(headers, b"{}", old)
    assert not verified(headers, b"{} ", new)
    assert not verified(headers, b"{}", new_secret())
    assert not verified({**headers, "webhook-id": "msg_2"}, b"{}", new)
    assert not verified(signed([new], "msg_1", 1_899_999_000, b"{}"), b"{}", new)


def test_the_page_has_every_event_in_the_words_of_the_table() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| (.+) \|$", PAGE.partition("## Events")[2].partition("`call.ended`, and")[0], re.MULTILINE)
    assert dict(rows).keys() == {event.value for event in Event} | {PING}
    assert {event: dict(rows)[event.value] for event in Event} == dict(MEANS)


@given(st.floats(0, 1))
def test_waits_grow_to_eight_hours_and_end_after_about_three_days(chance: float) -> None:
    waits = [schedule.wait_s(attempt, chance) for attempt in range(1, schedule.ATTEMPTS + 1)]
    assert waits[-1] is None
    known = [wait for wait in waits if wait is not None]
    assert len(known) == schedule.ATTEMPTS - 1
    assert known == sorted(known)
    assert 7.9 < known[0] < 12.1
    assert known[-1] < 9.7 * 3600
    assert 2 * 86400 < sum(known) < 4.5 * 86400


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::1", False),
    ],
)
def test_which_addresses_are_of_the_open_internet(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "such as https"),
        ("example.com/hook", "such as https"),
        ("ftp://example.com", "such as https"),
        ("https://", "such as https"),
        ("https://example.com:port", "such as https"),
        ("https://[::1", "such as https"),
        ("http://example.com/hook", "use https"),
        ("https://user:secret@example.com/hook", "leave user and password out"),
        ("https://example.com/hook#part", "what follows the #"),
        ("https://example.com/a hook", "without spaces"),
        ("https://example.com/\n", "without spaces"),
        ("https://example.com/" + "a" * 2000, "at most 2000"),
        ("https://127.0.0.1/hook", "private address"),
        ("https://[::ffff:10.0.0.1]/hook", "private address"),
        ("https://169.254.169.254/latest", "CALLWRIGHT_WEBHOOKS_PRIVATE"),
    ],
)
def test_an_address_that_can_not_be_is_refused_with_what_to_do(url: str, said: str) -> None:
    with pytest.raises(InvalidAddress, match=re.escape(said)):
        checked(url, private_allowed=False)


def test_where_private_addresses_are_allowed_http_leads_to_those_only() -> None:
    for url in ("http://127.0.0.1:9000/hook", "http://erp.internal/hook", "https://10.0.0.1/hook", "https://example.com/hook"):
        assert checked(url, private_allowed=True) == url
    with pytest.raises(InvalidAddress, match="use https"):
        checked("http://93.184.216.34/hook", private_allowed=True)
