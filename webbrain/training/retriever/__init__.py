"""Training retrievers on WebBrain-R files: learned sparse, dense and cross-encoder, by one loop that resumes."""
