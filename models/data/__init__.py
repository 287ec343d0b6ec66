"""Training data: tracked video, captured rigs and neutral sound, all as `Line`s with canonical ARKit targets."""
