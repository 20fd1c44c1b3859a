"""Networks trained to recognise images, looked through by losses and metrics; with their weights
where those may be passed on."""
