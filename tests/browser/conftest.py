"""What tests in a browser share: one furnished house a worker for looking at pages, fresh ones for doing things."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.kiosk import At, kiosk
from tests.browser.scene import Scene, furnish
from tests.support.browser import Screens
from tests.support.cast import Cast
from tests.support.databases import Databases
from tests.support.server import Server

expect.set_options(timeout=15_000)  # the longest poll is 5 s, and two cores carry three browsers


@pytest.fixture
def at(server: Server, screens: Screens, cast: Cast) -> At:
    """The home of a paired kiosk, upright."""
    return kiosk(screens, server, cast)


@pytest.fixture(scope="session")
def scene(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A house with full, empty, closed and refused pages in it. Only for looking; the clock stands."""
    with furnish(databases, tmp_path_factory.mktemp("scene")) as made:
        yield made
