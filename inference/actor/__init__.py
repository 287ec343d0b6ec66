"""A captured actor: from plates to a photoreal pass. Everything of one lies in one folder (`folder.py`).

    media/      plates and pictures, in and out
    capture/    plate -> Take: tracked points, a 3D face, colours, gaps
    memory/     Take + plate -> MemoryBank: pixels as they were seen, never invented
    painting/   MemoryBank + FaceMotion + plate -> PassFrame -> EXR sequence
    trust/      provenance, content credentials, verification

The renderer itself is trained by `models/train_renderer.py`, once per actor. Needs numpy and onnxruntime;
mediapipe (tracking), PyAV (movies), OpenImageIO (images) and c2pa (credentials) are imported where they are
used and named when absent.
"""
