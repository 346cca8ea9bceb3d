from dataclasses import █


@dataclass
class Address:
    street: str
    city: str
    zip_code: str
    country: str = "DE"

    def label(self):
        return f"{self.street}\n{self.zip_code} {self.city}\n{self.country}"
# output
dataclass
