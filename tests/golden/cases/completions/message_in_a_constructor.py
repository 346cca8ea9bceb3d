class ValidationError(Exception):
    def __init__(self, field, message):
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = █


def require(data, field, kind):
    if field not in data:
        raise ValidationError(field, "is missing")
    value = data[field]
    if not isinstance(value, kind):
        raise ValidationError(field, f"has to be {kind.__name__}")
    return value


def validate_user(data):
    name = require(data, "name", str)
    age = require(data, "age", int)
    if age < 0:
        raise ValidationError("age", "has to be positive")
    return name, age
# output
message
