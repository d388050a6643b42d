"""Models: registry, encoders, data loading; besides the worker, the only importer of torch."""
