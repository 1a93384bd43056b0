"""What a model is worth: comparison of engines, confusion matrices."""
