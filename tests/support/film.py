"""Short films for a browser's camera: uncompressed YUV4MPEG2, which Chromium reads as a camera of its own."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

WIDE, HIGH, A_SECOND = 640, 480, 10


def shoot(path: Path, scenes: Sequence[tuple[Image.Image | None, float]]) -> Path:
    """Each picture for so many seconds, in the middle of a grey table; None: nothing lies there."""
    colourless = bytes([128]) * (WIDE * HIGH // 2)
    with path.open("wb") as film:
        film.write(f"YUV4MPEG2 W{WIDE} H{HIGH} F{A_SECOND}:1 Ip A1:1 C420jpeg\n".encode())
        for picture, seconds in scenes:
            table = Image.new("L", (WIDE, HIGH), 150)
            if picture is not None:
                table.paste(picture, ((WIDE - picture.width) // 2, (HIGH - picture.height) // 2))
            film.write((b"FRAME\n" + table.tobytes() + colourless) * round(seconds * A_SECOND))
    return path
