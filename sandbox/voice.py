"""The assistant's voice: text to 48 kHz samples, word by word.

`espeak-ng` speaks where it is installed. Elsewhere a small formant synthesiser does: harmonics of
a gliding pitch, shaped by the resonances of each sound, and breath for the consonants."""

import functools
import io
import shutil
import subprocess
import wave

import numpy

from . import phones, words
from .track import RATE

SYNTH_RATE = 16000
STEP = 80
HARMONICS = 36
PAUSE = {".": .28, "?": .28, "!": .28, ",": .16, ":": .16, ";": .16}
ESPEAK_TIMEOUT = 10

# Pitch in Hz, and the size of the mouth as a factor of the formants.
VOICES = {"alloy": (165, 1.05), "ash": (118, .97), "ballad": (140, 1.0), "cedar": (108, .95),
          "coral": (205, 1.13), "echo": (115, .96), "marin": (195, 1.12), "sage": (185, 1.1),
          "shimmer": (215, 1.15), "verse": (128, .99)}
DEFAULT_VOICE = "alloy"


@functools.lru_cache(maxsize=64)
def speak(text, voice, language, speed):
    """A list of (piece of text, its samples) that together say `text`. Blocks: call it in a
    thread. The samples are shared between calls: never write to them."""
    pitch, size = VOICES.get(voice, VOICES[DEFAULT_VOICE])
    pieces = words.pieces(text)
    espeak = shutil.which("espeak-ng")
    if espeak:
        return _cut(_espeak(espeak, text, pitch, language, speed), pieces)
    return _synthesise(pieces, pitch, size, language, speed)


def _espeak(program, text, pitch, language, speed):
    command = [program, "--stdout", "-v", language, "-s", str(round(165 * speed)),
               "-p", str(round((pitch - 80) * .6)), "--stdin"]
    wav = subprocess.run(command, input=text.encode(), capture_output=True, check=True,
                         timeout=ESPEAK_TIMEOUT).stdout
    with wave.open(io.BytesIO(wav)) as reader:
        rate = reader.getframerate()
        # espeak cannot seek in a pipe, so the length in its header means nothing.
        data = wav[44:]
    samples = numpy.frombuffer(data[:len(data) // 2 * 2], numpy.int16)
    return _resample(samples.astype(float), rate)


def _cut(samples, pieces):
    """Share samples among the words by their length: near enough for a stream of text."""
    total = sum(len(piece) for piece in pieces) or 1
    ends = numpy.cumsum([len(piece) for piece in pieces]) * len(samples) // total
    starts = [0, *ends[:-1]]
    return [(piece, samples[start:end]) for piece, start, end in zip(pieces, starts, ends)]


def _resample(samples, rate):
    at = numpy.arange(int(len(samples) * RATE / rate)) * (rate / RATE)
    return numpy.interp(at, numpy.arange(len(samples)), samples).astype(numpy.int16)


def _synthesise(pieces, pitch, size, language, speed):
    frames = []
    ends = []
    for piece in pieces:
        _add_word(frames, piece.strip(), size, language, speed)
        ends.append(len(frames))
    if not frames:
        return []
    samples = _resample(_render(numpy.array(frames), pitch), SYNTH_RATE)
    per_frame = STEP * RATE // SYNTH_RATE
    starts = [0, *ends[:-1]]
    return [(piece, samples[start * per_frame:end * per_frame])
            for piece, start, end in zip(pieces, starts, ends)]


def _add_word(frames, word, size, language, speed):
    """Append frames of 5 ms: three formants, voice, breath, pitch of the breath."""
    def add(formants, voiced, breath, breath_pitch, seconds):
        count = max(1, round(seconds / speed * SYNTH_RATE / STEP))
        scaled = [formant * size for formant in formants]
        frames.extend([[*scaled, voiced, breath, breath_pitch]] * count)

    for sound in phones.of_word(word, language):
        if sound in phones.VOWELS:
            add(phones.VOWELS[sound], 1, 0, 0, .105)
        else:
            add(*phones.CONSONANTS[sound])
    neutral = phones.VOWELS["@"]
    add(neutral, 0, 0, 0, PAUSE.get(word[-1:], .035))


def _render(frames, pitch):
    length = len(frames) * STEP
    at = numpy.arange(length)
    frame_at = (numpy.arange(len(frames)) + .5) * STEP
    smooth = numpy.ones(7) / 7
    padded = numpy.pad(frames, ((3, 3), (0, 0)), "edge")
    tracks = [numpy.convolve(padded[:, column], smooth, "valid") for column in range(6)]
    formants, voiced, breath, breath_pitch = tracks[:3], tracks[3], tracks[4], tracks[5]

    # A sentence falls in pitch and is never quite steady.
    seconds = at / SYNTH_RATE
    fall = numpy.linspace(1.08, .88, length)
    f0 = pitch * fall * (1 + .04 * numpy.sin(2 * numpy.pi * 1.9 * seconds))
    phase = numpy.cumsum(2 * numpy.pi * f0 / SYNTH_RATE)
    f0_frames = numpy.interp(frame_at, at, f0)

    sound = numpy.zeros(length)
    for harmonic in range(1, HARMONICS + 1):
        frequency = harmonic * f0_frames
        gain = sum(weight * width ** 2 / ((frequency - formant) ** 2 + width ** 2)
                   for formant, weight, width in zip(formants, (1, .6, .25), (90, 110, 170)))
        gain = gain * voiced * (frequency < SYNTH_RATE * .45) / harmonic ** .35
        sound += numpy.interp(at, frame_at, gain) * numpy.sin(harmonic * phase)

    noise = numpy.random.default_rng(7).standard_normal(length)
    narrow = numpy.convolve(noise, numpy.ones(9) / 9, "same")
    carrier = numpy.cos(numpy.cumsum(
        2 * numpy.pi * numpy.interp(at, frame_at, breath_pitch) / SYNTH_RATE))
    sound += numpy.interp(at, frame_at, breath) * narrow * carrier * 2.5

    peak = numpy.abs(sound).max() or 1
    return sound / peak * 14000
