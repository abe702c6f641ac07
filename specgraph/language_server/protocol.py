"""The protocol as pygls implements it, except that a request that cannot be read is answered."""

from __future__ import annotations

from typing import Any

from lsprotocol import types
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.json_rpc import JsonRPCNotification, JsonRPCRequestMessage

UNREADABLE = "$/unreadable"
"""Stands for a message that is dealt with already; methods that begin so may be ignored."""


class AnsweringProtocol(LanguageServerProtocol):
    """Answers a request with wrong parameters with InvalidParams, where an editor would wait for ever."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        """A message from its JSON."""
        if "jsonrpc" not in data or "method" not in data:
            return super().structure_message(data)
        try:
            kind = self.get_message_type(data["method"])
            if kind is None:
                kind = JsonRPCRequestMessage if "id" in data else JsonRPCNotification
            return self._converter.structure(data, kind)
        except Exception:  # of the converter, in many kinds
            number = data.get("id")
            if isinstance(number, int | str):
                text = f"these are no parameters of {data['method']}"
                self._send_response(number, error=types.ResponseError(int(types.ErrorCodes.InvalidParams), text))
            return JsonRPCNotification(jsonrpc="2.0", method=UNREADABLE, params=None)
