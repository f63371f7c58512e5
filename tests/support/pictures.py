"""Pictures and what pretends to be one."""

import io
import struct
import zipfile
import zlib

from PIL import Image


def drawn(kind: str = "PNG", size: tuple[int, int] = (40, 30), **more: object) -> bytes:
    """A small picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, (200, 80, 40)).save(out, kind, **more)
    return out.getvalue()


PNG = drawn()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A PNG of a few kilobytes that says it is 900 million pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def polyglot() -> bytes:
    """A JPEG that is also an archive with a page in it."""
    out = io.BytesIO(drawn("JPEG"))
    out.seek(0, io.SEEK_END)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("page.html", "<script>alert(document.cookie)</script>")
    return out.getvalue()


def with_place() -> bytes:
    """A JPEG that says where it was taken, and lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "水贝二街3栋302"
    exif.get_ifd(0x8825)[2] = (22.0, 34.0, 23.5)
    return drawn("JPEG", (60, 20), exif=exif)
