"""How the callee sounded, from their words alone: VADER (Hutto and Gilbert, 2014), a lexicon with rules; 20 us per line.

It knows words, not intentions: "Take me off your list" is neutral to it. Somebody who does not want to be called again was not
pleased, so that counts as negative whatever the other lines are.
"""

from functools import cache

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from agent_runtime.opt_out import Wish, call_wish

CLEAR = 0.2  # mean beyond which the word is not neutral: one "yes, thanks" in five lines is not a pleased callee
OPTED_OUT = -0.6


def sentiment(lines: list[str]) -> tuple[float, str]:
    """The sentiment of the callee's `lines`: -1..1, and positive, neutral or negative. Lines without feeling weigh nothing."""
    scores = [score for score in map(_score, lines) if score]
    mean = sum(scores) / len(scores) if scores else 0.0
    if any(call_wish(line).wish is Wish.NEVER for line in lines):
        mean = min(mean, OPTED_OUT)
    word = "positive" if mean >= CLEAR else "negative" if mean <= -CLEAR else "neutral"
    return round(mean, 3), word


def _score(line: str) -> float:
    score: float = _analyzer().polarity_scores(line)["compound"]
    return score


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()  # reads its lexicon, 20 ms
