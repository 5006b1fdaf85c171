"""Answer documents: the XML that tells the network what to do with a call, read into verbs. No I/O.

Source: https://www.twilio.com/docs/voice/twiml. Known: Connect with Stream, Redirect, Pause, Hangup; Say and whatever else
speaks or records is passed over.
"""

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit, urlunsplit

LONGEST_PARAMETER = 500
LONGEST_DOCUMENT = 64 * 1024
_DEFAULT_PAUSE_S = 1.0


class BadDocument(Exception):
    """The document can't be followed; the call ends. `code`: the carrier's error code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message} (error {code})")
        self.code = code


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a stream to `url` (which has lost its query string) and go on when it is closed."""

    url: str
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str
    method: str


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


Verb = Connect | Redirect | Pause | Hangup


class _NoDoctype(ET.TreeBuilder):
    """Refuses document types, and with them entities: a document can't grow or reach for files."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise BadDocument(12100, f"the answer document declares a document type ({name}): leave it out")


def read(text: str, base_url: str) -> list[Verb]:
    """The verbs of a document that was fetched from `base_url`.

    Raises:
        BadDocument: not XML, not a Response, a Stream without a usable url, a Parameter that is too long.
    """
    if len(text) > LONGEST_DOCUMENT:
        raise BadDocument(11750, f"the answer document is longer than {LONGEST_DOCUMENT} characters")
    parser = ET.XMLParser(target=_NoDoctype())
    try:
        parser.feed(text)
        root = parser.close()
    except ET.ParseError as error:
        raise BadDocument(12100, f"the answer document is not XML: {error}") from error
    if root.tag != "Response":
        raise BadDocument(12100, f"the answer document begins with <{root.tag}>, not <Response>")
    verbs = [_verb(element, base_url) for element in root]
    return [verb for verb in verbs if verb is not None]


def _verb(element: ET.Element, base_url: str) -> Verb | None:
    match element.tag:
        case "Connect":
            return _connect(element)
        case "Redirect":
            return Redirect(urljoin(base_url, (element.text or "").strip()), element.get("method", "POST").upper())
        case "Pause":
            return Pause(_seconds(element.get("length")))
        case "Hangup" | "Reject":
            return Hangup()
        case _:
            return None


def _connect(element: ET.Element) -> Connect | None:
    stream = element.find("Stream")
    if stream is None:
        return None
    parts = urlsplit(stream.get("url", ""))
    if parts.scheme not in ("wss", "ws") or not parts.hostname:
        raise BadDocument(31922, "<Stream> needs a url that begins with wss:// (ws:// on this machine)")
    parameters = {each.get("name", ""): each.get("value", "") for each in stream.iter("Parameter")}
    for name, value in parameters.items():
        if len(name) + len(value) >= LONGEST_PARAMETER:
            raise BadDocument(12767, f"<Parameter name={name[:40]!r}> is too long: name and value hold {LONGEST_PARAMETER} characters")
    return Connect(urlunsplit((parts.scheme, parts.netloc, parts.path or "/", "", "")), parameters)


def _seconds(length: str | None) -> float:
    try:
        return max(0.0, min(600.0, float(length))) if length else _DEFAULT_PAUSE_S
    except ValueError:
        return _DEFAULT_PAUSE_S
