"""A security key in software (WebAuthn level 3): it makes passkeys and signs with them."""

import os
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import sha256, websafe_decode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    AuthenticatorData,
    CollectedClientData,
    RegistrationResponse,
)

_PRESENT_AND_VERIFIED = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV


@dataclass(slots=True)
class Authenticator:
    """A key at a page of ``origin``; ``is_verified``: it asked for a finger; ``counter``: how often it signed."""

    origin: str
    is_verified: bool = True
    counter: int = 0
    id: bytes = field(default_factory=lambda: os.urandom(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to ``options``, with a new passkey."""
        asked = options["publicKey"]
        credential = AttestedCredentialData.create(
            Aaguid.NONE,
            self.id,
            ES256.from_cryptography_key(self.key.public_key()),  # type: ignore[no-untyped-call]
        )
        data = AuthenticatorData.create(
            sha256(asked["rp"]["id"].encode()), self._flags() | AuthenticatorData.FLAG.AT, self.counter, credential
        )
        client = CollectedClientData.create("webauthn.create", websafe_decode(asked["challenge"]), self.origin)
        response = AuthenticatorAttestationResponse(
            client_data=client, attestation_object=AttestationObject.create("none", data, {})
        )
        return dict(RegistrationResponse(raw_id=self.id, response=response))

    def sign(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to ``options``, signed."""
        asked = options["publicKey"]
        data = AuthenticatorData.create(sha256(asked["rpId"].encode()), self._flags(), self.counter)
        client = CollectedClientData.create("webauthn.get", websafe_decode(asked["challenge"]), self.origin)
        signature = self.key.sign(bytes(data) + client.hash, ec.ECDSA(SHA256()))
        response = AuthenticatorAssertionResponse(client_data=client, authenticator_data=data, signature=signature)
        return dict(AuthenticationResponse(raw_id=self.id, response=response))

    def _flags(self) -> AuthenticatorData.FLAG:
        return _PRESENT_AND_VERIFIED if self.is_verified else AuthenticatorData.FLAG.UP
