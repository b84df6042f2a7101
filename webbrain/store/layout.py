"""Where each file of an index lies. Paths are relative to the build folder, so that an index can be moved or synced."""

from __future__ import annotations

FORMAT_VERSION = 2
FORMATS_READ = (1, 2)  # 2 brought tombstones and the state that a later `index add` starts from
CURRENT = "CURRENT"
BUILDS = "builds"
LOCK = "write.lock"
MANIFEST = "manifest.json"
MANIFEST_DIGEST = "manifest.sha256"
ENCODER = "encoder"
REJECTS = "rejects.jsonl"
ALIASES = "aliases.jsonl"
STATE = "state/documents.sqlite"

# Files of one shard, by role.
TEXT = "passages/{:05d}.text"
DOCUMENTS = "passages/{:05d}.documents.jsonl"
DOCUMENT_OFFSETS = "passages/{:05d}.documents.npy"
ROWS = "passages/{:05d}.rows.npy"
TERMS = "bm25/{:05d}.terms"
TERM_OFFSETS = "bm25/{:05d}.terms.npy"
POSTING_OFFSETS = "bm25/{:05d}.postings.npy"
POSTING_ROWS = "bm25/{:05d}.rows.npy"
POSTING_COUNTS = "bm25/{:05d}.counts.npy"
LENGTHS = "bm25/{:05d}.lengths.npy"
VECTORS = "dense/{:05d}.faiss"
# Only where the index has lists: its vectors again, as codes in lists, and where in that file each list lies.
LIST_CODES = "dense/{:05d}.lists.codes"
LIST_PLACES = "dense/{:05d}.lists.npy"
TRAINED = "dense/trained.faiss"  # the centres of those lists and their code book
SPARSE_ENCODER = "sparse/encoder"
SPARSE_OFFSETS = "sparse/{:05d}.offsets.npy"
SPARSE_ROWS = "sparse/{:05d}.rows.npy"
SPARSE_CODES = "sparse/{:05d}.codes.npy"
DELETED = "passages/{:05d}.deleted.npy"  # sorted uint32 rows of the shard; only where there are any

SHARD_FILES = (TEXT, DOCUMENTS, DOCUMENT_OFFSETS, ROWS, TERMS, TERM_OFFSETS, POSTING_OFFSETS, POSTING_ROWS,
               POSTING_COUNTS, LENGTHS)  # fmt: skip

SPARSE_FILES = (SPARSE_OFFSETS, SPARSE_ROWS, SPARSE_CODES)  # where an index has a learned-sparse part

# One passage: its document within the shard, its place in that document in characters and in the shard's text in bytes.
ROW_DTYPE = [
    ("document", "<u4"),
    ("number", "<u4"),
    ("start", "<u8"),
    ("end", "<u8"),
    ("byte", "<u8"),
    ("bytes", "<u4"),
]
# One document: where its JSON line and its text begin, and its first passage within the shard.
# One list, in the order of the centres: codes, places for codes, and where in the file of codes it begins.
LIST_DTYPE = [("size", "<u8"), ("capacity", "<u8"), ("offset", "<u8")]
DOCUMENT_DTYPE = [("line", "<u8"), ("text", "<u8"), ("first_row", "<u4")]
