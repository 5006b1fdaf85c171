"""Who is at which number: named in a small TOML file, or by the number's last two digits, reproducibly."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mediaserver.carriers.simulated.people import PERSONAS, Kind, Persona

VOICES = ("joe", "joe@0.9", "joe@0.95", "joe@1.05", "joe@1.1", "joe@1.15", "joe@1.2", "joe@1.25")

# Kinds by the last two digits: each with the first pair that is no longer theirs. Most people agree, a few are anything else.
_BY_DIGITS: tuple[tuple[int, Kind], ...] = (
    (28, Kind.AGREES),
    (36, Kind.ANOTHER_DAY),
    (44, Kind.DECLINES),
    (50, Kind.WHO_IS_THIS),
    (55, Kind.ROBOT),
    (58, Kind.NEVER_AGAIN),
    (64, Kind.INTERRUPTS),
    (66, Kind.SILENT),
    (70, Kind.HANGS_UP),
    (75, Kind.BUSY),
    (84, Kind.NO_ANSWER),
    (97, Kind.MAILBOX),
    (99, Kind.UNREACHABLE),
    (100, Kind.INVALID),
)


class BadDirectory(ValueError):
    """The file of people can't be used; the message says what is wrong in it."""


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: str
    persona: Kind
    voice: str = ""
    leads_to: dict[str, str] = {}  # for those who check what came of the calls; the network does not read it


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    people: tuple[_Entry, ...]


@dataclass(frozen=True, slots=True)
class Resident:
    """The person at a number. `voice`: as in `agent_runtime.engines.Voice`."""

    number: str
    persona: Persona
    voice: str


class Directory:
    """All numbers there are."""

    def __init__(self, named: dict[str, Resident] | None = None) -> None:
        self._named = named or {}

    @classmethod
    def read(cls, path: Path) -> "Directory":
        """The people in a TOML file: tables `people` with `number` (E.164), `persona` and, if wanted, `voice`.

        Raises:
            BadDirectory: no such file, not TOML, an unknown persona, a number twice.
        """
        try:
            entries = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).people
        except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise BadDirectory(f"the file of people {path} can't be used: {error}") from error
        named = {entry.number: Resident(entry.number, PERSONAS[entry.persona], entry.voice or _voice(entry.number)) for entry in entries}
        if len(named) < len(entries):
            raise BadDirectory(f"the file of people {path} has a number twice: name each once")
        return cls(named)

    def named(self) -> list[Resident]:
        """Those that the file names, in its order."""
        return list(self._named.values())

    def at(self, number: str) -> Resident:
        """Who answers `number` (E.164)."""
        return self._named.get(number) or Resident(number, PERSONAS[_kind(number)], _voice(number))


def _kind(number: str) -> Kind:
    pair = int(number[-2:])
    return next(kind for below, kind in _BY_DIGITS if pair < below)


def _voice(number: str) -> str:
    return VOICES[sum(int(digit) for digit in number if digit.isdigit()) % len(VOICES)]
