"""What is done to a prompt before it is sent: made shorter, made to fit, and kept where it is cached."""
