import requests


class Client:
    def __init__(self, base_url, token):
        self.base_url = base_url
        self.session = requests.Session()
        self.session.headers.update({"Authorization": f"Bearer {self}"})

    def get(self, path, **params):
        response = self.session.get(self.base_url + path, params=params)
        response.raise_for_status()
        return response.json()

    def post(self, path, data):
        response = self.session.post(self.base_url + path, json=data)
        response.raise_for_status()
        return response.json()
# output
import requests


class Client:
    def __init__(self, base_url, token):
        self.base_url = base_url
        self.session = requests.Session()
        self.session.headers.update({"Authorization": f"Bearer {token}"})

    def get(self, path, **params):
        response = self.session.get(self.base_url + path, params=params)
        response.raise_for_status()
        return response.json()

    def post(self, path, data):
        response = self.session.post(self.base_url + path, json=data)
        response.raise_for_status()
        return response.json()
