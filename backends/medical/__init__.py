"""The medical viewer: pictures in, a trained network's answer and where it looked out. Imports nothing by itself."""
