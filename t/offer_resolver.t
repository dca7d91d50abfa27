#!/usr/bin/python3
"""The host of realtime_upstream moves: offers and hang-ups follow its name."""

import http.client
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import tap
from dns import NameServer
from gateway import Gateway, offer, wait_for

FIRST, SECOND, NOBODY = "127.0.0.1", "127.0.0.2", "127.0.0.3"


def gateway_with(names):
    """Its libc finds localhost at FIRST; the name server has its own mind."""
    return Gateway(also=SECOND,
                   http=f"resolver 127.0.0.1:{names.port} ipv6=off; resolver_timeout 1s;",
                   server="add_header X-Upstream $upstream_addr always;")


def exchange(gateway, method, body):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    connection.request(method, "/realtime/webrtc-offer", body, gateway.offer_headers())
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers


def post(gateway, nonce="offer", **instructions):
    """An offer: the status of its answer, and the addresses that it went to."""
    status, headers = exchange(gateway, "POST", offer(nonce, **instructions))
    return status, headers["X-Upstream"].replace(f":{gateway.peer.port}", "").split(", ")


def moved(gateway, address, seconds):
    return wait_for(lambda: post(gateway)[1][-1] == address, seconds, f"offers to {address}")


def connections(gateway, address):
    return gateway.peer.log()["connections"].get(address, 0)


def followed():
    """Addresses of the name server replace those of the start, again and again"""
    with NameServer([SECOND]) as names, gateway_with(names) as gateway:
        tap.equal(post(gateway), (201, [FIRST]), "at first those that libc found")
        wait_for(lambda: names.asked, 5, "a query")
        tap.equal(exchange(gateway, "GET", b"")[0], 405, "nginx has seen its answer by now")
        tap.equal(set(names.asked), {"localhost"}, "the name is asked for")
        tap.equal([post(gateway) for _ in range(5)], [(201, [SECOND])] * 5,
                  "then all go to the new one, in spite of the connection kept to the old")
        tap.equal(connections(gateway, SECOND), 1, "on one connection")

        gateway.leave("left")
        wait_for(lambda: gateway.peer.calls_of("left")[0]["hangups"], 10, "the hang-up")
        tap.equal(gateway.peer.calls_of("left")[0]["at"], [SECOND], "its call is ended there")

        names.addresses = [FIRST]
        tap.ok(moved(gateway, FIRST, 15), "what the name server says later counts, too")
    tap.equal(gateway.bad_lines(), [], "the error log has no alert and no secret")
    gateway.remove()


def some_are_down():
    """Of several addresses those that answer are used"""
    with NameServer([NOBODY, SECOND]) as names, gateway_with(names) as gateway:
        moved(gateway, SECOND, 5)
        answers = [post(gateway, last=True) for _ in range(6)]
        tap.equal([status for status, _ in answers], [201] * 6, "each offer is answered")
        tried = [address for _, addresses in answers for address in addresses]
        tap.equal(tried.count(SECOND), 6, "by the one address")
        tap.ok(tried.count(NOBODY) <= 1, "the other is left alone for a while", answers)
    tap.equal(gateway.bad_lines(), [], "the error log has no alert and no secret")
    gateway.remove()


def without_an_answer(addresses, why):
    with NameServer(addresses) as names, gateway_with(names) as gateway:
        wait_for(lambda: why in gateway.log(), 10, why)
        tap.ok("localhost could not be resolved" in gateway.log(), "the log says so")
        tap.equal(post(gateway), (201, [FIRST]), "the addresses of the start are used")
    tap.equal(gateway.bad_lines(), [], "the error log has no alert and no secret")
    gateway.remove()


def no_such_name():
    """A name that has gone: the former addresses stay"""
    without_an_answer([], "Host not found")


def silent():
    """A name server that is silent: the former addresses stay"""
    without_an_answer(None, "timed out")


tap.run(followed, some_are_down, no_such_name, silent)
