"""Who may call: the standard key, and ephemeral keys made with it."""

import hmac
import time

from . import ids
from .errors import ApiError

DOCS = "https://platform.openai.com/account/api-keys"


class Keys:
    """Ephemeral keys are forgotten when they expire. Keys are never written anywhere."""

    def __init__(self, standard):
        self.standard = standard
        self.ephemeral = {}

    def create(self, session, seconds):
        """A new ephemeral key for `session`: (key, when it expires)."""
        now = time.time()
        self.ephemeral = {key: held for key, held in self.ephemeral.items() if held[0] > now}
        key = ids.ephemeral_key()
        self.ephemeral[key] = (int(now + seconds), session)
        return key, self.ephemeral[key][0]

    @staticmethod
    def given(headers):
        """The key of a request, or None."""
        scheme, _, key = headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and key.strip():
            return key.strip()
        return headers.get("api-key")

    def check(self, headers):
        """None for the standard key, else the session an ephemeral key was made for."""
        key = self.given(headers)
        if key is None:
            raise ApiError("You didn't provide an API key. You need to provide your API key in "
                           "an Authorization header using Bearer auth (i.e. Authorization: "
                           f"Bearer YOUR_KEY). You can obtain an API key from {DOCS}.",
                           status=401)
        if hmac.compare_digest(key.encode(), self.standard.encode()):
            return None
        expires, session = self.ephemeral.get(key, (0, None))
        if session is None:
            raise ApiError(f"Incorrect API key provided: {self._masked(key)}. You can find your "
                           f"API key at {DOCS}.", "invalid_api_key", status=401)
        if expires <= time.time():
            raise ApiError("Your ephemeral token has expired.", "token_expired", status=401)
        return session

    def check_standard(self, headers):
        if self.check(headers) is not None:
            raise ApiError("This endpoint needs a standard API key.", "invalid_api_key",
                           status=401)

    @staticmethod
    def _masked(key):
        return key[:3] + "*" * max(4, min(len(key) - 3, 20))
