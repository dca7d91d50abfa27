"""A browser's HTTP/2 connection, in the clear: streams that end, or do not."""

import socket
import struct

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings


class Http2:
    def __init__(self, port, window=65535):
        """window: what may come of a body before the client has read it."""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.answers = {}       # stream: [headers, body, whether it has ended]
        self.send()

    def send(self):
        self.socket.sendall(self.h2.data_to_send())

    def post(self, path, headers, body, end=True):
        """Begins a request; without end its body is not all there yet."""
        stream = self.h2.get_next_available_stream_id()
        fields = [(":method", "POST"), (":scheme", "http"), (":authority", "gateway"),
                  (":path", path), *((name.lower(), value) for name, value in headers.items())]
        self.answers[stream] = [None, b"", False]
        self.h2.send_headers(stream, fields)
        self.h2.send_data(stream, body, end_stream=end)
        self.send()
        return stream

    def read(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("nginx closed the connection")
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                self.answers[event.stream_id][0] = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                self.answers[event.stream_id][1] += event.data
            elif isinstance(event, h2.events.StreamEnded):
                self.answers[event.stream_id][2] = True
            elif isinstance(event, h2.events.StreamReset):
                raise ConnectionError(f"nginx reset the stream: {event.error_code}")
        self.send()

    def headers(self, stream):
        while self.answers[stream][0] is None:
            self.read()
        return self.answers[stream][0]

    def answer(self, stream):
        """Status, headers and body."""
        while not self.answers[stream][2]:
            self.read()
        headers, body, _ = self.answers[stream]
        return int(headers[":status"]), headers, body

    def cancel(self, stream):
        """What fetch() does when it is aborted."""
        self.h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
        self.send()

    def close(self, reset=False):
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
