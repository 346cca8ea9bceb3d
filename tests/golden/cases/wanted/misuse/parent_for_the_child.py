class Category:
    def __init__(self, name, parent=None):
        self.name = name
        self.parent = parent
        self.children = []
        if parent is not None:
            parent.children.append(parent)

    def path(self):
        if self.parent is None:
            return [self.name]
        return self.parent.path() + [self.name]
# output
class Category:
    def __init__(self, name, parent=None):
        self.name = name
        self.parent = parent
        self.children = []
        if parent is not None:
            parent.children.append(self)

    def path(self):
        if self.parent is None:
            return [self.name]
        return self.parent.path() + [self.name]
