import json
import logging
import urllib.error
import urllib.request

logger = logging.getLogger(__name__)


def fetch_json(url, timeout=10):
    request = urllib.request.Request(url, headers={"Accept": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return json.load(response)
    except urllib.error.URLError, error:
        logger.warning("cannot fetch %s: %s", url, error)
        return None
# output
import json
import logging
import urllib.error
import urllib.request

logger = logging.getLogger(__name__)


def fetch_json(url, timeout=10):
    request = urllib.request.Request(url, headers={"Accept": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return json.load(response)
    except urllib.error.URLError as error:
        logger.warning("cannot fetch %s: %s", url, error)
        return None
