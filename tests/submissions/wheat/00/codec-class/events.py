"""Exercise 00: both directions in one object, whose methods are the functions."""

import collections
import json


class Codec:
    def __init__(self):
        self._decoder = json.JSONDecoder(object_pairs_hook=collections.OrderedDict)
        self._encoder = json.JSONEncoder(sort_keys=True, check_circular=False)

    def parse(self, line):
        try:
            event = self._decoder.decode(line.decode())
        except (UnicodeError, json.JSONDecodeError):
            event = None
        return event if isinstance(event, collections.abc.Mapping) else None

    def encode(self, event):
        return b"".join([*(chunk.encode() for chunk in self._encoder.iterencode(event)), b"\n"])


_CODEC = Codec()
parse = _CODEC.parse
encode = _CODEC.encode
