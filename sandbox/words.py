"""What is said. The sandbox does not understand speech: it says how long somebody spoke.

Everything is deterministic, so that a test can expect the exact sentence."""

import re
import unicodedata

FRENCH = set("""tu vous es êtes un une le la les des du et en que qui réponds répond brièvement
 français francais sympathique assistant toujours avec pour dans utilisateur""".split())
ENGLISH = set("""you are a an the and in of to answer reply always with for helpful user english
 speak briefly friendly assistant""".split())

ANSWERS = {
    "en": ("I heard you speak for {seconds} seconds. Please go on.",
           "Thank you, I am listening. That was {seconds} seconds of speech.",
           "Good, your voice comes through clearly. What would you like to say next?"),
    "fr": ("Je vous ai entendu parler pendant {seconds} secondes. Continuez, je vous prie.",
           "Merci, je vous écoute. Cela faisait {seconds} secondes de parole.",
           "Très bien, votre voix me parvient clairement. Que voulez-vous dire ensuite ?"),
}
HEARD = {"en": "Sentence {number}, spoken for {seconds} seconds.",
         "fr": "Phrase {number}, dite en {seconds} secondes."}
READ = {"en": "You wrote: {text}", "fr": "Vous avez écrit : {text}"}
GREETING = {"en": "Hello, I am listening.", "fr": "Bonjour, je vous écoute."}


def seconds(milliseconds, language):
    text = f"{milliseconds / 1000:.1f}"
    return text.replace(".", ",") if language == "fr" else text


def supported(code):
    """`fr-FR` -> `fr`; None for a language the sandbox does not speak."""
    base = str(code or "").lower().replace("_", "-").split("-")[0]
    return base if base in ANSWERS else None


def language_of(text):
    """Guess the language of instructions or of a message; None where nothing tells."""
    words = re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text or "").lower())
    french = sum(word in FRENCH for word in words)
    english = sum(word in ENGLISH for word in words)
    if french == english:
        return None
    return "fr" if french > english else "en"


def heard(number, speech_ms, language):
    """What the caller is taken to have said."""
    return HEARD[language].format(number=number, seconds=seconds(speech_ms, language))


def answer(number, speech_ms, language):
    """What the assistant says to speech."""
    choices = ANSWERS[language]
    sentence = choices[(number - 1) % len(choices)]
    return sentence.format(seconds=seconds(speech_ms, language))


def answer_to_text(text, language):
    return READ[language].format(text=" ".join(text.split())[:200])


def greeting(language):
    return GREETING[language]


def pieces(text):
    """A sentence in the pieces it is streamed in: words, each with the space before it."""
    return re.findall(r"\s*\S+", text)
