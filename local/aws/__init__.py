"""AWS on this machine: the emulator, its resources, and what calls the Lambda functions."""
