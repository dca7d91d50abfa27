"""The process: its command line, its end, how long a call may last, and that nothing piles up."""

import asyncio
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from sandbox.tests.support import ROOT, Client, Process, SandboxTest, until

CALLS = 60


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "sandbox", *arguments], cwd=ROOT, text=True,
                          capture_output=True, timeout=20)


class CommandLine(unittest.TestCase):
    def test_mistakes(self):
        with tempfile.NamedTemporaryFile("w") as empty:
            for arguments in ((), ("--key-file", "/nonexistent"), ("--key-file", empty.name),
                              ("--key-file", empty.name, "--bind", "0.0.0.0")):
                with self.subTest(arguments):
                    outcome = run(*arguments)
                    self.assertEqual((outcome.returncode, outcome.stdout), (2, ""))
                    self.assertIn("error:", outcome.stderr)

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken, \
                tempfile.NamedTemporaryFile("w") as key:
            key.write("sk-x")
            key.flush()
            outcome = run("--key-file", key.name, "--port", str(taken.getsockname()[1]))
        self.assertEqual(outcome.returncode, 1)
        self.assertIn("cannot listen on port", outcome.stderr)


class Stop(SandboxTest):
    async def test_signals_end_calls_and_process_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                type(self).sandbox.stop()
                type(self).sandbox = Process()
                await self.http.close()
                await self.asyncSetUp()
                client, _ = await self.call()
                began = time.monotonic()
                self.sandbox.process.send_signal(number)
                code = await asyncio.get_running_loop().run_in_executor(
                    None, self.sandbox.process.wait, 10)
                self.assertEqual(code, 0)
                self.assertLess(time.monotonic() - began, 2)
                await client.ended()


class Duration(SandboxTest):
    arguments = ("--max-duration", "1.5")

    async def test_call_ends_by_itself(self):
        client, location = await self.call()
        error = await client.event("error")
        self.assertEqual(error["error"]["code"], "session_expired")
        await client.ended()
        told = await self.described(location)
        self.assertEqual(told["ended_by"], "expired")
        self.assertAlmostEqual(told["ended_at"] - told["created_at"], 1.5, delta=0.5)


class Growth(SandboxTest):
    """Sockets, threads and memory after many calls are what they were after the first ones."""

    def held(self):
        process = pathlib.Path(f"/proc/{self.sandbox.process.pid}")
        status = dict(line.split(":", 1)
                      for line in (process / "status").read_text().splitlines())
        return {"descriptors": len(os.listdir(process / "fd")),
                "threads": int(status["Threads"]), "kilobytes": int(status["VmRSS"].split()[0])}

    async def one_call(self, end_by_client):
        client = Client()
        try:
            reply = await self.post_offer(await client.offer())
            await client.accept(await reply.text())
            await client.event("session.created")
            if end_by_client:
                await client.close()
            else:
                await self.post(reply.headers["Location"] + "/hangup")
        finally:
            await client.close()

    async def all_ended(self):
        calls = (await (await self.http.get("/_sandbox/calls")).json())["calls"]
        return all(call["ended_at"] for call in calls)

    async def test_many_calls_leave_nothing(self):
        for number in range(10):
            await self.one_call(number % 2)
        await until(self.all_ended, "calls go on")
        before = self.held()
        for number in range(CALLS):
            await self.one_call(number % 2)
        await until(self.all_ended, "calls go on")
        await until(lambda: self.held()["descriptors"] <= before["descriptors"] + 2,
                    "descriptors pile up")
        after = self.held()
        self.assertLessEqual(after["threads"], before["threads"] + 8)
        self.assertLess(after["kilobytes"] - before["kilobytes"], CALLS * 100)


if __name__ == "__main__":
    unittest.main()
