"""QR codes as inline SVG."""

import qrcode
import qrcode.image.svg
from markupsafe import Markup


def qr_svg(text: str) -> Markup:
    """`text` as a QR code, error correction M, a quiet zone of 2 modules; takes the colour of the text around it."""
    made = qrcode.make(text, image_factory=qrcode.image.svg.SvgPathImage, border=2)
    return Markup(made.to_string(encoding="unicode"))  # noqa: S704 - drawn by the library from our own code
