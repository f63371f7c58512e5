"""Where the bytes of files are: a folder by default, any S3-compatible store by `HALL_FILES_URL`.

The client of object stores costs 8 MB of memory: it is loaded by those who set one.
"""

import importlib
import io
import os
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

KEY = re.compile(r"[0-9a-z]{26}")


class Missing(Exception):
    """The store has no bytes under this key."""


class Store(Protocol):
    """Bytes under keys. Writing the same key twice writes the same bytes; removing what is gone changes nothing."""

    def put(self, key: str, data: bytes) -> None: ...

    def get(self, key: str) -> bytes: ...

    def delete(self, key: str) -> None: ...

    def all(self) -> Iterator[tuple[str, datetime]]: ...

    def check(self) -> None: ...


class FolderStore:
    """A folder with two letters of the key as a sub-folder. Mode 600; a half-written file never bears the name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, key: str, data: bytes) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = path.with_name(f".{key}.{secrets.token_hex(4)}.part")
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            raise Missing(key) from None

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def all(self) -> Iterator[tuple[str, datetime]]:
        """Every key with the moment it was written."""
        for path in sorted(self.folder.glob("*/*")):
            if KEY.fullmatch(path.name):
                yield path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def tidy(self, before: datetime) -> None:
        """Halves of files whose writer was killed."""
        for path in self.folder.glob("*/.*.part"):
            if path.stat().st_mtime < before.timestamp():
                path.unlink(missing_ok=True)

    def check(self) -> None:
        """Raises OSError if nothing can be written here."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(self.folder, os.W_OK):
            raise OSError(f"{self.folder} cannot be written")

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise Missing(key)
        return self.folder / key[:2] / key


class S3Store:
    """A bucket of any S3-compatible store: `s3://key:secret@host:port/bucket?secure=0&region=…`."""

    def __init__(self, url: str) -> None:
        parts, options = urlsplit(url), parse_qs(urlsplit(url).query)
        minio, self._errors = importlib.import_module("minio"), importlib.import_module("minio.error")
        self.bucket = parts.path.strip("/")
        self._client: Any = minio.Minio(
            endpoint=parts.netloc.rpartition("@")[2],
            access_key=unquote(parts.username or ""),
            secret_key=unquote(parts.password or ""),
            secure=options.get("secure", ["1"])[0] != "0",
            region=options.get("region", ["us-east-1"])[0],
        )

    def put(self, key: str, data: bytes) -> None:
        self._client.put_object(
            bucket_name=self.bucket, object_name=self._name(key), data=io.BytesIO(data), length=len(data)
        )

    def get(self, key: str) -> bytes:
        try:
            answer = self._client.get_object(bucket_name=self.bucket, object_name=self._name(key))
        except self._errors.S3Error as error:
            if error.code in {"NoSuchKey", "NoSuchObject"}:
                raise Missing(key) from None
            raise
        try:
            return bytes(answer.read())
        finally:
            answer.close()
            answer.release_conn()

    def delete(self, key: str) -> None:
        self._client.remove_object(bucket_name=self.bucket, object_name=self._name(key))

    def all(self) -> Iterator[tuple[str, datetime]]:
        for one in self._client.list_objects(bucket_name=self.bucket, recursive=True):
            if KEY.fullmatch(one.object_name):
                yield one.object_name, one.last_modified

    def check(self) -> None:
        """Raises OSError if the bucket is not there."""
        if not self._client.bucket_exists(bucket_name=self.bucket):
            raise OSError(f"the bucket {self.bucket} is not there")

    def _name(self, key: str) -> str:
        if not KEY.fullmatch(key):
            raise Missing(key)
        return key


def store_at(url: str, folder: Path) -> Store:
    """The store that a setting names; empty: the folder."""
    return S3Store(url) if url else FolderStore(folder)


def sound(url: str) -> bool:
    """Whether a setting names a store: `s3://key:secret@host[:port]/bucket`."""
    parts = urlsplit(url)
    bucket = parts.path.strip("/")
    return bool(parts.scheme == "s3" and parts.hostname and parts.username and parts.password) and bool(
        re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket)
    )
