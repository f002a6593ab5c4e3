// Public keys as authenticators write them (COSE, RFC 9052 §7, RFC 9053 §7) → as Node reads them (JWK, RFC 7517). Only what
// this gateway asks for: Ed25519, P-256, RSA.

import type { webcrypto } from 'node:crypto'

export interface CoseKey {
  /** EdDSA, ES256, RS256. */
  readonly algorithm: -8 | -7 | -257
  readonly jwk: webcrypto.JsonWebKey
}

/** Labels of the map: common, and by type of key. */
const keyType = 1
const algorithmLabel = 3
const [curve, x, y] = [-1, -2, -3]
const [modulus, exponent] = [-1, -2]

/** @throws RangeError for anything that is no such key. */
export function readCoseKey(bytes: Uint8Array): CoseKey {
  const map = readMap(bytes)
  const algorithm = map.get(algorithmLabel)
  const kind = map.get(keyType)
  const part = (label: number, length?: number) => textOf(map.get(label), length)
  if (algorithm === -8 && kind === 1 && map.get(curve) === 6) {
    return { algorithm, jwk: { kty: 'OKP', crv: 'Ed25519', x: part(x, 32) } }
  }
  if (algorithm === -7 && kind === 2 && map.get(curve) === 1) {
    return { algorithm, jwk: { kty: 'EC', crv: 'P-256', x: part(x, 32), y: part(y, 32) } }
  }
  if (algorithm === -257 && kind === 3) {
    return { algorithm, jwk: { kty: 'RSA', n: part(modulus), e: part(exponent) } }
  }
  throw new RangeError('not a key of a kind that was asked for')
}

function textOf(value: number | Buffer | undefined, length?: number): string {
  if (!(value instanceof Buffer) || (length !== undefined && value.length !== length)) {
    throw new RangeError('a part of the key is missing, or not as long as it has to be')
  }
  return value.toString('base64url')
}

/** A CBOR map (RFC 8949 §3.1) of whole numbers to whole numbers and byte strings, and nothing after it. */
function readMap(bytes: Uint8Array): ReadonlyMap<number, number | Buffer> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0

  function head(): { readonly major: number; readonly value: number } {
    const first = buffer.readUInt8(at)
    at += 1
    const low = first & 0x1f
    const major = first >> 5
    if (low < 24) return { major, value: low }
    const size = low === 24 ? 1 : low === 25 ? 2 : low === 26 ? 4 : 0
    if (size === 0) throw new RangeError('a number of this size stands in no key')
    const value = buffer.readUIntBE(at, size)
    at += size
    return { major, value }
  }

  function item(): number | Buffer {
    const { major, value } = head()
    switch (major) {
      case 0:
        return value
      case 1:
        return -1 - value
      case 2: {
        if (at + value > buffer.length) throw new RangeError('cut off')
        const content = buffer.subarray(at, at + value)
        at += value
        return content
      }
      default:
        throw new RangeError('neither a number nor bytes')
    }
  }

  const { major, value: size } = head()
  if (major !== 5) throw new RangeError('no map')
  const map = new Map<number, number | Buffer>()
  for (let i = 0; i < size; i++) {
    const label = item()
    if (typeof label !== 'number' || map.has(label))
      throw new RangeError('a label is wrong, or twice')
    map.set(label, item())
  }
  if (at !== buffer.length) throw new RangeError('there is something behind it')
  return map
}
