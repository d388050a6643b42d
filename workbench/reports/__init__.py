"""Results as files that open without the app and without a network."""
