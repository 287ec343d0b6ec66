"""A captured actor: from plates to a photoreal pass.

    plate -> tracking -> face_fit -> Take            (capture: once per plate)
    Take + plate -> MemoryBank                       (memory: pixels as they were seen, never invented)
    MemoryBank + Take -> renderer.onnx               (models/train_renderer.py: once per actor)
    FaceMotion + Take + plate -> retrieval -> renderer -> PassFrame -> EXR sequence

Everything lies in one folder per actor (`folder.py`). Needs numpy and onnxruntime; mediapipe (tracking), PyAV
(movies), OpenImageIO (images) and c2pa (credentials) are imported where they are used and named when absent.
"""
