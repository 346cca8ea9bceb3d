import os
improt shutil
from datetime import datetime


def backup(source, folder):
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    name = os.path.basename(source)
    target = os.path.join(folder, f"{stamp}-{name}")
    os.makedirs(folder, exist_ok=True)
    shutil.copy2(source, target)
    return target
# output
import os
import shutil
from datetime import datetime


def backup(source, folder):
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    name = os.path.basename(source)
    target = os.path.join(folder, f"{stamp}-{name}")
    os.makedirs(folder, exist_ok=True)
    shutil.copy2(source, target)
    return target
