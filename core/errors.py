"""Refusals: the one way in which the program says no to a person."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Alternative:
    """A way on after a refusal: a label a person reads and where it leads.

    `url` opens by GET. With `fields` it is a form that POSTs them to `url`.
    """

    label: str
    url: str
    fields: dict[str, str] = field(default_factory=dict)


class Refused(Exception):
    """A verb does not do what was asked. Says what happened, that it is nobody's fault, and what to do next.

    code: stable word for programs and tests, such as `seat_taken`.
    title, text: for the person, already in their language.
    status: HTTP status, 4xx.
    alternatives: up to three ways on, the best first.
    """

    def __init__(
        self,
        code: str,
        title: str,
        text: str = "",
        *,
        status: int = 409,
        alternatives: list[Alternative] | None = None,
    ) -> None:
        super().__init__(f"{code}: {title}")
        self.code = code
        self.title = title
        self.text = text
        self.status = status
        self.alternatives = alternatives or []
        self.ways: Callable[[], list[Alternative]] | None = None
        """Finds the alternatives once the failed transaction is over: they may need the database."""


class NotFound(Refused):
    """What was asked for is not here, or not for the one who asks: both sound the same."""

    def __init__(self, title: str, text: str = "") -> None:
        super().__init__("not_found", title, text, status=404)
