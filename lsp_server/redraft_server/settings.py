"""What a user can set in the editor: one home, one default and one sentence for each."""

import os
from dataclasses import dataclass, fields, replace

_CAMEL = {"inlineCompletion": "inline_completion"}


@dataclass(frozen=True)
class Settings:
    """The settings of one session, from `initializationOptions` or `workspace/didChangeConfiguration`."""

    enable: bool = True
    """Whether Redraft offers anything at all."""
    inline_completion: bool = True
    """Whether Redraft completes while the user types (`inlineCompletion`)."""
    threads: int = 0
    """How many cores the model may use, 0 leaves the choice to PyTorch; counts until the model is loaded."""

    def updated(self, options: object) -> tuple["Settings", list[str]]:
        """These settings with what `options` sets, and one sentence for each thing in it that cannot be used.

        `options` is JSON: an object with our settings, or one that has them under "redraft".
        """
        if options is None:
            return self, []
        if not isinstance(options, dict):
            return self, ["The settings are not a JSON object."]
        options = options.get("redraft", options)
        if not isinstance(options, dict):
            return self, ['The settings under "redraft" are not a JSON object.']
        settings, complaints = self, []
        kinds = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        for key, value in options.items():
            name = _CAMEL.get(key, key)
            if name not in kinds:
                complaints.append(f"There is no setting {key!r}.")
            elif type(value) is not kinds[name] or (isinstance(value, int) and value < 0):
                complaints.append(f"The setting {key!r} cannot be {value!r}.")
            else:
                settings = replace(settings, **{name: value})
        return settings, complaints


def limit_threads(n_threads: int) -> None:
    """Let PyTorch use `n_threads` cores; has an effect only before it is imported. 0 changes nothing."""
    if n_threads:
        os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(n_threads)
