"""Tags and the note of a run: ``notes.json`` in its directory, so that a lost index loses nothing."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ...model.errors import EventLogError
from ...record.names import NOTES_FILE
from .files import RunsError, encodable, gone, is_encodable, locked, require_run

FORMAT: Final = 1
NOTE_MAX: Final = 10_000  # characters
TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,63}")


@dataclass(frozen=True)
class Notes:
    """What people said about a run. ``tags`` are sorted, ``note`` is "" if there is none."""

    tags: tuple[str, ...] = ()
    note: str = ""


def read_notes(run: Path) -> Notes:
    """Return the tags and the note of a run; without a file there are none.

    Raises
    ------
    EventLogError : the file cannot be read or is not one that this version wrote
    """
    path = run / NOTES_FILE
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise EventLogError(f"{path}: format must be {FORMAT}, was {content['format']}")
        tags, note = content["tags"], content["note"]
        if not isinstance(tags, list) or not all(isinstance(text, str) for text in [*tags, note]):
            raise EventLogError(f"{path}: tags must be texts in a list, and the note a text")
        "".join([*tags, note]).encode("utf-8")  # JSON can spell what UTF-8 cannot: no list could show it
    except FileNotFoundError:
        return Notes()
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise EventLogError(
            f"{path}: must be the notes of a run, cannot be read ({type(error).__name__}: {error}); "
            "repair it or remove it: the run itself does not need it"
        ) from error
    return Notes(tuple(sorted(set(tags))), note)


def add_tags(run: Path, tags: Iterable[str]) -> Notes:
    """Add tags to a run and return what it has now. A tag that it has already is no error.

    Raises
    ------
    RunsError : no run, or a tag that is none
    EventLogError : see read_notes; nothing is changed
    """
    added = set(tags)
    for tag in sorted(added):
        if TAG.fullmatch(tag) is None:
            raise RunsError(
                f"tag must be 1 to 64 letters, digits and . _ : / + - and begin with a letter or digit, was {tag!r}"
            )
    return _change(run, lambda notes: replace(notes, tags=tuple(sorted(added.union(notes.tags)))))


def remove_tags(run: Path, tags: Iterable[str]) -> Notes:
    """Take tags from a run and return what it has now.

    Raises
    ------
    RunsError : no run, or it has no such tag (then it keeps all)
    EventLogError : see read_notes; nothing is changed
    """
    removed = set(tags)

    def without(notes: Notes) -> Notes:
        absent = sorted(removed.difference(notes.tags))
        if absent:
            has = ", ".join(notes.tags) or "none"
            raise RunsError(
                f"{run}: tag must be one of the run's ({has}), was {encodable(', '.join(absent))}"
            )
        return replace(notes, tags=tuple(tag for tag in notes.tags if tag not in removed))

    return _change(run, without)


def set_note(run: Path, note: str) -> Notes:
    """Replace the note of a run ("" removes it) and return what it has now.

    Raises
    ------
    RunsError : no run, more text than NOTE_MAX characters, or one that UTF-8 cannot write
    EventLogError : see read_notes; nothing is changed
    """
    if len(note) > NOTE_MAX:
        raise RunsError(f"note must have at most {NOTE_MAX:,} characters, was {len(note):,}")
    if not is_encodable(note):
        raise RunsError(
            f"note must be text in UTF-8, was {encodable(note)}: type it on a terminal that is set to UTF-8"
        )
    return _change(run, lambda notes: replace(notes, note=note))


def _change(run: Path, change: Callable[[Notes], Notes]) -> Notes:
    """Read, change and write under the lock of the run's directory: two changes at once are both kept."""
    from ...record.run import write_json

    require_run(run)
    try:
        with locked(run):
            notes = change(read_notes(run))
            write_json(run / NOTES_FILE, {"format": FORMAT, "tags": list(notes.tags), "note": notes.note})
    except FileNotFoundError as error:
        raise gone(run) from error
    return notes
