"""Heads: embeddings of images and texts in, class scores out; one file a method."""
