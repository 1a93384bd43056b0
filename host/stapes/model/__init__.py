"""The model file: its settings, its metadata, and the writer of .tflite flatbuffers."""
