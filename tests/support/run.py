"""What the processes of one test run share: a folder, and things in it that are made once."""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

PREFIX = "hall-tests-"


class Run:
    """The folder of one run. `once()` makes a thing in the first process that asks; the others wait and get it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def begin(cls) -> "Run":
        run = cls(Path(tempfile.mkdtemp(prefix=PREFIX)))
        run.folder.chmod(0o711)  # the database server runs as somebody else and must reach its own folder
        (run.folder / "pid").write_text(str(os.getpid()))
        return run

    @property
    def templates(self) -> Path:
        """Where compiled templates are kept, so that not every test compiles them again."""
        folder = self.folder / "templates"
        folder.mkdir(exist_ok=True)
        return folder

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        with (self.folder / f"{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def once(self, name: str, make: Callable[[], dict[str, str]]) -> dict[str, str]:
        done, failed = self.folder / f"{name}.json", self.folder / f"{name}.failed"
        with self.lock(name):
            if failed.exists():
                raise RuntimeError(f"{name} could not be made: {failed.read_text()}")
            if not done.exists():
                try:
                    done.write_text(json.dumps(make()))
                except BaseException as fault:
                    failed.write_text(f"{type(fault).__name__}: {fault}")
                    raise
            made: dict[str, str] = json.loads(done.read_text())
            return made

    def end(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def abandoned() -> Iterator[Run]:
    """Runs of which the process that led them is gone: it was killed before it could tidy up."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            pid = int((folder / "pid").read_text())
        except (OSError, ValueError):
            continue
        if not Path(f"/proc/{pid}").exists():
            yield Run(folder)
