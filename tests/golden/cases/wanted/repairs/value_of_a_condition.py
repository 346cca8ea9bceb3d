import re

if m = re.match(r"a+", "aaa"):
    print(m.group())
# output
import re

if m := re.match(r"a+", "aaa"):
    print(m.group())
