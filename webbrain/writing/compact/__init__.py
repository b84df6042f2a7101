"""The compact writer: a decoder on the retrieval encoder, run by ONNX Runtime. Writing with it needs no torch."""
