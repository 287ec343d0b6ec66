"""Plates and pictures: movies, image sequences and EXR, in and out."""
