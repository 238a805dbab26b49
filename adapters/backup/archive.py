"""The file of a backup: a tar archive of the dump and, after it, the manifest that seals it.

The dump is written while it is made, so its size is known last: the header before it is filled in afterwards.
"""

import hashlib
import json
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from io import SEEK_CUR
from pathlib import Path
from typing import IO

DUMP = "database.dump"
_MANIFEST = "manifest.json"
_FORMAT = 1
_BLOCK = 512
CHUNK = 1 << 20


class DamagedBackup(Exception):
    """The file is not what was once written; nothing was restored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup holds: the dump's digest and size, and each table's number of rows by its full name."""

    sha256: str
    size: int
    rows: dict[str, int]
    server: str
    taken_at: str
    format: int = _FORMAT


def write(file: IO[bytes], chunks: Iterator[bytes], manifest_of: Callable[[str, int], Manifest]) -> Manifest:
    """Write an archive of a dump that comes in chunks, and return its manifest."""
    file.write(bytes(_BLOCK))
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        file.write(chunk)
    _pad(file, size)
    manifest = manifest_of(digest.hexdigest(), size)
    sealed = _sealed(manifest)
    file.write(_header(_MANIFEST, len(sealed)) + sealed)
    _pad(file, len(sealed))
    file.write(bytes(2 * _BLOCK))
    file.seek(0)
    file.write(_header(DUMP, size))
    return manifest


def verify(file: Path) -> Manifest:
    """Return the manifest of a backup, every byte of which was read.

    Raises:
        DamagedBackup: it is not whole, or not as it was written.
        OSError: it cannot be read.
    """
    with opened(file) as archive:
        try:
            manifest = _unsealed(_member(archive, _MANIFEST).read(CHUNK))
            digest = hashlib.file_digest(_member(archive, DUMP), "sha256").hexdigest()  # type: ignore[arg-type]  # IO[bytes] has what is needed
            framed = _is_framed(file, archive)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise DamagedBackup(f"{file} is damaged: {error}") from error
        if digest != manifest.sha256:
            raise DamagedBackup(f"{file} is damaged: the dump is not the one that was written")
        if not framed:
            raise DamagedBackup(f"{file} is damaged: there is something else around the dump than was written")
        return manifest


def offset_of_dump(file: Path) -> int:
    """Return where in a verified backup the dump begins."""
    with opened(file) as archive:
        return archive.getmember(DUMP).offset_data


def opened(file: Path) -> tarfile.TarFile:
    """Open a backup.

    Raises:
        DamagedBackup: it is no archive.
        OSError: it cannot be read.
    """
    try:
        return tarfile.open(file, mode="r:", format=tarfile.GNU_FORMAT)
    except tarfile.TarError as error:
        raise DamagedBackup(f"{file} is no backup of chatcore, or a damaged one") from error


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        content = archive.extractfile(name)
    except KeyError:
        content = None
    if content is None:
        raise tarfile.ReadError(f"{name} is missing")
    return content


def _is_framed(file: Path, archive: tarfile.TarFile) -> bool:
    """Return whether headers, padding and end are as they were written: tar itself forgives a lot there."""
    with file.open("rb") as raw:
        for name in (DUMP, _MANIFEST):
            entry = archive.getmember(name)
            if raw.read(_BLOCK) != entry.tobuf(format=tarfile.GNU_FORMAT):
                return False
            raw.seek(entry.size, SEEK_CUR)
            if any(raw.read(-entry.size % _BLOCK)):
                return False
        return raw.read(2 * _BLOCK + 1) == bytes(2 * _BLOCK)


def _header(name: str, size: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, int(time.time())
    return entry.tobuf(format=tarfile.GNU_FORMAT)


def _pad(file: IO[bytes], size: int) -> None:
    file.write(bytes(-size % _BLOCK))


def _sealed(manifest: Manifest) -> bytes:
    content = json.dumps(asdict(manifest), indent=2, sort_keys=True)
    return json.dumps({"manifest": content, "sha256": _digest(content)}).encode()


def _unsealed(content: bytes) -> Manifest:
    try:
        sealed = json.loads(content)
        manifest = json.loads(sealed["manifest"])
        if _digest(sealed["manifest"]) != sealed["sha256"]:
            raise DamagedBackup("its manifest is damaged")
        if manifest["format"] != _FORMAT:
            raise DamagedBackup(f"format {manifest['format']} is not one that this chatcore reads")
        return Manifest(**manifest)
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedBackup("its manifest is damaged") from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
