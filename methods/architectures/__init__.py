"""The neural networks and their parts: pure PyTorch, without weights files and devices."""
