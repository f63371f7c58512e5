"""Files that people hand in: looked at by content, drawn anew, kept where the setting says, and gone when they go."""

import gc
import io
import os
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select, update

from app import create_app
from canteen.models import Dish
from core import files, images
from core.audit import OPERATOR
from core.backup import backup, restore
from core.database import db, unit_of_work
from core.errors import Refused
from core.files import File
from core.settings import SettingError, load
from core.stores import FolderStore, Missing, S3Store, store_at
from staff.doctor import examine
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.databases import Databases, settings
from tests.support.house import House
from tests.support.pictures import PNG, bomb, drawn, polyglot, with_place

KEY = "a" * 26


@pytest.fixture(autouse=True)
def half_read_forms_are_closed_here() -> Iterator[None]:
    """A form that is refused while it is read leaves its part file to the collector: here, not in another test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect(1)  # what this test made is young; all that the suite has loaded is not


# --- pictures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_drawn_anew(kind: str) -> None:
    made = Image.open(io.BytesIO(images.redrawn(drawn(kind, (3200, 2400)))))
    assert (made.format, made.size) == ("WEBP", (1600, 1200))


def test_where_it_was_taken_does_not_stay_and_it_stands_upright() -> None:
    before = with_place()
    assert "水贝".encode() in before or b"Exif" in before
    made = Image.open(io.BytesIO(images.redrawn(before)))
    assert made.size == (20, 60)
    assert not made.getexif()
    assert "exif" not in made.info


def test_a_second_file_in_a_picture_does_not_survive() -> None:
    assert b"<script>" in polyglot()
    made = images.redrawn(polyglot())
    assert b"<script>" not in made
    assert b"PK\x03\x04" not in made


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "picture_kind"),
        (b"GIF89a" + b"\0" * 40, "picture_kind"),
        (b"%PDF-1.7 ...", "picture_kind"),
        (b"MZ\x90\0", "picture_kind"),
        (PNG[:60], "picture_broken"),
        (drawn("JPEG")[:300], "picture_broken"),
        (bomb(), "picture_large"),
        (bomb(5000, 5000), "picture_large"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(inside: Flask, data: bytes, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        images.redrawn(data)
    assert refusal.value.code == code


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    began = time.perf_counter()
    with pytest.raises(Refused):
        images.redrawn(bomb())
    assert time.perf_counter() - began < 1


# --- stores ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a bucket in an object store: a server process of its own on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(sys.executable).with_name("moto_server")
    quiet = (tmp_path_factory.mktemp("s3") / "log").open("wb")
    server = subprocess.Popen(
        [sys.executable, str(program), "-H", "127.0.0.1", "-p", str(port)], stdout=quiet, stderr=quiet
    )
    try:
        url = f"s3://hall:a%2Fsecret@127.0.0.1:{port}/hall-files?secure=0"
        for _try in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        S3Store(url)._client.make_bucket(bucket_name="hall-files")
        yield url
    finally:
        server.terminate()
        server.wait(10)
        quiet.close()


@pytest.mark.parametrize("where", ["folder", "bucket"])
def test_a_store_keeps_gives_lists_and_forgets(
    where: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    store = store_at(request.getfixturevalue("object_store") if where == "bucket" else "", tmp_path / "files")
    store.check()
    store.put(KEY, b"one")
    store.put(KEY, b"one")
    assert store.get(KEY) == b"one"
    assert KEY in {key for key, _written in store.all()}
    store.delete(KEY)
    store.delete(KEY)
    assert KEY not in {key for key, _written in store.all()}
    with pytest.raises(Missing):
        store.get(KEY)
    for odd in ("../../etc/passwd", "A" * 26, "a" * 25, "a/b", ""):
        with pytest.raises(Missing):
            store.get(odd)


def test_a_bucket_that_is_not_there_is_noticed(object_store: str) -> None:
    with pytest.raises(OSError, match="other"):
        S3Store(object_store.replace("hall-files", "other")).check()


def test_a_file_in_the_folder_is_its_owners_only_and_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderStore(tmp_path)
    store.put(KEY, b"one")
    assert (tmp_path / "aa" / KEY).stat().st_mode & 0o777 == 0o600

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.put("b" * 26, b"two")
    assert [key for key, _written in store.all()] == [KEY]
    assert not list(tmp_path.glob("**/*.part"))


@pytest.mark.parametrize(
    "url", ["s3://host/bucket", "http://a:b@host/bucket", "s3://a:b@host/", "s3://a:b@host/UP"]
)
def test_a_setting_that_names_no_store_stops_the_start(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="HALL_FILES_URL"):
        load({"DATA_DIR": str(tmp_path), "FILES_URL": url}, {})


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["folder", "bucket"])
def keeping(request: pytest.FixtureRequest, inside: Flask, tmp_path: Path) -> None:
    """The program keeps its files in a folder, or in the object store."""
    if request.param == "bucket":
        files.use_store(store_at(request.getfixturevalue("object_store"), tmp_path))


@pytest.mark.usefixtures("keeping")
def test_what_is_kept_is_read_and_what_is_removed_is_gone(cast: Cast) -> None:
    row = files.put(OPERATOR, drawn("JPEG"), "dish.photo", cast.shuibei)
    assert (row.mime, row.size) == ("image/webp", len(files.read(row)))
    assert files.remove(OPERATOR, row)
    assert not files.remove(OPERATOR, row)
    assert files.by_key(row.key) is None
    with pytest.raises(Missing):
        files.store().get(row.key)
    assert db.session.get_one(File, row.id, populate_existing=True).gone_at is not None


def test_bytes_that_were_changed_behind_our_back_are_not_handed_on(inside: Flask, cast: Cast) -> None:
    row = files.put(OPERATOR, PNG, "dish.photo", cast.shuibei)
    files.store().put(row.key, b"another picture")
    with pytest.raises(Missing):
        files.read(row)


def test_a_sheet_is_sealed_in_the_store(inside: Flask, cast: Cast) -> None:
    row = files.put(OPERATOR, b"PK " + "陈秀英".encode(), "sheet.register", cast.shuibei)
    assert "陈秀英".encode() not in files.store().get(row.key)
    assert files.read(row) == b"PK " + "陈秀英".encode()


def test_too_large_and_nothing_are_refused(inside: Flask) -> None:
    for data, code in ((b"", "file_missing"), (b"x" * (10 * 2**20 + 1), "file_large")):
        with pytest.raises(Refused) as refusal:
            files.put(OPERATOR, data, "dish.photo", None)
        assert refusal.value.code == code


def test_the_clock_sweeps_up_what_no_row_knows_and_what_has_had_its_time(
    inside: Flask, cast: Cast, clock: Clock
) -> None:
    store = files.store()
    assert isinstance(store, FolderStore)
    kept = files.put(OPERATOR, PNG, "dish.photo", cast.shuibei)
    sheet = files.put(OPERATOR, b"PK", "sheet.master", cast.shuibei)
    fresh = files.prepare(PNG, "dish.photo").key
    orphan = files.prepare(PNG, "dish.photo").key
    path = store.folder / orphan[:2] / orphan
    half = path.with_name(f".{orphan}.0a0b.part")
    half.write_bytes(b"half")
    now = clock().timestamp()
    for key in (fresh, kept.key, sheet.key):
        os.utime(store.folder / key[:2] / key, (now, now))
    for one in (path, half):
        os.utime(one, (now - 7200, now - 7200))
    assert files.sweep() == 1
    assert {key for key, _written in store.all()} == {kept.key, sheet.key, fresh}
    assert not half.exists()
    clock.advance(hours=13)
    with unit_of_work():
        db.session.execute(
            update(File).where(File.id == sheet.id).values(made_at=clock() - timedelta(hours=13))
        )
    files.sweep()
    assert {key for key, _written in store.all()} == {kept.key}
    assert files.by_key(sheet.key) is None


def test_a_file_that_was_lost_is_told_by_the_doctor(inside: Flask, cast: Cast) -> None:
    row = files.put(OPERATOR, PNG, "dish.photo", cast.shuibei)
    assert all(check.ok for check in examine() if "file" in check.what)
    files.store().delete(row.key)
    found = next(check for check in examine() if check.what == "every file is in its store")
    assert not found.ok
    assert row.key in found.advice


@pytest.mark.usefixtures("keeping")
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_files_are_in_the_backup_from_either_store_into_the_other(
    inside: Flask,
    cast: Cast,
    clock: Clock,
    databases: Databases,
    object_store: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    engine: str,
) -> None:
    row = files.put(OPERATOR, drawn("PNG", (900, 700)), "dish.photo", cast.shuibei)
    files.put(OPERATOR, b"PK", "sheet.master", cast.shuibei)
    gone = files.put(OPERATOR, PNG, "dish.photo", cast.shuibei)
    files.remove(OPERATOR, gone)
    data = files.read(row)
    backup(tmp_path / "house.backup")
    folder = tmp_path_factory.mktemp("other")
    other = create_app(settings(databases.fresh(engine, folder), folder, CLOCK=clock))
    from_folder = isinstance(files.store(), FolderStore)
    with other.app_context():
        bucket = f"restored-{row.key}"
        if from_folder:
            S3Store(object_store)._client.make_bucket(bucket_name=bucket)
        address = object_store.replace("hall-files", bucket) if from_folder else ""
        files.use_store(store_at(address, folder / "files"))
        restore(tmp_path / "house.backup")
        again = db.session.scalars(select(File).where(File.key == row.key)).one()
        assert files.read(again) == data
        assert [key for key, _written in files.store().all()] == [row.key]
        db.session.remove()
        db.engine.dispose()


# --- pages ----------------------------------------------------------------------------------------------------------


def test_a_file_is_handed_out_as_it_is_and_as_nothing_else(house: House) -> None:
    path = f"/files/{house.values['key']}"
    answer = house.client().get(path)
    assert answer.status_code == 200
    assert answer.mimetype == "image/webp"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Content-Disposition"] == f'inline; filename="{house.values["key"]}.webp"'
    assert "immutable" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    again = house.client().get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_what_is_not_public_has_no_address(house: House) -> None:
    with house.app.app_context():
        key = files.put(OPERATOR, b"PK", "sheet.register", house.cast.shuibei).key
        db.session.remove()
    for role in ("none", "front", "manager"):
        assert house.client(role).get(f"/files/{key}").status_code == 404
    assert house.client().get("/files/..%2f..%2fhall.db").status_code == 404


def test_50_mb_are_turned_away_unread(house: House) -> None:
    client = house.client("manager")
    path = "/staff/c/shuibei/data/buildings/import"
    answer = house.post(client, path, {"sheet": (io.BytesIO(b"x" * 50 * 2**20), "a.xlsx")})
    assert answer.status_code == 413
    assert "小一点" in answer.text


def test_nobody_unknown_makes_us_take_in_more_than_a_form(house: House) -> None:
    client = house.client()
    path = "/staff/c/shuibei/data/buildings/import"
    answer = client.post(path, data={"sheet": (io.BytesIO(b"x" * 2**20), "a.xlsx")})
    assert answer.status_code == 413


def test_other_forms_take_no_more_than_before(house: House) -> None:
    client = house.client("manager")
    answer = house.post(client, "/staff/c/shuibei/data/buildings/new", {"name_zh": "x" * 300_000})
    assert answer.status_code == 413


def test_the_kitchen_gives_a_dish_its_photo_and_takes_another(house: House) -> None:
    with house.app.app_context():
        dish = db.session.scalars(select(Dish).where(Dish.code == "M01")).one()
        db.session.remove()
    base = f"/staff/c/shuibei/data/dishes/{dish.id}"
    client = house.client("kitchen")
    keys = []
    for picture in (with_place(), drawn("PNG")):
        assert (
            house.post(client, f"{base}/photo", {"photo": (io.BytesIO(picture), "x.jpg")}).status_code == 303
        )
        page = client.get(f"{base}/")
        assert "/files/" in page.text
        keys.append(page.text.partition('src="/files/')[2][:26])
    assert house.client().get(f"/files/{keys[0]}").status_code == 404
    assert house.client().get(f"/files/{keys[1]}").status_code == 200
    refused = house.post(client, f"{base}/photo", {"photo": (io.BytesIO(b"<html>"), "x.jpg")})
    assert refused.status_code == 422
    assert "这不是照片" in refused.text
    assert house.post(client, f"{base}/no-photo").status_code == 303
    assert house.client().get(f"/files/{keys[1]}").status_code == 404
