"""A name server on loopback that says what the test wants."""

import socket
import struct
import threading

A, TXT, SRV, IN = 1, 16, 33, 1
NO_ERROR, NO_SUCH_NAME = 0, 3


def label(text):
    return bytes([len(text)]) + text.encode()


def name_of(host):
    return b"".join(label(part) for part in host.split(".")) + b"\0"


class NameServer:
    """addresses is a list for every name, [] for a name that is not there, and
    None for a server that does not answer. Changes count from the next query.
    So is services, of (host, port), and texts, of strings of 255 bytes at most."""

    def __init__(self, addresses, ttl=1, port=0, services=(), texts=()):
        self.addresses = addresses
        self.services = services
        self.texts = texts
        self.ttl = ttl
        self.asked = []                     # the names, once they were answered
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            query, client = self.socket.recvfrom(512)
            if not query:
                return
            name, kind, question = self.question(query)
            if self.addresses is not None:
                self.socket.sendto(self.answer(query[:2], kind, question), client)
            self.asked.append(name)

    @staticmethod
    def question(query):
        """The name, the kind of record, and the section they are in (RFC 1035, 4)."""
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        kind, = struct.unpack("!H", query[at + 1:at + 3])
        return ".".join(labels), kind, query[12:at + 5]

    def answer(self, number, kind, question):
        """Nothing but these kinds has a record."""
        status = NO_ERROR if self.addresses else NO_SUCH_NAME
        records = []
        if kind == A:
            records = [socket.inet_aton(address) for address in self.addresses]
        elif kind == SRV:
            records = [struct.pack("!HHH", 0, 0, port) + name_of(host) for host, port in self.services]
        elif kind == TXT:
            records = [label(text) for text in self.texts]
        head = number + struct.pack("!HHHHH", 0x8180 | status, 1, len(records), 0, 0)
        return head + question + b"".join(
            # 0xc00c points to the name in the question
            struct.pack("!HHHIH", 0xc00c, kind, IN, self.ttl, len(record)) + record
            for record in records)

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join(5)
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
