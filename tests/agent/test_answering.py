"""Who picked up, told by their words, their breath and the tone."""

import pytest

from agent_runtime.answering import Answering, is_backchannel, is_hello, judge
from agent_runtime.calls import Who

MAILBOXES = [
    "Hi, you've reached Sam. I can't come to the phone right now.",
    "Please leave a message after the tone.",
    "Your call has been forwarded to an automated voice message system.",
    "The person you are calling is not available. At the tone, please record your message.",
    "Leave your name and number and I'll get back to you as soon as I can.",
    "This is the voicemail of Maria Lopez.",
    "The number you have dialed is not in service.",
    "Thank you for calling. Our office hours are nine to five.",
]
SCREENINGS = [
    "Please state your name and the reason for your call.",
    "Hi, the person you're calling is using a screening service from Google.",
    "Go ahead and say your name and why you are calling.",
    "Stay on the line.",
]
MENUS = ["For sales, press one.", "Please listen carefully as our menu options have changed.", "To speak to an agent, press 0."]
PEOPLE = [
    "Hello?",
    "Hi, this is Sam.",
    "Who is this?",
    "He can't come to the phone, I'm his wife.",
    "I am not available on Monday.",
    "Please leave me alone.",
    "I'll call you back.",
    "Yes, I can make it.",
    "Thank you for calling.",
    "I missed your call yesterday.",
    "What is your name?",
    "Can you press the doctor for an earlier time?",
]


@pytest.mark.parametrize("line", MAILBOXES)
def test_a_mailbox_is_known_by_its_words(line: str) -> None:
    assert judge(line, 500, 3500) is Who.VOICEMAIL


@pytest.mark.parametrize("line", SCREENINGS)
def test_a_screening_asks_who_calls(line: str) -> None:
    assert judge(line, 500, 3500) is Who.SCREENING


@pytest.mark.parametrize("line", MENUS)
def test_a_menu_names_keys(line: str) -> None:
    assert judge(line, 500, 3500) is Who.MENU


@pytest.mark.parametrize("line", PEOPLE)
def test_a_person_is_not_called_a_machine(line: str) -> None:
    assert judge(line, 500, 2500) is Who.HUMAN


def test_who_talks_for_long_without_a_breath_right_after_the_answer_is_a_recording() -> None:
    assert judge("Good day and welcome to everybody who wants to hear our news", 300, 7300) is Who.VOICEMAIL
    assert judge("Well let me think about that, I have so much to do on Monday", 30_000, 37_000) is Who.HUMAN


def test_silence_says_nothing_about_who_it_is_until_the_call_ends() -> None:
    answering = Answering()
    assert answering.heard("", 0, 100) is None
    verdicts = [answering.verdict.who]
    answering.silence(9000)
    verdicts.append(answering.verdict.who)
    assert verdicts == [Who.UNKNOWN, Who.NO_ONE]


def test_a_person_behind_a_screening_is_a_person_and_a_mailbox_stays_one() -> None:
    answering = Answering()
    assert answering.heard("Please state your name.", 500, 2000)
    assert answering.heard("Hello, Sam speaking.", 9000, 9900)
    assert answering.verdict.who is Who.HUMAN
    answering = Answering()
    assert answering.beep(4000)
    assert answering.heard("Hello?", 5000, 5500) is None
    assert answering.verdict.who is Who.VOICEMAIL


def test_a_tone_in_the_middle_of_a_talk_changes_nothing() -> None:
    answering = Answering()
    assert answering.heard("Hello?", 500, 900)
    assert answering.beep(60_000) is None
    assert answering.heard("I left a voicemail for you.", 70_000, 72_000) is None
    assert answering.verdict.who is Who.HUMAN


def test_the_verdict_has_its_evidence_and_time() -> None:
    answering = Answering()
    verdict = answering.heard(MAILBOXES[1], 700, 3100)
    assert verdict is not None
    assert (verdict.at_ms, verdict.says) == (3100, "a mailbox greeting of 2.4 s")


@pytest.mark.parametrize("line", ["Uh-huh.", "Mm-hmm.", "Mhm", "I see.", "Uh huh, uh huh."])
def test_a_backchannel_only_says_go_on(line: str) -> None:
    assert is_backchannel(line)


@pytest.mark.parametrize("line", ["Yes.", "No", "Okay, no", "Who is this?", "I see him", ""])
def test_what_says_more_is_no_backchannel(line: str) -> None:
    assert not is_backchannel(line)


@pytest.mark.parametrize("line", ["Hello?", "Hello, hello?", "Yes?", "Sam speaking.", "Hi, this is Sam.", "Good morning!"])
def test_a_hello_answers_the_phone(line: str) -> None:
    assert is_hello(line)


@pytest.mark.parametrize("line", ["Who is this?", "Yes, I can make it.", "Hello, who is this?", "This is the wrong number", ""])
def test_what_says_more_is_no_hello(line: str) -> None:
    assert not is_hello(line)
