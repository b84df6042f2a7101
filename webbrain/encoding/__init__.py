"""Sentence encoders on ONNX Runtime: no torch at query time, and none to index on a CPU."""
