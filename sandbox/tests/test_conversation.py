"""What a client can do in a conversation: interrupt, write, cancel, configure, err."""

import json
import unittest

from sandbox.tests.support import SandboxTest, until

TRANSCRIPTION = {"audio": {"input": {"transcription": {"model": "gpt-live-transcribe"}}}}


class Interruption(SandboxTest):
    async def test_speaking_over_the_answer_cuts_it(self):
        client, _ = await self.call()
        client.speak(0.6)
        await client.event("output_audio_buffer.started")
        client.speak(0.6)
        cleared = await client.event("output_audio_buffer.cleared")
        truncated = await client.event("conversation.item.truncated")
        done = await client.event("response.done")
        self.assertEqual(done["response"]["status"], "cancelled")
        self.assertEqual(done["response"]["status_details"]["reason"], "turn_detected")
        self.assertEqual(cleared["response_id"], done["response"]["id"])
        self.assertEqual(truncated["item_id"], done["response"]["output"][0]["id"])
        self.assertGreater(truncated["audio_end_ms"], 0)
        second = await client.event("response.done", count=2)
        self.assertEqual(second["response"]["status"], "completed")
        await client.event("output_audio_buffer.stopped")
        self.assertEqual(client.kinds().count("output_audio_buffer.stopped"), 1)

    async def test_cut_while_only_the_voice_goes_on(self):
        client, _ = await self.call()
        client.speak(0.6)
        done = await client.event("response.done")
        self.assertEqual(done["response"]["status"], "completed")
        client.speak(0.6)
        truncated = await client.event("conversation.item.truncated")
        self.assertEqual(truncated["item_id"], done["response"]["output"][0]["id"])
        self.assertEqual(client.kinds().count("response.done"), 1)

    async def test_interruption_can_be_switched_off(self):
        client, _ = await self.call({"audio": {"input": {"turn_detection": {
            "type": "server_vad", "interrupt_response": False, "create_response": False}}}})
        client.send("response.create")
        await client.event("output_audio_buffer.started")
        client.speak(0.5)
        await client.event("input_audio_buffer.speech_stopped")
        await client.event("output_audio_buffer.stopped")
        self.assertNotIn("output_audio_buffer.cleared", client.kinds())

    async def test_client_silences_the_voice(self):
        client, _ = await self.call()
        client.send("response.create")
        await client.event("output_audio_buffer.started")
        client.send("response.cancel")
        done = await client.event("response.done")
        self.assertEqual(done["response"]["status_details"]["reason"], "client_cancelled")
        client.send("output_audio_buffer.clear")
        await client.event("output_audio_buffer.cleared")
        await client.event("conversation.item.truncated")
        heard = len(client.levels)
        await until(lambda: len(client.levels) > heard + 25, "the media stopped")
        self.assertLess(max(client.levels[heard + 15:]), 30, "it is silent")


class Text(SandboxTest):
    async def write(self, client, text):
        client.send("conversation.item.create", item={
            "type": "message", "role": "user",
            "content": [{"type": "input_text", "text": text}]})
        return await client.event("conversation.item.done")

    async def test_written_message_is_answered_by_voice(self):
        client, _ = await self.call()
        item = await self.write(client, "Good morning")
        self.assertIsNone(item["previous_item_id"])
        client.send("response.create")
        said = await client.event("response.output_audio_transcript.done")
        self.assertEqual(said["transcript"], "You wrote: Good morning")
        await client.event("output_audio_buffer.stopped")

    async def test_written_answer(self):
        client, _ = await self.call({"output_modalities": ["text"]})
        await self.write(client, "Good morning")
        client.send("response.create")
        done = await client.event("response.done")
        text = (await client.event("response.output_text.done"))["text"]
        self.assertEqual(text, "You wrote: Good morning")
        self.assertEqual("".join(event["delta"] for event in client.events
                                 if event["type"] == "response.output_text.delta"), text)
        self.assertEqual(done["response"]["output"][0]["content"],
                         [{"type": "output_text", "text": text}])
        self.assertEqual(done["response"]["usage"]["output_token_details"]["audio_tokens"], 0)
        self.assertNotIn("output_audio_buffer.started", client.kinds())

    async def test_response_beside_the_conversation(self):
        client, _ = await self.call({"output_modalities": ["text"]})
        client.send("response.create", response={"conversation": "none",
                                                 "metadata": {"topic": "weather"}})
        done = await client.event("response.done")
        self.assertIsNone(done["response"]["conversation_id"])
        self.assertEqual(done["response"]["metadata"], {"topic": "weather"})
        self.assertNotIn("conversation.item.added", client.kinds())

    async def test_items_can_be_read_and_deleted(self):
        client, _ = await self.call()
        item_id = (await self.write(client, "Hello"))["item"]["id"]
        client.send("conversation.item.retrieve", item_id=item_id)
        retrieved = await client.event("conversation.item.retrieved")
        self.assertEqual(retrieved["item"]["content"][0]["text"], "Hello")
        client.send("conversation.item.delete", item_id=item_id)
        await client.event("conversation.item.deleted", item_id=item_id)
        client.send("conversation.item.retrieve", item_id=item_id)
        error = await client.event("error")
        self.assertEqual(error["error"]["code"], "item_not_found")


class Manual(SandboxTest):
    async def test_push_to_talk(self):
        client, _ = await self.call({"audio": {"input": {
            **TRANSCRIPTION["audio"]["input"], "turn_detection": None}}})
        await client.speak(0.6).wait()
        client.send("input_audio_buffer.commit")
        committed = await client.event("input_audio_buffer.committed")
        client.send("response.create")
        await client.event("response.done")
        heard = await client.event("conversation.item.input_audio_transcription.completed")
        self.assertEqual(heard["item_id"], committed["item_id"])
        self.assertNotIn("input_audio_buffer.speech_started", client.kinds())

    async def test_nothing_to_commit(self):
        client, _ = await self.call({"audio": {"input": {"turn_detection": None}}})
        client.send("input_audio_buffer.clear")
        client.send("input_audio_buffer.commit")
        error = await client.event("error")
        self.assertEqual(error["error"]["code"], "input_audio_buffer_commit_empty")


class Session(SandboxTest):
    async def test_update_changes_what_it_names_only(self):
        client, _ = await self.call(TRANSCRIPTION)
        client.send("session.update", session={
            "type": "realtime", "instructions": "Be brief.",
            "audio": {"output": {"voice": "cedar"}}})
        session = (await client.event("session.updated"))["session"]
        self.assertEqual(session["instructions"], "Be brief.")
        self.assertEqual(session["audio"]["output"]["voice"], "cedar")
        self.assertEqual(session["audio"]["input"]["transcription"],
                         {"model": "gpt-live-transcribe"})

    async def test_model_stays(self):
        client, _ = await self.call({"model": "gpt-realtime-2.1-mini"})
        client.send("session.update", session={"type": "realtime", "model": "gpt-realtime-2.1"})
        session = (await client.event("session.updated"))["session"]
        self.assertEqual(session["model"], "gpt-realtime-2.1-mini")

    async def test_voice_stays_once_it_was_heard(self):
        client, _ = await self.call()
        client.send("response.create")
        await client.event("response.done")
        client.send("session.update", session={
            "type": "realtime", "audio": {"output": {"voice": "cedar"}}})
        self.assertEqual((await client.event("error"))["error"]["code"], "cannot_update_voice")
        client.send("session.update", session={
            "type": "realtime", "audio": {"output": {"voice": "alloy"}}})
        await client.event("session.updated")

    async def test_the_original_front_ends_update_is_refused(self):
        client, _ = await self.call()
        client.send("session.update", event_id="mine", session={
            "instructions": "Tu es un assistant.", "voice": "alloy", "temperature": 0.8,
            "input_audio_transcription": {"model": "whisper-1"}})
        error = (await client.event("error"))["error"]
        self.assertEqual(error["type"], "invalid_request_error")
        self.assertEqual(error["event_id"], "mine")
        self.assertNotIn("session.updated", client.kinds())

    async def test_mistakes_are_told_and_survived(self):
        client, _ = await self.call()
        mistakes = (
            ("invalid_value", {"type": "nonsense"}),
            ("missing_required_parameter", {"session": {}}),
            ("missing_required_parameter", {"type": "session.update"}),
            ("invalid_type", {"type": "session.update", "session": "x"}),
            ("missing_required_parameter", {"type": "session.update", "session": {}}),
            ("invalid_value", {"type": "session.update", "session": {"type": "transcription"}}),
            ("unknown_parameter", {"type": "session.update",
                                   "session": {"type": "realtime", "modalities": ["audio"]}}),
            ("invalid_value", {"type": "session.update", "session": {"type": "realtime", "audio": {
                "input": {"transcription": {"model": "deaf-1"}}}}}),
            ("decimal_below_min_value", {"type": "session.update", "session": {
                "type": "realtime", "audio": {"input": {"turn_detection": {
                    "type": "server_vad", "idle_timeout_ms": 10}}}}}),
            ("response_cancel_not_active", {"type": "response.cancel"}),
            ("unknown_parameter", {"type": "response.create", "response": {"voice": "alloy"}}),
            ("missing_required_parameter", {"type": "conversation.item.create"}),
            ("invalid_value", {"type": "conversation.item.create", "item": {"type": "song"}}),
            ("invalid_value", {"type": "conversation.item.create",
                               "item": {"type": "message", "role": "nobody", "content": []}}),
            ("invalid_value", {"type": "conversation.item.create", "item": {
                "type": "message", "role": "user", "content": [{"type": "text", "text": "x"}]}}),
            ("item_not_found", {"type": "conversation.item.create", "previous_item_id": "item_x",
                                "item": {"type": "message", "role": "user", "content": []}}),
            ("item_not_found", {"type": "conversation.item.delete", "item_id": "item_x"}),
            ("missing_required_parameter", {"type": "conversation.item.truncate"}),
            ("invalid_value", {"type": "input_audio_buffer.append", "audio": "AAAA"}),
        )
        for count, (code, message) in enumerate(mistakes, 1):
            with self.subTest(message=message):
                client.channel.send(json.dumps(message))
                error = (await client.event("error", count=count))["error"]
                self.assertEqual(error["code"], code, error["message"])
        client.channel.send("{not json")
        await client.event("error", count=len(mistakes) + 1)
        client.channel.send(b"\xff\x00")
        await client.event("error", count=len(mistakes) + 2)
        client.send("response.create")
        await client.event("response.done")

    async def test_second_response_is_refused(self):
        client, _ = await self.call()
        client.send("response.create")
        client.send("response.create")
        error = await client.event("error")
        self.assertEqual(error["error"]["code"], "conversation_already_has_active_response")
        await client.event("response.done")
        self.assertEqual(client.kinds().count("response.created"), 1)


if __name__ == "__main__":
    unittest.main()
