"""What the server answers: one file per feature, functions of a session and a request's parameters."""
