"""A MongoDB server that dies, stops and comes back on the same data; a replica set
that follows a script; a gateway that keeps transcripts there."""

import json
import os
import shutil
import signal
import subprocess
import tempfile

import pymongo

from gateway import ROOT, free_port

SCRIPT = os.path.join(ROOT, "scripts", "ferretdb")


def has_mongod():
    return shutil.which("mongod") is not None


class Mongo:
    action = "start"        # of scripts/ferretdb

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="mongo-")
        self.port = free_port()
        self.pid = None

    def uri(self, port=None):
        return f"mongodb://127.0.0.1:{port or self.port}/voice"

    def start(self):
        """Returns when it answers."""
        out = subprocess.run([SCRIPT, self.action, self.folder, str(self.port)], check=True,
                             capture_output=True, text=True, timeout=120).stdout
        self.pid = int(out.split()[0])

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.pid = None

    def documents(self):
        with pymongo.MongoClient(self.uri(), serverSelectionTimeoutMS=10000) as client:
            return list(client.get_default_database()["transcripts"].find({}))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.pid:
            self.signal(signal.SIGCONT)
            subprocess.run([SCRIPT, "stop", self.folder], check=False, timeout=60)
        shutil.rmtree(self.folder, ignore_errors=True)


class Primary:
    """The replica set of t/lib/primary.py."""

    def __init__(self):
        self.process = subprocess.Popen(["/usr/bin/python3", os.path.join(ROOT, "t", "lib", "primary.py")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.uri = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)

    def say(self, line):
        print(line, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()

    def state(self):
        return json.loads(self.say("state"))


def store(gateway, uri, timeout="2s", spool="spool.db", **conf):
    """Has a gateway keep transcripts there, and in a spool, if it has a name."""
    http = f"realtime_store {uri};\n    realtime_store_timeout {timeout};\n"
    if spool:
        http += f"    realtime_store_spool {gateway.path(spool)};"
    server = "location /realtime/transcripts { realtime_transcripts; }\n"
    server += "        location = /status { realtime_status; realtime_auth off; }"
    gateway.configure(**{"workers": 2, "http": http, "server": server, **conf})
    return gateway
