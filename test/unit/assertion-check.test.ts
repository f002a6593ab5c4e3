// Answers of keys, checked by us and by @simplewebauthn/server: the two agree on every one, good or broken.

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { verifyAuthenticationResponse } from '@simplewebauthn/server'
import { isoCBOR } from '@simplewebauthn/server/helpers'
import t from 'tap'
import { type AssertionQuestion, checkAssertion } from '../../src/auth/app/assertion-check.ts'
import { readCoseKey } from '../../src/auth/app/cose-key.ts'

const origin = 'https://auth.gate.test'
const rpId = 'auth.gate.test'
const challenge = 'Y2hhbGxlbmdlLWNoYWxsZW5nZS1jaGFsbGVuZ2U'

interface Key {
  readonly name: string
  readonly privateKey: KeyObject
  readonly cose: Map<number, number | Uint8Array>
}

const bytes = (text: string | undefined) => new Uint8Array(Buffer.from(text ?? '', 'base64url'))

function keys(): Key[] {
  const ed = generateKeyPairSync('ed25519')
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const [edJwk, ecJwk, rsaJwk] = [ed, ec, rsa].map(({ publicKey }) =>
    publicKey.export({ format: 'jwk' }),
  )
  return [
    {
      name: 'Ed25519',
      privateKey: ed.privateKey,
      cose: new Map<number, number | Uint8Array>([
        [1, 1],
        [3, -8],
        [-1, 6],
        [-2, bytes(edJwk?.x)],
      ]),
    },
    {
      name: 'ES256',
      privateKey: ec.privateKey,
      cose: new Map<number, number | Uint8Array>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, bytes(ecJwk?.x)],
        [-3, bytes(ecJwk?.y)],
      ]),
    },
    {
      name: 'RS256',
      privateKey: rsa.privateKey,
      cose: new Map<number, number | Uint8Array>([
        [1, 3],
        [3, -257],
        [-1, bytes(rsaJwk?.n)],
        [-2, bytes(rsaJwk?.e)],
      ]),
    },
  ]
}

const made = keys()
const [ed25519] = made
if (ed25519 === undefined) throw new Error('no key')

interface Said {
  readonly client?: Readonly<Record<string, unknown>>
  readonly clientText?: string
  readonly rp?: string
  readonly flags?: number
  readonly counter?: number
  /** Behind the fixed part of the authenticator data. */
  readonly more?: Buffer
  /** Of the whole that is signed. */
  readonly after?: (parts: { client: Buffer; data: Buffer; signature: Buffer }) => void
}

function question(key: Key, said: Said = {}): AssertionQuestion {
  const told = { type: 'webauthn.get', challenge, origin, crossOrigin: false, ...said.client }
  const client = Buffer.from(said.clientText ?? JSON.stringify(told))
  const counter = Buffer.alloc(4)
  counter.writeUInt32BE(said.counter ?? 7)
  const data = Buffer.concat([
    createHash('sha256')
      .update(said.rp ?? rpId)
      .digest(),
    Buffer.from([said.flags ?? 0x1d]),
    counter,
    said.more ?? Buffer.alloc(0),
  ])
  const signed = Buffer.concat([data, createHash('sha256').update(client).digest()])
  const signature = sign(key.name === 'Ed25519' ? null : 'sha256', signed, key.privateKey)
  said.after?.({ client, data, signature })
  return {
    clientDataJSON: client.toString('base64url'),
    authenticatorData: data.toString('base64url'),
    signature: signature.toString('base64url'),
    challenge,
    origin,
    rpId,
    userVerification: true,
    publicKey: isoCBOR.encode(key.cose),
  }
}

/** What the library says to the same. */
async function library(asked: AssertionQuestion): Promise<ReturnType<typeof checkAssertion>> {
  const { clientDataJSON, authenticatorData, signature } = asked
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: {
        id: 'a2V5',
        rawId: 'a2V5',
        type: 'public-key',
        clientExtensionResults: {},
        response: { clientDataJSON, authenticatorData, signature },
      },
      expectedChallenge: asked.challenge,
      expectedOrigin: [asked.origin],
      expectedRPID: asked.rpId,
      requireUserVerification: asked.userVerification,
      credential: { id: 'a2V5', publicKey: new Uint8Array(asked.publicKey), counter: 0 },
    })
    if (!verified) return null
    const { newCounter, credentialBackedUp } = authenticationInfo
    return { counter: newCounter, backedUp: credentialBackedUp }
  } catch {
    return null
  }
}

for (const key of made) {
  t.test(`${key.name}: a good answer is good, whatever its counter and backup state`, async (t) => {
    for (const [flags, counter, backedUp] of [
      [0x1d, 7, true],
      [0x0d, 1, false],
      [0x05, 4_294_967_295, false],
    ] as const) {
      const asked = question(key, { flags, counter })
      t.strictSame(checkAssertion(asked), { counter, backedUp })
      t.strictSame(await library(asked), { counter, backedUp })
    }
  })

  t.test(`${key.name}: one bit changed anywhere makes it bad, for both`, async (t) => {
    const good = question(key)
    for (const field of ['clientDataJSON', 'authenticatorData', 'signature'] as const) {
      const whole = Buffer.from(good[field], 'base64url')
      for (let at = 0; at < whole.length; at += 1) {
        const broken = Buffer.from(whole)
        broken[at] = (broken[at] ?? 0) ^ (1 << (at % 8))
        const asked = { ...good, [field]: broken.toString('base64url') }
        if (checkAssertion(asked) !== null) t.fail(`${field} ${at} is taken by us`)
        if (at % 16 === 0 && (await library(asked)) !== null)
          t.fail(`${field} ${at} by the library`)
      }
    }
    t.pass()
  })
}

const cases: readonly [what: string, said: Said, changed?: Partial<AssertionQuestion>][] = [
  ['another challenge', { client: { challenge: 'b3RoZXI' } }],
  ['another origin', { client: { origin: 'https://evil.gate.test' } }],
  ['an origin that begins like ours', { client: { origin: `${origin}.evil.test` } }],
  ['a new key’s answer', { client: { type: 'webauthn.create' } }],
  ['no type', { client: { type: undefined } }],
  ['no JSON', { clientText: 'hello' }],
  ['an array', { clientText: '[]' }],
  ['null', { clientText: 'null' }],
  ['another relying party', { rp: 'gate.test' }],
  ['nobody present', { flags: 0x1c }],
  ['nobody verified', { flags: 0x19 }],
  ['backed up, and cannot be', { flags: 0x15 }],
  ['another key', {}, { publicKey: isoCBOR.encode(keys()[0]?.cose ?? new Map()) }],
  ['an empty key', {}, { publicKey: new Uint8Array(0) }],
  ['a key that is no map', {}, { publicKey: new Uint8Array([0x01]) }],
  ['no signature', {}, { signature: '' }],
  ['no authenticator data', {}, { authenticatorData: '' }],
]

for (const [what, said, changed] of cases) {
  t.test(`refused, by us and by the library: ${what}`, async (t) => {
    const asked = { ...question(ed25519, said), ...changed }
    t.equal(checkAssertion(asked), null)
    t.equal(await library(asked), null)
  })
}

t.test('a touch is enough for a security key', async (t) => {
  const asked = { ...question(ed25519, { flags: 0x01 }), userVerification: false }
  t.strictSame(checkAssertion(asked), { counter: 7, backedUp: false })
  t.strictSame(await library(asked), { counter: 7, backedUp: false })
})

t.test('extensions may stand behind it, anything else may not', async (t) => {
  const more = Buffer.from(isoCBOR.encode(new Map([['credProps', 1]])))
  const asked = question(ed25519, { flags: 0x9d, more })
  t.strictSame(checkAssertion(asked), { counter: 7, backedUp: true })
  t.strictSame(await library(asked), { counter: 7, backedUp: true })
  const odd = question(ed25519, { flags: 0x1d, more })
  t.equal(checkAssertion(odd), null)
  t.equal(await library(odd), null)
})

t.test('keys that were not asked for are none', async (t) => {
  const of = (entries: readonly (readonly [number, number | Uint8Array])[]) =>
    isoCBOR.encode(new Map(entries))
  const x = new Uint8Array(32)
  for (const [what, key] of [
    [
      'P-384',
      of([
        [1, 2],
        [3, -35],
        [-1, 2],
        [-2, new Uint8Array(48)],
        [-3, new Uint8Array(48)],
      ]),
    ],
    [
      'ES256 on another curve',
      of([
        [1, 2],
        [3, -7],
        [-1, 2],
        [-2, x],
        [-3, x],
      ]),
    ],
    [
      'a short coordinate',
      of([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, x.subarray(1)],
        [-3, x],
      ]),
    ],
    [
      'Ed25519 with another type',
      of([
        [1, 2],
        [3, -8],
        [-1, 6],
        [-2, x],
      ]),
    ],
    [
      'RSA with SHA-1',
      of([
        [1, 3],
        [3, -65535],
        [-1, x],
        [-2, x],
      ]),
    ],
    [
      'no algorithm',
      of([
        [1, 1],
        [-1, 6],
        [-2, x],
      ]),
    ],
  ] as const) {
    t.throws(() => readCoseKey(key), RangeError, what)
  }
})

t.test('bytes that are no key end as an error, never otherwise', async (t) => {
  const good = Buffer.from(isoCBOR.encode(ed25519.cose))
  for (let length = 0; length < good.length; length += 1) {
    t.throws(() => readCoseKey(good.subarray(0, length)), RangeError)
  }
  t.throws(() => readCoseKey(Buffer.concat([good, Buffer.from([0])])), RangeError, 'more behind it')
  for (const text of ['a201010101', 'bf01ff', 'a1616101', 'a1011b0000000000000001', 'a10118']) {
    t.throws(() => readCoseKey(Buffer.from(text, 'hex')), RangeError, text)
  }
})
