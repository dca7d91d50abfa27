"""What arrived: one entry for each request to the API, with hashes of its bytes and no secret."""

import collections
import hashlib
import time

from . import intake
from .errors import ApiError

KEPT = 10000
SECRET = ("authorization", "api-key", "cookie", "proxy-authorization")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Journal:
    """Served at GET /_sandbox/requests, so that a test can prove what was forwarded."""

    def __init__(self):
        self.entries = collections.deque(maxlen=KEPT)
        self.count = 0

    def enter(self, request, body, key):
        """Note a request that was read in full. The entry is completed by its answer."""
        self.count += 1
        entry = {
            "number": self.count, "at": time.time(), "method": request.method,
            "path": request.path, "query": dict(request.query),
            "headers": {name.lower(): value for name, value in request.headers.items()
                        if name.lower() not in SECRET},
            "connection": self._connection(request), "key": key,
            "body_sha256": sha256(body), "body_bytes": len(body),
            "offer_sha256": None, "offer_bytes": None, "session": None,
            "status": None, "call_id": None, "fault": False,
        }
        try:
            taken = intake.read(request.headers.get("Content-Type", ""), body, request.query)
        except ApiError:
            taken = None
        if taken:
            entry.update(offer_sha256=sha256(taken.offer), offer_bytes=len(taken.offer),
                         session=taken.session)
        self.entries.append(entry)
        return entry

    @staticmethod
    def _connection(request):
        peer = request.transport and request.transport.get_extra_info("peername")
        return peer[1] if peer else None

    def forget(self):
        self.entries.clear()
