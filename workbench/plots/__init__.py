"""Results in, plotly figures out, nothing else."""
