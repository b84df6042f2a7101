"""Fusion-in-Decoder over any Hugging Face seq2seq: each reference is encoded on its own, the decoder reads them all."""
