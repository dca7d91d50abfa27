"""What all parts of a run share: keys, a certificate, tokens, an offer, its
answer. Made afresh in the run's folder."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import secrets
import subprocess
import time

ANSWER = (
    "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n"
    "a=group:BUNDLE 0 1\r\na=msid-semantic:WMS *\r\na=fingerprint:sha-256 "
    + ":".join(["4A"] * 32) + "\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8\r\nc=IN IP4 0.0.0.0\r\na=setup:active\r\na=mid:0\r\n"
    "a=ice-ufrag:cXbG\r\na=ice-pwd:0123456789abcdefghijklmn\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
    "a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
    + "".join(f"a=candidate:{i} 1 udp 2130706431 127.0.0.{i} 3478 typ host ufrag cXbG\r\n" for i in range(1, 7))
    + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sctp-port:5000\r\n"
)

OFFER = (
    "v=0\r\no=- 3054093652589343009 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
    "a=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:Qx1y\r\n"
    "a=ice-pwd:0123456789abcdefghijklmn\r\na=ice-options:trickle\r\na=fingerprint:sha-256 "
    + ":".join(["B7"] * 32) + "\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n"
    "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\n"
    + "".join(f"a=candidate:{i} 1 udp 2122260223 192.0.2.{i} 5{i:04d} typ host generation 0 network-id {i}\r\n"
              for i in range(1, 17))
    + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sctp-port:5000\r\n"
    "a=max-message-size:262144\r\n"
)


def _part(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Files:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.secret = secrets.token_hex(32)
        self.key = "sk-bench-" + secrets.token_hex(16)
        self._write("jwt.key", self.secret)
        self._write("openai.key", self.key)
        self._write("bench_secret.lua", f"return '{self.secret}'")
        self._certificate()
        self.token = self.make_token("u-1")

    def _write(self, name, text):
        path = self.folder / name
        path.touch(0o600)
        path.write_text(text)

    def _certificate(self):
        openssl = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                   "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                   "-keyout", "server.key", "-out", "server.crt"]
        subprocess.run(openssl, cwd=self.folder, check=True, capture_output=True)
        (self.folder / "ca.crt").write_bytes((self.folder / "server.crt").read_bytes())

    def make_token(self, user):
        head = _part(b'{"alg":"HS256","typ":"JWT"}')
        claims = {"sub": user, "roles": ["Formé"], "exp": int(time.time()) + 36000, "email": f"{user}@example.org"}
        signed = f"{head}.{_part(json.dumps(claims).encode())}"
        return signed + "." + _part(hmac.digest(self.secret.encode(), signed.encode(), hashlib.sha256))

    def __truediv__(self, name):
        return self.folder / name

    def environment(self, upstream_port, store=None):
        """for the FastAPI service"""
        env = {"BENCH_UPSTREAM": f"https://localhost:{upstream_port}/v1/realtime/calls", "BENCH_KEY": self.key,
               "BENCH_SECRET": self.secret, "BENCH_CA": os.fspath(self / "ca.crt")}
        return {**env, **({"BENCH_STORE": store} if store else {})}
