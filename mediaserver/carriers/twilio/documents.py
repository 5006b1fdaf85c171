"""What Twilio is told to do with an answered call: TwiML, https://www.twilio.com/docs/voice/twiml."""

from xml.sax.saxutils import escape, quoteattr

LONGEST_PARAMETER = 500  # characters of a Parameter's name and value together; the carrier cuts off the call of a longer one

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def connect(stream_url: str, token: str, again_url: str) -> str:
    """Open a media stream to `stream_url` (wss) and give `token` with its start, as the query string of the URL would be lost.

    What follows the stream runs when our side closes it: the carrier asks `again_url`, the answer door, what to do, which saves the
    call of a process that died. A wanted end is therefore a hang-up over REST before the socket closes.

    Raises:
        ValueError: a token that is too long for a Parameter.
    """
    if len("token") + len(token) >= LONGEST_PARAMETER:
        raise ValueError(f"the stream token has {len(token)} characters, a Parameter holds fewer than {LONGEST_PARAMETER} with its name")
    return (
        f"{_HEAD}<Response><Connect><Stream url={quoteattr(stream_url)}>"
        f'<Parameter name="token" value={quoteattr(token)}/></Stream></Connect>'
        f'<Redirect method="POST">{escape(again_url)}</Redirect></Response>'
    )


def hang_up() -> str:
    """End the call: its attempt has ended, or is not ours."""
    return f"{_HEAD}<Response><Hangup/></Response>"
