"""Fetching over HTTP: verified, resumed, retried within bounds, refused in clear words, never half there."""

import random
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from trading_platform.data.fetch import (
    Fetcher,
    FetchPolicy,
    TryAgainError,
    binance_files,
    fetch_binance,
)
from trading_platform.model.errors import ConfigError, DataError, TradingPlatformError

from .archive import Archive, FakeClock, Handler, cut_at, instead, serve, status

PATH = "/data/futures/um/daily/trades/BTCUSDT/BTCUSDT-trades-2024-08-08.zip"
BODY = random.Random(3).randbytes(700_001)  # several reads
PARTS = {".BTCUSDT-trades-2024-08-08.zip.part", ".BTCUSDT-trades-2024-08-08.zip.part.etag"}


@pytest.fixture(scope="module")
def server() -> Iterator[Archive]:
    with serve() as archive:
        yield archive


@pytest.fixture
def archive(server: Archive, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """Return the server with one day of trades, well-behaved."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server.files.clear()
    server.behaviours.clear()
    server.requests.clear()
    server.etag, server.ranges = '"1"', True
    server.put(PATH, BODY)
    return server


class Fetching:
    """Fetches into a directory with a clock of its own."""

    def __init__(self, archive: Archive, out: Path) -> None:
        self.archive, self.out = archive, out
        self.clock = FakeClock()
        self.file = out / "binance-usdm" / "BTCUSDT" / "trades" / "BTCUSDT-trades-2024-08-08.zip"

    def __call__(self, dates: str = "2024-08-08", **policy: float) -> list[str]:
        files = binance_files("BTCUSDT", "usdm", "trades", dates, self.archive.url())
        wanted = {"requests_per_s": 1000.0, "read_timeout_s": 5.0} | policy
        with Fetcher(FetchPolicy(**wanted), self.clock, random.Random(1)) as fetcher:  # type: ignore[arg-type]
            return [one.how for one in fetch_binance(fetcher, files, self.out)]

    def fails(self, error: type[TradingPlatformError], **policy: float) -> str:
        """Fetch, which must fail without the file under its name; return the message."""
        with pytest.raises(error) as caught:
            self(**policy)
        assert not self.file.exists()
        assert type(caught.value) is error
        return str(caught.value)

    def left(self) -> set[str]:
        """Return the names in the file's directory."""
        return {path.name for path in self.file.parent.iterdir()}


@pytest.fixture
def fetching(archive: Archive, tmp_path: Path) -> Fetching:
    return Fetching(archive, tmp_path / "out")


def test_a_file_is_fetched_verified_and_alone_in_its_place(fetching: Fetching) -> None:
    assert fetching() == ["fetched"]
    assert fetching.file.read_bytes() == BODY
    assert fetching.left() == {fetching.file.name}


def test_what_is_there_is_not_fetched_again(fetching: Fetching) -> None:
    fetching()
    fetching.archive.requests.clear()
    assert fetching() == ["present"]
    assert [path for path, _ in fetching.archive.requests] == [f"{PATH}.CHECKSUM"]


def test_another_file_under_the_name_is_kept_unless_told(fetching: Fetching) -> None:
    fetching.file.parent.mkdir(parents=True)
    fetching.file.write_bytes(b"mine")
    with pytest.raises(DataError, match="exists with other content and was kept"):
        fetching()
    assert fetching.file.read_bytes() == b"mine"
    files = binance_files("BTCUSDT", "usdm", "trades", "2024-08-08", fetching.archive.url())
    with Fetcher(FetchPolicy(), fetching.clock, random.Random(1)) as fetcher:
        list(fetch_binance(fetcher, files, fetching.out, overwrite=True))
    assert fetching.file.read_bytes() == BODY


# --- what breaks and is mended ---


def test_a_broken_connection_is_gone_on_with_where_it_broke(fetching: Fetching) -> None:
    fetching.archive.then(PATH, cut_at(300_000), cut_at(0))
    assert fetching() == ["fetched"]
    first, *later = fetching.archive.asked(PATH)
    assert first == ""
    assert 0 < int(later[0].removeprefix("bytes=").rstrip("-")) <= 300_000
    assert fetching.file.read_bytes() == BODY


@pytest.mark.parametrize("count", [1, 1000, 200_000])
def test_every_byte_that_came_is_kept_however_few(fetching: Fetching, count: int) -> None:
    """A line that breaks after each hundred kilobytes must get to the end of a file too."""
    fetching.archive.then(PATH, cut_at(count))
    assert fetching() == ["fetched"]
    assert fetching.archive.asked(PATH) == ["", f"bytes={count}-"]
    assert fetching.file.read_bytes() == BODY


def test_nothing_of_a_download_that_never_began_stays(fetching: Fetching) -> None:
    fetching.archive.then(PATH, cut_at(0))
    fetching.fails(TryAgainError, attempts=1)
    assert fetching.left() == set()


def test_a_part_whose_etag_is_damaged_is_thrown_away(fetching: Fetching) -> None:
    part, etag = (fetching.file.parent / name for name in sorted(PARTS))
    part.parent.mkdir(parents=True)
    part.write_bytes(BODY[:1000])
    etag.write_bytes(b"\xff\r\nX: y")
    assert fetching() == ["fetched"]
    assert fetching.archive.asked(PATH) == [""]


def test_the_next_call_goes_on_with_what_an_earlier_one_left(fetching: Fetching) -> None:
    fetching.archive.then(PATH, cut_at(400_000))
    message = fetching.fails(TryAgainError, attempts=1)
    assert "could not be fetched in 1 attempts" in message
    assert "it goes on where it stopped" in message
    assert fetching.left() == PARTS
    fetching.archive.requests.clear()

    assert fetching() == ["fetched"]
    (wanted,) = fetching.archive.asked(PATH)
    assert wanted.startswith("bytes=")
    assert fetching.left() == {fetching.file.name}


@pytest.mark.parametrize("change", ["etag", "no ranges"])
def test_a_part_that_does_not_fit_any_more_is_thrown_away(fetching: Fetching, change: str) -> None:
    fetching.archive.then(PATH, cut_at(400_000))
    fetching.fails(TryAgainError, attempts=1)
    if change == "etag":
        fetching.archive.etag = '"2"'
        fetching.archive.put(PATH, BODY[::-1])
    else:
        fetching.archive.ranges = False

    assert fetching() == ["fetched"]
    assert fetching.file.read_bytes() == fetching.archive.files[PATH]
    assert len(fetching.archive.asked(PATH)) == 2


def test_a_part_of_another_file_that_the_server_calls_the_same_range_is_thrown_away(
    fetching: Fetching,
) -> None:
    """A 206 with another ETag: the server did not look at If-Range."""

    def careless(handler: Handler) -> None:
        handler.archive.etag = '"2"'
        handler.answer(206, BODY[5:], {"Content-Range": f"bytes 5-{len(BODY) - 1}/{len(BODY)}"})

    fetching.archive.then(PATH, cut_at(400_000), careless)
    assert fetching() == ["fetched"]
    assert fetching.file.read_bytes() == BODY
    assert fetching.archive.asked(PATH)[2] == ""


def test_a_part_that_is_longer_than_the_file_is_thrown_away(fetching: Fetching) -> None:
    fetching.archive.then(PATH, cut_at(400_000))
    fetching.fails(TryAgainError, attempts=1)
    part = next(path for path in fetching.file.parent.iterdir() if path.suffix == ".part")
    part.write_bytes(BODY + b"more")
    assert fetching() == ["fetched"]
    assert fetching.file.read_bytes() == BODY


def test_a_whole_part_needs_no_byte_more(fetching: Fetching) -> None:
    fetching.archive.then(PATH, cut_at(400_000))
    fetching.fails(TryAgainError, attempts=1)
    part = next(path for path in fetching.file.parent.iterdir() if path.suffix == ".part")
    part.write_bytes(BODY)
    assert fetching() == ["fetched"]
    assert fetching.archive.asked(PATH)[1:] == [f"bytes={len(BODY)}-"]


def test_a_server_without_etag_is_asked_for_the_whole_again(fetching: Fetching) -> None:
    """Nothing tells whether the rest would fit."""
    fetching.archive.etag = ""
    fetching.archive.then(PATH, cut_at(400_000))
    fetching.fails(TryAgainError, attempts=1)
    assert fetching() == ["fetched"]
    assert fetching.archive.asked(PATH) == ["", ""]


def test_a_stall_ends_the_attempt_and_is_retried(fetching: Fetching) -> None:
    release = threading.Event()

    def stall(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "10")
        handler.end_headers()
        handler.wfile.write(b"12345")
        release.wait(10)
        handler.close_connection = True

    fetching.archive.then(PATH, stall)
    try:
        assert fetching(read_timeout_s=0.1) == ["fetched"]
    finally:
        release.set()
    assert len(fetching.archive.asked(PATH)) == 2
    assert fetching.file.read_bytes() == BODY


def test_errors_of_the_server_are_waited_out_within_growing_bounds(fetching: Fetching) -> None:
    fetching.archive.then(PATH, status(500), status(503), status(502))
    assert fetching(backoff_s=2.0) == ["fetched"]
    waits = [wait for wait in fetching.clock.sleeps if wait > 0.001]
    assert len(waits) == 3
    assert all(0 <= wait <= bound for wait, bound in zip(waits, (2.0, 4.0, 8.0), strict=True)), waits


def test_a_server_that_says_when_is_asked_again_then(fetching: Fetching) -> None:
    date = {"Date": "Thu, 08 Aug 2024 00:00:00 GMT", "Retry_After": "Thu, 08 Aug 2024 00:01:30 GMT"}

    def in_a_while(handler: Handler) -> None:
        handler.date_time_string = lambda timestamp=None: date["Date"]  # type: ignore[method-assign]
        status(503, Retry_After=date["Retry_After"])(handler)

    fetching.archive.then(PATH, status(429, Retry_After="17"), in_a_while)
    assert fetching() == ["fetched"]
    assert [wait for wait in fetching.clock.sleeps if wait > 0.001] == [17.0, 90.0]


@pytest.mark.parametrize("when", ["\u00b2", "Thu, 08 Aug 2024 00:01:30 -0000", "soon", "9" * 400])
def test_no_retry_after_breaks_the_attempts(fetching: Fetching, when: str) -> None:
    """Whatever a server writes there, it is waited for, or tried again, or left with a message."""
    fetching.archive.then(PATH, status(503, Retry_After=when))
    if when.startswith("9"):
        assert "the server asks to come back in" in fetching.fails(TryAgainError)
    else:
        assert fetching() == ["fetched"]


def test_a_server_that_wants_a_day_is_left_for_another_time(fetching: Fetching) -> None:
    fetching.archive.then(PATH, status(429, Retry_After="86400"))
    message = fetching.fails(TryAgainError)
    assert "HTTP 429 Too Many Requests: the server asks to come back in 86400 s" in message
    assert TryAgainError.exit_code == 75


def test_attempts_are_bounded(fetching: Fetching) -> None:
    fetching.archive.then(PATH, *[status(500)] * 9)
    message = fetching.fails(TryAgainError, attempts=4)
    assert "could not be fetched in 4 attempts, the last one: HTTP 500 Internal Server Error" in message
    assert len(fetching.archive.asked(PATH)) == 4
    assert fetching.left() == set()


def test_no_server_is_an_error_to_try_again(fetching: Fetching) -> None:
    files = binance_files("BTCUSDT", "usdm", "trades", "2024-08-08", "http://127.0.0.1:1")
    with (
        Fetcher(FetchPolicy(attempts=2), fetching.clock, random.Random(1)) as fetcher,
        pytest.raises(TryAgainError, match="the last one: ConnectError"),
    ):
        list(fetch_binance(fetcher, files, fetching.out))


# --- what is refused ---


def test_a_wrong_checksum_gives_nothing_after_a_second_look(fetching: Fetching) -> None:
    fetching.archive.then(PATH, instead(b"another"), instead(b"and another"))
    message = fetching.fails(DataError)
    assert "sha256 must be" in message
    assert ", twice: nothing was kept" in message
    assert fetching.left() == set()
    assert len(fetching.archive.asked(PATH)) == 2


def test_a_checksum_that_is_wrong_once_is_fetched_again(fetching: Fetching) -> None:
    fetching.archive.then(PATH, instead(b"another"))
    assert fetching() == ["fetched"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (403, "HTTP 403 Forbidden: the server, or a proxy on the way, refuses it: check the proxy settings"),
        (
            404,
            "HTTP 404 Not Found: the server has no such file: is the instrument traded under this name on that day",
        ),
        (
            451,
            "HTTP 451 Unavailable For Legal Reasons: the server may not serve it to the country you are in",
        ),
        (418, "HTTP 418 I'm a Teapot: that is no answer with a file: check --base-url"),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".CHECKSUM"])
def test_a_refusal_is_told_at_once_with_its_meaning(
    fetching: Fetching, code: int, words: str, suffix: str
) -> None:
    fetching.archive.then(PATH + suffix, status(code))
    message = fetching.fails(DataError)
    assert message.startswith(f"{fetching.archive.url(PATH + suffix)}: {words}")
    assert len(fetching.archive.asked(PATH + suffix)) == 1


def test_redirects_are_followed_but_not_in_circles(fetching: Fetching) -> None:
    fetching.archive.put("/elsewhere.zip", BODY)
    fetching.archive.then(PATH, status(302, Location="/elsewhere.zip"))
    assert fetching() == ["fetched"]
    fetching.file.unlink()
    fetching.archive.then(PATH, *[status(302, Location=PATH)] * 10)
    message = fetching.fails(DataError)
    assert "must lead to a file over http or https within 5 redirects, does not" in message


@pytest.mark.parametrize("told", [True, False])
def test_a_file_that_is_too_large_is_not_kept(fetching: Fetching, told: bool) -> None:
    def endless(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(BODY)
        handler.close_connection = True

    if not told:
        fetching.archive.then(PATH, endless)
    message = fetching.fails(DataError, bytes_max=100_000)
    assert "must be at most 100,000 bytes, is" in message
    assert fetching.left() == set()


@pytest.mark.parametrize(
    "text",
    ["", "<html>", f"{'0' * 64}  another.zip\n", f"{'0' * 63}  BTCUSDT-trades-2024-08-08.zip", "é" * 40],
)
def test_a_checksum_file_that_is_none_is_told(fetching: Fetching, text: str) -> None:
    fetching.archive.files[f"{PATH}.CHECKSUM"] = text.encode()
    assert ".CHECKSUM: must be" in fetching.fails(DataError)


def test_a_link_that_leads_out_of_the_directory_is_refused(fetching: Fetching, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    fetching.file.parent.parent.mkdir(parents=True)
    fetching.file.parent.symlink_to(outside)
    assert "must be inside" in fetching.fails(DataError)
    assert list(outside.iterdir()) == []


def test_a_part_that_is_a_link_is_refused(fetching: Fetching, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    fetching.file.parent.mkdir(parents=True)
    fetching.file.with_name(f".{fetching.file.name}.part").symlink_to(outside)
    assert "remove the link" in fetching.fails(DataError)
    assert not outside.exists()


def test_a_directory_that_cannot_be_made_is_told(fetching: Fetching) -> None:
    fetching.out.mkdir()
    (fetching.out / "binance-usdm").write_text("a file in the way")
    assert "could not be written (Not a directory)" in fetching.fails(DataError)


def test_a_disk_that_takes_no_more_keeps_what_came(fetching: Fetching) -> None:
    """The limit on the size of files stands for the disk: writing fails in the middle of the file."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limits[1]))
    try:
        message = fetching.fails(DataError)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "could not be written (File too large)" in message
    assert fetching.left() == PARTS

    fetching.archive.requests.clear()
    assert fetching() == ["fetched"]
    assert fetching.archive.asked(PATH)[0].startswith("bytes=")
    assert fetching.file.read_bytes() == BODY


def test_two_processes_do_not_write_one_file(fetching: Fetching) -> None:
    import fcntl

    fetching.file.parent.mkdir(parents=True)
    part = fetching.file.with_name(f".{fetching.file.name}.part")
    with part.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "another process fetches it now" in fetching.fails(TryAgainError)


def test_requests_keep_their_distance(fetching: Fetching) -> None:
    fetching.archive.put(PATH.replace("08.zip", "09.zip"), b"second day")
    started = fetching.clock.now
    assert fetching("2024-08-08..2024-08-09", requests_per_s=2.0) == ["fetched", "fetched"]
    assert len(fetching.archive.requests) == 4
    assert fetching.clock.now - started == pytest.approx(1.5)


def test_days_before_a_missing_one_stay(fetching: Fetching) -> None:
    with pytest.raises(DataError, match=r"2024-08-09\.zip\.CHECKSUM: HTTP 404"):
        fetching("2024-08-08..2024-08-10")
    assert fetching.file.read_bytes() == BODY


# --- names ---


@pytest.mark.parametrize(
    ("market", "kind", "folder"),
    [
        ("spot", "aggTrades", "data/spot/daily/aggTrades"),
        ("usdm", "bookDepth", "data/futures/um/daily/bookDepth"),
        ("coinm", "bookTicker", "data/futures/cm/daily/bookTicker"),
    ],
)
def test_files_are_where_the_archive_has_them(market: str, kind: str, folder: str) -> None:
    first, second = binance_files("BTCUSDT", market, kind, "2024-02-28..2024-02-29")
    assert first.url == (f"https://data.binance.vision/{folder}/BTCUSDT/BTCUSDT-{kind}-2024-02-28.zip")
    assert second.name == f"BTCUSDT-{kind}-2024-02-29.zip"
    assert first.folder == f"binance-{market}/BTCUSDT/{kind}"


def test_the_last_day_of_the_calendar_is_a_day() -> None:
    (file,) = binance_files("BTCUSDT", "spot", "trades", "9999-12-31")
    assert file.name == "BTCUSDT-trades-9999-12-31.zip"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"market": "options"}, "market must be one of spot, usdm, coinm, was 'options'"),
        ({"kind": "bookTicker"}, "kind must be one of trades, aggTrades for spot, was 'bookTicker'"),
        ({"symbol": "btcusdt"}, "symbol must be capital letters"),
        ({"symbol": "../BTC"}, "symbol must be capital letters"),
        ({"dates": "2024-8-8"}, "date must be YYYY-MM-DD"),
        ({"dates": "20240808"}, "date must be YYYY-MM-DD"),
        ({"dates": "2024-W32-4"}, "date must be YYYY-MM-DD"),
        ({"dates": "9000-01-01..9999-12-31"}, "1000 days at most"),
        ({"dates": "2024-08-10..2024-08-08"}, "dates must be a first day and a last one"),
        ({"dates": "2014-08-10..2024-08-08"}, "1000 days at most"),
        ({"base_url": "ftp://host"}, "base URL must be such as"),
        (
            {"base_url": "https://me:secret@host"},
            "base URL must be without user and password, such as https://data",
        ),
    ],
)
def test_what_cannot_be_fetched_is_told_before_a_request(changes: dict[str, str], words: str) -> None:
    wanted = {"symbol": "BTCUSDT", "market": "spot", "kind": "trades", "dates": "2024-08-08"} | changes
    with pytest.raises(ConfigError, match=words):
        binance_files(**wanted)


@pytest.mark.parametrize("field", ["attempts", "requests_per_s", "read_timeout_s", "bytes_max"])
def test_a_policy_without_bounds_is_refused(field: str) -> None:
    with pytest.raises(ConfigError, match=f"{field} must be"):
        FetchPolicy(**{field: 0})  # type: ignore[arg-type]
