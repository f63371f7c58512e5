"""Encrypted columns (AES-SIV) and the blind indexes that let them be looked up.

The associated data is `table.column`, so that a value cannot be moved to another column. Keys are derived from the
secret key; old keys still read. Losing the secret key loses these columns: back it up apart from the database.
"""

import hashlib
import hmac
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator


class Undecryptable(RuntimeError):
    """No known key opens a value: the secret key was changed without `keys rotate`, or the row was tampered with."""


class Keys:
    """Keys made from the secrets, newest first. One object for the process, filled by `create_app`."""

    def __init__(self) -> None:
        self._secrets: tuple[str, ...] = ()

    def use(self, secrets: Sequence[str]) -> None:
        """Newest secret first: it writes; all of them read."""
        self._secrets = tuple(secrets)

    def all(self, purpose: str, length: int = 32) -> list[bytes]:
        """Keys for one purpose, newest first."""
        if not self._secrets:
            raise RuntimeError("no secret key has been set")
        return [_derive(secret, purpose, length) for secret in self._secrets]

    def newest(self, purpose: str, length: int = 32) -> bytes:
        return self.all(purpose, length)[0]


keys = Keys()


@lru_cache(maxsize=256)
def _derive(secret: str, purpose: str, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt=None, info=purpose.encode()).derive(secret.encode())


def encrypt(plain: str, where: str) -> bytes:
    """`plain` as AES-SIV ciphertext bound to `where` (`table.column`). Deterministic."""
    return AESSIV(keys.newest("column", 64)).encrypt(plain.encode(), [where.encode()])


def decrypt(cipher: bytes, where: str) -> str:
    """The text in `cipher`. Raises `Undecryptable`."""
    for key in keys.all("column", 64):
        try:
            return AESSIV(key).decrypt(cipher, [where.encode()]).decode()
        except InvalidTag:
            continue
    raise Undecryptable(
        f"{where}: no known key opens this value. Is HALL_SECRET_KEY the one it was written with?"
    )


def blind(plain: str, where: str) -> bytes:
    """Keyed digest (16 bytes) that stands for `plain` in look-ups on `where`, written with the newest key."""
    return _digest(keys.newest("blind"), plain, where)


def blinds(plain: str, where: str) -> list[bytes]:
    """The digests under every known key: look-ups use all of them while a rotation is under way."""
    return [_digest(key, plain, where) for key in keys.all("blind")]


def _digest(key: bytes, plain: str, where: str) -> bytes:
    return hmac.new(key, f"{where}\0{plain}".encode(), hashlib.sha256).digest()[:16]


class Encrypted(TypeDecorator[str]):
    """A text column that only this program can read. `where` is its `table.column`."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else encrypt(value, self.where)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else decrypt(bytes(value), self.where)
