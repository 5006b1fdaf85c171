"""A phone number as people write it is one number, or a reason and what to do."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.phone_numbers import InvalidNumber, read_number

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
SEPARATORS = st.sampled_from(["", "", "", "", " ", "-", ".", "/", "(", ")", ") ", " (0)", "  ", "–", ",", "x", "\u00a0", "#", "+"])


@pytest.mark.parametrize(
    ("written", "region"),
    [
        ("+493012345678", None),
        ("+49 30 12345678", None),
        ("+49-30-12345678", None),
        ("+49 (0)30 12345678", None),
        ("0049 30 12345678", None),
        ("+49.30.12345678", None),
        ("'+493012345678", None),
        (" +49/30/12345678 ", None),
        ('="+493012345678"', None),
        ("tel:+49-30-12345678", None),
        ("Tel. +49 30 123 456 78", None),
        ("＋４９ ３０ １２３４５６７８", None),
        ("030 12345678", "DE"),
        ("(030) 1234-5678", "DE"),
        ("493012345678", "DE"),
        ("011 49 30 12345678", "US"),
    ],
)
def test_one_number_in_many_forms_is_one_number(written: str, region: str | None) -> None:
    assert read_number(written, region) == "+493012345678"


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("", "empty"),
        ("n/a", "not a phone number"),
        ("4.4E+11", "scientific notation"),
        ("4,93012E+11", "scientific notation"),
        ("4.4e11", "scientific notation"),
        ("493012345678.0", "decimal"),
        ("#NAME?", "formula"),
        ("493012345678", r"lost its \+"),
        ("030 12345678", "no country code"),
        ("+1", "not a phone number"),
        ("+33 1 23", "too short"),
        ("+1 212 400 000", "too short"),
        ("+1 212 400 00000", "too long"),
        ("+999 123456789", "not a phone number"),
        ("+49 30 12345678 ext. 9", "extension"),
        ("+49 30 1234567 / +49 30 7654321", "not a phone number"),
        ("+" * 5000, "not a phone number"),
        ("9" * 5000, "not a phone number"),
    ],
)
def test_what_is_no_number_says_what_is_wrong_and_what_to_do(written: str, says: str) -> None:
    with pytest.raises(InvalidNumber, match=says) as told:
        read_number(written)
    assert told.value.what_to_do


def test_a_lost_plus_is_named_as_such_also_where_a_default_country_makes_the_number_too_long() -> None:
    with pytest.raises(InvalidNumber, match=r"lost its \+"):
        read_number("493012345678", "US")


def by_libphonenumber(written: str, region: str | None) -> str | None:
    try:
        parsed = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None
    if parsed.extension or not phonenumbers.is_possible_number(parsed):
        return None
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    e164: str = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return e164 if reason == phonenumbers.ValidationResult.IS_POSSIBLE else None


def by_us(written: str, region: str | None) -> str | None:
    try:
        return read_number(written, region)
    except InvalidNumber:
        return None


@st.composite
def international(draw: st.DrawFn) -> str:
    """A country code and digits, or a region's example with other digits at its end, with anything between them."""
    if draw(st.booleans()):
        digits = f"{draw(st.sampled_from(CODES))}{draw(st.text('0123456789', min_size=1, max_size=16))}"
    else:
        kind = draw(st.sampled_from([phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE]))
        example = phonenumbers.example_number_for_type(draw(st.sampled_from(REGIONS)), kind)
        whole = f"{example.country_code}{phonenumbers.national_significant_number(example)}" if example else "12124000000"
        end = draw(st.text("0123456789", max_size=5))
        digits = whole[: len(whole) - len(end)] + end
    return "+" + "".join(digit + draw(SEPARATORS) for digit in digits)


@settings(max_examples=500)
@given(international(), st.sampled_from([None, "US", "DE", "IT", "AR"]))
def test_every_number_is_read_as_libphonenumber_reads_it(written: str, region: str | None) -> None:
    assert by_us(written, region) == by_libphonenumber(written, region)


def test_each_region_s_examples_are_read_as_libphonenumber_reads_them() -> None:
    for region in REGIONS:
        for kind in phonenumbers.PhoneNumberType.values():
            if (example := phonenumbers.example_number_for_type(region, kind)) is None:
                continue
            for form in (phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.INTERNATIONAL):
                written = phonenumbers.format_number(example, form)
                assert by_us(written, None) == by_libphonenumber(written, None)
