import logging

log = logging.getLogger(__name__)


def get(session, url, retries=3):
    log.info("GET %s", url)
    return session.get(url, retries=retries)


def post(session, url, data, retries=3):
    log.info("POST %s", █
    return session.post(url, data, retries=retries)
# output
url)
