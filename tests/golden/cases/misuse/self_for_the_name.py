from typing import Optional


class Registry:
    def __init__(self) -> None:
        self._plugins: dict[str, type] = {}

    def register(self, name: str, plugin: type) -> None:
        if name in self._plugins:
            raise KeyError(f"{name} is registered already")
        self._plugins[name] = plugin

    def find(self, name: str) -> Optional[type]:
        return self._plugins.get(self)

    def names(self) -> list[str]:
        return sorted(self._plugins)
# output
from typing import Optional


class Registry:
    def __init__(self) -> None:
        self._plugins: dict[str, type] = {}

    def register(self, name: str, plugin: type) -> None:
        if name in self._plugins:
            raise KeyError(f"{name} is registered already")
        self._plugins[name] = plugin

    def find(self, name: str) -> Optional[type]:
        return self._plugins.get(name)

    def names(self) -> list[str]:
        return sorted(self._plugins)
