#!/usr/bin/python3
"""A scripted replica set of MongoDB: two members, one set of documents, no data
on disk; it does wrong what it is told to.

Prints the URI of the set, then obeys one line of its standard input after the
other, and answers each with a line:

  insert FAULT [N]   what the next N inserts (1) meet:
                     stepdown       not the primary any more, the other one is
                     stepdown-late  written, then the same
                     close          the connection closes, nothing is written
                     lost           written, then the connection closes
                     silence        written, and never an answer
                     stepdown-wait  written, then the same while it waits for the other members
                     minority       written, but not by enough members in time
                     overload       not written, with an error that only its labels explain
                     short          the first document is written, of the others
                                    the answer says nothing
                     twice          the same, and what it says of an error it says twice
                     unnamed        written, and of what is there already the answer
                                    does not say in which index
                     code-N         not written, each document has the error N, which quotes it
                     unauthorized   the command is refused
                     ok             nothing
  election MS        from now on nobody is primary for so long after a step down
  silence 1|0        the primary answers nothing at all, also no hello, and the
                     other one takes over; 0: it is back, as a secondary
  refuse CMD CODE NAME   this command gets an error from now on
  allow CMD          it does no more
  poison WORD        an insert with a document that says WORD is refused as a whole
  slow MS            an insert takes so long
  crawl MS           an insert takes so long for each document
  index NAME FIELD   somebody makes an index
  state              JSON: the commands that came, what the inserts met, the documents, the indexes
"""

import collections
import json
import os
import socket
import struct
import sys
import threading
import time

import bson
from bson.objectid import ObjectId

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
STEPPED_DOWN = {"ok": 0, "code": 10107, "codeName": "NotWritablePrimary", "errmsg": "not primary",
                "errorLabels": ["RetryableWriteError"]}
OVERLOADED = {"ok": 0, "code": 462, "codeName": "IngressRequestRateLimitExceeded", "errmsg": "too many requests",
              "errorLabels": ["SystemOverloadedError", "RetryableError"]}


class Closed(Exception):
    pass


class Set:
    """What both members know."""

    def __init__(self):
        self.lock = threading.RLock()
        self.docs = {}
        self.indexes = {}
        self.plan = collections.deque()
        self.met = []
        self.commands = collections.Counter()
        self.last = {}
        self.retries = 0
        self.known = {}                 # replies by session and transaction
        self.refused = {}
        self.poison = None
        self.slow = 0
        self.crawl = 0
        self.silent = None
        self.term = 1
        self.primary = 0
        self.election = 0
        self.hosts = []

    def step_down(self):
        other, self.primary = 1 - self.primary, None

        def elect():
            with self.lock:
                self.primary = other
                self.term += 1

        if self.election:
            threading.Timer(self.election, elect).start()
        else:
            elect()

    def state(self):
        last = {k: v for k, v in self.last.items() if k in ("writeConcern", "txnNumber", "ordered")}
        return {"last": last, "commands": self.commands, "inserts": len(self.met), "met": self.met,
                "retries": self.retries, "documents": [{**d, "_id": str(d["_id"])} for d in self.docs.values()],
                "indexes": self.indexes}

    def insert(self, command):
        """(reply, how it is to end)"""
        fault = self.plan.popleft() if self.plan else None
        fault = None if fault == "ok" else fault
        key = (str(command["lsid"]["id"]), command["txnNumber"]) if "txnNumber" in command else None
        self.met.append(fault)
        self.last = command
        if key in self.known:
            self.retries += 1
            if fault is None:
                return self.known[key], None
        if fault == "unauthorized":
            return {"ok": 0, "code": 13, "codeName": "Unauthorized", "errmsg": "not authorized"}, None
        if self.poison and any(self.poison in document["text"] for document in command["documents"]):
            return {"ok": 0, "code": 2, "codeName": "BadValue", "errmsg": "poison"}, None
        if fault == "stepdown":
            self.step_down()
            return STEPPED_DOWN, None
        if fault == "close":
            return None, "close"
        if fault == "overload":
            return OVERLOADED, None
        if fault in ("short", "twice"):
            reply = self.write(command["documents"][:1])
            return {**reply, "writeErrors": reply.get("writeErrors", []) * (1 + (fault == "twice"))}, None
        if fault == "unnamed":
            reply = self.write(command["documents"])
            return {**reply, "writeErrors": [{"index": e["index"], "code": 11000, "errmsg": "E11000"}
                                             for e in reply.get("writeErrors", [])]}, None
        if fault and fault.startswith("code-"):
            return {"ok": 1, "n": 0, "writeErrors": [{"index": i, "code": int(fault[5:]), "errmsg": f"not {document}"}
                                                     for i, document in enumerate(command["documents"])]}, None
        reply = self.known.get(key) or self.write(command["documents"])
        self.known[key] = reply
        if fault == "minority":
            return {**reply, "writeConcernError": {"code": 64, "codeName": "WriteConcernTimeout",
                                                   "errmsg": "waiting for replication timed out"}}, fault
        if fault == "stepdown-wait":
            self.step_down()
            return {**reply, "errorLabels": ["RetryableWriteError"],
                    "writeConcernError": {"code": 189, "codeName": "PrimarySteppedDown",
                                          "errmsg": "Primary stepped down while waiting for replication"}}, None
        if fault == "stepdown-late":
            self.step_down()
            return STEPPED_DOWN, None
        return reply, fault

    def find(self, command, primary):
        """The other one lags."""
        wanted = command["filter"].get("_id", {})
        wanted = wanted.get("$in", []) if isinstance(wanted, dict) else [wanted]
        return {"ok": 1, "cursor": {"id": bson.Int64(0), "ns": "voice.transcripts",
                                    "firstBatch": [self.docs[i] for i in wanted if i in self.docs and primary]}}

    def write(self, documents):
        errors = []
        for i, document in enumerate(documents):
            if document["_id"] in self.docs:
                errors.append({"index": i, "code": 11000, "keyPattern": {"_id": 1},
                               "errmsg": "E11000 duplicate key error collection: index: _id_"})
            else:
                self.docs[document["_id"]] = document
        return {"ok": 1, "n": len(documents) - len(errors), **({"writeErrors": errors} if errors else {})}

    def create_indexes(self, command):
        for index in command["indexes"]:
            same = self.indexes.get(index["name"])
            if same and same["key"] != index["key"]:
                return error(86, "IndexKeySpecsConflict", "an index of this name has another key")
            if not same and index["key"] in (other["key"] for other in self.indexes.values()):
                return error(85, "IndexOptionsConflict", "the index exists with another name")
            if same and same != index:
                return error(85, "IndexOptionsConflict", "an index of this name has other options")
            self.indexes[index["name"]] = index
        return {"ok": 1}

    def modify(self, command):
        index = self.indexes.get(command["index"]["name"])
        if index is None:
            return error(27, "IndexNotFound", "there is no such index")
        index.update(command["index"])
        return {"ok": 1}

    def drop_indexes(self, command):
        if self.indexes.pop(command["index"], None) is None:
            return error(27, "IndexNotFound", "there is no such index")
        return {"ok": 1}


def error(code, name, text):
    return {"ok": 0, "code": code, "codeName": name, "errmsg": text}


class Member:
    def __init__(self, the_set, number):
        self.set, self.number = the_set, number
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client = self.listener.accept()[0]
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            while True:
                self.answer(client)
        except (Closed, ConnectionError):
            client.close()

    def answer(self, client):
        length, request, _, opcode = struct.unpack("<iiii", receive(client, 16))
        command = read_command(opcode, receive(client, length - 16))
        with self.set.lock:
            reply, end = self.do(command)
        if "insert" in command:
            time.sleep(self.set.slow + self.set.crawl * len(command["documents"]))
        if end == "silence":
            receive(client, 1)          # until the driver gives up
        if end == "minority":
            time.sleep(0.05 + command["writeConcern"]["wtimeout"] / 1000)   # the write itself takes time, too
        elif end:
            raise Closed
        client.sendall(packed(opcode, request, reply))

    def do(self, command):
        name = next(iter(command))
        if self.set.silent == self.number:
            return None, "silence"
        self.set.commands[name] += 1
        if name in self.set.refused:
            code, code_name = self.set.refused[name]
            return error(code, code_name, f"{name} is refused"), None
        if name.lower() in ("hello", "ismaster"):
            return self.hello(), None
        changes = {"createIndexes": self.set.create_indexes, "collMod": self.set.modify,
                   "dropIndexes": self.set.drop_indexes}
        if (name in ("insert", "delete") or name in changes) and self.set.primary != self.number:
            return STEPPED_DOWN, None
        if name == "insert":
            return self.set.insert(command)
        if name == "find":
            return self.set.find(command, self.set.primary == self.number), None
        if name in changes:
            return changes[name](command), None
        return {"ok": 1, "n": 0, "cursor": {"id": bson.Int64(0), "ns": "voice.transcripts", "firstBatch": []}}, None

    def hello(self):
        primary = self.set.primary == self.number
        known = {} if self.set.primary is None else {"primary": self.set.hosts[self.set.primary]}
        return {**known, "ok": 1, "helloOk": True,
                "ismaster": primary, "isWritablePrimary": primary, "secondary": not primary,
                "setName": "rs0", "setVersion": 1, "electionId": ObjectId("%024x" % self.set.term),
                "hosts": self.set.hosts, "me": self.address,
                "minWireVersion": 0, "maxWireVersion": 17, "maxBsonObjectSize": 16 << 20,
                "maxMessageSizeBytes": 48000000, "maxWriteBatchSize": 100000, "logicalSessionTimeoutMinutes": 30}


def receive(client, n):
    data = b""
    while len(data) < n:
        chunk = client.recv(n - len(data))
        if not chunk:
            raise Closed
        data += chunk
    return data


def read_command(opcode, body):
    if opcode == OP_QUERY:
        return bson.BSON(body[body.index(b"\0", 4) + 9:]).decode()
    command, pos = {}, 4
    while pos < len(body):
        kind, size = body[pos], struct.unpack_from("<i", body, pos + 1)[0]
        if kind == 0:
            command = {**bson.BSON(body[pos + 1:pos + 1 + size]).decode(), **command}
        else:
            end = body.index(b"\0", pos + 5)
            command[body[pos + 5:end].decode()] = bson.decode_all(body[end + 1:pos + 1 + size])
        pos += 1 + size
    return command


def packed(opcode, request, reply):
    data = bson.BSON.encode(reply)
    body = struct.pack("<iqii", 8, 0, 0, 1) + data if opcode == OP_QUERY else struct.pack("<iB", 0, 0) + data
    return struct.pack("<iiii", 16 + len(body), 0, request, OP_REPLY if opcode == OP_QUERY else OP_MSG) + body


def obey(the_set, words):
    if words[0] == "insert":
        the_set.plan.extend([words[1]] * int(words[2] if len(words) > 2 else 1))
    elif words[0] == "silence" and words[1] == "1":
        the_set.silent = the_set.primary
        the_set.step_down()
    elif words[0] == "silence":
        the_set.silent = None
    elif words[0] == "election":
        the_set.election = int(words[1]) / 1000
    elif words[0] == "refuse":
        the_set.refused[words[1]] = (int(words[2]), words[3])
    elif words[0] == "index":
        the_set.indexes[words[1]] = {"key": {words[2]: 1}, "name": words[1]}
    elif words[0] == "allow":
        the_set.refused.pop(words[1], None)
    elif words[0] == "poison":
        the_set.poison = words[1]
    elif words[0] == "slow":
        the_set.slow = int(words[1]) / 1000
    elif words[0] == "crawl":
        the_set.crawl = int(words[1]) / 1000
    elif words[0] == "state":
        return json.dumps(the_set.state(), default=str)
    else:
        return "what?"
    return "ok"


def main():
    the_set = Set()
    members = [Member(the_set, 0), Member(the_set, 1)]
    the_set.hosts = [m.address for m in members]
    print("mongodb://%s/voice?replicaSet=rs0" % ",".join(the_set.hosts), flush=True)
    for line in sys.stdin:
        with the_set.lock:
            print(obey(the_set, line.split()), flush=True)
    os._exit(0)


main()
