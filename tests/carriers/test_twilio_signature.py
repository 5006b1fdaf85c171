"""Signatures: what Twilio's own validator takes is taken here, what it refuses is refused, and nothing unsigned passes."""

import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped] # ships no types

from mediaserver.carriers.twilio.signature import SETTINGS, SIGNATURE, BadSignature, Signatures, sign

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FIELDS = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
PEER = RequestValidator(TOKEN)
DOOR = Signatures(TOKEN)


def headers(signature: str | bytes, settings: str = "") -> dict[str, str]:
    made = {SIGNATURE: signature if isinstance(signature, str) else signature.decode()}
    return {**made, SETTINGS: settings} if settings else made


def test_the_example_of_twilio_s_documents_is_signed_as_there() -> None:
    assert sign(TOKEN, URL, FIELDS.items()) == b"RSOYDt4T1cUTdK1PDd93/VVr8B8="


names = st.text(alphabet=string.ascii_letters, min_size=1, max_size=8)
pairs = st.lists(st.tuples(names, st.text(max_size=12).filter(lambda text: "\ud800" not in text)), max_size=8)
urls = st.builds(
    lambda scheme, port, path, query: f"{scheme}://calls.example.com{port}/{path}{query}",
    st.sampled_from(["https", "http"]),
    st.sampled_from(["", ":443", ":80", ":8443"]),
    names,
    st.sampled_from(["", "?a=1", "?a=1&b=%20x"]),
)


@given(urls, pairs, st.sampled_from(["HMAC_SHA1", "HMAC_SHA256"]))
def test_what_twilio_s_validator_signs_is_taken_and_the_other_way_round(url: str, fields: list[tuple[str, str]], algorithm: str) -> None:
    signature = PEER.compute_signature(url, MultiDict(fields), algorithm)
    DOOR.check(url, headers(signature, f"key=webhooks_1,algorithm={algorithm}"), fields=fields)
    assert PEER.validate(url, MultiDict(fields), sign(TOKEN, url, fields, algorithm).decode(), algorithm)


@given(st.sampled_from(["", ":443"]), st.sampled_from(["", ":443"]))
def test_the_default_port_may_be_named_or_not(signed: str, asked: str) -> None:
    signature = PEER.compute_signature(f"https://calls.example.com{signed}/x", FIELDS)
    DOOR.check(f"https://calls.example.com{asked}/x", headers(signature), fields=FIELDS.items())


@pytest.mark.parametrize(
    ("url", "fields", "token"),
    [
        (URL + "&more=1", FIELDS, TOKEN),
        (URL.replace("https", "http"), FIELDS, TOKEN),
        (URL.replace("mycompany", "yourcompany"), FIELDS, TOKEN),
        (URL, FIELDS | {"Digits": "1235"}, TOKEN),
        (URL, FIELDS | {"More": ""}, TOKEN),
        (URL, {}, TOKEN),
        (URL, FIELDS, "54321"),
    ],
)
def test_what_was_changed_on_the_way_is_refused(url: str, fields: dict[str, str], token: str) -> None:
    signature = RequestValidator(token).compute_signature(URL, FIELDS)
    with pytest.raises(BadSignature, match="does not fit"):
        DOOR.check(url, headers(signature), fields=fields.items())


def test_a_request_without_a_signature_is_refused() -> None:
    with pytest.raises(BadSignature, match="no X-Twilio-Signature"):
        DOOR.check(URL, {}, fields=FIELDS.items())


@pytest.mark.parametrize("signature", ["x", "é", "=" * 5000])
def test_a_signature_that_is_none_is_refused(signature: str) -> None:
    with pytest.raises(BadSignature, match="does not fit"):
        DOOR.check(URL, headers(signature), fields=FIELDS.items())


def test_a_hash_that_is_not_known_is_refused_and_named() -> None:
    with pytest.raises(BadSignature, match="HMAC_MD5"):
        DOOR.check(URL, headers("x", "key=k,algorithm=HMAC_MD5"))


def test_a_hash_is_never_weaker_than_the_header_says() -> None:
    with pytest.raises(BadSignature, match="does not fit"):
        DOOR.check(URL, headers(sign(TOKEN, URL), "algorithm=HMAC_SHA256"))


def test_a_webhook_key_signs_where_the_header_names_one() -> None:
    door = Signatures(TOKEN, webhook_key="shared")
    signature = RequestValidator("shared").compute_signature(URL, FIELDS, "HMAC_SHA256")
    door.check(URL, headers(signature, "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"), fields=FIELDS.items())
    door.check(URL, headers(PEER.compute_signature(URL, FIELDS)), fields=FIELDS.items())
    with pytest.raises(BadSignature):
        door.check(URL, headers(signature, "algorithm=HMAC_SHA256"), fields=FIELDS.items())


def test_a_json_body_is_covered_by_its_hash_in_the_url() -> None:
    body = b'{"CallSid":"CA1"}'
    url = f"https://calls.example.com/x?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = PEER.compute_signature(url, {})
    assert PEER.validate(url, body.decode(), signature)
    DOOR.check(url, headers(signature), body=body)
    with pytest.raises(BadSignature, match="body is not the one"):
        DOOR.check(url, headers(signature), body=body + b" ")


def test_a_json_body_that_nothing_covers_is_refused() -> None:
    with pytest.raises(BadSignature, match="body is not the one"):
        DOOR.check(URL, headers(PEER.compute_signature(URL, {})), body=b"{}")


def test_a_websocket_s_handshake_is_signed_over_its_own_address() -> None:
    url = "wss://calls.example.com/carriers/twilio/stream"
    DOOR.check(url, headers(PEER.compute_signature(url, {})))
    DOOR.check(url, headers(PEER.compute_signature("wss://calls.example.com:443/carriers/twilio/stream", {})))


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_bytes_that_are_no_text_are_refused_and_harm_nothing(signature: bytes, query: bytes) -> None:
    url = f"{URL}&bodySHA256={query.decode('utf-8', 'surrogateescape')}"
    with pytest.raises(BadSignature):
        DOOR.check(url, headers(signature.decode("utf-8", "surrogateescape")), body=b"{}")
    with pytest.raises(BadSignature):
        DOOR.check(url, headers(signature.decode("utf-8", "surrogateescape")), fields=FIELDS.items())
