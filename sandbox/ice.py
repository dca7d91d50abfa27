"""ICE for a peer that lives on loopback.

The sandbox behaves as OpenAI's media servers do (ICE lite, one public address): it offers one
host candidate, 127.0.0.1, and learns the browser's address from the first connectivity check.
Candidates of the offer are not used. That spares multicast DNS look-ups of a browser's `.local`
names, and offers made before gathering (OpenAI's browser SDK sends them) work too.
"""

import asyncio

import aioice
import aioice.ice
import aiortc.rtcicetransport

LOOPBACK = "127.0.0.1"
FIRST_CHECK_TIMEOUT = 60

# A vanished browser is noticed after about nine seconds instead of forty.
CONSENT_INTERVAL = 1.5


class LoopbackConnection(aioice.Connection):
    """An ICE agent that waits for the other side's first check."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._heard = asyncio.Event()
        self.consent_lost = False

    async def add_remote_candidate(self, remote_candidate):
        """Ignore it: the first check names the address that really works."""

    def request_received(self, message, addr, protocol, raw_data):
        super().request_received(message, addr, protocol, raw_data)
        self._heard.set()

    async def connect(self):
        try:
            await asyncio.wait_for(self._heard.wait(), FIRST_CHECK_TIMEOUT)
        except asyncio.TimeoutError:
            raise ConnectionError("no connectivity check arrived") from None
        if self._closed:
            raise ConnectionError("closed before a connectivity check arrived")
        await super().connect()

    async def close(self):
        # Only aioice's own consent check takes its handle away before it closes.
        self.consent_lost = bool(self._nominated) and self._query_consent_handle is None
        await super().close()
        # aioice's loop of checks ends only when its list is done.
        self._check_list_done = True
        self._heard.set()


def only_loopback_addresses():
    """Make every ICE agent of this process gather 127.0.0.1 and nothing else."""
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [LOOPBACK]


def install():
    """Make aiortc's peers of this process the loopback peers described above."""
    only_loopback_addresses()
    aioice.ice.CONSENT_INTERVAL = CONSENT_INTERVAL
    aiortc.rtcicetransport.Connection = LoopbackConnection
