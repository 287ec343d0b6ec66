"""The speech model: waveform to ARKit weights."""
