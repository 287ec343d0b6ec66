"""The runtime of Soliloquy: numpy and onnxruntime, without Blender and without torch."""
