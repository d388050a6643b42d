"""Reads the routers of other people's mixtures of experts while they run."""
