"""The renderer of the photoreal pass: network, footage, losses, export (see `train_renderer`)."""
