"""Who picked up: told by what was said, how long it was said in one breath, and the machine's tone. Pure; each verdict has its evidence.

A person is never made to wait for the verdict: the agent speaks all the while, and until something else is known it talks to a person.
"""

import re
from dataclasses import dataclass

from agent_runtime.calls import Who

MONOLOGUE_MS = 6000  # who talks so long without a pause, right after the answer, is a recording
LONG_MS = 4000  # an answer of one breath is shorter
FIRST_WORDS_MS = 25_000  # a recording introduces itself early; what is said later is conversation
SHORT_MS = 2500


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(phrases)})\b")


_VOICEMAIL = _any(
    r"leave (?:me |us )?(?:a|your) (?:brief |short |detailed |quick )?(?:message|name)",
    r"(?:after|at|wait for|hear) the (?:tone|beep|signal)",
    r"record (?:your|a) (?:\w+ )?message",
    r"voice ?mail(?: ?box)?|mailbox|answering (?:machine|service)",
    r"(?:forwarded|transferred) to (?:an automated|a voice)",
    r"the (?:person|party|number|subscriber|customer) (?:that )?you (?:are|have|were) (?:calling|called|trying|dialed|dialled)"
    r" (?:\w+ ){0,4}(?:unavailable|not available|not in service|cannot|can't|is not)",
)
_PERHAPS_VOICEMAIL = _any(  # a person may say one of these; a machine says two, or goes on and on
    r"(?:not|isn't|aren't|currently) available|unavailable",
    r"(?:can't|cannot|can not|unable to) (?:come to|get to|take|answer) (?:the|your|my) (?:phone|call)",
    r"(?:you've|you have|this is) reached",
    r"(?:i'll|we'll|i will|we will) (?:get|call|ring) (?:you )?back|as soon as (?:i|we) can|missed your call",
    r"away from (?:my|the) (?:phone|desk)|our (?:office|opening) hours|thank(?:s| you) for calling",
)
_SCREENING = _any(
    r"(?:state|say|record) your name(?: and (?:the )?(?:reason|why))?|who(?:'s| is) calling and why|reason for (?:your )?call(?:ing)?",
    r"call screening|screening service|call assist|google assistant|the person you(?:'re| are) calling is using",
    r"before i (?:try to )?connect you|i'll see if (?:this person|they) (?:is|are) available|stay on the line",
)
_MENU = _any(
    r"press (?:or say )?(?:one|two|three|four|five|six|seven|eight|nine|zero|star|pound|\d)|for (?:\w+ ){1,3}press",
    r"main menu|(?:listen|choose) (?:carefully|from the following)|our menu (?:options )?(?:has|have) changed|dial (?:the )?extension",
)
_BACKCHANNEL = re.compile(r"(?:(?:uh+[ -]?hu+h|m+h?m+|mm+[ -]?hm+|m+[ -]?h+m+|hm+|um+|uh+|ah+|oh+|huh|i see|go on|right)[ ]?)+")
_HELLO = re.compile(
    r"(?:(?:hello+|hi+|hey|hallo|yes|yeah|yep|good (?:morning|afternoon|evening|day)|there|speaking"
    r"|this is (?!the )\w+(?: \w+)?(?: speaking)?|\w+ speaking|hello who is there)[ ]?)+"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who picked up, why we say so, and when it became known (ms since the leg began)."""

    who: Who
    says: str
    at_ms: int


class Answering:
    """What is known so far of who picked up. A verdict against a person needs words or a tone of a machine; once a conversation
    has turned on a person's answer, it stays with a person."""

    def __init__(self) -> None:
        self.verdict = Verdict(Who.UNKNOWN, "nothing was said yet", 0)

    def heard(self, text: str, start_ms: int, end_ms: int) -> Verdict | None:
        """One utterance. The new verdict, or None when nothing changed."""
        found = judge(text, start_ms, end_ms)
        if found is None or not self._may_become(found, end_ms):
            return None
        if found == self.verdict.who:
            return None
        return self._settle(found, _reason(found, end_ms - start_ms), end_ms)

    def beep(self, at_ms: int) -> Verdict | None:
        """A machine's tone ended. A tone long into a talk with a person is no mailbox's."""
        if self.verdict.who is Who.VOICEMAIL or (self.verdict.who is Who.HUMAN and at_ms > FIRST_WORDS_MS):
            return None
        return self._settle(Who.VOICEMAIL, "a beep was heard", at_ms)

    def silence(self, at_ms: int) -> None:
        """Nobody has said a word, and the call ends."""
        if self.verdict.who is Who.UNKNOWN:
            self._settle(Who.NO_ONE, "nobody said a word", at_ms)

    def _may_become(self, found: Who, at_ms: int) -> bool:
        if found is Who.HUMAN:  # behind a screening there may be a person; behind a mailbox there is none
            return self.verdict.who in (Who.UNKNOWN, Who.SCREENING, Who.NO_ONE)
        if self.verdict.who is Who.VOICEMAIL:
            return False
        return at_ms <= FIRST_WORDS_MS or self.verdict.who is not Who.HUMAN

    def _settle(self, who: Who, says: str, at_ms: int) -> Verdict:
        self.verdict = Verdict(who, says, at_ms)
        return self.verdict


def judge(text: str, start_ms: int, end_ms: int) -> Who | None:
    """Who says `text`, by itself; None where it tells nothing."""
    plain = simplified(text)
    if not plain:
        return None
    if _SCREENING.search(plain):
        return Who.SCREENING
    hints = len(set(_PERHAPS_VOICEMAIL.findall(plain)))
    if _VOICEMAIL.search(plain) or hints >= 2 or (hints and end_ms - start_ms >= LONG_MS):
        return Who.VOICEMAIL
    if _MENU.search(plain):
        return Who.MENU
    if end_ms - start_ms >= MONOLOGUE_MS and start_ms < SHORT_MS:
        return Who.VOICEMAIL
    return Who.HUMAN


def _reason(who: Who, length_ms: int) -> str:
    if who is Who.HUMAN:
        return "somebody answered in their own words"
    if who is Who.VOICEMAIL:
        return f"a mailbox greeting of {length_ms / 1000:.1f} s"
    return "an assistant asked who is calling" if who is Who.SCREENING else "a menu was read out"


def is_backchannel(text: str) -> bool:
    """Whether `text` only says "go on": uh-huh, mm-hmm, I see."""
    return _BACKCHANNEL.fullmatch(simplified(text)) is not None


def is_hello(text: str) -> bool:
    """Whether `text` only answers the phone: hello, yes, this is Sam."""
    plain = simplified(text)
    return _HELLO.fullmatch(plain) is not None or _BACKCHANNEL.fullmatch(plain) is not None


def simplified(text: str) -> str:
    """Lower case, straight apostrophes, no punctuation but hyphens within words, single spaces."""
    return " ".join(re.sub(r"[^a-z0-9' -]", " ", text.lower().replace("’", "'")).replace(" -", " ").replace("- ", " ").split())
