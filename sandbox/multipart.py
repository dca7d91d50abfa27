"""A strict reader of multipart/form-data: the bytes of each part are kept exactly."""

import re

from .errors import ApiError

NAME = re.compile(r'(?:^|;)\s*name="([^"]*)"', re.IGNORECASE)


def bad(why):
    return ApiError(f"Could not parse multipart form: {why}", "invalid_multipart_form")


def boundary_of(content_type):
    """The boundary a Content-Type names."""
    match = re.search(r'boundary=(?:"([^"]+)"|([^\s;]+))', content_type)
    if not match:
        raise bad("no boundary in Content-Type")
    return (match[1] or match[2]).encode()


def parse(body, content_type):
    """{name: (content type, bytes)} of a body (RFC 7578)."""
    delimiter = b"--" + boundary_of(content_type)
    if not body.startswith(delimiter):
        raise bad("NextPart: EOF")
    sections = (b"\r\n" + body).split(b"\r\n" + delimiter)
    if len(sections) < 3 or not sections[-1].startswith(b"--"):
        raise bad("the closing boundary is missing")
    parts = {}
    for section in sections[1:-1]:
        if not section.startswith(b"\r\n"):
            raise bad("a boundary is not followed by a line end")
        head, found, content = section[2:].partition(b"\r\n\r\n")
        if not found:
            raise bad("a part has no end of headers")
        name, kind = _read_head(head)
        if name in parts:
            raise bad(f"part '{name}' is given twice")
        parts[name] = (kind, content)
    return parts


def _read_head(head):
    headers = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    match = NAME.search(headers.get("content-disposition", ""))
    if not match:
        raise bad("a part has no name")
    return match[1], headers.get("content-type", "")
