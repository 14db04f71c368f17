"""Dynamic QR: a picture that a subscriber scans to pay."""

import base64
from dataclasses import dataclass

from aiohttp import web

from .business import Business
from .chance import Chance
from .qr_code import png
from .wire import Gate, WireError, answer, field, read_body


@dataclass(frozen=True, slots=True)
class DynamicQr:
    """The QR product. What Safaricom writes inside the picture is not public; ours says it in plain text."""

    business: Business
    gate: Gate
    chance: Chance

    async def generate(self, request: web.Request) -> web.Response:
        """``POST /mpesa/qrcode/v1/generate``."""
        self.gate.check(request, "qr")
        body = await read_body(request)
        field(body, "MerchantName", r".{1,40}")
        reference = field(body, "RefNo", r".{1,20}")
        kes = field(body, "Amount", r"[1-9]\d{0,5}")
        kind = field(body, "TrxCode", "BG|WA|PB|SM|SB")
        party = field(body, "CPI", r"\d{5,12}")
        pixels = int(field(body, "Size", r"\d{1,4}")) if "Size" in body else 300
        if not 21 <= pixels <= 2000:
            raise WireError(400, "400.002.02", "Bad Request - Invalid Size")
        picture = png(f"mpesa:{kind}:{party}:{reference}:{kes}".encode(), pixels)
        return answer(
            {
                "ResponseCode": "00",
                "RequestID": self.chance.request_id(),
                "ResponseDescription": "The service request is processed successfully.",
                "QRCode": base64.b64encode(picture).decode(),
            }
        )
