"""Messages of `pool/1`: keys, digests, signatures, and masks; nothing of the study is known here."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from fhrmm.errors import StudyError
from timetoevent.checks import FloatArray

PROTOCOL = "pool/1"
_SIGNED = {"center": str, "signature": str}
FIELDS: Mapping[str, Mapping[str, type]] = {
    "member": _SIGNED | {"sign": str, "agree": str},
    "answer": _SIGNED | {"round": int, "request": str, "payload": str},
    "leave": _SIGNED | {"plan": str, "coordinator": str},
    "request": {"round": int, "before": str, "title": str, "coordinator": str, "roster": list, "plan": dict}
    | {"code": dict, "ask": list, "n_numbers": int, "left": list},
}
_SCALE = 2.0**40  # fixed point
Message = dict[str, Any]
Roster = Sequence[Mapping[str, str]]
Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Keys:
    """The two private keys of a center or a coordinator: one signs, one agrees masks."""

    sign: Ed25519PrivateKey
    agree: X25519PrivateKey

    def public(self) -> dict[str, str]:
        """Return what others need to check signatures and to agree masks."""
        keys = {"sign": self.sign, "agree": self.agree}
        return {name: key.public_key().public_bytes_raw().hex() for name, key in keys.items()}

    def private(self) -> list[str]:
        """Return both keys as text, for a file that stays in work/."""
        return [key.private_bytes_raw().hex() for key in (self.sign, self.agree)]


def make_keys() -> Keys:
    """Make new keys from the randomness of the system."""
    return Keys(Ed25519PrivateKey.generate(), X25519PrivateKey.generate())


def read_keys(path: Path) -> Keys:
    """Read the keys of a file that holds what `Keys.private` gave."""
    sign, agree = map(bytes.fromhex, json.loads(path.read_text(encoding="ascii")))
    return Keys(Ed25519PrivateKey.from_private_bytes(sign), X25519PrivateKey.from_private_bytes(agree))


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
    return message | {"signature": keys.sign.sign(_canonical(message)).hex()}


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
    """Refuse a message that was altered, is unsigned, or that the holder of a key has not signed.

    Raises
    ------
    StudyError
        If it was altered, is unsigned, or signed by somebody else.
    """
    body = {field: value for field, value in message.items() if field != "signature"}
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(message["signature"]), _canonical(body))
    except (InvalidSignature, KeyError, ValueError, TypeError):
        raise StudyError(
            f"{name}: altered, unsigned or signed with another key; nothing of it was used. Ask its sender to send it "
            "again, and compare fingerprints by telephone if this happens twice"
        ) from None


def fingerprint(roster_entry: Mapping[str, str]) -> str:
    """Return a short form of public keys that two people can compare by telephone.

    Examples
    --------
    >>> len(fingerprint({"sign": "00", "agree": "00"}))
    19
    """
    return " ".join(wrap(digest({name: roster_entry[name] for name in ("sign", "agree")})[:16], 4))


def difference_in_words(here: Mapping[str, Any], there: Mapping[str, Any]) -> str:
    """Say in which entries what is here differs from what is in the request, a few of them."""
    differing = sorted(key for key in here.keys() | there.keys() if here.get(key) != there.get(key))
    said = [f"{k}: {here.get(k, 'absent')} here, {there.get(k, 'absent')} in the request" for k in differing[:5]]
    return "; ".join([*said, *([f"and {len(differing) - 5} more"] if len(differing) > 5 else [])])


def to_fixed(numbers: FloatArray, n_centers: int) -> Words:
    """Return numbers in fixed point, as unsigned 64-bit integers.

    Raises
    ------
    StudyError
        If a number is not finite, or so large that a sum over the centers could run over: nothing would leave.

    Examples
    --------
    >>> from_fixed(to_fixed(np.array([1.5, -2.0]), 3)).tolist()
    [1.5, -2.0]
    """
    limit = 2.0**63 / _SCALE / n_centers
    if not np.isfinite(numbers).all() or (np.abs(numbers) >= limit).any():
        raise StudyError(
            f"a number is too large for the sum of {n_centers} centers (at most {limit:,.0f} in the unit asked); "
            "nothing was written. Tell the coordinator: the request must ask in larger units"
        )
    return np.rint(numbers * _SCALE).astype(np.int64).view(np.uint64)


def from_fixed(words: Words) -> FloatArray:
    """Return the numbers that fixed-point words stand for."""
    return words.view(np.int64) / _SCALE


def mask(words: Words, center: str, keys: Keys, roster: Roster, request: str) -> Words:
    """Add, for every other center, a stream that it subtracts, or the other way round, modulo 2^64.

    The stream is ChaCha20 under a key derived (HKDF) from the secret of the two centers with the digest of the request
    as label: another request, another mask.
    """
    masked = words.copy()
    for other in roster:
        if other["center"] == center:
            continue
        pair = sorted([center, other["center"]])
        label = "\n".join(["pool/1 mask", request, *pair]).encode()
        secret = keys.agree.exchange(X25519PublicKey.from_public_bytes(bytes.fromhex(other["agree"])))
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=label).derive(secret)
        stream = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor().update(bytes(8 * len(words)))
        noise = np.frombuffer(stream, dtype="<u8")
        masked = masked + noise if center == pair[0] else masked - noise
    return masked


def write_payload(words: Words) -> str:
    """Return masked words as JSON can hold them."""
    return base64.b64encode(words.astype("<u8").tobytes()).decode("ascii")


def read_payload(message: Message, n_numbers: int, name: str) -> Words:
    """Return the masked words of an answer."""
    try:
        words = np.frombuffer(base64.b64decode(message["payload"], validate=True), dtype="<u8").astype(np.uint64)
    except ValueError:
        raise StudyError(f"{name}: its numbers are not readable; {message['center']} must send it again") from None
    if len(words) != n_numbers:
        raise StudyError(f"{name}: {len(words)} numbers, {n_numbers} were asked; its program differs")
    return words
