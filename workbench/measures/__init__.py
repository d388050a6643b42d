"""Arrays in, numbers out: one file a family of measures, pure numpy."""
