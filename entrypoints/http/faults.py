"""What is wrong with a body, in words for whoever sent it: the decoder's complaint, as a fault of a field."""

import re
from collections.abc import Mapping, Sequence
from enum import EnumType

import msgspec

from chatcore.errors import FieldFault, InvalidRequest

_WHERE = re.compile(r"(?P<message>.*?)(?: - at `\$\.?(?P<field>[^`]*)`)?", re.DOTALL)
_FIELD = re.compile(
    r"Object (?P<what>missing required|contains unknown) field `(?P<field>.*?)`(?: - at `\$\.?(?P<path>[^`]*)`)?",
    re.DOTALL,
)
_KIND = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<given>[^`]*)`")
_KINDS: Mapping[str, str] = {
    "str": "text",
    "uuid": "an id, as text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def fault_of(complaint: str, shape: type | None = None) -> InvalidRequest:
    """Return msgspec's complaint as ours, with the field that it is about; `shape` is the Struct that was wanted."""
    if match := _FIELD.fullmatch(complaint):
        field = ".".join(filter(None, (match["path"], match["field"])))
        return _of_field(field, "is required" if match["what"].startswith("missing") else "is not known")
    match = _WHERE.fullmatch(complaint)
    message, field = (match["message"], match["field"] or "") if match else (complaint, "")
    said = _said(message, _choices(shape, field))
    return _of_field(field, said) if field else InvalidRequest(f"The body {said[:200]}.")


def _of_field(field: str, message: str) -> InvalidRequest:
    fault = FieldFault(field=field, message=message)
    return InvalidRequest(f"{field[:100]}: {message[:200]}", faults=(fault,))


def _said(complaint: str, choices: Sequence[str]) -> str:
    if complaint == "Invalid UUID":
        return "must be an id"
    if complaint.startswith("Invalid enum value"):
        return f"must be one of {', '.join(choices)}" if choices else "is none of the values that it may have"
    kinds = _KIND.fullmatch(complaint)
    if kinds is None:
        return complaint
    wanted = " or ".join(_KINDS.get(kind, kind) for kind in kinds["wanted"].split(" | ") if kind != "null")
    if (kinds["wanted"].split(" ")[0], kinds["given"]) == ("int", "float"):
        return f"must be {wanted}"
    return f"must be {wanted}, not {_KINDS.get(kinds['given'], kinds['given'])}"


def _choices(shape: type | None, field: str) -> Sequence[str]:
    """Return the values that a field of a Struct may have, where they are a set of words."""
    kinds = (
        {known.encode_name: known.type for known in msgspec.structs.fields(shape)} if shape is not None else {}
    )
    kind = kinds.get(field)
    return tuple(map(str, kind.__members__.values())) if isinstance(kind, EnumType) else ()
