"""A table's columns become a number, a name and variables, its rows contacts or problems. Pure."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dialer.csv_reading import MAX_FIELD, NotACsv, Table
from dialer.phone_numbers import InvalidNumber, read_number

NUMBER, NAME = "phone_number", "contact_name"
MAX_NAME = 200
_WRITTEN_OUT = {ord(letter): written for letter, written in zip("äöüÄÖÜß", ("ae", "oe", "ue", "Ae", "Oe", "Ue", "ss"), strict=True)}
_KNOWN_AS: Mapping[str, str] = {
    name: target
    for target, names in {
        NUMBER: ("phone_number", "phone", "phonenumber", "number", "mobile", "mobile_number", "telephone", "tel", "cell"),
        NAME: ("contact_name", "name", "full_name", "contact"),
    }.items()
    for name in names
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """`columns`: header as it stands in the file -> variable, "" leaves a column out; headers that are not named keep their own name in
    snake_case. `default_region`: ISO country code for numbers without country code. `dry_run`: report only."""

    default_region: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    all_or_nothing: bool = False
    dry_run: bool = False
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One row that did not go in. `line`: of the file, from 1; `column`: its header, empty where the whole row is meant."""

    line: int
    column: str
    problem: str
    what_to_do: str


@dataclass(frozen=True, slots=True)
class ContactRow:
    """One row that can go in. `number`: E.164."""

    line: int
    number: str
    name: str
    variables: dict[str, str]

    def shown(self) -> dict[str, str]:
        """As a row of a preview: what the agent will know."""
        return {NUMBER: self.number, NAME: self.name} | self.variables


class ContactTable:
    """The contacts in a table. `columns`: header -> variable, without those left out.

    Raises:
        NotACsv: no column holds the number, or two have the same name; while the rows are read: as the table does.
    """

    def __init__(self, table: Table, options: ImportOptions) -> None:
        self._table = table
        self._region = options.default_region
        self._names = _variable_names(self._table.header, options.columns)
        self.columns = {header: name for header, name in zip(table.header, self._names, strict=True) if name}
        self.number_column = self._header_of(NUMBER)

    def __iter__(self) -> Iterator[ContactRow | Problem]:
        for line, cells in self._table.rows:
            yield self._read(line, cells)

    def _header_of(self, name: str) -> str:
        return self._table.header[self._names.index(name)]

    def _read(self, line: int, cells: Sequence[str]) -> ContactRow | Problem:
        names = self._names
        if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
            said = f"the row has {len(cells)} fields, the header {len(names)}"
            return Problem(line, "", said, "look for a delimiter inside a field; quote it")
        values: dict[str, str] = {}
        for name, column, cell in zip(names, self._table.header, cells, strict=False):
            if len(cell) > MAX_FIELD:
                said = f"the field has more than {MAX_FIELD:,} characters"
                return Problem(line, column, said, "shorten it; look for a quote that is not closed")
            if "\0" in cell:
                return Problem(line, column, "the field has a zero byte", "remove it")
            if name:
                values[name] = cell.strip()
        try:
            number = read_number(values.pop(NUMBER, ""), self._region)
        except InvalidNumber as error:
            return Problem(line, self.number_column, error.problem, error.what_to_do)
        name = values.pop(NAME, "")
        if len(name) > MAX_NAME:
            return Problem(line, self._header_of(NAME), f"the name has more than {MAX_NAME} characters", "shorten it")
        return ContactRow(line, number, name, values)


def snake_case(header: str) -> str:
    """A header as the name of a variable: letters, digits and underscores, not beginning with a digit; empty where nothing is left."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", header.replace("\ufeff", ""))
    name = re.sub(r"[^a-z0-9]+", "_", _plain_letters(spaced).lower()).strip("_")
    return f"_{name}" if name[:1].isdigit() else name


def _plain_letters(text: str) -> str:
    """Accents dropped, umlauts and sharp s written out: variables are named in ASCII."""
    return unicodedata.normalize("NFKD", text.translate(_WRITTEN_OUT)).encode("ascii", "ignore").decode()


def _variable_names(header: Sequence[str], mapping: Mapping[str, str]) -> list[str]:
    """The variable of each column; "" for those left out.

    Raises:
        NotACsv: no column holds the phone number, or two have the same name.
    """
    names = [snake_case(mapping.get(column, column)) for column in header]
    for target in (NUMBER, NAME):
        if target not in names:
            known = [i for i, name in enumerate(names) if _KNOWN_AS.get(name) == target and header[i] not in mapping]
            if len(known) == 1:
                names[known[0]] = target
    if NUMBER not in names:
        there = ", ".join(repr(column) for column in header[:10])
        raise NotACsv(f"no column is called {NUMBER} (there are {there}): rename the one with the numbers, or map it")
    twice = {name for name in names if name and names.count(name) > 1}
    if twice:
        raise NotACsv(f"two columns are called {', '.join(sorted(twice))}: rename one of them, or leave it out")
    return names
