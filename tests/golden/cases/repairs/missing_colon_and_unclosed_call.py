import logging
import time

logger = logging.getLogger(__name__)


class RetryError(Exception)
    """All attempts failed."""


def retry(function, attempts=3, delay=0.5):
    for attempt in range(attempts):
        try:
            return function()
        except OSError as error:
            logger.info("attempt %d failed: %s", attempt + 1, error)
            time.sleep(delay * 2**attempt
    raise RetryError(f"gave up after {attempts} attempts")
# output
import logging
import time

logger = logging.getLogger(__name__)


class RetryError(Exception):
    """All attempts failed."""


def retry(function, attempts=3, delay=0.5):
    for attempt in range(attempts):
        try:
            return function()
        except OSError as error:
            logger.info("attempt %d failed: %s", attempt + 1, error)
            time.sleep(delay * 2**attempt)
    raise RetryError(f"gave up after {attempts} attempts")
