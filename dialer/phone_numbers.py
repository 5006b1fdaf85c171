"""A phone number as people write it -> E.164. Pure."""

import re
from dataclasses import dataclass
from functools import cache

import phonenumbers


class InvalidNumber(ValueError):
    """No number that can be called: what is wrong with it, and what to do."""

    def __init__(self, problem: str, what_to_do: str) -> None:
        super().__init__(f"{problem}: {what_to_do}")
        self.problem, self.what_to_do = problem, what_to_do


_SPREADSHEET = re.compile(r"^[+-]?\d+([.,]\d+)?[eE][+-]?\d+$")
_LONG_NUMBER = re.compile(r"\+?\d[\d ]{5,}\d")
_WHOLE_AS_DECIMAL = re.compile(r"^\+?\d{6,}[.,]0+$")
_SPREADSHEET_ERROR = re.compile(r"^#(ERROR|NAME|VALUE|REF|NUM|N/A|DIV/0)")
_SEPARATORS = str.maketrans("", "", " ().-/")
_MAX_WRITTEN = 100
_NEVER = r"(?!)"
_REASONS = {
    phonenumbers.ValidationResult.TOO_SHORT: "is too short",
    phonenumbers.ValidationResult.TOO_LONG: "is too long",
    phonenumbers.ValidationResult.INVALID_COUNTRY_CODE: "has no valid country code",
    phonenumbers.ValidationResult.INVALID_LENGTH: "has a wrong length",
    phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "lacks its area code",
}


def masked(text: object) -> str:
    """A text for a log, of each phone number in it only the last two digits."""
    return _LONG_NUMBER.sub(lambda found: "*" * (len(found.group()) - 2) + found.group()[-2:], str(text))


def read_number(text: str, default_region: str | None = None) -> str:
    """The number in `text` as E.164. `default_region`: ISO country code (DE) for numbers without country code.

    Raises:
        InvalidNumber
    """
    written = text.strip().lstrip("'").strip()
    if not written:
        raise InvalidNumber("the phone number is empty", "fill it in, with country code")
    if _SPREADSHEET.match(written):
        raise InvalidNumber(
            "a spreadsheet turned the number into scientific notation, and its last digits are gone",
            "format the column as text in the spreadsheet, enter the number again and export anew",
        )
    if _WHOLE_AS_DECIMAL.match(written):
        raise InvalidNumber(
            "a spreadsheet turned the number into a decimal", "format the column as text in the spreadsheet and export anew"
        )
    if _SPREADSHEET_ERROR.match(written):
        raise InvalidNumber("a spreadsheet took the number for a formula", "format the column as text in the spreadsheet and export anew")
    if written.startswith("00") and default_region is None:
        written = "+" + written[2:]
    return _plainly(written) or _parse(written, default_region)


def _plainly(written: str) -> str | None:
    """What libphonenumber makes of a number that is written as + and digits, in a tenth of its time; None where it has more to decide:
    a national prefix that may have to go, leading zeros, a length that is wrong."""
    digits = written[1:].translate(_SEPARATORS)
    if not written.startswith("+") or len(written) > _MAX_WRITTEN or not (digits.isascii() and digits.isdecimal()):
        return None
    for length in (1, 2, 3):
        if (plan := _plan(digits[:length])) is not None:
            national = digits[length:]
            fits = len(national) in plan.lengths and national[0] != "0" and not plan.national_prefix.match(national)
            return f"+{digits}" if fits else None
    return None


@dataclass(frozen=True, slots=True)
class _Plan:
    """Of a country's numbers: how many digits follow the country code, and what may stand before them at home."""

    lengths: frozenset[int]
    national_prefix: re.Pattern[str]


@cache
def _plan(country_code: str) -> _Plan | None:
    """From libphonenumber's tables; None where that is no country code."""
    region = phonenumbers.region_code_for_country_code(int(country_code))
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(int(country_code), region)
    if metadata is None or (numbers := metadata.general_desc) is None:
        return None
    lengths = frozenset(numbers.possible_length) - frozenset(numbers.possible_length_local_only)
    return _Plan(lengths, re.compile(metadata.national_prefix_for_parsing or _NEVER))


def _parse(written: str, default_region: str | None) -> str:
    try:
        parsed = phonenumbers.parse(written, default_region)
    except phonenumbers.NumberParseException as error:
        if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE and not written.startswith("+"):
            raise _without_country_code(written) from error
        raise InvalidNumber("this is not a phone number", "write it with country code, such as +49 30 1234567") from error
    if parsed.extension:
        raise InvalidNumber("the number has an extension, which can't be dialed", "leave the extension out")
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        if not written.startswith("+") and _lost_its_plus(written):
            raise _without_country_code(written)
        raise InvalidNumber(f"the number {_REASONS.get(reason, 'is not possible')}", "check it against its source")
    e164: str = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return e164


def _without_country_code(written: str) -> InvalidNumber:
    if _lost_its_plus(written):
        return InvalidNumber(
            "the number has lost its + (spreadsheets drop it), or lacks its country code", "write it with + and country code"
        )
    return InvalidNumber(
        "the number has no country code", "write it as +, country code and number, or choose a default country for the file"
    )


def _lost_its_plus(written: str) -> bool:
    digits = re.sub(r"\D", "", written)
    return len(digits) >= 10 and _is_valid(f"+{digits}")


def _is_valid(written: str) -> bool:
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(written)))
    except phonenumbers.NumberParseException:
        return False
