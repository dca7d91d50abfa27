"""Faults on demand: each one, how often it happens, and that nothing is left of it."""

import asyncio
import time
import unittest

import aiohttp

from sandbox.tests.support import SandboxTest, until

CALLS = "/v1/realtime/calls"


class Faults(SandboxTest):
    async def offer(self):
        return await self.post_offer(await self.client().offer())

    async def live_calls(self):
        calls = (await (await self.http.get("/_sandbox/calls")).json())["calls"]
        return [call for call in calls if not call["ended_at"]]

    async def asyncTearDown(self):
        for call in await self.live_calls():
            await self.post(f"{CALLS}/{call['id']}/hangup")
        await super().asyncTearDown()

    async def test_status_happens_as_often_as_asked(self):
        await self.fault(CALLS, status=503, times=2)
        for _ in range(2):
            await self.error(await self.offer(), 503, "server_error")
        self.assertEqual((await self.offer()).status, 201)
        self.assertEqual([entry["status"] for entry in await self.requests()], [503, 503, 201])
        self.assertEqual([entry["fault"] for entry in await self.requests()],
                         [True, True, False])

    async def test_no_call_behind_a_made_up_answer(self):
        await self.fault(CALLS, status=500)
        await self.offer()
        self.assertEqual(await self.live_calls(), [])

    async def test_body(self):
        await self.fault(CALLS, status=429, body={"error": {"message": "slow down"}},
                         headers={"Retry-After": "7"})
        reply = await self.offer()
        self.assertEqual((reply.status, reply.headers["Retry-After"]), (429, "7"))
        self.assertEqual(await reply.json(), {"error": {"message": "slow down"}})

    async def test_error_body_with_status_200(self):
        await self.fault(CALLS, body={"error": {"message": "no"}})
        reply = await self.offer()
        self.assertEqual((reply.status, reply.content_type), (200, "application/json"))

    async def test_true_answer_with_another_status(self):
        for status in (200, 400, 500):
            with self.subTest(status):
                await self.fault(CALLS, answer=True, status=status)
                reply = await self.offer()
                self.assertEqual(reply.status, status)
                self.assertTrue((await reply.text()).startswith("v=0\r\n"))
        self.assertEqual(len(await self.live_calls()), 3)

    async def test_location(self):
        await self.fault(CALLS, location="https://elsewhere.example/nothing")
        reply = await self.offer()
        self.assertEqual((reply.status, reply.headers["Location"]),
                         (201, "https://elsewhere.example/nothing"))

    async def test_empty(self):
        await self.fault(CALLS, empty=True)
        reply = await self.offer()
        self.assertEqual((reply.status, await reply.read()), (200, b""))

    async def test_delay(self):
        await self.fault(CALLS, delay=0.5)
        began = time.monotonic()
        self.assertEqual((await self.offer()).status, 201)
        self.assertGreaterEqual(time.monotonic() - began, 0.5)

    async def test_hang(self):
        await self.fault(CALLS, hang=True)
        offer = await self.client().offer()
        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(self.post_offer(offer), 0.7)
        self.assertEqual((await self.offer()).status, 201)

    async def test_reset(self):
        await self.fault(CALLS, reset=True)
        with self.assertRaises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
            await self.offer()
        entry, = await self.requests()
        self.assertTrue(entry["fault"])

    async def test_cut(self):
        await self.fault(CALLS, cut=100)
        with self.assertRaises(aiohttp.ClientPayloadError):
            await (await self.offer()).read()

    async def test_drip(self):
        await self.fault(CALLS, drip=0.5)
        began = time.monotonic()
        text = await (await self.offer()).text()
        self.assertGreaterEqual(time.monotonic() - began, 0.5)
        self.assertTrue(text.startswith("v=0") and text.endswith("\r\n"))

    async def test_skip_method_and_pattern(self):
        await self.fault(CALLS + "/*/hangup", status=500, method="POST", skip=1)
        locations = [(await self.offer()).headers["Location"] for _ in range(2)]
        self.assertEqual((await self.post(locations[0] + "/hangup")).status, 200)
        self.assertEqual((await self.post(locations[1] + "/hangup")).status, 500)
        self.assertEqual((await self.post(locations[1] + "/hangup")).status, 200)

    async def test_for_ever_until_cleared(self):
        await self.fault(CALLS, status=500, times=0)
        for _ in range(3):
            self.assertEqual((await self.offer()).status, 500)
        told = (await (await self.http.get("/_sandbox/faults")).json())["faults"]
        self.assertEqual([fault["happened"] for fault in told], [3])
        await self.http.delete("/_sandbox/faults")
        self.assertEqual((await self.offer()).status, 201)

    async def test_mistaken_faults_are_refused(self):
        for code, settings in (("missing_required_parameter", {"status": 500}),
                               ("unknown_parameter", {"match": CALLS, "statsu": 500}),
                               ("invalid_type", {"match": CALLS, "status": "500"}),
                               ("invalid_type", {"match": CALLS, "delay": True}),
                               ("invalid_type", [CALLS])):
            with self.subTest(settings=settings):
                reply = await self.http.post("/_sandbox/faults", json=settings)
                await self.error(reply, 400, code)
        told = await (await self.http.get("/_sandbox/faults")).json()
        self.assertEqual(told["faults"], [])

    async def test_client_that_leaves_during_a_delay_leaves_a_call(self):
        await self.fault(CALLS, delay=0.4)
        offer = await self.client().offer()
        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(self.post_offer(offer), 0.1)
        await until(self.live_calls, "the call that was asked for does not exist")


if __name__ == "__main__":
    unittest.main()
