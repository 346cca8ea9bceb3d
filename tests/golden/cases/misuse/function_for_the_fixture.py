import pytest

from settings import Settings, load


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "settings.ini"
    path.write_text("[window]\nwidth = 640\n")
    return path


def test_a_setting_is_read(path):
    assert load(load) == Settings(width=640)


def test_a_missing_file_gives_the_defaults(tmp_path, monkeypatch):
    monkeypatch.setattr("settings.warn", lambda text: None)
    assert load(tmp_path / "nothing.ini") == Settings()
# output
import pytest

from settings import Settings, load


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "settings.ini"
    path.write_text("[window]\nwidth = 640\n")
    return path


def test_a_setting_is_read(path):
    assert load(path) == Settings(width=640)


def test_a_missing_file_gives_the_defaults(tmp_path, monkeypatch):
    monkeypatch.setattr("settings.warn", lambda text: None)
    assert load(tmp_path / "nothing.ini") == Settings()
