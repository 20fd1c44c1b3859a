"""Networks trained on ImageNet, whose features losses and metrics compare, with their weights."""
