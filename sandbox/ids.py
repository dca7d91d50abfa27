"""Identifiers that look like OpenAI's: opaque, unguessable, told apart by a prefix."""

import secrets
import string

ALPHABET = string.ascii_letters + string.digits


def new(prefix):
    return f"{prefix}_" + "".join(secrets.choice(ALPHABET) for _ in range(21))


def call():
    return f"rtc_u1_{secrets.token_hex(16)}"


def live():
    return f"live_{secrets.token_hex(16)}"


def ephemeral_key():
    return f"ek_{secrets.token_hex(16)}"


def request():
    return f"req_{secrets.token_hex(16)}"
