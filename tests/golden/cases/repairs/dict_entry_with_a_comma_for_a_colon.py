STATUS = {
    200: "OK",
    301, "Moved Permanently",
    404: "Not Found",
    500: "Internal Server Error",
}


def reason(code):
    return STATUS.get(code, "Unknown")
# output
STATUS = {
    200: "OK",
    301: "Moved Permanently",
    404: "Not Found",
    500: "Internal Server Error",
}


def reason(code):
    return STATUS.get(code, "Unknown")
