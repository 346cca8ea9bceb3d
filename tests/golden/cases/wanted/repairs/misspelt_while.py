import hashlib


def digest_of(path, block_size=65536):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        whlie True:
            block = file.read(block_size)
            if not block:
                break
            digest.update(block)
    return digest.hexdigest()


def same_content(first, second):
    return digest_of(first) == digest_of(second)
# output
import hashlib


def digest_of(path, block_size=65536):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while True:
            block = file.read(block_size)
            if not block:
                break
            digest.update(block)
    return digest.hexdigest()


def same_content(first, second):
    return digest_of(first) == digest_of(second)
