"""Training data: tracked video, captured rigs, labelled and neutral sound, all as `Line`s."""
