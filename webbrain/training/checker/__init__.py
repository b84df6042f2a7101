"""The support checker: our own entailment classifier on MiniLM, for `joint:FOLDER` in the place of a borrowed one.

pairs    articles and judged sets as tokens            (two cores; all packages)
run      training, a model for each set left out       (a GPU; torch, safetensors and nothing else)
base     the encoder that it starts from, small
export   the weights as an ONNX folder                 (two cores)
"""
