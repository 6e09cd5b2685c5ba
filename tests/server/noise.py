"""What arrives at an open port: other protocols, broken HTTP, broken JSON. Each kind is a function of a random.Random that
returns the bytes of one connection and the statuses that may answer them; none: no answer is due."""

import json
import struct

ROUTES = ("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/v1/messages/count_tokens",
          "/v1/chat/completions/render", "/v1/embeddings", "/tokenize", "/detokenize")
REFUSED = frozenset({400, 404, 405, 408, 411, 413, 414, 417, 431, 501, 505})
READ = frozenset({200, 400, 404, 413})  # a body that came whole


def without_key(allowed):
    """What may answer who has no key where one is needed: nothing that depends on a body."""
    return frozenset({401}) if allowed <= READ else allowed | {401}


def request(path, body, method="POST", headers=()):
    lines = [f"{method} {path} HTTP/1.1", "host: a", "connection: close", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def client_hello(random):
    hello = struct.pack(">H", 0x0303) + random.randbytes(32) + b"\x00\x00\x02\x13\x01\x01\x00"
    handshake = b"\x01" + struct.pack(">I", len(hello))[1:] + hello
    return b"\x16\x03\x01" + struct.pack(">H", len(handshake)) + handshake


BANNERS = (
    b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    b"OPTIONS rtsp://a/media.mp4 RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    b"\x00\x00\x00\x85\xffSMBr\x00\x00\x00\x00\x18\x53\xc8\x00\x00\x00\x00" + bytes(110),
    b"\x05\x01\x00", b"\x04\x01\x00\x50\x00\x00\x00\x01a\x00",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n",
    b"*1\r\n$4\r\nPING\r\n", b"EHLO a\r\n", b"USER a\r\n", b"stats\r\n", b"GET\r\n\r\n", b"\r\n\r\n\r\n", b"HELP\n",
    b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03",
    b"GET / HTTP/9.9\r\nhost: a\r\n\r\n", b"GET  /  HTTP/1.1\r\n\r\n", b"\x80\x2e\x01\x00\x02", b"JRMI\x00\x02K",
)


def other_protocol(random):
    data = random.choice((*BANNERS, client_hello(random), random.randbytes(random.randrange(400))))
    return data, REFUSED | {200, None}  # 200: of a PROXY line, what follows may be read as a request of its own


def half_request(random):
    data = request(*a_body(random))
    return data[:random.randrange(len(data))], REFUSED | {None}


def giant_head(random):
    size = random.choice((66_000, 100_000, 1_000_000))
    kind = random.randrange(3)
    if kind == 0:
        return request("/" + "a" * size, b""), REFUSED
    if kind == 1:
        return request("/livez", b"", headers=["x: " + "b" * size]), REFUSED
    return request("/livez", b"", headers=[f"x{i}: c" for i in range(size // 8)]), REFUSED


def bad_framing(random):
    path, body = a_body(random)
    head = f"POST {path} HTTP/1.1\r\nhost: a\r\n".encode()
    return head + random.choice((
        b"transfer-encoding: chunked\r\n\r\nzz\r\n" + body,
        b"transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n" + body,
        b"transfer-encoding: chunked\r\n\r\n-1\r\n" + body,
        b"transfer-encoding: chunked\r\n\r\n5\r\nabcdeX\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"transfer-encoding: gzip, chunked, identity\r\n\r\n",
        b"content-length: -1\r\n\r\n" + body,
        b"content-length: 99999999999999999999\r\n\r\n" + body,
        b"content-length: 1000000000000\r\n\r\n" + body,
        b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        b"content-length: 3x\r\n\r\nabc",
        b"x\r\n\r\n", b": y\r\n\r\n", b"a b: c\r\n\r\n", b"x: \x00\r\n\r\n",
    )), REFUSED | {None}


def unknown_route(random):
    method = random.choice(("GET", "PUT", "DELETE", "PATCH", "HEAD", "TRACE", "BREW"))
    path = random.choice((*ROUTES, "/", "/../../etc/passwd", "/%2e%2e/%00", "/.env", "/wp-login.php", "/v1/models/%ff"))
    return request(path, b"", method), REFUSED | {200, 204}


def a_request(random):
    """A route, and a body that it can read."""
    messages = [{"role": "user", "content": random.choice(("hi", "é\U0001f600", ""))}]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    path, fields = random.choice((
        ("/v1/chat/completions", {"messages": messages}), ("/v1/chat/completions", {"messages": messages, "tools": tools}),
        ("/v1/completions", {"prompt": "hello"}), ("/v1/completions", {"prompt": [[104, 105], [104]], "echo": True}),
        ("/v1/responses", {"input": "hello"}), ("/v1/messages", {"messages": messages, "max_tokens": 3}),
        ("/v1/messages/count_tokens", {"messages": messages}), ("/v1/chat/completions/render", {"messages": messages}),
        ("/v1/embeddings", {"input": ["hello", "there"]}), ("/v1/embeddings", {"input": [104, 105], "dimensions": 3}),
        ("/tokenize", {"prompt": "hello"}), ("/detokenize", {"tokens": [104, 105]})))
    if path in ("/v1/chat/completions", "/v1/completions"):
        fields |= {"max_tokens": random.randrange(1, 6), "temperature": random.random(), "stream": random.random() < 0.5}
    return path, fields


def a_body(random):
    path, fields = a_request(random)
    return path, json.dumps(fields).encode()


STRANGE = (None, True, -1, 0, 1e308, 10**30, -10**19, "x" * 5000, "\ud800", [[]], {"a": {"b": 1}}, ["a"] * 300, [None])
TYPICAL = {
    "integer": (-1, 0, 1, 2, 5, 20, 10**9), "number": (-1, 0, 0.5, 1, 2, 1e308), "boolean": (True, False),
    "string": ("", "auto", "none", "required", "tiny", "\x00", "a|b", "(", 'root ::= "a"', "x" * 2000),
    "array": ([], ["a"], [97, 98], [[104]], [{}], ["e"] * 33, [{"type": "function", "function": {"name": "g"}}]),
    "object": ({}, {"type": "text"}, {"type": "json_object"}, {"97": 5}, {"include_usage": True}, {"const": 1},
               {"choice": ["a"]}, {"type": "enabled", "budget_tokens": 1}, {"$ref": "#"}, {"type": "object"}),
}


def strange_fields(random):
    """Fields that the route has, mostly with values of their type."""
    path, body = a_request(random)
    for _ in range(random.randrange(1, 4)):
        name, kinds = random.choice(FIELDS[path])
        body[name] = random.choice(TYPICAL[random.choice(kinds)] if kinds and random.random() < 0.8 else STRANGE)
    return request(path, json.dumps(body).encode()), READ


FIELDS = {}  # of each route: names and their types


def learn_fields(openapi):
    for path, item in openapi["paths"].items():
        for operation in item.values():
            if "requestBody" not in operation:
                continue
            properties = operation["requestBody"]["content"]["application/json"]["schema"]["properties"]
            FIELDS[path] = [(name, [kind for kind in field.get("type", ()) if kind != "null"])
                            for name, field in properties.items()]


def broken_json(random):
    path, body = a_body(random)
    body = bytearray(body)
    for _ in range(random.randrange(1, 3)):
        at = random.randrange(len(body))
        change = random.randrange(3)
        if change == 0:
            body[at] = random.randrange(256)
        elif change == 1:
            del body[at]
        else:
            body[at:at] = random.choice((b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b"NaN", b"1e999", b"[" * 200, b"\x00"))
        if not body:
            body = bytearray(b"{")
    return request(path, bytes(body)), READ


def deep_json(random):
    depth = random.choice((65, 1000, 100_000))
    opener, closer = random.choice(((b"[", b"]"), (b'{"a":', b"}")))
    inner = opener * depth + b"1" + closer * depth
    return request(random.choice(ROUTES), b'{"messages": ' + inner + b"}"), frozenset({400})


def valid_request(random):
    return request("/v1/completions", json.dumps({"prompt": "hello", "max_tokens": 4}).encode()), frozenset({200})


KINDS = (other_protocol, half_request, bad_framing, unknown_route, strange_fields, strange_fields, strange_fields,
         broken_json, broken_json, valid_request)
RARE = (giant_head, deep_json)  # large: one in 50
