"""One measure a file; each names its source and the implementation it agrees with."""
