"""Create studies from run folders or folders of images."""
