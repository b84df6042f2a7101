"""Indexing on a Ray cluster: the pipeline as tasks over splits of the corpus, then one publish step.

    survey   task a file     digest, and where a large .jsonl file can be cut
    prepare  task a split    read, clean, chunk, fingerprint -> documents on shared storage
    fold     one pass        ids and fingerprints in corpus order: what is kept, and which documents make a shard
    shard    task a shard    the kept documents -> the files of a shard, and its receipt
    publish  one step        receipts -> manifest: an ordinary index folder

A task is named by its number under the build id, makes the same bytes whoever runs it and however often, and signs with
a receipt written last. What has a receipt is not made again.
"""
