"""Builds the sample world from its sources: `python -m sample_data.build --help`."""
