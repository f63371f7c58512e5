"""Codes that machines read (QR) and numbers that people read to each other.

A code is a kind letter, 128 random bits in Crockford base32 (26 characters, no look-alikes) and a 4-character HMAC:
one that we never made is refused without a look-up. A number (`K7M2 4QXD`) is unique and no secret.
"""

import hashlib
import hmac
import secrets
from typing import Literal

from core.crypto import keys

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NUMBER_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
KINDS = {"K": "card", "B": "booking", "M": "meal", "R": "delivery run", "F": "family invitation"}
Kind = Literal["K", "B", "M", "R", "F"]
BODY, TAG = 26, 4
LENGTH = 1 + BODY + TAG


def new_code(kind: Kind) -> str:
    """A fresh code of a kind, 31 characters."""
    value = secrets.randbits(128)
    body = "".join(ALPHABET[(value >> (5 * place)) & 31] for place in reversed(range(BODY)))
    return f"{kind}{body}{_tag(keys.newest('code'), kind + body)}"


def read_code(text: str) -> tuple[str, str] | None:
    """(kind letter, code) of what a reader typed: a whole address or the code alone. None if it is not ours."""
    code = _plain(text)
    if not is_whole(text):
        return None
    stem, tag = code[:-TAG], code[-TAG:]
    if not any(hmac.compare_digest(_tag(key, stem), tag) for key in keys.all("code")):
        return None
    return code[0], code


def is_whole(text: str) -> bool:
    """Whether this is built like a code of ours, whoever made it: only the HMAC says whether we did."""
    code = _plain(text)
    return len(code) == LENGTH and code[0] in KINDS and all(sign in ALPHABET for sign in code[1:])


def is_cut(text: str) -> bool:
    """Whether this begins like a code of ours and ends too soon: not read to its end."""
    code = _plain(text)
    return 8 <= len(code) < LENGTH and code[0] in KINDS and all(sign in ALPHABET for sign in code[1:])


def code_hash(code: str) -> bytes:
    """What is stored of a code that must not be shown again (cards): it is random, so a plain digest serves."""
    return hashlib.sha256(code.encode()).digest()


def new_number() -> str:
    """Eight signs without look-alikes, stored without the space; uniqueness is the table's constraint."""
    return "".join(secrets.choice(NUMBER_ALPHABET) for _ in range(8))


def show_number(number: str) -> str:
    """`K7M24QXD` → `K7M2 4QXD`."""
    return f"{number[:4]} {number[4:]}"


def new_token() -> str:
    """256 random bits for a cookie or a device secret."""
    return secrets.token_urlsafe(32)


def _plain(text: str) -> str:
    code = text.strip().rstrip("/").rsplit("/", 1)[-1].split("?")[0].upper()
    return code.replace("O", "0").replace("I", "1").replace("L", "1")


def _tag(key: bytes, stem: str) -> str:
    digest = hmac.new(key, stem.encode(), hashlib.sha256).digest()
    return "".join(ALPHABET[byte & 31] for byte in digest[:TAG])
