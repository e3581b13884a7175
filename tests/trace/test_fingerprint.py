"""Is a file read for its fingerprint once while it stays as it is, and anew when it changes?"""

from chipweave.trace import library


def test_a_file_is_hashed_once_until_it_changes(tmp_path, monkeypatch):
    read, path = [], tmp_path / "t.jsonl"
    monkeypatch.setattr(library, "file_sha256", lambda p: read.append(p) or p.read_text())
    path.write_text("one")
    assert [library.fingerprint(path) for _ in range(3)] == ["one"] * 3 and len(read) == 1
    path.write_text("another")
    assert library.fingerprint(path) == "another" and len(read) == 2
