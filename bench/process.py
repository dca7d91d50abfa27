"""The processes of a run: started in their own folder, measured by /proc,
stopped by their own process id."""

import os
import pathlib
import signal
import socket
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_port(port, process, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"{process.args[0]} does not listen on {port}")


class Process:
    """One program; cpu() and memory() are those of it and its children."""

    def __init__(self, args, folder, port, cpus=None, env=None):
        self.port = port
        self.log = pathlib.Path(folder, "output.log")
        pin = ["taskset", "-c", cpus] if cpus else []
        with self.log.open("w") as out:
            self.popen = subprocess.Popen(pin + args, cwd=folder, stdout=out, stderr=out,
                                          stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
        try:
            wait_port(port, self.popen)
        except RuntimeError:
            self.stop()
            raise RuntimeError(f"{args[0]} did not start: {self.log.read_text()[-2000:]}") from None

    def pids(self):
        pids = [self.popen.pid]
        for pid in pids:
            path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
            pids.extend(int(p) for p in path.read_text().split())
        return pids

    def cpu(self):
        """user + system seconds so far"""
        total = 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICK

    def memory(self):
        """bytes that only these processes hold (private, clean and dirty)"""
        total = 0
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith(("Private_Clean", "Private_Dirty")):
                    total += int(line.split()[1]) * 1024
        return total

    def stop(self):
        for _ in range(10):     # under valgrind nginx may sleep on what came just before it slept
            if self.popen.poll() is not None:
                return
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(1)
            except subprocess.TimeoutExpired:
                pass
        self.popen.kill()
        self.popen.wait(10)


def nginx(folder, conf, port, cpus=None, under=()):
    """under: a tool to run it with, as one process without a master"""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nginx.conf").write_text(conf)
    directives = "daemon off;" + (" master_process off;" if under else "")
    return Process([*under, "/usr/sbin/nginx", "-p", str(folder), "-e", "error.log", "-c", "nginx.conf",
                    "-g", directives], folder, port, cpus)
