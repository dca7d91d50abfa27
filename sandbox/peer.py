"""The media side of one call: a WebRTC peer that hears the caller, speaks and exchanges events."""

import asyncio

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from .errors import ApiError

CHANNEL = "oai-events"


def check_offer(offer):
    """Refuse what OpenAI refuses, in its words."""
    if not offer.endswith("\n"):
        raise ApiError("Failed to parse offer: failed to unmarshal SDP: EOF", "invalid_offer", "")
    if not offer.startswith("v=0") or "\nm=audio " not in offer:
        raise invalid_offer()


def invalid_offer():
    return ApiError("Invalid SDP offer. Please try again with a WHIP-compliant offer.",
                    "invalid_offer", "")


class Peer:
    """Tells its owner `on_open()`, `on_message(text)`, `on_audio(samples, ms)` and, when the
    other side is gone, `on_gone(why)`. The owner closes it."""

    def __init__(self, track, owner):
        self.track = track
        self.owner = owner
        self.channel = None
        self.connection = RTCPeerConnection()
        self.connection.addTrack(track)
        self.connection.on("datachannel", self._channel_opened)
        self.connection.on("track", self._track_added)
        self.connection.on("connectionstatechange", self._state_changed)
        self.listening = None

    async def answer(self, offer, dcid=None):
        """The SDP answer to an offer. `dcid`: id of a data channel both sides know of."""
        check_offer(offer)
        if dcid is not None:
            self._agree_on_channel(dcid)
        try:
            await self.connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            for transceiver in self.connection.getTransceivers():
                if transceiver.kind != "audio":
                    transceiver.direction = "inactive"
            await self.connection.setLocalDescription(await self.connection.createAnswer())
        except Exception as error:
            # aiortc raises whatever its parser stumbles over.
            raise invalid_offer() from error
        for transceiver in self.connection.getTransceivers():
            transceiver.sender.transport.on("statechange", self._transport_changed)
        return self.connection.localDescription.sdp

    def send(self, text):
        if self.channel is not None and self.channel.readyState == "open":
            self.channel.send(text)

    @property
    def has_channel(self):
        return self.connection.sctp is not None

    async def close(self):
        self.owner = None
        self.track.stop()
        await self.connection.close()
        if self.listening:
            self.listening.cancel()

    def _agree_on_channel(self, dcid):
        channel = self.connection.createDataChannel(CHANNEL, negotiated=True, id=dcid)
        channel.on("open", lambda: self._channel_opened(channel))

    def _channel_opened(self, channel):
        if self.channel is not None or self.owner is None:
            return
        self.channel = channel
        channel.on("message", self._message)
        channel.on("close", self._channel_closed)
        self.owner.on_open()

    def _message(self, message):
        if self.owner:
            self.owner.on_message(message)

    def _channel_closed(self):
        # Closing the channel alone leaves the media up; a lost association does not.
        if self.connection.sctp.state == "closed":
            self._gone("peer_closed")

    def _state_changed(self):
        if self.connection.connectionState == "connected" and self.owner:
            self.owner.on_connected()
        elif self.connection.connectionState == "failed":
            self._gone("peer_lost")

    def _transport_changed(self):
        for transceiver in self.connection.getTransceivers():
            transport = transceiver.sender.transport
            if transport.state == "closed":
                lost = transport.transport._connection.consent_lost
                self._gone("peer_lost" if lost else "peer_closed")

    def _gone(self, why):
        if self.owner:
            self.owner.on_gone(why)

    def _track_added(self, track):
        if track.kind == "audio" and self.listening is None:
            self.listening = asyncio.ensure_future(self._listen(track))

    async def _listen(self, track):
        try:
            while self.owner:
                frame = await track.recv()
                samples = frame.to_ndarray().reshape(-1)[::len(frame.layout.channels)]
                if self.owner:
                    self.owner.on_audio(samples, frame.samples * 1000 // frame.sample_rate)
        except MediaStreamError:
            # The caller's track is over. Whether the call is, its transport tells.
            pass
