"""Reading the codes on a screen as a scanner would."""

import io
import re

import zxingcpp
from PIL import Image, ImageDraw


def read(png: bytes) -> list[str]:
    """Texts of every QR code in a picture."""
    with Image.open(io.BytesIO(png)) as picture:
        found = zxingcpp.read_barcodes(
            picture.convert("L"), formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
        )
    return [code.text for code in found]


def paint_svg(svg: str, pixels: int = 8) -> Image.Image:
    """A QR code that stands in a page as squares of one path, as a picture with this many pixels a square."""
    squares = [
        tuple(float(number) for number in found)
        for found in re.findall(r"M([\d.]+),([\d.]+)H([\d.]+)V([\d.]+)H[\d.]+z", svg)
    ]
    if not squares:
        raise AssertionError(f"no squares in {svg[:300]}")
    module = min(right - left for left, _top, right, _bottom in squares)
    size = int((max(right for _l, _t, right, _b in squares) / module + 4) * pixels)
    picture = Image.new("L", (size, size), 255)
    draw = ImageDraw.Draw(picture)
    for left, top, right, bottom in squares:
        box = [round(value / module * pixels) for value in (left, top, right, bottom)]
        draw.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=0)
    return picture


def read_svg(svg: str) -> str:
    """The text of a QR code that stands in a page, painted and then read by the decoder."""
    kept = io.BytesIO()
    paint_svg(svg).save(kept, "PNG")
    return read(kept.getvalue())[0]
