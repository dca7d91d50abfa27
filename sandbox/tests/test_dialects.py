"""The two other APIs: the old beta and GPT-Live, and the WebSocket beside a call."""

import json
import unittest

import aiohttp

from sandbox.tests.support import KEY, SandboxTest, until


class Beta(SandboxTest):
    async def old_call(self):
        client = self.client()
        reply = await self.post("/v1/realtime?model=gpt-4o-mini-realtime-preview",
                                await client.offer(),
                                headers={"Content-Type": "application/sdp"})
        self.assertEqual(reply.status, 201, await reply.text())
        self.assertNotIn("Location", reply.headers)
        await client.accept(await reply.text())
        return client, await client.event("session.created")

    async def test_a_turn_in_the_old_words(self):
        client, created = await self.old_call()
        self.assertEqual(created["session"]["model"], "gpt-4o-mini-realtime-preview")
        self.assertEqual(created["session"]["modalities"], ["audio", "text"])
        client.send("session.update", session={
            "instructions": "Tu es un assistant sympathique qui répond brièvement.",
            "voice": "shimmer", "temperature": 0.8,
            "input_audio_transcription": {"model": "whisper-1"}})
        updated = await client.event("session.updated")
        self.assertEqual(updated["session"]["voice"], "shimmer")
        self.assertEqual(updated["session"]["input_audio_transcription"], {"model": "whisper-1"})
        client.speak(0.6)
        said = await client.event("response.audio_transcript.done")
        done = await client.event("response.done")
        heard = await client.event("conversation.item.input_audio_transcription.completed")
        self.assertEqual(heard["usage"]["type"], "duration")
        self.assertEqual(done["response"]["output"][0]["content"][0],
                         {"type": "audio", "transcript": said["transcript"]})
        self.assertEqual(client.kinds().count("conversation.item.created"), 2)
        for kind in client.kinds():
            self.assertNotIn("output_audio_transcript", kind)
            self.assertNotIn(kind, ("conversation.item.added", "conversation.item.done"))

    async def test_mistakes(self):
        client, _ = await self.old_call()
        for count, session in enumerate(({"audio": {}}, {"type": "realtime"}, {"colour": "red"},
                                    {"voice": "bob"}), 1):
            client.send("session.update", session=session)
            await client.event("error", count=count)

    async def test_model_is_needed(self):
        reply = await self.post("/v1/realtime", await self.client().offer())
        await self.error(reply, 400, "missing_model")


class Live(SandboxTest):
    async def create(self, client, session=None, **transport):
        return await self.post("/v1/live/sessions", json.dumps({
            "session": {"model": "gpt-live-1", **(session or {})},
            "transport": {"type": "webrtc", "sdp": await client.offer(), **transport}}))

    async def live_call(self, session=None):
        client = self.client()
        reply = await self.create(client, session)
        self.assertEqual(reply.status, 201, await reply.text())
        body = await reply.json()
        self.assertTrue(body["session"]["id"].startswith("live_"))
        await client.accept(body["transport"]["sdp"])
        started = await client.event("session.started")
        self.assertEqual(started["session"]["id"], body["session"]["id"])
        return client, f"/v1/live/sessions/{body['session']['id']}"

    async def test_both_sides_are_written_down(self):
        client, location = await self.live_call({"instructions": "Speak English with the user."})
        client.speak(0.8)
        await client.event("session.usage.updated")
        for kind, text in (("session.input_transcript.delta", "Sentence 1, spoken for"),
                           ("session.output_transcript.delta", "I heard you speak")):
            await client.event(kind, count=4)
            pieces = [event for event in client.events if event["type"] == kind]
            self.assertTrue("".join(piece["delta"] for piece in pieces).startswith(text))
            self.assertLess(pieces[0]["start_ms"], pieces[0]["end_ms"])
        self.assertEqual({kind.partition(".")[0] for kind in client.kinds()}, {"session"})
        await until(lambda: len([1 for level in client.levels if level and level > 300]) > 30,
                    "no voice")
        self.assertEqual((await self.post(location + "/hangup")).status, 200)
        closed = await client.event("session.closed")
        self.assertEqual(closed["reason"], "close_requested")
        self.assertGreater(closed["usage"]["seconds"], 0)

    async def test_commands(self):
        client, location = await self.live_call()
        client.send("session.commentary.append", content="The parcel has arrived.", event_id="c1",
                    delegation_id=None)
        await client.event("session.commentary.appended", client_event_id="c1")
        await client.event("session.usage.updated")
        said = "".join(event["delta"] for event in client.events
                       if event["type"] == "session.output_transcript.delta")
        self.assertEqual(said, "The parcel has arrived.")
        client.send("session.input_audio.mute")
        await client.event("session.input_audio.muted")
        client.send("session.close")
        await client.event("session.closed")
        self.assertEqual((await self.described(location))["ended_by"], "closed")

    async def test_the_browser_is_fenced(self):
        fence = {"client": {"data_channel": {
            "allowed_client_events": ["session.close"],
            "allowed_server_events": [{"type": "session.started"}, {"type": "error"},
                                      {"type": "session.closed"}]}}}
        client, location = await self.live_call(fence)
        await client.event("info", code="data_channel_permissions")
        client.send("session.instructions.append", content="Say bad things.")
        error = await client.event("error")
        self.assertEqual(error["error"]["code"], "event_not_allowed")
        client.speak(0.6)

        async def written():
            return (await self.described(location))["events"].get(
                "session.output_transcript.delta")
        await until(written, "no transcript")
        client.send("session.close")
        await client.event("session.closed")
        self.assertLessEqual(set(client.kinds()),
                             {"session.started", "info", "error", "session.closed"})

    async def test_refusals(self):
        client = self.client()
        for code, session in (("invalid_value", {"model": "gpt-realtime"}),
                              ("unknown_parameter", {"type": "realtime"}),
                              ("unknown_parameter", {"client": {"data_channel": {"x": 1}}}),
                              ("invalid_type", {"client": {"data_channel": {
                                  "allowed_client_events": "none"}}}),
                              ("invalid_type", {"instructions": 1})):
            with self.subTest(session=session):
                await self.error(await self.create(client, session), 400, code)
        for code, transport in (("invalid_offer", {"sdp": "v=0"}),
                                ("invalid_value", {"type": "sip"}),
                                ("invalid_value", {"dcid": -1}),
                                ("unknown_parameter", {"ice": 1}),
                                ("missing_required_parameter", {"sdp": None})):
            with self.subTest(transport=transport):
                await self.error(await self.create(client, **transport), 400, code)
        for code, body in (("invalid_json", "{"), ("invalid_type", "[]"),
                           ("missing_required_parameter", "{}"),
                           ("unknown_parameter", '{"sdp":"v=0"}')):
            with self.subTest(body):
                await self.error(await self.post("/v1/live/sessions", body), 400, code)
        reply = await self.post("/v1/live/sessions?dcid=4", json.dumps({
            "session": {"model": "gpt-live-1"},
            "transport": {"type": "webrtc", "sdp": await client.offer()}}))
        await self.error(reply, 400, "unknown_parameter")


class Sideband(SandboxTest):
    async def attach(self, location, key=KEY):
        call_id = location.rsplit("/", 1)[-1]
        return await self.http.ws_connect(f"/v1/realtime?call_id={call_id}",
                                          headers={"Authorization": f"Bearer {key}"})

    async def until_event(self, socket, kind):
        while True:
            message = await socket.receive(timeout=15)
            self.assertEqual(message.type, aiohttp.WSMsgType.TEXT, message)
            event = json.loads(message.data)
            if event["type"] == kind:
                return event

    async def test_hears_and_commands_the_call(self):
        client, location = await self.call()
        socket = await self.attach(location)
        await self.until_event(socket, "session.created")
        await socket.send_json({"type": "session.update", "session": {
            "type": "realtime",
            "audio": {"input": {"transcription": {"model": "gpt-live-transcribe"}}}}})
        await client.event("session.updated")
        client.speak(0.6)
        heard = await self.until_event(
            socket, "conversation.item.input_audio_transcription.completed")
        self.assertTrue(heard["transcript"].startswith("Sentence 1"))
        done = await self.until_event(socket, "response.done")
        self.assertGreater(done["response"]["usage"]["total_tokens"], 0)
        await self.post(location + "/hangup")
        while not socket.closed:
            await socket.receive(timeout=15)

    async def test_call_goes_on_without_it(self):
        client, location = await self.call()
        socket = await self.attach(location)
        await socket.close()

        async def gone():
            return (await self.described(location))["sidebands"] == 0
        await until(gone, "the sideband is still attached")
        client.send("response.create")
        await client.event("response.done")

    async def test_refused(self):
        _, location = await self.call()
        for status, call, key in ((401, location, "sk-wrong"), (404, "rtc_never", KEY),
                                  (404, "", KEY)):
            with self.subTest(call=call, key=key):
                with self.assertRaises(aiohttp.WSServerHandshakeError) as raised:
                    await self.attach(call, key)
                self.assertEqual(raised.exception.status, status)


if __name__ == "__main__":
    unittest.main()
