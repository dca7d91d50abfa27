#!/usr/bin/python3
"""mongodb+srv: the members, and the name of their set, are what the DNS says."""

import fcntl
import http.client
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import tap
from dns import NameServer
from gateway import Gateway, wait_for
from mongo import Primary, store

URI = "mongodb+srv://db.voice.test/voice?tls=false"
DNS_PORT = 53           # libc asks there and nowhere else
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def enter_own_network():
    """In it, this process is the only one, and the name server is its own."""
    if "OWN_NETWORK" not in os.environ:
        os.execvpe("unshare", ["unshare", "-mn" if os.geteuid() == 0 else "-rmn", sys.executable, *sys.argv],
                   {**os.environ, "OWN_NETWORK": "1"})
    with socket.socket() as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    with tempfile.NamedTemporaryFile("w") as f:
        f.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        f.flush()
        subprocess.run(["mount", "--bind", f.name, "/etc/resolv.conf"], check=True)


def services(primary):
    hosts = primary.uri.split("/")[2].split(",")
    return [(f"m{i}.voice.test", int(host.rpartition(":")[2])) for i, host in enumerate(hosts)]


def post(gateway):
    """(status, seconds) of a write"""
    begin = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    connection.request("POST", "/realtime/transcripts", json.dumps({"text": "hello"}),
                       {"Authorization": "Bearer " + gateway.token(), "Content-Type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status, time.monotonic() - begin


def an_election():
    """The set's name is in a TXT record: a write waits for the election"""
    with Primary() as primary, \
            NameServer(["127.0.0.1"], port=DNS_PORT, services=services(primary), texts=["replicaSet=rs0"]), \
            store(Gateway(), URI, timeout="5s", spool=None) as gateway:
        tap.equal(post(gateway)[0], 200, "the members are found")
        primary.say("election 2000")
        for fault in ("stepdown", "stepdown-wait"):
            primary.say(f"insert {fault}")
            status, seconds = post(gateway)
            tap.equal(status, 200, f"{fault}: no error to the client")
            tap.ok(1.5 < seconds < 5, "who waits for the new primary", seconds)
        tap.equal(len(primary.state()["documents"]), 3, "each is stored once")
        gateway.stop()
        gateway.remove()


def comes_later():
    """The name is not there when nginx starts"""
    with Primary() as primary, \
            NameServer([], port=DNS_PORT, texts=["replicaSet=rs0"]) as names, \
            store(Gateway(), URI, timeout="3s", spool=None) as gateway:
        tap.equal(post(gateway)[0], 503, "no store")
        tap.ok("write unavailable: " in gateway.log(), "the log says so")
        names.services = services(primary)
        names.addresses = ["127.0.0.1"]
        wait_for(lambda: post(gateway)[0] == 200, 10, "the name counts")
        tap.ok(True, "it is looked up again")
        gateway.stop()
        gateway.remove()


enter_own_network()
tap.run(an_election, comes_later)
