"""Whether somebody said not to be called again: rules on the words, beside what the sentence vectors make of them.

A missed opt-out is the worst mistake this product can make, so the rules are wide: whatever forbids calls, without saying that
it is only for now or that another number is wanted, counts. Recognition writes the same words in several ways, so punctuation
and case do not matter.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Wish(StrEnum):
    """What was said about being called."""

    NEVER = "never"  # no call again, ever
    LIMITED = "limited"  # not now, not at this place, but another time or number is fine
    NONE = "none"  # nothing about it


@dataclass(frozen=True, slots=True)
class CallWish:
    """The wish and the words that say it."""

    wish: Wish
    words: str = ""


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(patterns) + r")\b")


_CALL = "(?:call|phone|ring|contact|bother|dial|harass|disturb|text|message)"
_CALLING = "(?:calling|phoning|ringing|contacting|bothering|dialing|dialling|harassing|disturbing|texting|messaging)"
_NOT = "(?:do not|don't|dont|never)"
_FEW = r"(?:\w+ ){0,2}"
_ME = f"(?:me|us|my {_FEW}number|this number|my name|my details)"
_DAY = "(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_HOUR = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon|midnight|\d+)"

# Each says it by itself.
_PLAIN = _any(
    f"(?:take|get|strike|scratch|cross) {_ME} (?:off|from|out)",
    f"(?:remove|delete|erase) {_ME}",
    r"(?:off|from|out of) (?:your|the|this|that|every|all|any) (?:\w+ )?(?:lists?|database|records?|system)",
    "(?:do not|don't|dont|no) call (?:list|registry|register)",
    f"(?:lose|forget) (?:my|this) {_FEW}number",
    f"no more {_FEW}calls?",
    f"stop (?:with )?(?:these|those|the|your|all|any) {_FEW}calls?",
    "leave (?:me|us) (?:alone|in peace|be)",
    "(?:wait|lay|let) me alone",  # how recognition hears "leave me alone" and "do not call list" on a bad line
    "your do not call",
    "unsubscribe|opt (?:me |us )?out|opting out",
    f"(?:{_NOT}|no longer) (?:ever )?(?:want|wish|like) to (?:be called|get called|be contacted|be bothered|hear from|receive|get)",
    f"{_NOT} (?:ever )?want (?:you|anyone|anybody|them|you people|you guys) (?:to )?(?:ever )?(?:{_CALL}|{_CALLING}|keep)",
    f"{_NOT} (?:ever )?want (?:any|your|more|these|those) {_FEW}calls?",
    f"(?:quit|cease) {_CALLING}",
)
# These forbid a call; what comes behind may limit it.
_NO_CALL = f"(?:{_NOT}|must not|mustn't|should not|shouldn't|better not|not to|no need to)"
_DO_UNHEARD = r"(?<!did )(?<!does )(?<!could )(?<!can )(?<!will )not call(?= (?:me|us|here|this number)\b)"
_PROHIBITION = re.compile(
    rf"\b(?:{_NO_CALL} (?:you )?(?:ever |even |dare |bother |please )*(?:{_CALL}|{_CALLING})|stop {_CALLING}|{_DO_UNHEARD})\b"
)
_FOR_EVER = _any("again", "anymore", "any more", "ever", "any longer")
_FOR_NOW = _any(
    "now|today|tonight|tomorrow|before|after|until|till|during|while|when|between",
    "this (?:week|month|morning|afternoon|evening|early|late)",
    "(?:so|too|that) (?:early|late)",
    "at (?:night|this hour|this time)",
    "in the (?:morning|afternoon|evening|middle)",
    f"on (?:a )?(?:weekend|{_DAY})s?",
    f"at {_HOUR}",
)
_INSTEAD = _any(
    r"(?:call|phone|ring|try|use|reach|contact|text) (?:me |us )?(?:back )?(?:(?:on|at|in|with) )?(?:(?:my|the|a|our) )?(?:\w+ )?"
    rf"(?:mobile|cell|cellphone|phone|home|office|other|number|landline|later|instead|back|tomorrow|tonight|morning|afternoon|evening|week|{_DAY})"
)
# Words that look like it and are something else.
_NOT_MEANT = _any(
    f"{_NOT} (?:stop calling|take me off|remove me)",  # "please don't stop calling"
    r"you (?:people |guys )?never (?:call|phone|ring|contact)(?:ed)?\b(?!.*\bagain\b)",  # a complaint: "you never call me back"
    rf"why (?:{_NOT}|did not|didn't|didnt) you (?:\w+ )?{_CALL}",
    f"(?:i|we|he|she|they) {_NOT} (?:call|phone|ring|bother)",  # not about our calls
)
_HARMLESS_AFTER = re.compile(r"^ (?:me |us )?(?:sir|madam|ma'am|miss|mister|mr|mrs|names|that|it|the (?:police|office|clinic|doctor))\b")


def call_wish(line: str) -> CallWish:
    """What `line` says about being called, with the words that say it."""
    plain = _NOT_MEANT.sub("", _plain(line))
    found = _PLAIN.search(plain)
    if found:
        return CallWish(Wish.NEVER, found.group().strip())
    wishes = [_prohibited(words) for words in _prohibitions(plain)]
    for wish in (Wish.NEVER, Wish.LIMITED):
        for each in wishes:
            if each.wish is wish:
                return each
    return CallWish(Wish.NONE)


def _prohibitions(plain: str) -> list[str]:
    """From each word that forbids calls to the end of the line."""
    return [plain[each.start() :] for each in _PROHIBITION.finditer(plain)]


def _prohibited(words: str) -> CallWish:
    """What a prohibition forbids: `words` begin with it. What limits it stands before the next one; another number may come later."""
    first, *others = _PROHIBITION.finditer(words)
    rest = words[first.end() :]
    after = words[first.end() : others[0].start()] if others else rest
    if _HARMLESS_AFTER.match(after):
        return CallWish(Wish.NONE)
    limited = _INSTEAD.search(rest) or (_FOR_NOW.search(after) and not _unlimited(after))
    return CallWish(Wish.LIMITED if limited else Wish.NEVER, (first.group() + after).strip())


def _unlimited(after: str) -> bool:
    """Whether "again" or "ever" comes, and nothing limits it right behind: "again today" is for today."""
    ever = _FOR_EVER.search(after)
    return ever is not None and not _FOR_NOW.match(after[ever.end() :].lstrip())


def _plain(line: str) -> str:
    """Lower case, straight apostrophes, single spaces, no punctuation."""
    straight = line.lower().replace("’", "'")
    return " ".join(re.sub(r"[^a-z0-9' ]", " ", straight.replace("-", " ")).split())
