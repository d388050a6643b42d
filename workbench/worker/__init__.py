"""The worker: job loop, Flight server, and the app's side of both (no imports here)."""
