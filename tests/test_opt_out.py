"""Who says not to be called again is never missed; who only wants another time or number is not shut out."""

import pytest

from agent_runtime.opt_out import Wish, call_wish

NEVER = """
Never call me again.
Never call me again!
never call again
Don't call me again.
Don’t ever call me again!
Do not call me.
Please do not call here again.
Don't call this number any more.
Don't call me anymore, okay?
Stop calling me.
Stop calling.
Just stop calling here, will you?
Stop these calls.
Stop bothering me.
Please stop phoning us.
Take me off your list.
Take me off the list, please.
Could you take my number off your list?
Remove me from your database.
Please remove my number.
Remove my phone number from your system.
Put me on your do not call list.
Put me on the do-not-call list.
I'm on the do not call registry.
I want off this list.
Lose my number.
Delete my number.
No more calls, please.
I don't want any more calls.
I don't want to be called.
I do not want you to call me.
I don't want you calling me.
I never want to hear from you again.
I don't want to receive these calls.
Leave me alone.
Unsubscribe.
I'd like to opt out.
Opt me out.
Quit calling me.
You should not call me again.
I told you not to call me.
I said don't call me.
Don't bother calling again.
Don't bother me again.
Don't you dare call me again.
Yes, yes, but never call me again.
I am at work, never call me again.
It is late. Never call me again, not even tomorrow.
Don't contact me again.
Don't call here.
Don't call me at work.
Don't call me, I'll call you.
Get me off this list.
Don't text me.
I no longer wish to receive calls.
You never called me back. Take me off your list.
Don't call me now. Never call me.
Wait me alone.
But meet on your do not call it.
Not call this number anymore.
Don't call me sir, and don't call me again.
"""

LIMITED = """
Don't call me at work, call my mobile.
Don't call me here, call me on my cell phone.
Don't call me now.
Don't call me so early.
Please don't call before nine.
Do not call me at night.
Don't call me again today.
Stop calling me at work, use my mobile number.
Don't call me today, call me tomorrow.
Don't call me on Sundays.
Don't call me while I am driving.
Don't call this number, call my other number.
"""

NONE = """
Yes, that works for me.
Call me back tomorrow.
Can you call me again later?
You never called me back.
You never call me back.
Why didn't you call me before?
Please don't stop calling.
Don't call me sir.
Who is calling?
I can't take the call now.
I don't have a car, but I will be there.
I never miss my appointments.
No, I can't make it.
You did not call me yesterday.
I could not call you.
Put me on the list for Tuesday.
Please call again.
I don't know.
Is this about the list?
I do not need to call the office.
"""


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.mark.parametrize("line", lines(NEVER))
def test_never_again_is_understood_however_it_is_said(line: str) -> None:
    wish = call_wish(line)
    assert wish.wish is Wish.NEVER
    assert wish.words


@pytest.mark.parametrize("line", lines(NEVER))
def test_it_is_understood_as_recognition_may_write_it(line: str) -> None:
    assert call_wish(line.upper().replace(".", "").replace(",", "")).wish is Wish.NEVER
    assert call_wish(f"Uh, hello? {line} Goodbye.").wish is Wish.NEVER


@pytest.mark.parametrize("line", lines(LIMITED))
def test_another_time_or_number_is_no_opt_out(line: str) -> None:
    assert call_wish(line).wish is Wish.LIMITED


@pytest.mark.parametrize("line", lines(NONE))
def test_other_words_are_no_opt_out(line: str) -> None:
    assert call_wish(line).wish is Wish.NONE
