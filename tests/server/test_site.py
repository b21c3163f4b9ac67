from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homebody.server.site import (
    FOREVER_S,
    IN_MEMORY,
    SECURITY_HEADERS,
    Answer,
    File,
    Site,
    Slice,
    file_from,
    file_of,
)

BODY = bytes(range(256)) * 4


def whole(answer: Answer) -> bytes:
    return b"".join(answer.body.chunks()) if isinstance(answer.body, Slice) else answer.body


def header(answer: Answer, name: str) -> str | None:
    found = [value for key, value in answer.headers if key == name]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.fixture(params=["memory", "disk"])
def site(request, tmp_path: Path) -> Site:
    if request.param == "memory":
        return Site({"/a.wasm": file_of(BODY, "application/wasm")})
    path = tmp_path / "a.wasm"
    path.write_bytes(BODY)
    file = File(path, len(BODY), file_of(BODY, "").sha256, "application/wasm")
    return Site({"/a.wasm": file})


def test_whole_file(site):
    answer = site.answer("GET", "/a.wasm", {})
    assert answer.status == 200
    assert whole(answer) == BODY
    assert header(answer, "content-type") == "application/wasm"
    assert header(answer, "content-length") == str(len(BODY))
    assert header(answer, "cache-control") == "no-cache"


def test_every_answer_is_guarded(site):
    for answer in (
        site.answer("GET", "/a.wasm", {}),
        site.answer("GET", "/a.wasm", {"range": "bytes=0-3"}),
        site.answer("GET", "/a.wasm", {"range": "bytes=9999-"}),
        site.answer("GET", "/a.wasm", {"if-none-match": "*"}),
        site.answer("GET", "/none", {}),
        site.answer("POST", "/a.wasm", {}),
    ):
        assert set(SECURITY_HEADERS) <= set(answer.headers)


def test_policy_lets_nothing_out():
    policy = dict(SECURITY_HEADERS)["content-security-policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == directives["connect-src"] == "'self'"
    assert directives["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert directives["form-action"] == directives["frame-ancestors"] == "'none'"
    assert "unsafe-inline" not in policy
    assert "http" not in policy


def test_head_is_get_without_body(site):
    for headers in ({}, {"range": "bytes=1-4"}):
        get, head = (site.answer(method, "/a.wasm", headers) for method in ("GET", "HEAD"))
        assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", ""])
def test_other_methods_are_refused(site, method):
    answer = site.answer(method, "/a.wasm", {})
    assert answer.status == 405
    assert header(answer, "allow") == "GET, HEAD"


@pytest.mark.parametrize(
    "path",
    ["", "a.wasm", "//a.wasm", "/a.wasm/", "/./a.wasm", "/x/../a.wasm", "/../../etc/passwd",
     "/A.WASM", "/a.wasm\0", "/%2e%2e/a.wasm", "\\a.wasm", "/.git/config", "/a.wasm?x"],
)  # fmt: skip
def test_only_the_table_counts(site, path):
    assert site.answer("GET", path, {}).status == 404


def test_conditional(site):
    etag = header(site.answer("GET", "/a.wasm", {}), "etag")
    for sent in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        answer = site.answer("GET", "/a.wasm", {"if-none-match": sent})
        assert (answer.status, answer.body) == (304, b"")
        assert header(answer, "etag") == etag
    assert site.answer("GET", "/a.wasm", {"if-none-match": '"x"'}).status == 200


def test_etag_follows_the_bytes():
    one, two = (Site({"/": file_of(body, "text/plain")}) for body in (b"one", b"two"))
    assert header(one.answer("GET", "/", {}), "etag") != header(two.answer("GET", "/", {}), "etag")


@given(first=st.integers(0, 2000), last=st.integers(0, 2000))
def test_range_is_a_slice(first, last):
    site = Site({"/": file_of(BODY, "text/plain")})
    answer = site.answer("GET", "/", {"range": f"bytes={first}-{last}"})
    if last < first:
        assert (answer.status, whole(answer)) == (200, BODY)
    elif first >= len(BODY):
        assert answer.status == 416
        assert header(answer, "content-range") == f"bytes */{len(BODY)}"
    else:
        assert answer.status == 206
        assert whole(answer) == BODY[first : last + 1]
        end = min(last, len(BODY) - 1)
        assert header(answer, "content-range") == f"bytes {first}-{end}/{len(BODY)}"
        assert header(answer, "content-length") == str(end - first + 1)


@given(count=st.integers(0, 3000))
def test_open_and_suffix_ranges(count):
    site = Site({"/": file_of(BODY, "text/plain")})
    suffix = site.answer("GET", "/", {"range": f"bytes=-{count}"})
    assert suffix.status == (206 if count else 416)
    assert whole(suffix) == (BODY[-count:] if count else b"")
    rest = site.answer("GET", "/", {"range": f"bytes={count}-"})
    assert (rest.status, whole(rest)) == ((206, BODY[count:]) if count < len(BODY) else (416, b""))


@pytest.mark.parametrize(
    "sent",
    ["bytes=", "bytes=-", "bytes=a-b", "bytes=1-2,4-5", "bytes=1--2", "items=1-2", "bytes=²-9",
     "bytes=" + "9" * 99 + "-", "bytes=+1-2", ""],
)  # fmt: skip
def test_unusable_ranges_are_ignored(site, sent):
    answer = site.answer("GET", "/a.wasm", {"range": sent})
    assert (answer.status, whole(answer)) == (200, BODY)


def test_range_from_disk(site):
    assert whole(site.answer("GET", "/a.wasm", {"range": "bytes=5-9"})) == BODY[5:10]


def test_if_range_guards_against_another_version(site):
    etag = header(site.answer("GET", "/a.wasm", {}), "etag")
    for sent, status in ((etag, 206), ('"older"', 200)):
        headers = {"range": "bytes=0-3", "if-range": sent}
        assert site.answer("GET", "/a.wasm", headers).status == status


ENCODED = File(b"plain" * 99, 495, "ab" * 32, "text/plain", 0, {"br": b"B", "gzip": b"GG"})


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [("gzip, deflate, br, zstd", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("*", "br"),
     ("br; q=0.0, *", "gzip"), ("identity", None), ("", None), ("zstd", None), ("*;q=0", None)],
)  # fmt: skip
def test_encoding_is_negotiated(accepted, chosen):
    answer = Site({"/": ENCODED}).answer("GET", "/", {"accept-encoding": accepted})
    assert header(answer, "content-encoding") == chosen
    assert header(answer, "vary") == "accept-encoding"
    body = ENCODED.encodings[chosen] if chosen else ENCODED.body
    assert whole(answer) == body
    assert header(answer, "content-length") == str(len(body))


def test_each_encoding_has_its_own_tag_and_all_revalidate():
    site = Site({"/": ENCODED})
    tags = {
        header(site.answer("GET", "/", {"accept-encoding": e}), "etag") for e in ("br", "gzip", "")
    }
    assert len(tags) == 3
    assert all(site.answer("GET", "/", {"if-none-match": tag}).status == 304 for tag in tags)


def test_ranges_are_of_the_plain_bytes():
    headers = {"accept-encoding": "br", "range": "bytes=0-4"}
    answer = Site({"/": ENCODED}).answer("GET", "/", headers)
    assert (answer.status, whole(answer)) == (206, b"plain")
    assert header(answer, "content-encoding") is None


@pytest.mark.parametrize(
    ("age", "said"),
    [(0, "no-cache"), (60, "public, max-age=60, must-revalidate"),
     (FOREVER_S, "public, max-age=31536000, immutable")],
)  # fmt: skip
def test_cache_control(age, said):
    site = Site({"/": file_of(b"", "text/plain", max_age_s=age)})
    assert header(site.answer("GET", "/", {}), "cache-control") == said


def test_small_files_are_read_once_and_large_ones_by_slice(tmp_path):
    small, large = tmp_path / "small.js", tmp_path / "large.bin"
    small.write_bytes(b"x" * IN_MEMORY)
    large.write_bytes(b"y" * (IN_MEMORY + 1))
    site = Site({"/s": file_from(small), "/l": file_from(large)})
    small.unlink()
    assert whole(site.answer("GET", "/s", {})) == b"x" * IN_MEMORY
    assert site.files["/s"].type.startswith("text/javascript")
    answer = site.answer("GET", "/l", {"range": f"bytes={IN_MEMORY}-"})
    assert isinstance(answer.body, Slice)
    assert whole(answer) == b"y"


def test_a_file_that_shrank_is_no_whole_answer(tmp_path):
    path = tmp_path / "large.bin"
    path.write_bytes(b"y" * (IN_MEMORY + 1))
    answer = Site({"/": file_from(path)}).answer("GET", "/", {})
    path.write_bytes(b"y")
    with pytest.raises(OSError, match="shorter"):
        whole(answer)
