"""Parts that need no call: the voice, the ear, the words and the form reader."""

import shutil
import unittest
import unittest.mock

import numpy

from sandbox import multipart, voice, words
from sandbox.errors import ApiError
from sandbox.hearing import SpeechDetector, level_db
from sandbox.tests.support import tone
from sandbox.track import RATE, Utterance


class Voice(unittest.TestCase):
    def setUp(self):
        voice.speak.cache_clear()
        self.addCleanup(voice.speak.cache_clear)

    def check(self, spoken, text):
        self.assertEqual("".join(piece for piece, _ in spoken), text)
        samples = numpy.concatenate([part for _, part in spoken])
        self.assertEqual(samples.dtype, numpy.int16)
        self.assertGreater(len(samples), RATE)
        self.assertGreater(level_db(samples), -35)
        self.assertLess(numpy.abs(samples.astype(int)).max(), 32768)

    def test_own_voice_in_both_languages(self):
        with unittest.mock.patch.object(shutil, "which", return_value=None):
            for language in ("en", "fr"):
                for name in ("marin", "echo", "unheard-of"):
                    text = words.answer(1, 1800, language)
                    self.check(voice.speak(text, name, language, 1.0), text)

    @unittest.skipUnless(shutil.which("espeak-ng"), "espeak-ng is not installed")
    def test_installed_voice(self):
        text = words.answer(1, 1800, "fr")
        self.check(voice.speak(text, "marin", "fr", 1.0), text)

    def test_speed(self):
        with unittest.mock.patch.object(shutil, "which", return_value=None):
            def length(speed):
                return sum(len(part) for _, part in
                           voice.speak("A sentence of some length.", "echo", "en", speed))
            self.assertLess(length(1.5), length(1.0))
            self.assertLess(length(1.0), length(0.5))

    def test_text_without_a_letter(self):
        with unittest.mock.patch.object(shutil, "which", return_value=None):
            self.assertEqual(voice.speak("", "echo", "en", 1.0), [])
            self.assertEqual(voice.speak("…!?", "echo", "en", 1.0)[0][0], "…!?")


class Hearing(unittest.TestCase):
    def listen(self, *levels, settings=None):
        """Feed (seconds, level) pairs; gives what was detected."""
        told = []
        detector = SpeechDetector(lambda ms: told.append(("started", ms)),
                                  lambda ms: told.append(("stopped", ms)))
        if settings is not None or settings == {}:
            detector.configure(settings)
        for seconds, level in levels:
            for _ in range(round(seconds / 0.02)):
                detector.feed(level, 20)
        return told, detector

    def test_speech_between_silences(self):
        told, detector = self.listen((1, -70), (1, -20), (1, -70))
        self.assertEqual(told, [("started", 700), ("stopped", 2500)])
        self.assertEqual(detector.speech_ms, 1000)

    def test_pause_within_a_sentence(self):
        told, _ = self.listen((1, -70), (1, -20), (0.4, -70), (1, -20), (1, -70))
        self.assertEqual(len(told), 2)

    def test_what_is_no_speech(self):
        for levels in ([(3, -70)], [(1, -70), (0.06, -10), (1, -70)], [(3, -45)]):
            with self.subTest(levels):
                self.assertEqual(self.listen(*levels)[0], [])

    def test_steady_noise_becomes_background(self):
        told, detector = self.listen((90, -36))
        self.assertEqual([kind for kind, _ in told], ["started", "stopped"])
        self.assertFalse(detector.speaking)

    def test_settings(self):
        quick = {"type": "server_vad", "silence_duration_ms": 200, "prefix_padding_ms": 0}
        told, _ = self.listen((1, -70), (1, -20), (1, -70), settings=quick)
        self.assertEqual(told, [("started", 1000), ("stopped", 2200)])
        deaf = {"type": "server_vad", "threshold": 1.0}
        self.assertEqual(self.listen((1, -70), (1, -30), settings=deaf)[0], [])

    def test_level(self):
        self.assertEqual(level_db(numpy.zeros(960, numpy.int16)), -70)
        self.assertEqual(level_db(numpy.zeros(0, numpy.int16)), -70)
        self.assertGreater(level_db(tone(0.02)), -25)


class Utterances(unittest.TestCase):
    def test_take(self):
        utterance = Utterance(None, None)
        utterance.feed(numpy.arange(1, 4, dtype=numpy.int16))
        utterance.feed(numpy.arange(4, 9, dtype=numpy.int16))
        self.assertEqual(utterance.take(5).tolist(), [1, 2, 3, 4, 5])
        self.assertEqual(utterance.take(5).tolist(), [6, 7, 8, 0, 0])
        self.assertEqual(utterance.played, 8)


class Words(unittest.TestCase):
    def test_language(self):
        for text, language in (("Tu es un assistant sympathique qui répond brièvement.", "fr"),
                               ("You are a helpful assistant.", "en"), ("", None), (None, None),
                               ("Zdravstvuyte", None)):
            with self.subTest(text):
                self.assertEqual(words.language_of(text), language)
        for code, language in (("fr-CA", "fr"), ("EN", "en"), ("de", None), (None, None)):
            with self.subTest(code):
                self.assertEqual(words.supported(code), language)

    def test_pieces_lose_nothing(self):
        for text in ("Un deux  trois.", "", " x"):
            self.assertEqual("".join(words.pieces(text)), text)


class Multipart(unittest.TestCase):
    def parse(self, body, boundary="b"):
        return multipart.parse(body, f"multipart/form-data; boundary={boundary}")

    def test_bytes_are_kept(self):
        for content in (b"", b"\r\n", b"a\r\n\r\n--bx\n\r\n", b"--", bytes(range(256))):
            with self.subTest(content):
                body = (b'--b\r\nContent-Disposition: form-data; name="sdp"\r\n'
                        b"Content-Type: application/sdp\r\n\r\n" + content + b"\r\n--b--\r\n")
                if b"\r\n--b" in content:
                    with self.assertRaises(ApiError):
                        self.parse(body)
                else:
                    self.assertEqual(self.parse(body), {"sdp": ("application/sdp", content)})

    def test_broken_bodies(self):
        head = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
        for body in (b"", b"x", b"--b--", head + b"x", head + b"x\r\n--b\r\n",
                     b"--b\r\nContent-Type: x\r\n\r\ny\r\n--b--", b"--b\r\nno end\r\n--b--",
                     head + b"x\r\n--bc--", b"preamble\r\n" + head + b"x\r\n--b--",
                     head + b"x\r\n" + head + b"y\r\n--b--"):
            with self.subTest(body):
                with self.assertRaises(ApiError):
                    self.parse(body)
        with self.assertRaises(ApiError):
            multipart.parse(b"--b--", "multipart/form-data")


if __name__ == "__main__":
    unittest.main()
