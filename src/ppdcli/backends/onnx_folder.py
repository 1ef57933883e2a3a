ENCODER_FILE, STEP_FILE, OPSET = "encoder.onnx", "step.onnx", 18
