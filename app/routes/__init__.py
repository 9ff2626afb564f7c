"""The HTTP API's addresses, a file a subject. They translate between JSON and the lab, and decide nothing."""
