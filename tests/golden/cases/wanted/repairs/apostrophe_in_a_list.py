names = ['O'Brien', 'Smith']
for name in names:
    print(name)
# output
names = ["O'Brien", 'Smith']
for name in names:
    print(name)
