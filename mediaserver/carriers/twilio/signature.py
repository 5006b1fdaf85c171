"""Whether a request comes from Twilio: its signature over the URL that it asked for and the fields that it sent.

The URL is the public one, as Twilio was given it, query string included; what a proxy makes of it does not count. A JSON body is
covered by its SHA-256 in the query. The settings header names another hash than SHA-1, and another key than the account's token.
Source: https://www.twilio.com/docs/usage/security, and `RequestValidator` of Twilio's own package, which the tests hold this against.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from urllib.parse import SplitResult, parse_qs, urlsplit

SIGNATURE = "X-Twilio-Signature"
SETTINGS = "X-Twilio-Webhooks-Signature-Settings"

_HASHES = {"HMAC_SHA1": hashlib.sha1, "HMAC_SHA256": hashlib.sha256}
_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}

Fields = Iterable[tuple[str, str]]


class BadSignature(Exception):
    """The request is not proved to be Twilio's; the message says why, for the log."""


class Signatures:
    """Checks what one account sends. `webhook_key`: the secret of the account's webhook key, where it signs with one."""

    def __init__(self, auth_token: str, webhook_key: str = "") -> None:
        self._auth_token, self._webhook_key = auth_token, webhook_key

    def check(self, url: str, headers: Mapping[str, str], *, fields: Fields = (), body: bytes | None = None) -> None:
        """Returns where the request to `url` is Twilio's. `fields`: a form's. `body`: of a request that has no form, as it came.

        Raises:
            BadSignature
        """
        signature = headers.get(SIGNATURE, "")
        if not signature:
            raise BadSignature(f"the request has no {SIGNATURE} header")
        settings = _settings(headers.get(SETTINGS, ""))
        algorithm = settings.get("algorithm", "HMAC_SHA1").upper()
        if algorithm not in _HASHES:
            raise BadSignature(f"the request is signed with {algorithm[:40]!r}, which is not known: HMAC_SHA1 and HMAC_SHA256 are")
        if body is not None:
            _check_body(url, body)
        key = self._webhook_key if "key" in settings and self._webhook_key else self._auth_token
        told = _bytes(signature)
        if not any(hmac.compare_digest(sign(key, each, fields, algorithm), told) for each in _spellings(url)):
            raise BadSignature(f"the signature does not fit: it must be over {url.partition('?')[0]}, made with this account's token")


def sign(key: str, url: str, fields: Fields = (), algorithm: str = "HMAC_SHA1") -> bytes:
    """The signature of a request: over its URL and its fields in order of their names, each value of a name once, base64."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(key.encode(), _bytes(text), _HASHES[algorithm]).digest())


def _bytes(text: str) -> bytes:
    """What came over the wire: the web server keeps bytes that are no UTF-8 as surrogates."""
    return text.encode("utf-8", "surrogateescape")


def _check_body(url: str, body: bytes) -> None:
    told = parse_qs(urlsplit(url).query).get("bodySHA256", [""])[0]
    if not hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), _bytes(told)):
        raise BadSignature("the body is not the one that was signed: its SHA-256 is not the URL's bodySHA256")


def _settings(header: str) -> dict[str, str]:
    """`key=...,algorithm=...` as a dictionary; empty values count as absent."""
    pairs = (part.partition("=") for part in header.split(","))
    return {name.strip(): value.strip() for name, _, value in pairs if value.strip()}


def _spellings(url: str) -> list[str]:
    """The URL with its port and without: Twilio signs now the one, now the other."""
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme, 80)
    return [_with_host(parts, parts.hostname or ""), _with_host(parts, f"{parts.hostname}:{port}")]


def _with_host(parts: SplitResult, host: str) -> str:
    return parts._replace(netloc=host).geturl()
