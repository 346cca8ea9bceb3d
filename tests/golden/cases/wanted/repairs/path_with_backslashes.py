import os

FOLDER = 'C:\Users\anna\new'
print(os.listdir(FOLDER))
# output
import os

FOLDER = r'C:\Users\anna\new'
print(os.listdir(FOLDER))
