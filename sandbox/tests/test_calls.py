"""Creating and ending calls over HTTP: keys, shapes, what is refused and in which words."""

import hashlib
import json
import unittest

from sandbox.tests.support import KEY, MULTIPART, SandboxTest, multipart, until


class Keys(SandboxTest):
    async def test_no_key(self):
        reply = await self.post_offer(await self.client().offer(), key=None)
        error = await self.error(reply, 401, None)
        self.assertIn("You didn't provide an API key", error["message"])

    async def test_wrong_key_is_masked(self):
        reply = await self.post_offer(await self.client().offer(), key="sk-somebody-elses")
        error = await self.error(reply, 401, "invalid_api_key")
        self.assertIn("sk-***", error["message"])
        self.assertNotIn("somebody", error["message"])

    async def test_every_endpoint_asks_for_the_key(self):
        for path in ("/v1/realtime/calls", "/v1/realtime?model=x", "/v1/live/sessions",
                     "/v1/realtime/client_secrets", "/v1/realtime/calls/rtc_x/hangup",
                     "/v1/live/sessions/live_x/hangup"):
            with self.subTest(path):
                self.assertEqual((await self.post(path, b"", key="sk-wrong")).status, 401)
        for path in ("/v1/realtime?call_id=rtc_x", "/v1/live/sessions/live_x/attach"):
            with self.subTest(path):
                self.assertEqual((await self.http.get(path)).status, 401)

    async def test_azure_key_header(self):
        reply = await self.post("/v1/realtime/client_secrets", b"{}", key=None,
                                headers={"api-key": KEY})
        self.assertEqual(reply.status, 200)


class Shapes(SandboxTest):
    async def test_multipart(self):
        client = self.client()
        offer = await client.offer()
        reply = await self.post_offer(offer, {"model": "gpt-realtime-2.1-mini"})
        self.assertEqual(reply.status, 201)
        self.assertEqual(reply.content_type, "application/sdp")
        self.assertRegex(reply.headers["Location"], r"^/v1/realtime/calls/rtc_[A-Za-z0-9_-]+$")
        self.assertTrue(reply.headers["x-request-id"].startswith("req_"))
        answer = await reply.text()
        self.assertTrue(answer.startswith("v=0\r\n"))
        await client.accept(answer)
        created = await client.event("session.created")
        self.assertEqual(created["session"]["model"], "gpt-realtime-2.1-mini")

    async def test_journal_holds_the_offers_hash_and_no_key(self):
        offer = await self.client().offer()
        reply = await self.post_offer(offer)
        entry, = await self.requests()
        self.assertEqual(entry["offer_sha256"], hashlib.sha256(offer.encode()).hexdigest())
        self.assertEqual(entry["offer_bytes"], len(offer))
        self.assertEqual(entry["session"], {"type": "realtime", "model": "gpt-realtime-2.1"})
        self.assertEqual((entry["status"], entry["key"]), (201, "standard"))
        self.assertTrue(reply.headers["Location"].endswith(entry["call_id"]))
        self.assertNotIn(KEY, json.dumps(entry))

    async def test_raw_offer_with_an_ephemeral_key(self):
        reply = await self.post("/v1/realtime/client_secrets", json.dumps(
            {"expires_after": {"anchor": "created_at", "seconds": 60},
             "session": {"type": "realtime", "model": "gpt-realtime-2.1-mini"}}))
        self.assertEqual(reply.status, 200)
        secret = await reply.json()
        self.assertTrue(secret["value"].startswith("ek_"))
        client = self.client()
        reply = await self.post("/v1/realtime/calls", await client.offer(), secret["value"],
                                headers={"Content-Type": "application/sdp"})
        self.assertEqual(reply.status, 201)
        await client.accept(await reply.text())
        created = await client.event("session.created")
        self.assertEqual(created["session"]["model"], "gpt-realtime-2.1-mini")

    async def test_raw_offer_with_the_standard_key_lacks_a_session(self):
        reply = await self.post("/v1/realtime/calls", await self.client().offer(),
                                headers={"Content-Type": "application/sdp"})
        await self.error(reply, 400, "missing_required_parameter")

    async def test_ephemeral_key_cannot_hang_up_or_mint(self):
        reply = await self.post("/v1/realtime/client_secrets", b"{}")
        secret = (await reply.json())["value"]
        for path in ("/v1/realtime/client_secrets", "/v1/realtime/calls/rtc_x/hangup"):
            with self.subTest(path):
                await self.error(await self.post(path, b"{}", secret), 401, "invalid_api_key")

    async def test_negotiated_channel(self):
        client = self.client(dcid=4)
        offer = await client.offer()
        reply = await self.post_offer(offer, path="/v1/realtime/calls?dcid=4")
        await client.accept(await reply.text())
        await client.event("session.created")

    async def test_offer_without_a_channel(self):
        client = self.client(channel=False)
        reply = await self.post_offer(await client.offer())
        self.assertEqual(reply.status, 201)
        await client.accept(await reply.text())
        location = reply.headers["Location"]

        async def connected():
            return (await self.described(location))["connected_at"]
        await until(connected, "no connection")


class Refused(SandboxTest):
    async def refused(self, code, parts=None, path="/v1/realtime/calls", session=None):
        if parts is None:
            offer = await self.client().offer()
            parts = (("sdp", "application/sdp", offer),
                     ("session", "application/json", json.dumps(session)))
        reply = await self.post(path, multipart(*parts), headers=MULTIPART)
        return await self.error(reply, 400, code)

    async def test_offer_without_its_last_line_end(self):
        offer = (await self.client().offer()).rstrip("\r\n")
        error = await self.refused("invalid_offer", (
            ("sdp", "application/sdp", offer),
            ("session", "application/json", '{"type":"realtime"}')))
        self.assertEqual(error["message"], "Failed to parse offer: failed to unmarshal SDP: EOF")

    async def test_what_is_no_offer(self):
        for offer in ("hello\r\n", "v=0\r\n", "v=0\r\nm=audio nonsense\r\n"):
            with self.subTest(offer):
                await self.refused("invalid_offer", (
                    ("sdp", "application/sdp", offer),
                    ("session", "application/json", '{"type":"realtime"}')))

    async def test_answer_instead_of_an_offer(self):
        offer = (await self.client().offer()).replace("actpass", "active")
        await self.refused("invalid_offer", (
            ("sdp", "application/sdp", offer),
            ("session", "application/json", '{"type":"realtime"}')))

    async def test_session_wrapped_as_for_a_secret(self):
        error = await self.refused("unknown_parameter", session={"session": {"type": "realtime"}})
        self.assertEqual(error["param"], "session.session")

    async def test_sessions(self):
        for code, session in (
                ("missing_required_parameter", {}),
                ("missing_required_parameter", {"model": "gpt-realtime"}),
                ("unknown_parameter", {"type": "realtime", "voice": "alloy"}),
                ("unknown_parameter", {"type": "realtime", "temperature": 0.8}),
                ("unknown_parameter", {"type": "realtime", "audio": {"output": {"pitch": 2}}}),
                ("invalid_value", {"type": "chat"}),
                ("invalid_value", {"type": "realtime", "audio": {"output": {"voice": "bob"}}}),
                ("invalid_value", {"type": "realtime", "output_modalities": ["audio", "text"]}),
                ("invalid_type", {"type": "realtime", "instructions": 5}),
                ("invalid_type", {"type": "realtime", "audio": []}),
                ("invalid_type", ["realtime"]),
                ("decimal_above_max_value",
                 {"type": "realtime", "audio": {"output": {"speed": 9}}}),
                ("invalid_model", {"type": "realtime", "model": "gpt-live-1"}),
                ("invalid_model", {"type": "realtime", "model": "gpt-4o-realtime-preview"})):
            with self.subTest(session=session):
                await self.refused(code, session=session)
        calls = (await (await self.http.get("/_sandbox/calls")).json())["calls"]
        self.assertEqual(calls, [], "what was refused left no call")

    async def test_forms(self):
        sdp = ("sdp", "application/sdp", "v=0\r\n")
        session = ("session", "application/json", '{"type":"realtime"}')
        for code, parts in (("missing_required_parameter", (session,)),
                            ("unknown_parameter", (sdp, session, ("extra", "text/plain", "x"))),
                            ("invalid_multipart_form", (sdp, session, session)),
                            ("invalid_json", (sdp, ("session", "application/json", "{")))):
            with self.subTest(parts=parts):
                await self.refused(code, parts)
        reply = await self.post("/v1/realtime/calls", b"--other--\r\n", headers=MULTIPART)
        await self.error(reply, 400, "invalid_multipart_form")
        reply = await self.post("/v1/realtime/calls", b"v=0\r\n",
                                headers={"Content-Type": "text/html"})
        await self.error(reply, 400, "unsupported_content_type")

    async def test_queries(self):
        for query in ("model=gpt-realtime", "dcid=x", "dcid=65535", "dcid=-1"):
            with self.subTest(query):
                code = "unknown_parameter" if query.startswith("model") else "invalid_value"
                await self.refused(code, path=f"/v1/realtime/calls?{query}",
                                   session={"type": "realtime"})

    async def test_secrets(self):
        for code, body in (("unknown_parameter", {"model": "gpt-realtime"}),
                           ("unknown_parameter", {"session": {"type": "realtime", "x": 1}}),
                           ("decimal_below_min_value", {"expires_after": {"seconds": 9}}),
                           ("decimal_above_max_value", {"expires_after": {"seconds": 7201}})):
            with self.subTest(body=body):
                reply = await self.post("/v1/realtime/client_secrets", json.dumps(body))
                await self.error(reply, 400, code)

    async def test_unknown_paths(self):
        await self.error(await self.post("/v1/realtime/nowhere"), 404, None)
        reply = await self.http.get("/v1/realtime/calls", headers={"Authorization": "Bearer x"})
        await self.error(reply, 405, None)


class HangUp(SandboxTest):
    async def test_media_and_channel_end(self):
        client, location = await self.call()
        reply = await self.post(location + "/hangup")
        self.assertEqual(reply.status, 200)
        await client.ended()
        await until(lambda: client.channel.readyState == "closed", "the channel is open")
        told = await self.described(location)
        self.assertEqual(told["ended_by"], "hangup")
        self.assertGreater(told["ended_at"], told["created_at"])

    async def test_call_that_nobody_took_up(self):
        reply = await self.post_offer(await self.client().offer())
        location = reply.headers["Location"]
        self.assertEqual((await self.post(location + "/hangup")).status, 200)
        self.assertEqual((await self.described(location))["ended_by"], "hangup")

    async def test_twice_or_unknown(self):
        _, location = await self.call()
        await self.post(location + "/hangup")
        for path in (location, "/v1/realtime/calls/rtc_never"):
            with self.subTest(path):
                await self.error(await self.post(path + "/hangup"), 404, "call_id_not_found")

    async def test_client_that_leaves(self):
        client, location = await self.call()
        await client.close()

        async def ended():
            return (await self.described(location))["ended_by"] == "peer_closed"
        await until(ended, "the call goes on without its client")


if __name__ == "__main__":
    unittest.main()
