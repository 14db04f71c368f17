// Passkeys in the browser: made and used by what the device keeps; the hub's options and our answers are WebAuthn's own JSON.

export interface PasskeyOptions {
  publicKey: unknown;
}

/** What a passkey signed, as the hub reads it. */
export type SignedPasskey = RegistrationResponseJSON | AuthenticationResponseJSON;

/** Whether this browser can; it cannot on a plain http address of another machine. */
export const hasPasskeys = (): boolean => typeof PublicKeyCredential === "function" && "parseRequestOptionsFromJSON" in PublicKeyCredential;

/** Make a passkey on this device; throws when its owner says no. */
export async function makePasskey(options: PasskeyOptions): Promise<SignedPasskey> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options.publicKey as PublicKeyCredentialCreationOptionsJSON);
  return toJson(await navigator.credentials.create({ publicKey }));
}

/** Let a passkey of this device sign; throws when its owner says no. */
export async function usePasskey(options: PasskeyOptions): Promise<SignedPasskey> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey as PublicKeyCredentialRequestOptionsJSON);
  return toJson(await navigator.credentials.get({ publicKey }));
}

function toJson(credential: Credential | null): SignedPasskey {
  if (!(credential instanceof PublicKeyCredential)) throw new Error("no passkey");
  return credential.toJSON();
}
