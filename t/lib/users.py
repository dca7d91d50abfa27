#!/usr/bin/python3
"""users.py URI: makes the users of a new store, one JSON document a line of standard input;
{"$oid": "..."} is an ObjectId. In SQLite that is its digits, and a list is JSON."""

import json
import sqlite3
import sys

TABLE = "users"


def to_mongodb(uri, lines):
    import bson.json_util
    import pymongo

    server, _, database = uri.rpartition("/")
    users = pymongo.MongoClient(server, serverSelectionTimeoutMS=5000)[database][TABLE]
    for line in lines:
        users.insert_one(bson.json_util.loads(line))


def to_sqlite(path, lines):
    documents = [json.loads(line, object_hook=lambda o: o.get("$oid", o)) for line in lines]
    names = sorted({name for document in documents for name in document})
    with sqlite3.connect(path, timeout=10) as database:
        numbers = {name for document in documents for name, value in document.items() if type(value) is int}
        columns = (quoted(name) + (" INTEGER" if name in numbers else "") for name in names)
        database.execute(f"CREATE TABLE {TABLE} ({', '.join(columns)})")
        for document in documents:
            values = [json.dumps(v) if isinstance(v, list) else v for v in document.values()]
            database.execute(f"INSERT INTO {TABLE} ({', '.join(map(quoted, document))})"
                             f" VALUES ({', '.join('?' * len(values))})", values)


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def main():
    uri = sys.argv[1]
    lines = [line for line in sys.stdin if line.strip()]
    if uri.startswith("sqlite:"):
        to_sqlite(uri[len("sqlite:"):], lines)
    else:
        to_mongodb(uri, lines)


if __name__ == "__main__":
    main()
