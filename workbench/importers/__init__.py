"""A path on this machine -> records: one file a format, one register, nothing stored here."""
