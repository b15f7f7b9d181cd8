"""What leaves a center in a round of a pooled study, as a document for an ethics committee."""

from __future__ import annotations

import pandas as pd

from fhrmm.manuscript.documents import Paper
from fhrmm.pool.protocol import Message, digest, fingerprint
from fhrmm.pool.words import ASKED, LIMITS
from fhrmm.tables import tabulate_frame

_HOW = (
    "Each number is a sum over the patients of this center. Before it leaves it is written as a 64-bit integer and "
    "hidden under one mask per other center; the two centers of a pair derive the same mask from their keys "
    "(X25519, HKDF, ChaCha20), and one adds what the other subtracts. One file by itself looks like random "
    "numbers. Only the sum over all centers can be read, when all have answered. The answer is signed (Ed25519)."
)
_SHOWN = (
    "Results are shown for all centers together. A count to which one or two centers contribute is not shown, nor is "
    "what would let it be worked out. No patient, date or identifier leaves, nor any number in clear."
)


def write_statement(request: Message, center: str, shown: pd.DataFrame) -> bytes:
    """Return the statement as a Word document.

    Parameters
    ----------
    request : dict
        The request that would be answered.
    center : str
        Whose numbers.
    shown : DataFrame
        As `fhrmm.pool.words.preview` gives them; counts of the flow, the baseline and the responses are printed. The
        document holds numbers of the center in clear and is for its own committee.
    """
    paper = Paper(f"{center}: for its own ethics committee and data protection officer; holds its numbers in clear")
    paper.heading("What leaves this center in a pooled analysis without patients")
    paper.paragraph(f"{request['title']}, round {request['round']}.", lead="Study.")
    paper.paragraph(f"plan {digest(request['plan'])[:16]}, request {digest(request)[:16]}.", lead="Fixed by digests:")
    kinds = dict.fromkeys(block["kind"] for block in request["ask"])
    paper.paragraph(
        f"{request['n_numbers']:,} numbers: {'; '.join(ASKED[kind] for kind in kinds)}.", lead="What leaves."
    )
    paper.paragraph(_HOW, lead="How it leaves.")
    paper.paragraph(_SHOWN, lead="What is shown.")
    for limit in LIMITS:
        paper.paragraph(limit, lead="Limit.")
    roster = pd.DataFrame([(member["center"], fingerprint(member)) for member in request["roster"]])
    paper.table(tabulate_frame(roster.set_axis(["Center", "Fingerprint of its keys"], axis=1)), "Centers asked")
    counts = shown[shown["question"].str.startswith(("flow", "baseline/")) | (shown["question"] == "response")]
    named = counts.set_axis(["Question", "Cell", "Number before masking"], axis=1).astype(
        {"Number before masking": int}
    )
    paper.table(tabulate_frame(named), "Counts of this center that would enter the sums, zeros left out")
    return paper.to_bytes()
