"""Messages of `pool/1`: keys, digests, signatures; nothing of the study is known here."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fhrmm.errors import StudyError

PROTOCOL = "pool/1"
_SIGNED = {"center": str, "signature": str}
FIELDS: Mapping[str, Mapping[str, type]] = {
    "member": _SIGNED | {"sign": str, "agree": str},
    "answer": _SIGNED | {"round": int, "request": str, "payload": str},
    "leave": _SIGNED | {"plan": str, "coordinator": str},
    "request": {"round": int, "before": str, "title": str, "coordinator": str, "roster": list, "plan": dict}
    | {"code": dict, "ask": list, "n_numbers": int, "left": list},
}
Message = dict[str, Any]


@dataclass(frozen=True)
class Keys:
    """The two private keys of a center or a coordinator: one signs, one agrees masks."""

    sign: Ed25519PrivateKey
    agree: X25519PrivateKey

    def public(self) -> dict[str, str]:
        """Return what others need to check signatures and to agree masks."""
        return {
            "sign": write_bytes(self.sign.public_key().public_bytes_raw()),
            "agree": write_bytes(self.agree.public_key().public_bytes_raw()),
        }

    def write(self) -> str:
        """Return both keys as text, for a file that stays in work/."""
        return json.dumps([write_bytes(self.sign.private_bytes_raw()), write_bytes(self.agree.private_bytes_raw())])


def make_keys() -> Keys:
    """Make new keys from the randomness of the system."""
    return Keys(Ed25519PrivateKey.generate(), X25519PrivateKey.generate())


def read_keys(text: str) -> Keys:
    """Read what `Keys.write` wrote."""
    sign, agree = (read_bytes(part) for part in json.loads(text))
    return Keys(Ed25519PrivateKey.from_private_bytes(sign), X25519PrivateKey.from_private_bytes(agree))


def write_bytes(raw: bytes) -> str:
    """Return bytes as JSON can hold them."""
    return base64.b64encode(raw).decode("ascii")


def read_bytes(text: str) -> bytes:
    """Return what `write_bytes` was given."""
    return base64.b64decode(text, validate=True)


def digest(body: Any) -> str:
    """Return the SHA-256 of a JSON value, the same however its keys are ordered.

    Examples
    --------
    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(_canonical(body)).hexdigest()


def _canonical(body: Any) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("utf-8")


def seal(kind: str, body: Mapping[str, Any], keys: Keys) -> Message:
    """Return a signed message of a kind (member, request, answer, leave)."""
    message = {"protocol": PROTOCOL, "kind": kind, **body}
    return message | {"signature": write_bytes(keys.sign.sign(_canonical(message)))}


def read_message(raw: bytes, kind: str, name: str) -> Message:
    """Read a message of a kind from the bytes of a file; the signature is checked by `check_signature`.

    Raises
    ------
    StudyError
        If it is no such message, with what to do.
    """
    try:
        message = json.loads(raw)
    except (ValueError, RecursionError):
        raise StudyError(f"{name}: damaged on its way, not readable as JSON; ask for the file again") from None
    if not isinstance(message, dict) or message.get("kind") != kind:
        raise StudyError(f"{name}: this is no {kind} of a pooled study; ask its sender which file was meant")
    if message.get("protocol") != PROTOCOL:
        found = message.get("protocol")
        raise StudyError(f"{name}: written for {found!r}, here is {PROTOCOL!r}; all need one version of the program")
    absent = [field for field, kept in FIELDS[kind].items() if not isinstance(message.get(field), kept)]
    if absent:
        raise StudyError(f"{name}: no usable {', '.join(absent)}; ask its sender for the file again")
    return message


def check_signature(message: Mapping[str, Any], key: str, name: str) -> None:
    """Refuse a message that the holder of a key has not signed as it stands.

    Raises
    ------
    StudyError
        If it was altered, is unsigned, or signed by somebody else.
    """
    body = {field: value for field, value in message.items() if field != "signature"}
    try:
        signature = read_bytes(message["signature"])
        Ed25519PublicKey.from_public_bytes(read_bytes(key)).verify(signature, _canonical(body))
    except (InvalidSignature, KeyError, ValueError, TypeError, AttributeError):
        raise StudyError(
            f"{name}: altered, unsigned or signed with another key; nothing of it was used. Ask its sender to send it "
            "again, and compare fingerprints by telephone if this happens twice"
        ) from None


def fingerprint(roster_entry: Mapping[str, str]) -> str:
    """Return a short form of public keys that two people can compare by telephone.

    Examples
    --------
    >>> len(fingerprint({"sign": "AA==", "agree": "AA=="}))
    19
    """
    return " ".join(wrap(digest({name: roster_entry[name] for name in ("sign", "agree")})[:16], 4))


def difference_in_words(here: Mapping[str, Any], there: Mapping[str, Any]) -> str:
    """Say in which entries what is here differs from what is in the request, a few of them."""
    differing = sorted(key for key in here.keys() | there.keys() if here.get(key) != there.get(key))
    said = [f"{k}: {here.get(k, 'absent')} here, {there.get(k, 'absent')} in the request" for k in differing[:5]]
    return "; ".join([*said, *([f"and {len(differing) - 5} more"] if len(differing) > 5 else [])])
