#!/usr/bin/python3
"""Calls that nobody received are ended upstream, and no offer is sent twice."""

import http.client
import json
import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

# pylint: disable=wrong-import-position
import tap
from gateway import Gateway, offer, wait_for

STATUS = "location = /realtime/status { realtime_status; }"


def hangups(gateway, nonce):
    return gateway.peer.calls_of(nonce)[0]["hangups"]


def logged(gateway, pattern, count=1, seconds=20):
    """Waits for the outcome in the error log."""
    return wait_for(lambda: len(re.findall(pattern, gateway.log())) >= count, seconds, pattern)


def counters(gateway):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=5)
    connection.request("GET", "/realtime/status", headers=gateway.offer_headers())
    text = connection.getresponse().read().decode()
    connection.close()
    return json.loads(text)


def ended_at_once(gateway):
    """A client that leaves: its call is ended when upstream has named it"""
    gateway.leave("once")
    logged(gateway, 'call "rtc_[0-9a-f]+" was ended')
    tap.equal(len(hangups(gateway, "once")), 1, "asked for once")
    tap.equal(gateway.peer.log()["bad_keys"], 0, "with the key")


def tried_again(gateway):
    """Upstream fails twice: asked for until it is done"""
    gateway.leave("again", hangup=[503, "close"])
    wait_for(lambda: len(hangups(gateway, "again")) == 3, 10, "a third try")
    first, second, third = hangups(gateway, "again")
    tap.ok(0.4 < second - first < 1.5 < third - first < 6, "later each time",
           second - first, third - second)
    logged(gateway, "was ended", 2)
    tap.ok("was not ended:" not in gateway.log(), "no error is logged")


def given_up(gateway):
    """Upstream fails for good: three tries, one error"""
    gateway.leave("never", hangup=[500] * 9)
    logged(gateway, r"\[error\].* was not ended: upstream answered 500")
    tap.equal(len(hangups(gateway, "never")), 3, "tried three times")


def not_answered(gateway):
    """Upstream does not answer a hang-up: the next try does not wait for ever"""
    gateway.leave("stall", hangup=["stall"])
    wait_for(lambda: len(hangups(gateway, "stall")) == 2, 10, "a second try")
    first, second = hangups(gateway, "stall")
    tap.ok(3.5 < second - first < 6.5, "after its timeout", second - first)


def refused(gateway):
    """Upstream refuses: asking again would not help"""
    gateway.leave("refused", hangup=[403] * 9)
    logged(gateway, r"\[error\].* was not ended: upstream answered 403")
    tap.equal(len(hangups(gateway, "refused")), 1, "tried once")


def over_already(gateway):
    """Upstream does not know the call: it is over"""
    before = gateway.log().count("was ended")
    gateway.leave("over", hangup=[404])
    logged(gateway, "was ended", before + 1)
    tap.equal(len(hangups(gateway, "over")), 1, "asked for once")
    tap.ok("answered 404" not in gateway.log(), "no error is logged")


def many(gateway):
    """More at once than are sent in parallel: each has its turn"""
    nonces = [f"many{i}" for i in range(80)]
    before = gateway.peer.log()["hangup_connections"]
    gateway.leave(*nonces)

    def all_ended():
        calls = [c for c in gateway.peer.log()["calls"].values() if c["nonce"] in nonces]
        return len(calls) == 80 and all(c["hangups"] for c in calls)

    tap.ok(wait_for(all_ended, 10, "hang-ups"), "all were ended")
    made = gateway.peer.log()["hangup_connections"] - before
    tap.ok(made <= 32, "by connections that were kept", made)


def post(gateway, nonce, **instructions):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    connection.request("POST", "/realtime/webrtc-offer", offer(nonce, **instructions),
                       gateway.offer_headers())
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def never_twice(gateway):
    """A kept connection dies after it has read an offer: not sent again"""
    for how in ("fin", "rst"):
        for nonce, todo in ((f"first{how}", {}), (f"second{how}", {"close": how, "kept": True})):
            answer, body = post(gateway, nonce, **todo)
        tap.equal(answer.status, 500, f"{how}: the client is told")
        tap.equal(json.loads(body)["error"]["code"], "upstream_unreachable", f"{how}: and why")
        tap.equal(gateway.peer.log()["offers"][nonce], 1, f"{how}: upstream got it once")


def with_one(tls):
    offer_conf = "realtime_ssl_trusted_certificate tls.crt;" if tls else ""
    gateway = Gateway(tls=tls, offer=offer_conf, server=STATUS)
    with gateway:
        for test in (ended_at_once, tried_again, given_up, not_answered, refused, over_already,
                     many, never_twice):
            tap.note(test.__doc__)
            test(gateway)
        numbers = counters(gateway)
        tap.equal([numbers[n] for n in ("undelivered_total", "hangups_total",
                                        "hangups_failed_total")], [86, 84, 2], "all is counted")
        tap.equal(gateway.peer.log()["unknown"], [], "upstream got nothing else")
    tap.equal(gateway.bad_lines(), [], "the error log has no alert and no secret")
    gateway.remove()


def over_http():
    """Over HTTP"""
    with_one(False)


def over_https():
    """Over HTTPS"""
    with_one(True)


def not_to_a_stranger():
    """Who has another certificate by then is told neither the call nor the key"""
    with Gateway(tls=True, offer="realtime_ssl_trusted_certificate tls.crt;") as gateway:
        post(gateway, "before")      # whose connection the next offer takes
        gateway.make_certificate("stranger")
        gateway.peer.load_certificate()
        gateway.leave("stranger")
        logged(gateway, r"\[error\].* was not ended: .*certificate", seconds=20)
        tap.equal(hangups(gateway, "stranger"), [], "nothing arrived")
    tap.equal(gateway.bad_lines(), [], "the error log has no alert and no secret")
    gateway.remove()


def worker_without_rights():
    """The worker's user may not read the file of the trusted certificate"""
    with Gateway(tls=True, offer="realtime_ssl_trusted_certificate tls.crt;",
                 user="user nobody nogroup;\n" if os.geteuid() == 0 else "") as gateway:
        os.chmod(gateway.path("tls.crt"), 0)
        gateway.leave("rights")
        logged(gateway, 'call "rtc_[0-9a-f]+" was ended')
        tap.equal(len(hangups(gateway, "rights")), 1, "the call is ended all the same")
    tap.equal(gateway.bad_lines(), [], "the error log has no alert and no secret")
    gateway.remove()


def worker_waits():
    """A worker that exits gracefully ends the calls first"""
    with Gateway() as gateway:
        gateway.leave("quit", hangup=[503])
        gateway.signal(signal.SIGQUIT)
        tap.equal(gateway.wait(15), 0, "nginx exits")
        tap.equal(len(hangups(gateway, "quit")), 2, "after the second try")
    tap.equal(gateway.bad_lines(), [], "the error log has no alert and no secret")
    gateway.remove()


def worker_is_stopped():
    """A worker that is stopped says which calls may still be live"""
    with Gateway() as gateway:
        gateway.leave("between", hangup=[503])
        gateway.leave("flight", hangup=["stall"])
        wait_for(lambda: hangups(gateway, "flight"), 5, "the hang-up")
        begin = time.monotonic()
        gateway.signal(signal.SIGTERM)
        tap.equal(gateway.wait(5), 0, "nginx exits")
        tap.ok(time.monotonic() - begin < 2, "at once")
        calls = [i for i, c in gateway.peer.log()["calls"].items() if c["nonce"] == "flight"]
        tap.ok(f'call "{calls[0]}" was not ended: the worker exits' in gateway.log(),
               "the call is named", gateway.log()[-600:])
    tap.equal(gateway.bad_lines(), [], "the error log has no alert and no secret")
    gateway.remove()


tap.run(over_http, over_https, not_to_a_stranger, worker_without_rights, worker_waits, worker_is_stopped)
