"""Signatures of the network's requests, as Twilio describes them: https://www.twilio.com/docs/usage/security"""

import base64
import hashlib
import hmac
from collections.abc import Mapping

HEADER = "X-Twilio-Signature"


def signature(auth_token: str, url: str, fields: Mapping[str, str] | None = None) -> str:
    """HMAC-SHA1 with the account's token over `url` (as requested, its query included) and the form's fields sorted by name."""
    signed = url + "".join(name + value for name, value in sorted((fields or {}).items()))
    return base64.b64encode(hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()).decode()
