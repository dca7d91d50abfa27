"""Three mongod, the replica set rs0, of which any may die, stop and come back.

Each is on loopback, with a folder and a process of its own.
"""

import shutil
import signal
import time

import pymongo
from pymongo.errors import AutoReconnect, OperationFailure
from pymongo.read_concern import ReadConcern

from gateway import wait_for
from mongo import Mongo

MEMBERS = 3
ELECTION = 2            # seconds that the others wait for a primary to speak
STEP_DOWN = 4           # seconds in which who stepped down is not elected
WHOLE = 60              # seconds until there is a primary, or all are back


class Member(Mongo):
    action = "member"

    def __init__(self):
        super().__init__()
        self.stopped = False
        self.client = pymongo.MongoClient("127.0.0.1", self.port, directConnection=True, connect=False,
                                          socketTimeoutMS=30000, serverSelectionTimeoutMS=2000)

    def start(self):
        super().start()
        self.stopped = False

    def stop(self):
        self.signal(signal.SIGSTOP)
        self.stopped = True

    def go_on(self):
        self.signal(signal.SIGCONT)
        self.stopped = False

    def command(self, *command, **arguments):
        """What this very member says."""
        return self.client.admin.command(*command, **arguments)

    def hello(self):
        """{} where it is not there."""
        if self.stopped or not self.pid:
            return {}
        try:
            return self.command("hello")
        except (AutoReconnect, OperationFailure):
            return {}

    def is_primary(self):
        return self.hello().get("isWritablePrimary", False)

    def is_member(self):
        hello = self.hello()
        return hello.get("isWritablePrimary") or hello.get("secondary")

    def __exit__(self, *_):
        """Its data are of no use to anybody: it need not end well."""
        if self.pid:
            self.kill()
        self.client.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Replicas:
    def __init__(self):
        self.members = []

    def uri(self, database):
        hosts = ",".join(f"127.0.0.1:{m.port}" for m in self.members)
        return f"mongodb://{hosts}/{database}?replicaSet=rs0"

    def initiate(self):
        members = [{"_id": i, "host": f"127.0.0.1:{m.port}"} for i, m in enumerate(self.members)]
        settings = {"electionTimeoutMillis": ELECTION * 1000, "heartbeatIntervalMillis": 500}
        self.members[0].command("replSetInitiate", {"_id": "rs0", "members": members, "settings": settings})

    def primary(self, instead=None):
        """The member that is primary; another one than the one given."""
        def elected():
            return next((m for m in self.members if m is not instead and m.is_primary()), None)

        return wait_for(elected, WHOLE, "a primary")

    def whole(self):
        """Brings back who is away, and waits for all of them."""
        for member in self.members:
            if not member.pid:
                member.start()
            elif member.stopped:
                member.go_on()
        wait_for(lambda: all(m.is_member() for m in self.members), WHOLE, "all members")
        self.primary()

    def step_down(self):
        """Seconds until another one is primary."""
        old = self.primary()
        begin = time.monotonic()
        old.command("replSetStepDown", STEP_DOWN, secondaryCatchUpPeriodSecs=STEP_DOWN - 1)
        self.primary(instead=old)
        return time.monotonic() - begin

    def documents(self, database):
        """What the majority has."""
        with pymongo.MongoClient(self.uri(database), serverSelectionTimeoutMS=20000) as client:
            return list(client[database].get_collection("transcripts", read_concern=ReadConcern("majority")).find({}))

    def __enter__(self):
        try:
            for _ in range(MEMBERS):
                self.members.append(Member())
                self.members[-1].start()
            self.initiate()
            self.whole()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for member in self.members:
            member.__exit__()
