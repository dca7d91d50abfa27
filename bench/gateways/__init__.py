"""The four ways to put an offer through, each started the same way."""

import pathlib

from bench import process
from bench.gateways import confs

HERE = pathlib.Path(__file__).parent
MODULE = HERE.parent.parent / "build" / "ngx_http_realtime_module.so"
NAMES = ("bare proxy_pass", "ngx_http_realtime_module", "nginx + Lua", "FastAPI + httpx")


def start(name, files, upstream_port, folder, cpus=None, store=None, under=()):
    """A running gateway; store is a URI, for transcripts; under is a tool to run nginx with."""
    port = process.free_port()
    folder = pathlib.Path(folder, name.split()[0].strip("+"))
    if name == NAMES[3]:
        folder.mkdir(parents=True, exist_ok=True)
        app = ["/usr/bin/python3", "-m", "uvicorn", "--app-dir", str(HERE), "--host", "127.0.0.1", "--port", str(port),
               "--loop", "uvloop", "--http", "httptools", "--log-level", "warning", "--no-access-log",
               "fastapi_service:app"]
        return process.Process(app, folder, port, cpus, files.environment(upstream_port, store))
    if name == NAMES[2]:
        conf = confs.lua(port, files, upstream_port, HERE / "jwt.lua")
    elif name == NAMES[1]:
        conf = confs.realtime(port, files, upstream_port, MODULE, store)
    else:
        conf = confs.bare(port, files, upstream_port)
    return process.nginx(folder, conf, port, cpus, under)


def start_upstream(files, answer, folder, cpus=None, delay=0):
    port = process.free_port()
    return process.nginx(pathlib.Path(folder, f"upstream-{delay}"), confs.upstream(port, files, answer, delay), port,
                         cpus)
