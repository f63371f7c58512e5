"""Pictures that people hand in: looked at by their content, drawn anew, and only then kept.

What is kept is made by us pixel by pixel, so that neither a place nor a second file hidden in it survives.
"""

import io
import warnings

import filetype
from flask_babel import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from core.errors import Refused

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
MOST_PIXELS = {"image/jpeg": 60_000_000, "image/png": 16_000_000, "image/webp": 16_000_000}
"""A telephone's picture is a JPEG of 12 to 50 million, which is decoded small; the others are decoded whole."""
LONGEST, QUALITY = 1600, 82
MIME = "image/webp"


def redrawn(data: bytes) -> bytes:
    """The picture as WebP, at most 1600 pixels long, upright, with nothing in it but what is seen."""
    kind = filetype.guess_mime(data)
    if kind not in FORMATS:
        raise Refused(
            "picture_kind", _("这不是照片"), _("请选 JPG、PNG 或 WebP 照片，手机拍的就可以。"), status=422
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=[FORMATS[kind]]) as picture:
                if picture.width * picture.height > MOST_PIXELS[kind]:
                    raise Image.DecompressionBombError
                picture.draft("RGB", (LONGEST, LONGEST))  # JPEG: decoded small, at a fraction of the memory
                upright = ImageOps.exif_transpose(picture)
                drawn = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except Image.DecompressionBombError:
        text = _("请用手机重新拍一张，或者先缩小。")
        raise Refused("picture_large", _("照片太大了"), text, status=422) from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise Refused(
            "picture_broken", _("这张照片打不开"), _("可能没有传完整，请再选一次。"), status=422
        ) from None
    drawn.thumbnail((LONGEST, LONGEST))
    fresh = Image.new(drawn.mode, drawn.size)
    fresh.paste(drawn)
    out = io.BytesIO()
    fresh.save(out, "WEBP", quality=QUALITY)
    return out.getvalue()
