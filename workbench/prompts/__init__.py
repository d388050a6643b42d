"""Class sets and prompt sets: what is asked of a model in a zero-shot evaluation, as texts."""
