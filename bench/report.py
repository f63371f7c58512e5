"""Figures of several runs: minimum, median and maximum, what they must be, and whether they may be believed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

NOISY = 1.35
"""A bound that varies by more than this between runs says that somebody else used the machine."""
WORTHLESS = 0.7
"""A run whose bound is below this share of the best run's is left out, as long as three others are left."""


@dataclass(frozen=True)
class Target:
    """One line of the table. `of`: the bound's sign, or the unit where it is no ratio. at_most: smaller is better."""

    number: str
    what: str
    of: str
    must: float | None = None
    aim: float | None = None
    at_most: bool = False

    def meets(self, value: float, wanted: float) -> bool:
        return value <= wanted if self.at_most else value >= wanted


@dataclass
class Sheet:
    """Everything that was measured: bounds run by run, and targets run by run beside the bound of that run."""

    bounds: dict[str, list[float]] = field(default_factory=dict)
    lines: dict[Target, list[tuple[int, float]]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def bound(self, sign: str, value: float) -> float:
        self.bounds.setdefault(sign, []).append(value)
        return value

    def add(self, target: Target, run: int, value: float) -> None:
        self.lines.setdefault(target, []).append((run, value))

    def fault(self, words: str) -> None:
        """Something that may never happen, whatever the speed."""
        self.faults.append(words)

    def counted(self, target: Target) -> list[float]:
        """The values of the runs that were not disturbed too much."""
        values, bounds = self.lines[target], self.bounds.get(target.of[:1], [])
        good = [value for run, value in values if not bounds or _quiet(bounds, run)]
        return good if len(good) >= min(3, len(values)) else [value for _run, value in values]

    def text(self) -> str:
        lines = ["", "bound        min       median    max      (per second)"]
        for sign, values in self.bounds.items():
            note = f"   noisy: ×{max(values) / min(values):.2f} between runs" if _noisy(values) else ""
            lines.append(
                f"{sign:<10} {min(values):>9,.0f} {median(values):>9,.0f} {max(values):>9,.0f}{note}"
            )
        lines += [
            "",
            "#    what                                                of     must    aim     min    median  max",
        ]
        lines += [self._line(target) for target in self.lines]
        noisy = [sign for sign, values in self.bounds.items() if _noisy(values)]
        if noisy:
            lines.append(
                f"\n! The machine was busy while {', '.join(noisy)} ran: measure again when it is quiet."
            )
        lines += [f"✗ {words}" for words in self.faults]
        return "\n".join(lines)

    def _line(self, target: Target) -> str:
        values = self.counted(target)
        left_out = len(self.lines[target]) - len(values)
        middle = median(values)
        must = "-" if target.must is None else _show(target.must)
        aim = "-" if target.aim is None else _show(target.aim)
        verdict = ""
        if target.must is not None:
            verdict = "ok" if target.meets(middle, target.must) else "MISSED"
            if target.aim is not None and target.meets(middle, target.aim):
                verdict = "aim"
        shown = "  ".join(f"{_show(value):>6}" for value in (min(values), middle, max(values)))
        note = f" ({left_out} noisy run left out)" if left_out else ""
        return f"{target.number:<4} {target.what:<50} {target.of:<5} {must:>6}  {aim:>6}  {shown}  {verdict}{note}"


def _noisy(values: Sequence[float]) -> bool:
    return max(values) > NOISY * min(values)


def _quiet(bounds: Sequence[float], run: int) -> bool:
    return run >= len(bounds) or bounds[run] >= WORTHLESS * max(bounds)


def _show(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"
