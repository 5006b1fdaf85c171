"""What anybody may say on the phone whatever the call is about: intents that every script understands without being told.

A step's own intents come first where both fit equally. Intents named "yes" and "no" in a step get the examples here beside
their own.
"""

import re

REPEAT = "repeat"
WHO_IS_THIS = "who_is_this"
ARE_YOU_ROBOT = "are_you_robot"
NOT_NOW = "not_now"
WRONG_PERSON = "wrong_person"
OPT_OUT = "opt_out"
GOODBYE = "goodbye"
HOLD_ON = "hold_on"
GREETING = "greeting"
YES = "yes"
NO = "no"

ANSWERS: dict[str, tuple[str, ...]] = {
    YES: (
        "yes", "yeah", "yep", "sure", "of course", "okay", "alright", "certainly", "absolutely", "definitely", "correct",
        "that's right", "that works", "that's fine", "that works for me", "yes please", "yes I can", "sounds good", "perfect",
        "I will be there", "I'll be there", "I can make it", "yes, that's fine", "sure, no problem", "I'd love to", "I think so",
    ),
    NO: (
        "no", "nope", "no thanks", "no thank you", "not really", "I can't", "I cannot", "no I can't", "I'm afraid not", "no way",
        "that doesn't work", "that doesn't work for me", "I don't want to", "I won't be there", "I can't make it", "I don't think so",
        "I'm not able to", "unfortunately not", "no, I can't make it", "sorry, that won't work",
    ),
}  # fmt: skip

BUILT_IN: dict[str, tuple[str, ...]] = {
    REPEAT: (
        "what?", "pardon?", "sorry?", "excuse me?", "can you repeat that?", "could you say that again?", "what did you say?", "come again?",
        "I didn't hear you", "I didn't catch that", "I couldn't understand you", "please repeat", "sorry, say again",
        "can you speak up?", "you're breaking up", "I can't hear you", "sorry, what was that?", "what was that?", "what time was that?",
        "when was it again?",
    ),
    WHO_IS_THIS: (
        "who is this?", "who's calling?", "who are you?", "who am I speaking to?", "hello, who is this?", "what is this about?",
        "where are you calling from?", "what company is this?", "which company?", "why are you calling me?", "what do you want?",
        "who's there?", "may I ask who is calling?", "what's this call about?", "sorry, who is this?", "I don't know you, who are you?",
        "how did you get my number?", "what is your name?",
    ),
    ARE_YOU_ROBOT: (
        "are you a robot?", "am I talking to a robot?", "is this a machine?", "is this a real person?", "are you a real person?",
        "are you human?", "am I speaking to a computer?", "is this a recording?", "is this an automated call?", "are you an AI?",
        "you sound like a robot", "is this a bot?", "am I talking to a person?",
    ),
    NOT_NOW: (
        "not now", "I'm busy", "I can't talk right now", "call me later", "can you call me back later?", "call me back", "I'm driving",
        "I'm in a meeting", "it's a bad time", "now is not a good time", "this isn't a good time", "I'm at work right now",
        "call me tomorrow at five", "could you call me back tomorrow?", "try again later", "call back in an hour", "I have no time now",
        "can we talk later?", "I'm in the middle of something", "please call again this evening", "I can't speak at the moment",
        "ring me back in ten minutes",
    ),
    WRONG_PERSON: (
        "you have the wrong number", "wrong number", "wrong person", "there is no one here by that name", "that's not me",
        "I'm not that person", "nobody by that name lives here", "you've got the wrong person", "I don't know who that is",
        "she doesn't live here any more", "he is not here", "that is my mother, not me", "I think you have the wrong number",
        "this isn't her phone", "I don't have an appointment with you, you must have the wrong person",
    ),
    OPT_OUT: (
        "never call me again", "take me off your list", "stop calling me", "don't call me any more", "remove my number",
        "I don't want these calls", "put me on your do not call list", "leave me alone", "do not contact me again",
    ),
    GOODBYE: (
        "goodbye", "bye", "bye bye", "have a nice day, bye", "see you", "I have to go, bye", "I'm hanging up now", "thanks, bye",
        "that's all, goodbye", "take care, bye",
    ),
    HOLD_ON: (
        "one moment please", "hold on", "just a second", "wait a minute", "let me check", "hang on", "give me a second",
        "one moment, let me check my calendar", "let me see",
    ),
    GREETING: (
        "hello?", "hello", "hi", "good morning", "good afternoon", "hey there", "hello, are you there?", "yes hello?", "speaking",
        "this is she", "this is he speaking", "that's me", "yes, speaking", "hello, this is me", "yes, this is he",
        "this is Anna speaking",
    ),
}  # fmt: skip

_BACKCHANNEL = re.compile(r"(?:uh ?huh|mm ?hmm|mhm|mmhmm|m+|hm+|ah|oh|aha|okay|ok|right|i see|go on|got it|yeah yeah)")


def is_backchannel(line: str) -> bool:
    """Whether `line` only tells us to go on: "uh-huh", "okay", "I see"."""
    words = " ".join(re.sub(r"[^a-z ]", " ", line.lower().replace("-", " ")).split())
    return _BACKCHANNEL.fullmatch(words) is not None
