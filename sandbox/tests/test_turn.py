"""A spoken turn from the first word to the end of the answer."""

import unittest

from sandbox.tests.support import SandboxTest, until

TRANSCRIBED = {"audio": {"input": {"transcription": {"model": "gpt-live-transcribe",
                                                     "language": "en"}}}}


class Turn(SandboxTest):
    async def test_speech_is_answered_by_a_voice(self):
        client, location = await self.call(TRANSCRIBED)
        client.speak(1.0)
        await client.event("output_audio_buffer.stopped")
        done = await client.event("response.done")

        kinds = [kind for kind in client.kinds() if not kind.endswith(".delta")
                 and ".input_audio_transcription." not in kind]
        self.assertEqual(kinds, [
            "session.created",
            "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed", "conversation.item.added", "conversation.item.done",
            "response.created", "rate_limits.updated", "response.output_item.added",
            "conversation.item.added", "response.content_part.added",
            "output_audio_buffer.started", "response.output_audio.done",
            "response.output_audio_transcript.done", "response.content_part.done",
            "response.output_item.done", "conversation.item.done", "response.done",
            "output_audio_buffer.stopped"])
        self.assertEqual(done["response"]["status"], "completed")
        loud = [level for level in client.levels if level and level > 300]
        self.assertGreater(len(loud), 50, "an answer of more than a second was heard")
        told = await self.described(location)
        self.assertGreater(told["heard"]["seconds"], 1)
        self.assertGreater(told["spoken"]["seconds"], 1)

    async def test_items_are_chained(self):
        client, _ = await self.call(TRANSCRIBED)
        client.speak(0.6)
        done = await client.event("response.done")
        started = await client.event("input_audio_buffer.speech_started")
        committed = await client.event("input_audio_buffer.committed")
        user = await client.event("conversation.item.added")
        assistant = await client.event("conversation.item.added", count=2)
        self.assertEqual(started["item_id"], committed["item_id"])
        self.assertIsNone(committed["previous_item_id"])
        self.assertEqual(user["item"]["id"], started["item_id"])
        self.assertEqual(user["item"]["role"], "user")
        self.assertEqual(assistant["previous_item_id"], started["item_id"])
        self.assertEqual(done["response"]["output"][0]["id"], assistant["item"]["id"])

    async def test_transcription_comes_after_the_answer_began(self):
        client, location = await self.call(TRANSCRIBED)
        client.speak(1.0)
        completed = await client.event("conversation.item.input_audio_transcription.completed")
        await client.event("response.done")
        self.assertGreater(client.position("conversation.item.input_audio_transcription.delta"),
                           client.position("response.output_audio_transcript.delta"))
        self.assertRegex(completed["transcript"], r"^Sentence 1, spoken for \d\.\d seconds\.$")
        deltas = [event["delta"] for event in client.events
                  if event["type"] == "conversation.item.input_audio_transcription.delta"]
        self.assertEqual("".join(deltas), completed["transcript"])
        self.assertEqual(completed["item_id"],
                         (await client.event("input_audio_buffer.committed"))["item_id"])
        told = await self.described(location)
        self.assertEqual([said["role"] for said in told["transcripts"]], ["user", "assistant"])

    async def test_without_transcription_nothing_is_written_down(self):
        client, location = await self.call()
        client.speak(0.6)
        await client.event("output_audio_buffer.stopped")
        self.assertFalse([kind for kind in client.kinds() if "input_audio_transcription" in kind])
        told = await self.described(location)
        self.assertEqual([said["role"] for said in told["transcripts"]], ["assistant"])

    async def test_usage_adds_up(self):
        client, _ = await self.call()
        client.speak(0.8)
        usage = (await client.event("response.done"))["response"]["usage"]
        self.assertEqual(usage["total_tokens"], usage["input_tokens"] + usage["output_tokens"])
        details = usage["output_token_details"]
        self.assertEqual(usage["output_tokens"],
                         details["text_tokens"] + details["audio_tokens"])
        self.assertGreater(details["audio_tokens"], 0)
        self.assertGreater(usage["input_token_details"]["audio_tokens"], 0)

    async def test_silence_and_noise_start_no_turn(self):
        client, location = await self.call()
        await client.speak(0.04).wait()
        client.speak(1.0, level=0.003)

        async def heard_enough():
            return (await self.described(location))["heard"]["seconds"] > 2.5
        await until(heard_enough, "the sandbox hears nothing")
        self.assertEqual(client.kinds(), ["session.created"])

    async def test_french_is_answered_in_french(self):
        client, _ = await self.call(
            {"instructions": "Tu es un assistant sympathique qui répond brièvement.",
             "audio": {"input": {"transcription": {"model": "gpt-live-transcribe"}}}})
        client.speak(0.6)
        heard = await client.event("conversation.item.input_audio_transcription.completed")
        said = await client.event("response.output_audio_transcript.done")
        self.assertIn("dite en", heard["transcript"])
        self.assertTrue(said["transcript"].startswith("Je vous ai entendu"), said["transcript"])


if __name__ == "__main__":
    unittest.main()
