"""Says of a message that is not understood which field is wrong, and what would be accepted there."""

import re
from collections.abc import Collection
from typing import Final

import msgspec
from msgspec import inspect

_AT: Final = re.compile(r" - at `\$\.(\w+)")
_MISSING: Final = re.compile(r"^Object missing required field `(\w+)`$")
_UNKNOWN: Final = re.compile(r"^Object contains unknown field `(\w+)`$")


def explain(error: msgspec.DecodeError, payload: bytes, kinds: Collection[type[msgspec.Struct]]) -> str:
    """Return ``error``, which decoding ``payload`` as one of ``kinds`` raised, in words for who sent it.

    What was given is not repeated: it may be a phone's number.
    """
    text = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return text
    given = msgspec.json.decode(payload)
    if not isinstance(given, dict):
        return text
    tags = {kind.__struct_config__.tag: kind for kind in kinds}
    said = given.get("kind")
    kind = tags.get(said) if isinstance(said, str) else None
    if kind is None:
        return f"kind: give one of {', '.join(sorted(map(str, tags)))}"
    fields = {field.encode_name: accepted(field.type) for field in inspect.type_info(kind).fields}  # type: ignore[attr-defined] # a struct's
    if missing := _MISSING.search(text):
        return f"{missing[1]}: it is missing; give {fields[missing[1]]}"
    if unknown := _UNKNOWN.search(text):
        return f"{unknown[1]}: there is no such field; give {', '.join(fields)}"
    wrong = _AT.search(text)
    return text if wrong is None else f"{wrong[1]}: give {fields[wrong[1]]}"


def accepted(kind: inspect.Type) -> str:
    """Return in words what a field of a message takes: its description, else what its type says."""
    match kind:
        case inspect.Metadata(type=plain, extra_json_schema=said):
            return str(said["description"]) if said and "description" in said else accepted(plain)
        case inspect.UnionType(types=types):
            return " or ".join(accepted(one) for one in types)
        case inspect.NoneType():
            return "null"
        case inspect.BoolType():
            return "true or false"
        case inspect.UUIDType():
            return "a UUID"
        case inspect.LiteralType(values=values):
            return " or ".join(map(str, values))
        case inspect.IntType(gt=above, ge=least, le=most):
            least = above + 1 if above is not None else least
            return "a whole number" if least is None else f"a whole number from {least} to {most}"
        case inspect.StrType(min_length=least, max_length=most):
            return "text" if most is None else f"text of {least} to {most} characters"
        case inspect.VarTupleType(item_type=item, max_length=most):
            return f"a list of at most {most}, each {accepted(item)}"
    raise AssertionError(f"a message has no field of {kind}")
