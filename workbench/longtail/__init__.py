"""Captions and concepts: how often a concept is named, and how accuracy follows."""
