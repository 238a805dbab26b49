"""Reads the settings from the environment, and reports everything that is wrong with them at once."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from entrypoints.settings import Described, Environment, Settings, described
from entrypoints.settings_rules import faults

OFF = "off"
DOTENV = Path(".env")


class SettingsFaulty(Exception):
    """Settings are missing, malformed or do not fit together; `faults` has a line for each."""

    def __init__(self, found: list[str]) -> None:
        """Take the faults, each beginning with the variable that it is about."""
        super().__init__("\n".join(found))
        self.faults = found


def load_settings(environ: Mapping[str, str] = os.environ, dotenv: Path = DOTENV) -> Settings:
    """Return the settings that the environment and, in development only, the file `.env` give.

    The environment wins over the file. An empty variable counts as unset. A secret may also lie in the file
    that the variable with `_FILE` at its end names.

    Raises:
        SettingsFaulty: with every fault that there is; secrets are not quoted.
    """
    found: list[str] = []
    given = _given(environ, dotenv, found)
    values = {known.field: value for known in described() for value in _values(known, given, found)}
    # A value that cannot be read stays at its default here, so that the other rules can still be checked.
    settings = msgspec.structs.replace(Settings(), **values)
    found.extend(faults(settings))
    if found:
        raise SettingsFaulty(found)
    return settings


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return the variables that look like settings of ours and are none: misspelt, as a rule."""
    known = {name for one in described() for name in (one.variable.name, f"{one.variable.name}_FILE")}
    return sorted(name for name in environ if name.startswith("CHATCORE_") and name not in known)


def _given(environ: Mapping[str, str], dotenv: Path, found: list[str]) -> dict[str, str]:
    in_file: dict[str, str] = {}
    if environ.get("CHATCORE_ENV") != Environment.PRODUCTION and dotenv.is_file():
        # Here and not above: most starts have no such file, and the command line has to start fast.
        from dotenv import dotenv_values  # noqa: PLC0415

        in_file = {name: value for name, value in dotenv_values(dotenv, interpolate=False).items() if value}
        if in_file.get("CHATCORE_ENV", Environment.DEVELOPMENT) != Environment.DEVELOPMENT:
            found.append(f"CHATCORE_ENV: {dotenv} is for development; set production in the environment itself")
    return in_file | {name: value for name, value in environ.items() if value}


def _values(known: Described, given: Mapping[str, str], found: list[str]) -> list[object]:
    """Return the value that is given for a setting, or nothing where none is, or none that can be read."""
    try:
        text = _text(known, given)
        return [] if text is None else [_converted(known, text)]
    except ValueError as fault:
        found.append(f"{known.variable.name}: {fault}")
        return []


def _text(known: Described, given: Mapping[str, str]) -> str | None:
    name = known.variable.name
    text, file = given.get(name), given.get(f"{name}_FILE") if known.variable.secret else None
    if file is None:
        return text
    if text is not None:
        raise ValueError(f"is set, and {name}_FILE too; unset one of them")
    try:
        return Path(file).read_text(encoding="utf-8").strip() or None
    except OSError as error:
        raise ValueError(f"the file that {name}_FILE names cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ValueError(f"the file that {name}_FILE names is no UTF-8 text") from None


def _converted(known: Described, text: str) -> object:
    if text.lower() == OFF and known.switchable:
        return None
    value: object = text
    if known.default == ():
        value = [part.strip().rstrip("/") for part in text.split(",") if part.strip()]
    try:
        return msgspec.convert(value, known.type, strict=False, dec_hook=_decoded)
    except msgspec.ValidationError:
        raise ValueError(f"must be {known.wanted}, not {known.shown(text)}") from None


def _decoded(kind: type, value: object) -> object:
    if kind is Path:
        return Path(str(value))
    raise NotImplementedError
