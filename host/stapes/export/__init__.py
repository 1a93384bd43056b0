"""From a trained network to a .tflite file with a report."""
