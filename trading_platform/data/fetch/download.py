"""One file over HTTP: retried within bounds, resumed, verified, and only then under its name."""

import email.utils
import fcntl
import os
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final, Literal, Protocol, Self, TypeVar

import httpx

from ...model.errors import ConfigError, DataError
from ..files import file_sha256

TEXT_BYTES_MAX: Final = 1 << 16
_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_REFUSALS: Final = {
    401: "the server wants a login",
    403: "the server, or a proxy on the way, refuses it: check the proxy settings and --base-url",
    404: "the server has no such file: is the instrument traded under this name on that day, and is the day over? "
    "The archive gets a day's file some hours after its end",
    451: "the server may not serve it to the country you are in: fetch it where it may, and copy the files, or name "
    "a mirror that you may use with --base-url",
}
_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/(?:[0-9]{1,18}|\*)")
_UNSATISFIED_RANGE: Final = re.compile(r"bytes \*/([0-9]{1,18})")
_STRONG_ETAG: Final = re.compile(r'"[!#-~]*"')  # a weak one promises no equal bytes
T = TypeVar("T")
Progress = Callable[[int, int], None]  # bytes done, bytes in all


class TryAgainError(DataError):
    """The server could not be reached or was busy, as often as was allowed: what is here is kept, so try later."""

    exit_code = 75


class Clock(Protocol):
    """Time for waiting: given from outside, so that tests do not wait."""

    def now_s(self) -> float:
        """Return seconds of a clock that never goes back."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""


@dataclass(frozen=True)
class FetchPolicy:
    """Bounds of fetching. A wait between attempts is drawn from 0 to ``backoff_s``, doubled each time."""

    attempts: int = 6
    backoff_s: float = 1.0
    backoff_max_s: float = 60.0
    retry_after_max_s: float = 600.0  # a server that wants longer is left
    requests_per_s: float = 5.0
    connect_timeout_s: float = 15.0
    read_timeout_s: float = 60.0  # without a byte
    redirects_max: int = 5
    bytes_max: int = 16 << 30  # of one file

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ConfigError(f"attempts must be >= 1, was {self.attempts}")
        for name in ("requests_per_s", "connect_timeout_s", "read_timeout_s", "bytes_max"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} must be > 0, was {getattr(self, name)}")


@dataclass(frozen=True)
class Outcome:
    """A file that is there now: fetched, or it was there with the right SHA-256. ``resumed_bytes`` were here before."""

    path: Path
    sha256: str
    size: int
    how: Literal["fetched", "present"]
    resumed_bytes: int = 0


class _Again(Exception):
    """An attempt failed, another may not. ``wait_s`` is what the server asked for."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class Fetcher:
    """Fetches files one after the other, with the manners of a guest. A context manager: it holds connections."""

    def __init__(self, policy: FetchPolicy, clock: Clock, jitter: random.Random) -> None:
        self.policy = policy
        self._clock = clock
        self._jitter = jitter
        self._next_request_s = clock.now_s()
        self._client = httpx.Client(
            timeout=httpx.Timeout(policy.read_timeout_s, connect=policy.connect_timeout_s),
            follow_redirects=True,
            max_redirects=policy.redirects_max,
            headers={"User-Agent": "trading-platform", "Accept-Encoding": "identity"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._client.close()

    def text(self, url: str) -> str:
        """Return a small text file, 64 KiB at most.

        Raises
        ------
        TryAgainError : the server was not to be had
        DataError : it refuses, or the answer is no such text
        """
        return self._retried(url, lambda: self._text_once(url))

    def file(
        self, url: str, path: Path, sha256: str, *, overwrite: bool = False, progress: Progress | None = None
    ) -> Outcome:
        """Fetch a file to ``path``. What came before an error stays in ``.<name>.part`` and is gone on with next time.

        Parameters
        ----------
        sha256 : 64 hexadecimal digits: only with it does the file get its name
        overwrite : replace a file of other content
        progress : called with the bytes that are there and the size, 0 if the server does not tell it

        Raises
        ------
        TryAgainError : the server was not to be had, or another process fetches this file
        DataError : it refuses, the file is too large or not the one of ``sha256``, another one is there already, or
            it cannot be written
        """
        if path.exists():
            found = file_sha256(path)
            if found == sha256:
                return Outcome(path, sha256, path.stat().st_size, "present")
            if not overwrite:
                raise DataError(
                    f"{path}: exists with other content and was kept (sha256 must be {sha256}, was {found}): "
                    "remove it, or replace it with --overwrite"
                )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _locked_part(path) as part:
                download = _Download(self._client, self.policy.bytes_max, url, part, progress)
                resumed_bytes = self._verified(download, sha256)
                os.fsync(part.fileno())
                _part_path(path).replace(path)
                _etag_path(_part_path(path)).unlink(missing_ok=True)
        except OSError as error:
            raise DataError(
                f"{path}: could not be written ({error.strerror}): make room there or name another directory, then "
                "run the same command again: it goes on with what came"
            ) from error
        return Outcome(path, sha256, download.size, "fetched", resumed_bytes)

    def _verified(self, download: "_Download", sha256: str) -> int:
        """Get all of a file, a second time if it is not the one of ``sha256``; return how much was here before."""
        resumed_bytes = download.size
        for _ in range(2):
            self._retried(download.url, download.once)
            found = download.sha256()
            if found == sha256:
                return resumed_bytes
            download.restart()
            resumed_bytes = 0
        raise DataError(
            f"{download.url}: sha256 must be {sha256} as in its checksum file, was {found}, twice: nothing was "
            "kept; the archive or something on the way is broken, try later or elsewhere"
        )

    def _text_once(self, url: str) -> str:
        with self._client.stream("GET", url) as response:
            _require_status(response, url)
            body = b""
            for piece in response.iter_raw(TEXT_BYTES_MAX):
                body += piece
                if len(body) > TEXT_BYTES_MAX:
                    raise DataError(f"{url}: must be a text of at most {TEXT_BYTES_MAX} bytes, is larger")
        try:
            return body.decode("ascii")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{url}: must be text, was {body[:40]!r} ({error}): is it the archive?"
            ) from error

    def _retried(self, url: str, once: Callable[[], T]) -> T:
        """Return what an attempt gives, after as many attempts as the policy allows."""
        reason = ""
        for attempt in range(1, self.policy.attempts + 1):
            self._await_turn()
            wait_s = None
            try:
                return once()
            except (httpx.TooManyRedirects, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise DataError(
                    f"{url}: must lead to a file over http or https within {self.policy.redirects_max} redirects, "
                    f"does not ({error}): check --base-url"
                ) from error
            except httpx.RequestError as error:
                reason = f"{type(error).__name__}: {error}".rstrip(": ")
            except _Again as error:
                reason, wait_s = str(error), error.wait_s
            if wait_s is not None and wait_s > self.policy.retry_after_max_s:
                raise TryAgainError(f"{url}: {reason}: the server asks to come back in {wait_s:.0f} s")
            if attempt < self.policy.attempts:
                self._clock.sleep(wait_s if wait_s is not None else self._backoff_s(attempt))
        raise TryAgainError(
            f"{url}: could not be fetched in {self.policy.attempts} attempts, the last one: {reason}: "
            "run the same command again later, it goes on where it stopped"
        )

    def _backoff_s(self, attempt: int) -> float:
        """Return a wait before the next attempt: exponential, capped, with full jitter.

        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        """
        return self._jitter.uniform(
            0.0, min(self.policy.backoff_max_s, self.policy.backoff_s * 2.0 ** (attempt - 1))
        )

    def _await_turn(self) -> None:
        """Keep the distance between requests that the policy wants."""
        now_s = self._clock.now_s()
        if now_s < self._next_request_s:
            self._clock.sleep(self._next_request_s - now_s)
        self._next_request_s = max(now_s, self._next_request_s) + 1.0 / self.policy.requests_per_s


class _Download:
    """One file on its way into its part file."""

    def __init__(
        self, client: httpx.Client, bytes_max: int, url: str, part: IO[bytes], progress: Progress | None
    ) -> None:
        self.url = url
        self.size = part.seek(0, os.SEEK_END)
        self._client = client
        self._bytes_max = bytes_max
        self._part = part
        self._progress = progress
        self._etag_file = _etag_path(Path(part.name))
        if self.size and not self._etag:  # nothing tells whether the rest would fit: start again
            self.restart()

    @property
    def _etag(self) -> str:
        if not self._etag_file.is_file():
            return ""
        etag = self._etag_file.read_text(encoding="latin-1")
        return etag if _STRONG_ETAG.fullmatch(etag) else ""

    def restart(self) -> None:
        """Forget what came so far."""
        self._part.seek(0)
        self._part.truncate()
        self._etag_file.unlink(missing_ok=True)
        self.size = 0

    def sha256(self) -> str:
        """Return the SHA-256 of what came so far."""
        self._part.flush()
        return file_sha256(self._part.name)

    def once(self) -> None:
        """Ask for what is missing and append it.

        Raises
        ------
        _Again, httpx.RequestError : another attempt may get it
        DataError : no other will
        """
        headers = {"Range": f"bytes={self.size}-", "If-Range": self._etag} if self.size else {}
        with self._client.stream("GET", self.url, headers=headers) as response:
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                if _total_of(response) == self.size:
                    return  # all of it came before: its SHA-256 decides
                self.restart()
                raise _Again("the server does not have the rest of what came before", 0.0)
            _require_status(response, self.url)
            if response.status_code == httpx.codes.PARTIAL_CONTENT:
                self._require_same_file(response)
            else:  # the server ignores ranges, or the file is another one by now
                self.restart()
                self._keep_etag(response)
            self._append(response)

    def _require_same_file(self, response: httpx.Response) -> None:
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if found is None or int(found[1]) != self.size or response.headers.get("ETag", "") != self._etag:
            self.restart()
            raise _Again("the file on the server changed since the first part came", 0.0)

    def _keep_etag(self, response: httpx.Response) -> None:
        etag = response.headers.get("ETag", "")
        if _STRONG_ETAG.fullmatch(etag):
            self._etag_file.write_text(etag, encoding="ascii")

    def _append(self, response: httpx.Response) -> None:
        length = response.headers.get("Content-Length", "")
        total = self.size + int(length) if length.isdigit() else 0
        self._require_size(total)
        for piece in response.iter_raw():  # as it comes: what httpx gathers would be lost with the connection
            self._part.write(piece)
            self.size += len(piece)
            self._require_size(self.size)
            if self._progress is not None:
                self._progress(self.size, total)
        self._part.flush()

    def _require_size(self, size: int) -> None:
        if size > self._bytes_max:
            self.restart()
            raise DataError(
                f"{self.url}: must be at most {self._bytes_max:,} bytes, is {size:,} or more: raise --max-bytes"
            )


def _require_status(response: httpx.Response, url: str) -> None:
    """Raise unless the server gives the file.

    Raises
    ------
    _Again : busy or broken for a while, with the wait that it asks for
    DataError : it refuses for good; says what that means
    """
    code = response.status_code
    if code in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
        return
    if code in _AGAIN:
        raise _Again(f"HTTP {code} {response.reason_phrase}", _retry_after_s(response))
    meaning = _REFUSALS.get(code, "that is no answer with a file: check --base-url")
    raise DataError(f"{url}: HTTP {code} {response.reason_phrase}: {meaning}")


def _retry_after_s(response: httpx.Response) -> float | None:
    """Return the wait that the server asks for [s], None if it does not. A date counts from the server's own time."""
    text = response.headers.get("Retry-After", "")
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        when, now = _date(text), _date(response.headers.get("Date", ""))
    except ValueError:
        return None
    return max(0.0, (when - now).total_seconds())


def _date(text: str) -> datetime:
    """Return the time of an HTTP date; ``-0000``, which Python gives without a zone, is UTC from an unknown place."""
    date = email.utils.parsedate_to_datetime(text)
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def _total_of(response: httpx.Response) -> int:
    """Return the size of the file that a refused range names, -1 if none."""
    found = _UNSATISFIED_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    return int(found[1]) if found is not None else -1


def _part_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _etag_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


@contextmanager
def _locked_part(path: Path) -> Iterator[IO[bytes]]:
    """Open the part file of ``path`` for this process alone; an empty one does not stay."""
    name = _part_path(path)
    if name.is_symlink():
        raise DataError(f"{name}: must be a file, is a link to {name.resolve()}: remove the link")
    with name.open("ab+") as part:
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TryAgainError(f"{path}: another process fetches it now: wait for it") from None
        if not name.exists() or not os.path.samestat(os.fstat(part.fileno()), name.stat()):
            raise TryAgainError(f"{path}: another process has just fetched it: run the command again")
        try:
            yield part
        finally:
            part.flush()
            if name.exists() and name.stat().st_size == 0:
                name.unlink()
                _etag_path(name).unlink(missing_ok=True)
