#!/usr/bin/python3
"""Over HTTP/2: many requests on one connection, and clients that leave."""

import hashlib
import http.client
import json
import os
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import tap
from gateway import Gateway, digest_in, free_port, offer, wait_for
from http2 import Http2

PATH = "/realtime/webrtc-offer"
TRANSCRIPTS = "/realtime/transcripts"


class Http2Gateway(Gateway):
    def __init__(self):
        self.http2_port = free_port()
        super().__init__()
        os.mkdir(self.path("store"))
        self.store = self.path("store/realtime.db")
        self.configure(http=f"realtime_store sqlite:{self.store};",
                       server=f"listen 127.0.0.1:{self.http2_port} http2;"
                              f"location {TRANSCRIPTS} {{ realtime_transcripts; }}"
                              "location /realtime/status { realtime_status; }")

    def browser(self, **how):
        return Http2(self.http2_port, **how)

    def arrived(self, *nonces):
        """Waits until these offers are upstream."""
        wait_for(lambda: set(nonces) <= set(self.peer.log()["offers"]), 5, f"offers {nonces}")

    def hung_up(self, nonce):
        """Waits for the hang-up of a call; how many there were."""
        wait_for(lambda: self.peer.calls_of(nonce)[0]["hangups"], 10, f"the hang-up of {nonce}")
        return len(self.peer.calls_of(nonce)[0]["hangups"])


def answered(gateway):
    """Many offers at once on one connection: each gets its answer"""
    browser = gateway.browser()
    offers = [offer(f"many{i}", delay=0.1 * (i % 3)) for i in range(12)]
    streams = [browser.post(PATH, gateway.offer_headers(), sent) for sent in offers]
    answers = [browser.answer(stream) for stream in streams]
    browser.close()
    tap.equal([status for status, _, _ in answers], [201] * 12, "answered")
    tap.equal([digest_in(body) for _, _, body in answers],
              [hashlib.sha256(sent).hexdigest() for sent in offers], "with its own answer")
    calls = gateway.peer.log()["calls"]
    ids = [headers["location"].rpartition("/")[2] for _, headers, _ in answers]
    tap.equal([len(calls[i]["hangups"]) for i in ids], [0] * 12, "and its call goes on")


def refused(gateway):
    """An error has the same JSON, and the connection goes on"""
    browser = gateway.browser()
    status, headers, body = browser.answer(browser.post(PATH, {"content-type": "text/plain"}, b"v"))
    tap.equal((status, headers["www-authenticate"]), (401, "Bearer"), "no token")
    tap.ok(b'"code":"missing_token"' in body, "as JSON", body)
    status, _, body = browser.answer(browser.post(PATH, gateway.offer_headers(), b"v=1\r\n"))
    tap.equal((status, b"invalid_offer" in body), (400, True), "no offer")
    status, _, _ = browser.answer(browser.post(PATH, gateway.offer_headers(), offer("third")))
    tap.equal(status, 201, "the third request is answered")
    browser.close()


def cancelled(gateway):
    """A stream is cancelled: its call is ended, its neighbour's is not"""
    browser = gateway.browser()
    gone = browser.post(PATH, gateway.offer_headers(), offer("gone", hold=True))
    stays = browser.post(PATH, gateway.offer_headers(), offer("stays", hold=True))
    gateway.arrived("gone", "stays")
    browser.cancel(gone)
    wait_for(lambda: "client left while its offer was under way" in gateway.log(), 5, "the log")
    gateway.peer.release()
    tap.equal(gateway.hung_up("gone"), 1, "the call nobody wants is ended once")
    tap.equal(browser.answer(stays)[0], 201, "the other offer is answered")
    tap.equal(gateway.peer.calls_of("stays")[0]["hangups"], [], "and its call goes on")
    browser.close()


def connection_lost(gateway):
    """The whole connection goes: the calls of its offers are ended"""
    for how in (False, True):
        browser = gateway.browser()
        nonces = [f"lost{how}{i}" for i in range(3)]
        for nonce in nonces:
            browser.post(PATH, gateway.offer_headers(), offer(nonce, hold=True))
        gateway.arrived(*nonces)
        before = gateway.log().count("client left while its offer was under way")
        browser.close(reset=how)
        wait_for(lambda n=before: gateway.log().count("client left while its offer was under way")
                 == n + 3, 5, "the log")
        gateway.peer.release()
        tap.equal([gateway.hung_up(nonce) for nonce in nonces], [1] * 3,
                  "reset: each once" if how else "closed: each once")


def not_all_there(gateway):
    """The client goes before its offer is all there: nothing is sent"""
    browser = gateway.browser()
    stream = browser.post(PATH, gateway.offer_headers(), offer("half")[:500], end=False)
    browser.cancel(stream)
    status, _, _ = browser.answer(browser.post(PATH, gateway.offer_headers(), offer("next")))
    tap.equal(status, 201, "the connection goes on")
    tap.ok("half" not in gateway.peer.log()["offers"], "upstream heard nothing of the half")
    browser.close()


def not_taken(gateway):
    """A client that never takes its answer and goes: the call is ended"""
    browser = gateway.browser(window=0)
    stream = browser.post(PATH, gateway.offer_headers(), offer("untaken"))
    tap.equal(browser.headers(stream)[":status"], "201", "the answer begins")
    tap.equal(gateway.peer.calls_of("untaken")[0]["hangups"], [], "the call is live")
    browser.cancel(stream)
    tap.equal(gateway.hung_up("untaken"), 1, "until the client cancels")
    browser.close()


def transcripts(gateway):
    """Transcripts that wait for the store: written, whether their client stays or not"""
    headers = {**gateway.offer_headers(), "Content-Type": "application/json"}
    browser = gateway.browser()

    def post(text):
        return browser.post(TRANSCRIPTS, headers, json.dumps({"text": text}).encode())

    tap.equal(browser.answer(post("first"))[0], 200, "the first makes the file")
    with sqlite3.connect(gateway.store, isolation_level=None) as database:
        database.execute("BEGIN IMMEDIATE")
        streams = {text: post(text) for text in ("stays", "goes", "stays too", "goes too")}
        status, _, _ = browser.answer(browser.post(PATH, headers, b"{}"))
        tap.equal(status, 415, "nginx has read all of them")
        for text in ("goes", "goes too"):
            browser.cancel(streams[text])
        database.execute("ROLLBACK")
        for text in ("stays", "stays too"):
            tap.equal(browser.answer(streams[text])[0], 200, f"{text}: answered")
        all_five = {"first", *streams}
        tap.ok(wait_for(lambda: all_five == {row[0] for row in database.execute(
            "SELECT text FROM transcripts")}, 5, "all in the file"), "all are in the file")
    browser.close()


def counted(gateway):
    """All of it was counted"""
    def counters():
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=5)
        connection.request("GET", "/realtime/status", headers=gateway.offer_headers())
        counts = json.load(connection.getresponse())
        connection.close()
        names = "offers", "undelivered", "hangups", "hangups_failed", "transcripts"
        return [counts[f"{name}_total"] for name in names]

    # a hang-up counts once upstream has answered it
    wait_for(lambda: counters()[2] == 8, 5, "8 hang-ups")
    tap.equal(counters(), [15, 8, 8, 0, 5], "each of the tests above")


def over_http2():
    """Over HTTP/2"""
    with Http2Gateway() as gateway:
        worker = wait_for(gateway.workers, 5, "a worker")
        for test in (answered, refused, cancelled, connection_lost, not_all_there, not_taken,
                     transcripts, counted):
            tap.note(test.__doc__)
            test(gateway)
        tap.equal(gateway.workers(), worker, "the worker lives")
        twice = [nonce for nonce, count in gateway.peer.log()["offers"].items() if count != 1]
        tap.equal(twice, [], "no offer was sent twice")
    tap.equal(gateway.bad_lines(), [], "the error log has no alert and no secret")
    gateway.remove()


tap.run(over_http2)
