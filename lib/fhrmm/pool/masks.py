"""Fixed-point numbers modulo 2^64 under pairwise masks that cancel only when all centers have answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from fhrmm.errors import StudyError
from fhrmm.pool.protocol import Keys, read_bytes
from timetoevent.checks import FloatArray

SCALE_BITS = 40
Words = NDArray[np.uint64]
Roster = Sequence[Mapping[str, str]]


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
    limit = 2.0 ** (63 - SCALE_BITS) / n_centers
    if not np.isfinite(numbers).all() or (np.abs(numbers) >= limit).any():
        raise StudyError(
            f"a number is too large for the sum of {n_centers} centers (at most {limit:,.0f} in the unit asked); "
            "nothing was written. Tell the coordinator: the request must ask in larger units"
        )
    return np.rint(numbers * 2.0**SCALE_BITS).astype(np.int64).view(np.uint64)


def from_fixed(words: Words) -> FloatArray:
    """Return the numbers that fixed-point words stand for."""
    return words.view(np.int64) / 2.0**SCALE_BITS


def mask(words: Words, center: str, keys: Keys, roster: Roster, request: str) -> Words:
    """Add, for every other center, a stream that it subtracts, or the other way round.

    The stream is ChaCha20 under a key derived (HKDF) from the secret of the two centers with the digest of the request
    as label: another request, another mask.
    """
    masked = words.copy()
    for other in roster:
        if other["center"] == center:
            continue
        pair = sorted([center, other["center"]])
        label = "\n".join(["pool/1 mask", request, *pair]).encode()
        secret = keys.agree.exchange(X25519PublicKey.from_public_bytes(read_bytes(other["agree"])))
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=label).derive(secret)
        stream = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor().update(bytes(8 * len(words)))
        noise = np.frombuffer(stream, dtype="<u8")
        masked = masked + noise if center == pair[0] else masked - noise
    return masked
