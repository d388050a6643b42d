"""LIMoE: one sparse transformer for images and texts, in plain torch (Mustafa et al. 2022)."""
