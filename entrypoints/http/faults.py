"""What is wrong with a body, in words for whoever sent it: the decoder's complaint, as a fault of a field."""

import re
from collections.abc import Mapping

from chatcore.errors import FieldFault, InvalidRequest

_WHERE = re.compile(r"(?P<message>.*?)(?: - at `\$\.?(?P<field>.*)`)?", re.DOTALL)
_FIELD = re.compile(r"Object (?:missing required|contains unknown) field `(?P<field>.*)`", re.DOTALL)
_KIND = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<given>[^`]*)`")
_KINDS: Mapping[str, str] = {
    "str": "text",
    "uuid": "an id, as text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def fault_of(complaint: str) -> InvalidRequest:
    """Return msgspec's complaint as ours, with the field that it is about."""
    if match := _FIELD.match(complaint):
        return _of_field(match["field"], "is required" if "missing" in complaint[:20] else "is not known")
    match = _WHERE.fullmatch(complaint)
    message = _said(match["message"] if match else complaint)
    if match is None or not match["field"]:
        return InvalidRequest(f"The body {message[:200]}.")
    return _of_field(match["field"], message)


def _of_field(field: str, message: str) -> InvalidRequest:
    fault = FieldFault(field=field, message=message)
    return InvalidRequest(f"{field[:100]}: {message[:200]}", faults=(fault,))


def _said(complaint: str) -> str:
    kinds = _KIND.fullmatch(complaint)
    if kinds is None:
        return complaint
    wanted = " or ".join(_KINDS.get(kind, kind) for kind in kinds["wanted"].split(" | ") if kind != "null")
    return f"must be {wanted}, not {_KINDS.get(kinds['given'], kinds['given'])}"
