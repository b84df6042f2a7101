"""Reading a corpus: `scan` finds records, `clean` makes documents or rejects of each, `fingerprint` names a corpus."""

from __future__ import annotations

from .clean import clean
from .fingerprint import fingerprint
from .records import RawRecord, Reject
from .scan import scan

__all__ = ["RawRecord", "Reject", "clean", "fingerprint", "scan"]
