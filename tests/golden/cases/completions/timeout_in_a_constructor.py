import socket


class Probe:
    """Checks whether a port can be reached."""

    def __init__(self, host, port, timeout=3.0):
        self.host = host
        self.port = port
        self.timeout = █

    def is_open(self):
        try:
            socket.create_connection((self.host, self.port), self.timeout).close()
        except OSError:
            return False
        return True


if __name__ == "__main__":
    print(Probe("localhost", 22).is_open())
# output
timeout
