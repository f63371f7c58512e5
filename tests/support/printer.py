"""A receipt printer on a port of this machine: it understands what it is sent, and keeps what came out as pictures."""

import io
import socket
import threading
from dataclasses import dataclass, field

import qrcode
from PIL import Image

from tests.support.qr import read

ANSWERS = {
    "ok": {1: 0x12, 2: 0x12, 4: 0x12},
    "low": {1: 0x12, 2: 0x12, 4: 0x1E},
    "no_paper": {1: 0x1A, 2: 0x32, 4: 0x7E},
    "cover": {1: 0x1A, 2: 0x16, 4: 0x12},
}
"""What it says to DLE EOT 1, 2 and 4."""


@dataclass
class Slip:
    """A paper that was cut off. texts: what its codes were made of."""

    picture: Image.Image
    texts: list[str] = field(default_factory=list)

    def codes(self) -> list[str]:
        """What a scanner reads on it."""
        kept = io.BytesIO()
        self.picture.convert("L").save(kept, "PNG")
        return read(kept.getvalue())

    def ink(self) -> int:
        """How many of its dots are black."""
        return self.picture.convert("L").histogram()[0]


class Printer:
    """state: a key of ANSWERS; `silent` takes everything and says nothing; `ends` has paper until it is sent something;
    `mute` falls silent after it was sent something. slips: what was cut off. problems: bytes that it does not know."""

    def __init__(self, state: str = "ok") -> None:
        self.state = state
        self.slips: list[Slip] = []
        self.problems: list[str] = []
        self.asked = 0
        self.wide = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Event()
        self._strips: list[Image.Image] = []
        self._texts: list[str] = []
        self._stored, self._size = "", 3
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listening.getsockname()[1]}"

    def close(self) -> None:
        self._ended.set()
        self._listening.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _who = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as line:
            try:
                while (sign := line.read(1)) and not self._ended.is_set():
                    self._obey(connection, line, sign)
            except (OSError, ValueError):
                return

    def _obey(self, connection: socket.socket, line: io.BufferedReader, sign: bytes) -> None:
        if sign == b"\x10":
            self.asked += 1
            kind = line.read(2)[1]
            if self.state not in ("silent", "mute!"):
                connection.sendall(bytes([ANSWERS.get(self.state, ANSWERS["ok"])[kind]]))
            return
        two = sign + line.read(1)
        if two == b"\x1b@":
            self._strips, self._texts = [], []
            self.state = {"mute": "mute!"}.get(self.state, self.state)
        elif two == b"\x1ba":
            line.read(1)
        elif two == b"\x1dv":
            self._raster(line)
        elif two == b"\x1d(":
            self._code(line)
        elif two == b"\x1bd":
            line.read(1)
        elif two == b"\x1dV":
            line.read(1)
            self._cut()
        else:
            self.problems.append(repr(two))

    def _raster(self, line: io.BufferedReader) -> None:
        _zero, _mode, low, high, y_low, y_high = line.read(6)
        across, down = low + 256 * high, y_low + 256 * y_high
        dots = line.read(across * down)
        self.wide = across * 8
        self._strips.append(Image.frombytes("1", (across * 8, down), bytes(255 - byte for byte in dots)))

    def _code(self, line: io.BufferedReader) -> None:
        _k, low, high = line.read(3)
        given = line.read(low + 256 * high)
        if given[1] == 67:
            self._size = given[2]
        elif given[1] == 80:
            self._stored = given[3:].decode()
        elif given[1] == 81:
            made = qrcode.QRCode(
                box_size=self._size, border=4, error_correction=qrcode.constants.ERROR_CORRECT_M
            )
            made.add_data(self._stored)
            self._texts.append(self._stored)
            self._strips.append(made.make_image().get_image().convert("1"))

    def _cut(self) -> None:
        if self.state == "ends":
            self.state = "no_paper"
            return
        wide = max(strip.width for strip in self._strips)
        paper = Image.new("1", (wide, sum(strip.height for strip in self._strips)), 1)
        y = 0
        for strip in self._strips:
            paper.paste(strip, ((wide - strip.width) // 2 if strip.width < wide else 0, y))
            y += strip.height
        self.slips.append(Slip(paper, self._texts))
