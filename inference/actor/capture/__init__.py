"""From plates to takes: points are tracked, a 3D face is fitted, unusable frames are marked."""
