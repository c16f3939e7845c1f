"""Mutated requests: forms, headers, paths, queries and methods, alone or with a mutated body."""

from collections.abc import Callable

from hypothesis import strategies as st

from tests.fuzz.fuzz_json import VALUES, Bytes, dumps, mutated_bytes, mutated_json, mutated_text
from tests.fuzz.fuzz_valid import BOUNDARY, FORM, Call, as_sent
from tests.fuzz.fuzz_world import Sent

Headers = tuple[tuple[bytes, bytes], ...]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW", "get")

_DISPOSITIONS = st.sampled_from(
    [
        *(
            b'form-data; name="file"; filename="a.jsonl"',
            b'form-data; name="file"',
            b'form-data; name="purpose"',
        ),
        *(b"form-data", b"", b'form-data; name=""', b'form-data; name="file"; filename=""', b"attachment"),
        *(
            b"form-data; name*=utf-8''file; filename*=utf-8''%ff%00",
            b'form-data; name="fi\xffle"',
            b';;;==;"',
        ),
        *(
            b"form-data; name*=bogus''file",
            b"form-data; name*0=fi; name*1=le",
            b"form-data; filename*=x'y'%E2%82",
        ),
        *(
            b'form-data; name="file"; filename="' + b"../" * 99 + b'"',
            b"form-data; name=\xed\xa0\x80",
            b"\r\n\r\n",
        ),
    ]
)
_CONTENTS = st.one_of(
    st.sampled_from([b"batch", b"", b"vision", b"\xff", b"batch\r\n", b"x" * 5000]), st.binary(max_size=20)
)


@st.composite
def mutated_form(draw: st.DrawFn) -> bytes:
    """Form parts with odd headers, between boundaries that may be missing."""
    lines = []
    for _ in range(draw(st.integers(0, 4))):
        start = draw(
            st.sampled_from([b"--fence\r\n", b"--fence\n", b"--fence", b"--fenc\r\n", b"\r\n--fence \r\n"])
        )
        header = draw(
            st.sampled_from([b"Content-Disposition: ", b"content-disposition:", b"X: ", b": ", b""])
        )
        gap = draw(st.sampled_from([b"\r\n\r\n", b"\n\n", b"\r\n", b""]))
        lines.append(start + header + draw(_DISPOSITIONS) + gap + draw(_CONTENTS) + b"\r\n")
    end = draw(st.sampled_from([b"--fence--\r\n", b"--fence--", b"--fence", b""]))
    return (
        b"".join(lines) + end
        if draw(st.booleans())
        else FORM[: FORM.rindex(b"--fence--")] + b"".join(lines) + end
    )


_CONTENT_TYPES = st.sampled_from(
    [
        *(
            b"",
            b"text/plain",
            b"application/json; charset=utf-16",
            b"multipart/form-data",
            b"\xff\xfe",
            b"a" * 9000,
        ),
        *(
            b"multipart/form-data; boundary=",
            b'multipart/form-data; boundary=""',
            b"multipart/form-data;boundary=fence",
        ),
        *(b"multipart/form-data; boundary*=utf-8''%66%65nce", b"multipart/form-data; boundary*=bogus''fence"),
        *(
            b"multipart/form-data; boundary*0=fen; boundary*1=ce",
            b"multipart/form-data; boundary=\xe9",
            b';;=;"\\',
        ),
        *(
            b"multipart/form-data; boundary=" + b"f" * 5000,
            b"multipart/form-data; boundary=fence; boundary=x",
        ),
        *(
            b"MULTIPART/FORM-DATA; BOUNDARY=fence",
            b"multipart/form-data; boundary*=x'y'%ff%ff",
            b"a/b/c; boundary=x",
        ),
    ]
)
_NAMES = st.sampled_from(
    [
        *(
            b"authorization",
            b"x-api-key",
            b"x-goog-api-key",
            b"anthropic-version",
            b"anthropic-beta",
            b"host",
        ),
        *(
            b"x-client-request-id",
            b"x-stainless-retry-count",
            b"content-length",
            b"accept",
            b"idempotency-key",
        ),
    ]
)
_HEADER_VALUES = st.one_of(
    st.sampled_from(
        [
            *(
                b"",
                b" ",
                b"Bearer",
                b"Bearer ",
                b"bearer k",
                b"Basic azprOg==",
                b"Bearer \xff\xfe",
                b"Bearer " + b"k" * 9000,
            ),
            *(
                b"2023-06-01",
                b"9999-99-99",
                b"latest",
                b"0",
                b"-1",
                b"\x80",
                b"Bearer sk-good",
                b"Bearer a\tb",
            ),
        ]
    ),
    st.binary(max_size=12),
)


@st.composite
def mutated_headers(draw: st.DrawFn, headers: Headers) -> Headers:
    """Headers with some missing, duplicated, or with another value."""
    kept = [each for each in headers if draw(st.integers(0, 5))]
    if draw(st.booleans()):
        kept.append((b"content-type", draw(_CONTENT_TYPES)))
    more = draw(st.lists(st.tuples(_NAMES, _HEADER_VALUES), max_size=3))
    return (*kept, *more)


_PATHS: list[Callable[[str], str]] = [
    lambda path: path + "/",
    lambda path: "/" + path,
    lambda path: path.replace("/v1", "/v1//", 1),
    lambda path: path.replace("/v1", "/v1/../v1", 1),
    lambda path: path.replace("/v1", "/V1", 1),
    lambda path: path + "\n",
    lambda path: path + "\x00",
    lambda path: path + "?x=1",
    lambda path: path + ":generateContent",
    lambda path: path.rpartition("/")[0],
    lambda path: path + "/" + "a" * 5000,
    lambda path: path.rpartition("/")[0] + "/\ufffd\u202e😀",
    lambda path: path.rpartition("/")[0] + "/../../_mock/ledger",
    lambda path: path.rpartition("/")[0] + "/{id}",
    lambda path: path.rpartition("/")[0] + "/%2e%2e%2f%s%d",
    lambda path: path.replace("m-1", "a/b", 1),
    lambda path: path.replace("m-1", "%", 1),
    lambda _: "/",
    lambda _: "*",
    lambda _: "",
]
_QUERIES = st.one_of(
    st.sampled_from(
        [
            *(
                b"limit=1",
                b"limit=0",
                b"limit=-1",
                b"limit=x",
                b"limit=1e9",
                b"limit=" + b"9" * 400,
                b"limit=%D9%A3",
            ),
            *(
                b"after=nothing",
                b"after=",
                b"before_id=x",
                b"after_id=%ff",
                b"order=up",
                b"order=asc&limit=2",
            ),
            *(
                b"purpose=%00",
                b"key=",
                b"key=k&key=",
                b"alt=sse",
                b"alt=json",
                b"alt=%ff",
                b"&&&===;",
                b"%",
                b"%zz",
            ),
            *(b"\xff\xfe", b"a" * 9000, b"&".join([b"a=b"] * 2000), b"limit=1&limit=x"),
        ]
    ),
    st.binary(max_size=20),
)


@st.composite
def mutated_requests(draw: st.DrawFn, call: Call) -> Sent:
    """A request with something wrong: mostly in its body, sometimes around it."""
    sent = as_sent(call)
    where = draw(st.sampled_from(["body", "body", "body", "headers", "path", "query", "method", "all"]))
    if where in ("body", "all"):
        sent = sent._replace(body=draw(mutated_body(call)))
    if where in ("headers", "all"):
        sent = sent._replace(headers=draw(mutated_headers(sent.headers)))
    if where == "path" or (where == "all" and draw(st.booleans())):
        sent = sent._replace(path=draw(st.sampled_from(_PATHS))(sent.path))
    if where in ("query", "all"):
        sent = sent._replace(query=draw(_QUERIES))
    if where == "method":
        sent = sent._replace(method=draw(st.sampled_from(METHODS)))
    return sent


def mutated_body(call: Call) -> Bytes:
    """A mutated body of a call."""
    if isinstance(call.body, bytes):
        return st.one_of(mutated_bytes(call.body), mutated_form())
    if call.body is None:
        return st.one_of(st.just(b""), st.binary(max_size=40), VALUES.map(dumps))
    return st.one_of(mutated_json(call.body).map(dumps), mutated_text(call.body))


def form_of(content: bytes) -> bytes:
    """An upload of `content` for a batch."""
    fence = b"--" + BOUNDARY
    return b"".join(
        [
            fence + b'\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n',
            fence + b'\r\nContent-Disposition: form-data; name="file"; filename="in.jsonl"\r\n\r\n',
            content,
            b"\r\n" + fence + b"--\r\n",
        ]
    )
