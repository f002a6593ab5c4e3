// Reads what a browser sends after a WebAuthn ceremony: shape and size alone, nothing is believed yet.

/** `RegistrationResponseJSON` (WebAuthn Level 3 §5.1.1.1), the members we use. */
export interface AttestationResponse {
  readonly id: string
  readonly rawId: string
  readonly type: 'public-key'
  readonly clientExtensionResults: Readonly<Record<string, never>>
  readonly response: {
    readonly clientDataJSON: string
    readonly attestationObject: string
    readonly transports: string[]
  }
}

/** `AuthenticationResponseJSON` (§5.1.1.2), the members we use. */
export interface AssertionResponse {
  readonly id: string
  readonly rawId: string
  readonly type: 'public-key'
  readonly clientExtensionResults: Readonly<Record<string, never>>
  readonly response: {
    readonly clientDataJSON: string
    readonly authenticatorData: string
    readonly signature: string
    readonly userHandle?: string
  }
}

/** @returns `null`: not of that shape, or larger than any authenticator makes it. */
export function readAttestation(value: unknown): AttestationResponse | null {
  const head = readHead(value)
  if (head === null) return null
  const clientDataJSON = base64url(head.response.clientDataJSON, maxClientData)
  const attestationObject = base64url(head.response.attestationObject, maxAttestation)
  if (clientDataJSON === null || attestationObject === null) return null
  const transports = transportsOf(head.response.transports)
  return { ...head.own, response: { clientDataJSON, attestationObject, transports } }
}

/** @returns `null`: not of that shape, or larger than any authenticator makes it. */
export function readAssertion(value: unknown): AssertionResponse | null {
  const head = readHead(value)
  if (head === null) return null
  const clientDataJSON = base64url(head.response.clientDataJSON, maxClientData)
  const authenticatorData = base64url(head.response.authenticatorData, maxClientData)
  const signature = base64url(head.response.signature, maxClientData)
  if (clientDataJSON === null || authenticatorData === null || signature === null) return null
  const given = head.response.userHandle
  const parts = { clientDataJSON, authenticatorData, signature }
  if (given === undefined || given === null || given === '') return { ...head.own, response: parts }
  const userHandle = base64url(given, maxHandle)
  return userHandle === null ? null : { ...head.own, response: { ...parts, userHandle } }
}

/** Characters of base64url. An id has at most 1023 bytes (§4), a user handle 64 (§5.4.3). */
const maxId = 1_364
const maxHandle = 86
const maxClientData = 8_192
/** Certificates of odd authenticators are in it, although none are asked for. */
const maxAttestation = 65_536

interface Head {
  readonly own: Pick<AttestationResponse, 'id' | 'rawId' | 'type' | 'clientExtensionResults'>
  readonly response: Readonly<Record<string, unknown>>
}

function readHead(value: unknown): Head | null {
  if (!isRecord(value) || value.type !== 'public-key' || !isRecord(value.response)) return null
  const id = base64url(value.id, maxId)
  if (id === null || value.rawId !== id) return null
  const own = { id, rawId: id, type: 'public-key', clientExtensionResults: {} } as const
  return { own, response: value.response }
}

function base64url(value: unknown, most: number): string | null {
  if (typeof value !== 'string' || value.length > most) return null
  return /^[\w-]+$/.test(value) ? value : null
}

/** Hints for the browser's dialog (§5.8.4): words, kept as they are so that new ones work. */
function transportsOf(value: unknown): string[] {
  if (!Array.isArray(value)) return []
  return value.filter((word) => typeof word === 'string' && /^[a-z-]{1,20}$/.test(word)).slice(0, 8)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
