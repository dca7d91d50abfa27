"""How letters sound: a small table of speech sounds for the sandbox's own voice.

Good enough to sound like somebody speaking, not to be understood."""

import unicodedata

# Vowels: the first three formants in Hz.
VOWELS = {
    "a": (750, 1300, 2500), "e": (500, 1750, 2500), "E": (580, 1800, 2550),
    "i": (290, 2200, 2950), "o": (450, 850, 2500), "u": (310, 760, 2300),
    "y": (280, 1800, 2250), "@": (500, 1450, 2450), "A": (650, 950, 2450),
    "O": (520, 950, 2450), "I": (560, 1600, 2500),
}

# Consonants: formants, loudness of the voice, loudness of the breath, its pitch in Hz, seconds.
CONSONANTS = {
    "m": ((270, 1000, 2200), .35, 0, 0, .07), "n": ((270, 1500, 2500), .35, 0, 0, .065),
    "l": ((360, 1200, 2700), .5, 0, 0, .06), "r": ((430, 1200, 1700), .45, .03, 1500, .06),
    "w": ((300, 700, 2200), .5, 0, 0, .06), "j": ((290, 2100, 2900), .5, 0, 0, .055),
    "v": ((330, 1200, 2400), .3, .05, 4000, .06), "z": ((300, 1600, 2500), .25, .12, 5200, .07),
    "Z": ((300, 1700, 2400), .25, .12, 3000, .07), "f": ((330, 1200, 2400), 0, .10, 4200, .085),
    "s": ((300, 1600, 2500), 0, .20, 5600, .09), "S": ((300, 1700, 2400), 0, .20, 3100, .09),
    "h": ((500, 1500, 2500), .05, .06, 1500, .05),
    "b": ((300, 900, 2200), .15, .05, 900, .06), "d": ((300, 1700, 2600), .15, .06, 3500, .055),
    "g": ((300, 1900, 2400), .15, .06, 2000, .06), "p": ((300, 900, 2200), 0, .06, 900, .07),
    "t": ((300, 1700, 2600), 0, .10, 4000, .065), "k": ((300, 1900, 2400), 0, .08, 2200, .07),
}

SPELLINGS = {
    "en": (("tion", "S@n"), ("ough", "o"), ("igh", "ai"), ("th", "z"), ("sh", "S"), ("ch", "tS"),
           ("ph", "f"), ("ck", "k"), ("qu", "kw"), ("wh", "w"), ("ng", "n"), ("ee", "i"),
           ("ea", "i"), ("oo", "u"), ("ou", "au"), ("ow", "au"), ("ai", "ei"), ("ay", "ei"),
           ("oi", "Oi"), ("er", "@r"), ("ar", "Ar"), ("x", "ks"), ("c", "k"), ("j", "dZ"),
           ("y", "j"), ("q", "k"), ("i", "i"), ("u", "@"), ("o", "O"), ("e", "E")),
    "fr": (("eau", "o"), ("oin", "wI"), ("ain", "I"), ("ein", "I"), ("ill", "ij"), ("tion", "sjO"),
           ("ch", "S"), ("ph", "f"), ("gn", "nj"), ("qu", "k"), ("au", "o"), ("ou", "u"),
           ("oi", "wa"), ("ai", "E"), ("ei", "E"), ("eu", "@"), ("an", "A"), ("en", "A"),
           ("em", "A"), ("am", "A"), ("on", "O"), ("om", "O"), ("in", "I"), ("un", "I"),
           ("ez", "e"), ("er", "e"), ("x", "ks"), ("c", "k"), ("j", "Z"), ("h", ""), ("q", "k"),
           ("u", "y"), ("y", "i"), ("e", "@"), ("w", "v")),
}
NUMBERS = {"en": "zero one two three four five six seven eight nine".split(),
           "fr": "zéro un deux trois quatre cinq six sept huit neuf".split()}
ACCENTED = {"é": "e", "è": "E", "ê": "E", "ë": "E", "à": "a", "â": "a", "ç": "s", "ï": "i",
            "î": "i", "ô": "o", "ù": "y", "û": "y", "ü": "y", "œ": "@"}


def of_word(word, language):
    """The sounds of a word, as keys of VOWELS and CONSONANTS."""
    text = "".join(" " + NUMBERS[language][int(char)] + " " if char in "0123456789" else char
                   for char in unicodedata.normalize("NFC", word.lower()))
    sounds = []
    at = 0
    while at < len(text):
        if text[at] in ACCENTED:
            sounds.append(ACCENTED[text[at]])
            at += 1
            continue
        for spelling, sound in SPELLINGS[language]:
            if text.startswith(spelling, at):
                sounds.extend(sound)
                at += len(spelling)
                break
        else:
            if text[at] in VOWELS or text[at] in CONSONANTS:
                sounds.append(text[at])
            at += 1
    silent_ending = len(sounds) > 2 and sounds[-1] == ("@" if language == "fr" else "E")
    return sounds[:-1] if silent_ending else sounds
