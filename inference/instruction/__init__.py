"""Visual instruction: what a performance is to look like, as values, as words, and as suggested by a voice.

The idea is AVI-Talking's (Sun et al. 2024, arXiv 2402.16124): between speech and performance stands an
intermediate that a person can read and change.
"""
