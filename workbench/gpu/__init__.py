"""Models: registry, encoders, data loading. The only place besides the worker that imports torch."""
