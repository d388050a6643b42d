"""The tabs of pages that have several."""
