"""Reading aloud by espeak-ng, fed with pinyin so that 银行 says háng. Where it is not installed the button says so."""

import importlib
import re
import shutil
import subprocess
import unicodedata
from functools import cache
from typing import Any

LONGEST = 600
DIGITS = "零一二三四五六七八九"
VOICES = {"zh_Hans": "cmn-latn-pinyin", "zh_Hant": "cmn-latn-pinyin", "en": "en"}
TONES = {"\u0304": "1", "\u0301": "2", "\u030c": "3", "\u0300": "4"}
"""Marks over a vowel and the digits that the voice reads."""
LATIN = "[A-Za-z\u00c0-\u024f]+"


class Speaker:
    """Which program speaks; `create_app` sets it from the settings."""

    program: str | None = None


def use(setting: str) -> None:
    """`setting`: HALL_ESPEAK."""
    Speaker.program = None if setting == "off" else shutil.which(setting or "espeak-ng")


def available() -> bool:
    """Whether this machine can read aloud."""
    return Speaker.program is not None


def speak(text: str, language: str) -> bytes:
    """`text` as WAV. At most 600 characters; numbers, times and money are said as words. Raises OSError. Nothing of
    it is kept: a page may name somebody, and a kiosk forgets."""
    if Speaker.program is None:
        raise OSError("espeak-ng is not installed")
    spoken = text[:LONGEST] if language == "en" else to_pinyin(to_words(text[:LONGEST]))
    speed = "150" if language == "en" else "130"
    done = subprocess.run(  # noqa: S603 - our own program; the text goes in by stdin
        [Speaker.program, "-v", VOICES[language], "-s", speed, "--stdin", "--stdout"],
        input=spoken.encode(),
        capture_output=True,
        timeout=20,
        check=True,
    )
    return done.stdout


@cache
def _pypinyin() -> Any:
    """Loaded by whoever reads aloud first: its phrases take 55 MB, and a process may never need them."""
    return importlib.import_module("pypinyin")


def to_pinyin(text: str) -> str:
    """Chinese as pinyin with tone digits, marks as digits: qīng zhēng lú yú → qing1 zheng1 lu2 yu2; other signs as
    they are."""
    pinyin, text = _pypinyin(), re.sub(rf"{LATIN}(?: {LATIN})*", lambda found: _digits(found[0]), text)
    return " ".join(pinyin.lazy_pinyin(text, style=pinyin.Style.TONE3, neutral_tone_with_five=True))


def _digits(text: str) -> str:
    """Words with marks are pinyin, and one without among them has the fifth tone; words without any are left alone."""
    words = [unicodedata.normalize("NFD", word) for word in text.split()]
    if not any(mark in word for word in words for mark in TONES):
        return text
    return " ".join(_digit(word) for word in words)


def _digit(word: str) -> str:
    tone = next((TONES[sign] for sign in word if sign in TONES), "5")
    plain = "".join(sign for sign in word if sign not in TONES)
    return unicodedata.normalize("NFC", plain).replace("ü", "v") + tone


def to_words(text: str) -> str:
    """Times, money and numbers as they are said: 9:00–13:00 → 九点到十三点, ¥15.00 → 十五元, A3 → A 三."""
    text = re.sub(
        r"(\d{1,2}):(\d{2})\s*[–-]\s*(\d{1,2}):(\d{2})",
        lambda m: f"{_time(m[1], m[2])}到{_time(m[3], m[4])}",
        text,
    )
    text = re.sub(r"(\d{1,2}):(\d{2})", lambda m: _time(m[1], m[2]), text)
    text = re.sub(r"[¥￥](\d+)\.(\d{2})", lambda m: _money(int(m[1]), m[2]), text)
    text = re.sub(r"(?<!\d)\d{5,}(?!\d)", lambda m: " ".join(DIGITS[int(d)] for d in m[0]), text)
    return re.sub(r"\d+", lambda m: number(int(m[0])), text)


def _time(hours: str, minutes: str) -> str:
    if minutes == "00":
        return f"{number(int(hours))}点"
    return f"{number(int(hours))}点{'零' if minutes[0] == '0' else ''}{number(int(minutes))}分"


def _money(yuan: int, cents: str) -> str:
    if cents == "00":
        return f"{number(yuan)}元"
    return f"{number(yuan)}元{DIGITS[int(cents[0])]}角" + (
        f"{DIGITS[int(cents[1])]}分" if cents[1] != "0" else ""
    )


def number(value: int) -> str:
    """0–9999 in Chinese words; larger ones digit by digit."""
    if value > 9999:
        return "".join(DIGITS[int(digit)] for digit in str(value))
    if value < 10:
        return DIGITS[value]
    words, gap = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = value // unit % 10
        if digit:
            words += ("零" if gap and words else "") + DIGITS[digit] + name
            gap = False
        else:
            gap = bool(words)
    return words.removeprefix("一") if 10 <= value < 20 else words
