"""scripts/bench: what an offer and a transcript cost through this module and
through what people would use instead, all in one run on one machine."""

import argparse
import json
import os
import pathlib
import platform
import shutil
import subprocess
import time

from bench import count, gateways, measure, report, store
from bench.files import ANSWER, OFFER, Files

TOP = pathlib.Path(__file__).parent.parent


class Run:
    def __init__(self, folder):
        shutil.rmtree(folder, ignore_errors=True)
        self.folder = folder
        self.files = Files(folder / "files")
        self.offer = self.files / "offer.sdp"
        self.offer.write_bytes(OFFER.encode())
        self.tokens = self.files / "tokens"
        self.tokens.write_text(self.files.token + "\n")
        self.started = []
        self.upstream = self.slow_upstream(0)

    def slow_upstream(self, delay):
        return self._keep(gateways.start_upstream(self.files, ANSWER, self.folder, measure.OTHER_CPU, delay))

    def gateway(self, name, store=None, upstream=None, under=(), cpus=measure.GATEWAY_CPU):
        port = (upstream or self.upstream).port
        return self._keep(gateways.start(name, self.files, port, self.folder, cpus, store, under))

    def _keep(self, process):
        self.started.append(process)
        return process

    def stop(self):
        for process in self.started:
            process.stop()

    def url(self, gateway, path=measure.PATH):
        return f"http://127.0.0.1:{gateway.port}{path}"


def ferretdb(folder):
    """A database server for the run, or None where it could not be built"""
    out = subprocess.run([TOP / "scripts" / "ferretdb", "start", folder], capture_output=True, text=True, check=True)
    return out.stdout.split()


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("parts", nargs="*", default=[], metavar="PART",
                        help="instructions, offers, latency, memory, growth, transcripts, store, history "
                             "(default: all)")
    parser.add_argument("--rounds", type=int, default=9, help="rounds of the CPU comparison (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement (default: %(default)s)")
    parser.add_argument("--json", type=pathlib.Path, default=TOP / "build" / "bench" / "results.json",
                        help="where the raw numbers go (default: build/bench/results.json)")
    parser.add_argument("--docs", action="store_true",
                        help="write the tables into bench/README.md and README.md, the numbers into bench/results.json")
    options = parser.parse_args()
    if options.docs and options.parts:
        parser.error("--docs is for a run of all parts")
    parts = options.parts or ["instructions", "offers", "latency", "memory", "growth", "transcripts", "store",
                              "history"]

    us, bare, lua, fastapi = (gateways.NAMES[i] for i in (1, 0, 2, 3))
    run = Run(TOP / "build" / "bench" / "run")
    results = {"date": time.strftime("%Y-%m-%d"), "machine": platform.machine(), "cpus": os.cpu_count(),
               "nginx": nginx_version()}
    database = None
    try:
        if "instructions" in parts:
            results["instructions"] = count.per_offer(run, (bare, us, lua))
        if "offers" in parts:
            results["offers"] = measure.offers(run, (bare, us, lua), options.rounds, options.seconds)
            slow = measure.offers(run, (bare, fastapi), 3, options.seconds)
            results["offers"][fastapi] = slow[fastapi]
        if "latency" in parts:
            results["latency"] = measure.latency(run, (bare, us, lua), 1000, options.seconds * 3)
        if "memory" in parts:
            results["memory"] = measure.memory(run, (bare, us), (1000, 5000), 20)
        if "growth" in parts:
            results["growth"] = measure.growth(run, (bare, us), options.seconds)
        if "transcripts" in parts or "store" in parts:
            database = ferretdb(run.folder / "ferretdb")
        if "transcripts" in parts:
            uri = f"{database[1]}/bench"
            stores = (("module, SQLite", us, f"sqlite:{run.folder}/bench.db"), ("module, MongoDB protocol", us, uri),
                      ("FastAPI + motor, MongoDB protocol", fastapi, uri))
            results["transcripts"] = measure.transcripts(run, stores, options.seconds)
        if "store" in parts:
            stores = (("SQLite", f"sqlite:{run.folder}/store.db"), ("MongoDB protocol", f"{database[1]}/store"))
            results["store"] = store.throughput(run, stores, min(options.rounds, 4), options.seconds)
        if "history" in parts:
            results["history"] = store.history(run, 1000000)
    finally:
        run.stop()
        if database:
            subprocess.run(["kill", database[0]], check=False)
    if options.docs:
        options.json = TOP / "bench" / "results.json"
        report.write(TOP / "bench" / "README.md", report.text(results))
        report.write(TOP / "README.md", report.short(results))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=1) + "\n")
    print(report.text(results))


def nginx_version():
    out = subprocess.run(["/usr/sbin/nginx", "-v"], capture_output=True, text=True, check=True)
    return out.stderr.strip().rpartition("/")[2]


main()
