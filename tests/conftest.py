"""Fixtures for every test. What uses a database runs on SQLite and on PostgreSQL; what cannot run fails."""

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from playwright.sync_api import Browser, Page

from app import create_app
from core.database import db
from tests.support import server as servers
from tests.support.browser import Screens, chromium
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.databases import ENGINES, Databases, settings
from tests.support.hall import ALL
from tests.support.house import House, build
from tests.support.mail import Postbox
from tests.support.meals import Meals, furnish
from tests.support.postgres import Cluster
from tests.support.routes import keep_builders
from tests.support.run import Run, abandoned

GUARDS = {
    "test_append_only", "test_backup", "test_booking_machine", "test_canteen_machine", "test_canteen_races",
    "test_clock_process", "test_events", "test_intervals", "test_journey", "test_merge", "test_migrations",
    "test_outbox", "test_places", "test_races", "test_request_keys", "test_rotate", "test_spaces",
    "test_unit_of_work",
}  # fmt: skip
"""Where the engine itself is what is looked at: constraints, locks, migrations, races, the state machines."""
MANY = 2_000
PICTURES = Path(__file__).parent.parent / "test-results"
RUN = pytest.StashKey[Run]()
FAILED = pytest.StashKey[bool]()
StartServer = Callable[..., servers.Server]


# --- one run, several worker processes -----------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    keep_builders()
    for name in [
        name for name in os.environ if name.startswith("HALL_") and not name.startswith("HALL_TEST_")
    ]:
        del os.environ[name]  # settings of whoever starts the tests are not settings of the tests
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    given = getattr(config, "workerinput", None)
    if given:
        config.stash[RUN] = Run(Path(given["run"]))
        return
    for left in abandoned():
        Cluster(left.folder / "postgres").stop()
        left.end()
    config.stash[RUN] = Run.begin()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["run"] = str(node.config.stash[RUN].folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        run = config.stash[RUN]
        Cluster(run.folder / "postgres").stop()
        run.end()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for name in ("database", "empty_database", "house"):
        if name in metafunc.fixturenames:
            marked = metafunc.definition.get_closest_marker("databases")
            metafunc.parametrize(name, marked.args if marked else ENGINES, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a run of everything three of four tests stand on SQLite alone, always the same ones; those of GUARDS never.
    With `--all`, and where somebody asks for a few tests, all of them are on both engines."""
    if ALL or len(items) < MANY:
        return
    there = {item.nodeid for item in items}
    spared = [
        item
        for item in items
        if item.path.stem not in GUARDS
        and "postgresql" in item.nodeid
        and item.nodeid.replace("postgresql", "sqlite") in there
        and crc32(item.nodeid.encode()) % 4
    ]
    config.hook.pytest_deselected(items=spared)
    gone = {item.nodeid for item in spared}
    items[:] = [item for item in items if item.nodeid not in gone]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[FAILED] = report.failed or item.stash.get(FAILED, False)
    return report


# --- databases and the program --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def houses(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, House]]:
    """The filled houses of this worker, by engine; `house` fills them."""
    made: dict[str, House] = {}
    yield made
    for house in made.values():
        with house.app.app_context():
            db.session.remove()
            db.engine.dispose()
        databases.drop(house.url)


@pytest.fixture
def house(
    request: pytest.FixtureRequest,
    houses: dict[str, House],
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
) -> House:
    """Everything there once, and everybody signed in (support/house.py); on each engine, or on those of the mark."""
    engine = request.param
    if engine not in houses:
        houses[engine] = build(engine, databases, tmp_path_factory.mktemp(f"house-{engine}"))
    houses[engine].restore()
    return houses[engine]


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Databases:
    """Makes databases; for tests that need more than one."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
    return Databases(request.config.stash[RUN], worker)


@pytest.fixture
def database(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> Iterator[str]:
    """URL of a migrated database; the test runs once on each engine, or on those of its mark `databases`.

    Where a test asks for the cast, they live in it already.
    """
    make = databases.peopled if "cast" in request.fixturenames else databases.fresh
    url = make(request.param, tmp_path)
    yield url
    databases.drop(url)


@pytest.fixture
def empty_database(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> Iterator[str]:
    """URL of a database without a table, on each engine."""
    url = databases.empty(request.param, tmp_path)
    yield url
    databases.drop(url)


@pytest.fixture
def clock() -> Clock:
    """Monday 2026-11-23, 09:41 in Shanghai, until the test moves it."""
    return Clock()


@pytest.fixture
def meals(inside: Flask, cast: Cast) -> Meals:
    """The canteens, inside an application context; a test puts lunches on the days it speaks of."""
    return furnish(inside, cast)


@pytest.fixture
def app(database: str, databases: Databases, clock: Clock, tmp_path: Path) -> Iterator[Flask]:
    """The program in this process. No application context is pushed: each request gets its own, as in earnest."""
    made = create_app(settings(database, tmp_path, CLOCK=clock))
    made.jinja_env.bytecode_cache = FileSystemBytecodeCache(
        str(databases.run.templates)
    )  # saves 0.2 s a test
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def inside(app: Flask) -> Iterator[Flask]:
    """An application context around the test, for calling services. Not beside `client`: they would share it."""
    with app.app_context():
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without JavaScript, in this process."""
    return app.test_client()


@pytest.fixture
def cast(database: str, databases: Databases) -> Cast:
    """陈奶奶 and everybody else, with the places they use. They came in at the hour where the clock begins."""
    return databases.cast("sqlite" if database.startswith("sqlite") else "postgresql")


@pytest.fixture
def start_server(database: str, clock: Clock, tmp_path: Path) -> Iterator[StartServer]:
    """Starts the program in processes of its own: `start_server(workers=4)`; further settings by name."""
    running: list[servers.Server] = []
    shared = tmp_path / "clock.json"

    def start(workers: int = 2, threads: int = 4, **more: object) -> servers.Server:
        clock.share(shared)
        config = settings(database, tmp_path, **more)
        running.append(servers.start(config, tmp_path, clock=shared, workers=workers, threads=threads))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def server(start_server: StartServer) -> servers.Server:
    """The program behind gunicorn with two worker processes; `server.url`."""
    return start_server()


@pytest.fixture
def smtp() -> Iterator[Postbox]:
    """A mail server that keeps what it is given."""
    postbox = Postbox()
    postbox.open()
    yield postbox
    postbox.close()


# --- the browser ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of a worker; every test opens windows with a profile of their own."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def screens(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Screens]:
    """Opens windows: `screens.open(PHONE)`. A script error, a blocked resource or a foreign host fails the test."""
    windows = Screens(browser)
    yield windows
    if request.node.stash.get(FAILED, False):
        windows.photograph(PICTURES, request.node.name)
    windows.close()
    assert not windows.problems, "\n".join(windows.problems)


@pytest.fixture
def page(server: servers.Server, screens: Screens) -> Page:
    """A kiosk's upright screen (1080×1920) at the running server; paths may be relative."""
    return screens.open(base_url=server.url)
