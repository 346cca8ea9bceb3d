"""Training data: from folders of source files to token shards, and from shards to training samples."""
