"""From other descriptions of a network back to a spec: ONNX files, PyTorch modules."""
