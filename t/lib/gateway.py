"""nginx with the module, and the peer it talks to: made, watched, stopped.

Each has a folder, a port and processes of its own; only those are touched.
TEST_NGINX_BINARY and TEST_NGINX_LOAD_MODULES choose another nginx and module.
"""

import asyncio
import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from client import Connection

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NGINX = os.environ.get("TEST_NGINX_BINARY", "/usr/sbin/nginx")
MODULE = os.environ.get("TEST_NGINX_LOAD_MODULES",
                        os.path.join(ROOT, "build", "ngx_http_realtime_module.so"))

CONF = """
{user}load_module {module};
worker_processes {workers};
worker_shutdown_timeout {shutdown};
pid nginx.pid;
error_log error.log info;
{main}
events {{ worker_connections {connections}; }}

http {{
    access_log off;
    client_body_temp_path tmp_body;
    proxy_temp_path tmp_proxy;
    fastcgi_temp_path tmp_fastcgi;
    uwsgi_temp_path tmp_uwsgi;
    scgi_temp_path tmp_scgi;
    keepalive_requests 100000;

    realtime_jwt_key jwt.key alg=HS256;
    realtime_roles Speaker;
    {http}

    server {{
        listen 127.0.0.1:{port};

        location = /realtime/webrtc-offer {{
            realtime_offer;
            realtime_upstream {upstream};
            realtime_api_key_file api.key;
            realtime_models gpt-realtime-2.1-mini;
            {offer}
        }}

        {server}
    }}
}}
"""


def wait_for(condition, seconds, what):
    """Polls until condition() is true; the last value is returned."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.01)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def offer(nonce, **instructions):
    """A browser's offer in form, 2 KB of it; see peer.py for instructions."""
    todo = [f"a=peer:{json.dumps(instructions)}"] if instructions else []
    lines = ["v=0", "o=- 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0",
             f"a=nonce:{nonce}", *todo, "m=audio 9 UDP/TLS/RTP/SAVPF 111 63",
             "c=IN IP4 0.0.0.0", "a=rtpmap:111 opus/48000/2", "a=sendrecv",
             *(f"a=candidate:{i} 1 udp 2122260223 192.0.2.{i} 54321 typ host generation 0"
               for i in range(1, 25))]
    return ("\r\n".join(lines) + "\r\n").encode()


def digest_in(answer):
    found = re.search(rb"^a=offer:(\w+)", answer, re.M)
    return found.group(1).decode() if found else None


class Peer:
    """peer.py as a process."""

    def __init__(self, key, folder, tls=None, also=None):
        self.key_file = os.path.join(folder, "api.key")
        with open(self.key_file, "w", encoding="ascii") as f:
            f.write(key + "\n")
        command = ["/usr/bin/python3", os.path.join(ROOT, "t", "lib", "peer.py"),
                   "--key-file", self.key_file]
        command += ["--tls", tls] if tls else []
        command += ["--also", also] if also else []
        self.process = subprocess.Popen(command,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.tls = tls

    def log(self):
        return self.ask("GET", "/peer/log")

    def release(self):
        """Lets the answers go that offers told the peer to hold."""
        self.ask("POST", "/peer/release")

    def load_certificate(self):
        """Has new connections get the certificate that is now in the peer's file."""
        self.ask("POST", "/peer/certificate")

    def ask(self, method, path):
        if self.tls:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10,
                                                     context=insecure())
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path)
        answer = json.load(connection.getresponse())
        connection.close()
        return answer

    def calls_of(self, nonce):
        return [c for c in self.log()["calls"].values() if c["nonce"] == nonce]

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def insecure():
    import ssl
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Gateway:
    """nginx in the foreground, under its own prefix."""

    def __init__(self, tls=False, also=None, **conf):
        self.folder = tempfile.mkdtemp(prefix="realtime-")
        self.api_key = "sk-test-" + secrets.token_hex(24)
        self.jwt_key = secrets.token_hex(32)
        self.certificate = self.make_certificate() if tls else None
        self.peer = Peer(self.api_key, self.folder, self.certificate, also)
        self.port = free_port()
        self.tokens = []
        self.process = None
        self.before = None      # in the process that becomes nginx
        self.write("jwt.key", self.jwt_key)
        self.configure(**conf)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def make_certificate(self, name="tls"):
        """The peer's; NAME.crt is what the gateway trusts then."""
        file = self.path("peer.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", self.path(name + ".key"), "-out", self.path(name + ".crt")],
                       check=True, capture_output=True)
        with open(file, "wb") as out:
            for part in (".crt", ".key"):
                with open(self.path(name + part), "rb") as f:
                    out.write(f.read())
        return file

    def configure(self, **conf):
        values = {"workers": 1, "connections": 4096, "shutdown": "60s", "main": "", "http": "",
                  "offer": "", "server": "", "module": MODULE, "port": self.port,
                  "user": "user root;\n" if os.geteuid() == 0 else "",
                  "upstream": "{}://localhost:{}/v1".format(
                      "https" if self.certificate else "http", self.peer.port)}
        values.update(conf)
        self.write("nginx.conf", CONF.format(**values))

    def start(self):
        self.process = subprocess.Popen(
            [NGINX, "-p", self.folder, "-e", "error.log", "-c", "nginx.conf",
             "-g", "daemon off;"], stderr=subprocess.PIPE, preexec_fn=self.before)
        wait_for(self.is_open, 10, "nginx listens")
        return self

    def is_open(self):
        if self.process.poll() is not None:
            raise RuntimeError(self.process.stderr.read().decode())
        with socket.socket() as s:      # the master listens before it has workers
            return s.connect_ex(("127.0.0.1", self.port)) == 0 and self.workers() != []

    def token(self, user="u-1", seconds=3600, **claims):
        def part(value):
            return base64.urlsafe_b64encode(value).rstrip(b"=")

        claims = {"sub": user, "roles": ["Speaker"], "exp": int(time.time()) + seconds, **claims}
        text = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
        mac = hmac.new(self.jwt_key.encode(), text, hashlib.sha256).digest()
        token = (text + b"." + part(mac)).decode()
        self.tokens.append(token)
        return token

    def offer_headers(self):
        return {"Authorization": "Bearer " + self.token(), "Content-Type": "application/sdp"}

    def leave(self, *nonces, **instructions):
        """Clients whose offers are on their way upstream when they go; then the answers."""
        def arrived():
            return set(nonces) <= set(self.peer.log()["offers"])

        async def run():
            connections = []
            for nonce in nonces:
                connection = await Connection.open(self.port)
                connection.send("POST", "/realtime/webrtc-offer", self.offer_headers(),
                                offer(nonce, hold=True, **instructions))
                connections.append(connection)
            await asyncio.to_thread(wait_for, arrived, 5, "the offers")
            for connection in connections:
                connection.close()

        asyncio.run(run())
        self.peer.release()

    def workers(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children",
                  encoding="ascii") as f:
            return [int(pid) for pid in f.read().split()]

    def signal(self, number):
        os.kill(self.process.pid, number)

    def wait(self, seconds):
        """Until nginx has exited by itself; its status."""
        return self.process.wait(seconds)

    def log(self):
        with open(self.path("error.log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def bad_lines(self):
        """What must never be in the error log."""
        secret = [self.api_key, self.jwt_key]
        secret += [token.rpartition(".")[2] for token in self.tokens]
        bad = re.compile(r"\[(alert|crit|emerg)\]|Sanitizer|" + "|".join(map(re.escape, secret)))
        return [line for line in self.log().splitlines() if bad.search(line)]

    def stop(self):
        """Ends nginx gracefully, then by force; then the peer."""
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGQUIT)
            try:
                self.process.wait(70)
            except subprocess.TimeoutExpired:
                for pid in self.workers():
                    os.kill(pid, signal.SIGKILL)
                self.process.kill()
                self.process.wait()
        self.peer.stop()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except Exception:
            self.__exit__(RuntimeError)
            raise

    def __exit__(self, kind, *_):
        self.stop()
        if kind is not None:
            self.remove()       # else the test looks at the log first


def rss(pid):
    """Kilobytes a process holds that no other does."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("Private_"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
