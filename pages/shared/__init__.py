"""The widgets that every page shares."""
