"""Run the cases of a benchmark on the workers of a Dask cluster."""
