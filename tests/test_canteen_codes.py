"""A slip's code is printed small and photographed badly, and still read; what is no code of ours is told so."""

import io
from datetime import date

import pytest
import qrcode
from PIL import Image, ImageEnhance, ImageFilter

from canteen.services.serve import Answer, read_slip
from core.codes import new_code
from core.crypto import Keys
from tests.support.databases import SECRET_KEY
from tests.support.meals import Meals
from tests.support.qr import read

HOST = "https://hall.example.cn/q/"
SIZES = (120, 180, 300)


def photograph(text: str, size: int, *, turned: float = 0, blur: float = 0, contrast: float = 1) -> bytes:
    """The code at `size` pixels on grey paper, turned by degrees, out of focus, pale."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4)
    code.add_data(text)
    code.make(fit=True)
    picture = code.make_image().get_image().convert("L").resize((size, size), Image.Resampling.LANCZOS)
    paper = Image.new("L", (size * 2, size * 2), 235)
    paper.paste(picture, (size // 2, size // 2))
    paper = paper.rotate(turned, fillcolor=235, resample=Image.Resampling.BICUBIC)
    paper = ImageEnhance.Contrast(paper.filter(ImageFilter.GaussianBlur(blur))).enhance(contrast)
    kept = io.BytesIO()
    paper.save(kept, "PNG")
    return kept.getvalue()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"turned": 17},
        {"turned": 173},
        {"blur": 0.7},
        {"contrast": 0.25},
        {"turned": 31, "blur": 0.5, "contrast": 0.5},
    ],
    ids=["plain", "turned", "upside down", "blurred", "pale", "all at once"],
)
def test_a_badly_photographed_slip_is_read(
    size: int, fault: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Keys()
    mine.use([SECRET_KEY])  # no program is started here that would have set them
    monkeypatch.setattr("core.codes.keys", mine)
    address = HOST + new_code("M")
    assert read(photograph(address, size, **fault)) == [address]


def kind(payload: str) -> str:
    found = read_slip(payload)
    return found.kind if isinstance(found, Answer) else "found"


def test_every_code_that_is_no_meal_has_its_own_sentence(meals: Meals) -> None:
    code = new_code("M")
    forged = code[:-1] + ("0" if code[-1] != "0" else "1")
    said = {
        "forged": read_slip(HOST + forged),
        "cut": read_slip(HOST + code[:20]),
        "card": read_slip(HOST + new_code("K")),
        "nobody's": read_slip(HOST + code),
        "elsewhere": read_slip("https://example.org/menu"),
    }
    assert all(isinstance(one, Answer) and one.colour == "red" for one in said.values())
    assert {name: kind(HOST + payload) for name, payload in (("forged", forged), ("cut", code[:20]))} == {
        "forged": "forged",
        "cut": "cut",
    }
    texts = {one.title for name, one in said.items() if isinstance(one, Answer) and name != "elsewhere"}
    assert len(texts) == 4


def test_a_slip_is_found_from_any_host_and_in_any_case(meals: Meals) -> None:

    meals.lunch(date(2026, 11, 24))
    order = meals.order(meals.cast.chen, date(2026, 11, 24))
    for payload in (order.code, HOST + order.code, "http://old.example/q/" + order.code.lower()):
        found = read_slip(payload)
        assert not isinstance(found, Answer)
        assert found.id == order.id
