"""Command line: `/usr/bin/python3 -m sandbox --port 0 --key-file FILE`."""

import argparse
import asyncio
import json
import os
import pathlib
import signal
import sys

from . import ice

STOP_TIMEOUT = 3


def arguments():
    parser = argparse.ArgumentParser(
        prog="sandbox", description="A stand-in for OpenAI's Realtime API on loopback.")
    parser.add_argument("--port", type=int, default=0, help="TCP port (default: a free one)")
    parser.add_argument("--key-file", type=pathlib.Path, required=True,
                        help="file with the API key that callers must send")
    parser.add_argument("--max-duration", type=float, default=3600, metavar="SECONDS",
                        help="how long a call may last (default: 3600)")
    options = parser.parse_args()
    try:
        options.key = options.key_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        parser.error(f"--key-file: {error.strerror}: {options.key_file}")
    if not options.key:
        parser.error(f"--key-file: no key in {options.key_file}")
    return options


async def serve(options):
    from .server import Sandbox

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    sandbox = Sandbox(options.key, options.max_duration)
    try:
        port = await sandbox.start(options.port)
    except OSError as error:
        sys.exit(f"sandbox: cannot listen on port {options.port}: {error.strerror}")
    print(json.dumps({"url": f"http://{ice.LOOPBACK}:{port}", "pid": os.getpid()}), flush=True)
    await stopped.wait()
    try:
        await asyncio.wait_for(sandbox.stop(), STOP_TIMEOUT)
    except asyncio.TimeoutError:
        # A peer's handshake may hang in a thread or a timer: nothing is worth waiting for.
        os._exit(0)


def main():
    options = arguments()
    ice.install()
    asyncio.run(serve(options))


if __name__ == "__main__":
    main()
