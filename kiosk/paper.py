"""A slip on paper: drawn as pictures, because receipt printers have no Chinese of their own that one can rely on, and
handed to a printer that speaks ESC/POS over TCP. Nothing here knows the database."""

import importlib
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from core.area import Paper
from kiosk.rules import may_print_at, printer_address

LIMIT = 3.0
"""Seconds in which a printer must have taken a slip and answered, all in all."""
DOTS = {58: 384, 80: 576}
"""What a head prints across, by the width of its paper in mm: 8 dots a mm."""
QR_SIZE = {58: 6, 80: 8}
FACES = {"zh_Hans": 2, "zh_Hant": 4, "en": 2}
"""Which face of the collection: the same sign is drawn otherwise in Shenzhen and in Hong Kong."""
FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts")
STRIP = 240
"""Lines of dots that are sent at once: cheap printers have little memory."""
ASK_PAPER, ASK_OFFLINE = b"\x10\x04\x04", b"\x10\x04\x02"
GAP = 14
PUNCTUATION = "，。、；：？！）》”%,.;:?!)"


class Where:
    """Whether a printer may stand on this machine itself; `create_app` sets it: in the demo only."""

    inside = False


class NoFont(RuntimeError):
    """The machine has no Chinese type: nothing is printed, rather than boxes."""


@dataclass(frozen=True, slots=True)
class Said:
    """What came of speaking to a printer. state: as `Device.printer_state`. printed: whether it took all of the slip.
    why: for the log and the doctor."""

    state: str
    printed: bool = False
    why: str = ""


# --- drawing --------------------------------------------------------------------------------------------------------


@cache
def _file(weight: str) -> Path | None:
    found = (file for folder in FOLDERS for file in Path(folder).rglob(f"NotoSansCJK-{weight}.ttc"))
    return next(found, None)


def has_font() -> bool:
    """Whether Chinese can be drawn here: Noto Sans CJK (`fonts-noto-cjk`)."""
    return _file("Regular") is not None and _file("Bold") is not None


@cache
def _font(size: int, bold: bool, language: str) -> ImageFont.FreeTypeFont:
    file = _file("Bold" if bold else "Regular")
    if file is None:
        raise NoFont("fonts-noto-cjk is not installed")
    return ImageFont.truetype(file, size, index=FACES.get(language, 2))


def _pieces(text: str) -> list[str]:
    """Where a line may break: after every Chinese sign, between other words; a stop stays with what is before it."""
    found: list[str] = []
    for sign in text:
        joins = found and (
            sign in PUNCTUATION or (sign < "\u2e80" and found[-1][-1] < "\u2e80" and found[-1][-1] != " ")
        )
        if joins:
            found[-1] += sign
        else:
            found.append(sign)
    return found


class _Sheet:
    """Lines one below the other on paper of a width."""

    def __init__(self, mm: int, language: str) -> None:
        self.wide, self.language = DOTS[mm], language
        self.body = 32 if mm == 80 else 28
        self.canvas = Image.new("L", (self.wide, 3200), 255)
        self.pen = ImageDraw.Draw(self.canvas)
        self.y = 0

    def font(self, size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
        return _font(size, bold, self.language)

    def broken(self, text: str, font: ImageFont.FreeTypeFont, wide: int) -> list[str]:
        lines = [""]
        for piece in _pieces(text):
            if lines[-1] and font.getlength((lines[-1] + piece).rstrip()) > wide:
                lines.append(piece.lstrip())
            else:
                lines[-1] += piece
        return [line.rstrip() for line in lines]

    def line(self, text: str, size: int, *, bold: bool = False, middle: bool = False) -> None:
        """As many lines as it needs."""
        font = self.font(size, bold)
        for one in self.broken(text, font, self.wide) if text else []:
            x = (self.wide - int(font.getlength(one))) // 2 if middle else 0
            self.pen.text((x, self.y), one, fill=0, font=font)
            self.y += int(size * 1.35)

    def fitting(self, text: str, size: int) -> None:
        """On one line, as large as that allows."""
        wide = self.font(size, True).getlength(text)
        self.line(text, min(size, int(size * self.wide / wide)) if wide else size, bold=True, middle=True)

    def pair(self, label: str, value: str) -> None:
        """A label on the left, what it says on the right; below it where it is long."""
        thin, thick = self.font(self.body), self.font(self.body, True)
        start = int(thin.getlength(label)) + GAP * 2
        lines = self.broken(value, thick, self.wide - start)
        if len(lines) > 1 and start > self.wide // 3:
            self.line(label, self.body)
            start, lines = GAP * 2, self.broken(value, thick, self.wide - GAP * 2)
        else:
            self.pen.text((0, self.y), label, fill=0, font=thin)
        for one in lines:
            x = max(start, self.wide - int(thick.getlength(one))) if len(lines) == 1 else start
            self.pen.text((x, self.y), one, fill=0, font=thick)
            self.y += int(self.body * 1.35)

    def rule(self) -> None:
        for x in range(0, self.wide, 12):
            self.pen.line((x, self.y + GAP, x + 6, self.y + GAP), fill=0, width=2)
        self.y += GAP * 2

    def cut(self) -> Image.Image:
        """What was drawn, in black and white."""
        return self.canvas.crop((0, 0, self.wide, max(self.y, 1))).point(lambda dot: 255 * (dot > 140), "1")


def draw(paper: Paper, head: str, mm: int, language: str) -> tuple[Image.Image, Image.Image]:
    """The slip above its code and below it, one dot a pixel. Raises `NoFont`."""
    top = _Sheet(mm, language)
    top.line(head, top.body, bold=True, middle=True)
    top.rule()
    top.line(paper.label, top.body, middle=True)
    top.fitting(paper.big, 150 if paper.label else 96)
    top.line(paper.title, int(top.body * 1.3), bold=True, middle=True)
    top.line(paper.when, int(top.body * 1.15), bold=True, middle=True)
    top.rule()
    for label, value in paper.rows:
        top.pair(label, value)
    if paper.sums:
        top.rule()
    for label, value in paper.sums:
        top.pair(label, value)
    top.rule()
    below = _Sheet(mm, language)
    for note in paper.notes:
        below.line(note, below.body, middle=True)
    return top.cut(), below.cut()


@cache
def _printers() -> Any:
    """Loaded by whoever prints first, which is the clock: 10 MB that no web process needs."""
    module = importlib.import_module("escpos.printer")
    # whose profile does not say how wide it is draws a remark of the library on the clock's screen for every picture
    module.Dummy().profile.profile_data["media"]["width"]["pixels"] = max(DOTS.values())
    return module


def as_bytes(paper: Paper, head: str, mm: int, language: str) -> bytes:
    """The slip as the printer takes it: pictures, the code drawn by the printer itself, a cut. Raises `NoFont`."""
    top, below = draw(paper, head, mm, language)
    made = _printers().Dummy()
    made.hw("INIT")
    made.image(top, fragment_height=STRIP)
    made.set(align="center")
    made.qr(paper.link, ec=1, size=QR_SIZE[mm], native=True)
    made.set(align="left")
    made.image(below, fragment_height=STRIP)
    made.cut()
    return bytes(made.output)


# --- speaking -------------------------------------------------------------------------------------------------------


class _Line:
    """A connection that is over after so many seconds, whatever the other side does."""

    def __init__(self, host: str, port: int, until: float) -> None:
        self.until = until
        found = [str(row[4][0]) for row in socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)]
        if any(not may_print_at(one, inside=Where.inside) for one in found):
            raise OSError("the address is none where a printer may stand")
        self.socket = socket.create_connection((found[0], port), self.left())

    def left(self) -> float:
        seconds = self.until - perf_counter()
        if seconds <= 0:
            raise TimeoutError("too slow")
        return seconds

    def send(self, what: bytes) -> None:
        self.socket.settimeout(self.left())
        self.socket.sendall(what)

    def ask(self, what: bytes) -> int:
        """The byte that answers; others, which some send by themselves, are passed over."""
        self.send(what)
        while True:
            self.socket.settimeout(self.left())
            said = self.socket.recv(1)
            if not said:
                raise OSError("it hung up")
            if said[0] & 0x93 == 0x12:
                return said[0]


def _state(line: _Line) -> Said:
    """How the printer is. Whatever keeps it from printing, other than paper, is `away` for those who wait."""
    paper, offline = line.ask(ASK_PAPER), line.ask(ASK_OFFLINE)
    if paper & 0x60 or offline & 0x20:
        return Said("no_paper", why="no paper")
    if offline & 0x04:
        return Said("away", why="its cover is open")
    if offline & 0x40:
        return Said("away", why="it reports an error")
    return Said("low" if paper & 0x0C else "ok")


def speak(address: str, what: bytes = b"") -> Said:
    """Ask the printer how it is; if well and there is something to print, hand it over and ask again. Within 3 s and
    the look-up of its name. A slip on which the paper ended is not printed."""
    until = perf_counter() + LIMIT
    try:
        line = _Line(*printer_address(address), until)
    except (OSError, ValueError) as fault:
        return Said("away", why=f"{type(fault).__name__}: {fault}")
    with line.socket:
        try:
            before = _state(line)
            if not what or before.state not in {"ok", "low"}:
                return before
            line.send(what)
        except OSError as fault:
            return Said("away", why=f"{type(fault).__name__}: {fault}")
        try:
            after = _state(line)
        except OSError as fault:  # it has taken everything: again would be twice
            return Said("away", True, f"{type(fault).__name__}: {fault}")
        return Said(after.state, after.state != "no_paper", after.why)


def put_on_paper(address: str, paper: Paper, head: str, mm: int, language: str) -> Said:
    """Draw and print one slip. Raises `NoFont`."""
    return speak(address, as_bytes(paper, head, mm, language))
