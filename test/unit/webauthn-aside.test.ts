// The WebAuthn library in its thread: calls come back to whoever asked, faults without what strangers wrote.

import t from 'tap'
import { askWebAuthn } from '../../src/auth/app/webauthn-aside.ts'

const options = { rpName: 'gate.test', rpID: 'gate.test', userName: 'diego' }

t.test('calls at once are answered each', async (t) => {
  const names = Array.from({ length: 20 }, (_, i) => `person-${i}`)
  const made = await Promise.all(
    names.map((userName) => askWebAuthn('generateRegistrationOptions', { ...options, userName })),
  )
  t.strictSame(
    made.map(({ user }) => user.name),
    names,
  )
  t.equal(new Set(made.map(({ challenge }) => challenge)).size, 20)
})

t.test('a refusal says nothing of what was sent', async (t) => {
  const response = {
    id: 'c2VzYW1l',
    rawId: 'c2VzYW1l',
    type: 'public-key' as const,
    clientExtensionResults: {},
    response: { clientDataJSON: 'c2VzYW1l', authenticatorData: 'c2VzYW1l', signature: 'c2VzYW1l' },
  }
  const call = askWebAuthn('verifyAuthenticationResponse', {
    response,
    expectedChallenge: 'x',
    expectedOrigin: 'https://auth.gate.test',
    expectedRPID: 'gate.test',
    credential: { id: 'c2VzYW1l', publicKey: new Uint8Array(3), counter: 0 },
  })
  await t.rejects(call, { message: 'refused' })
})

t.test('what cannot be done at once is refused, not piled up', async (t) => {
  const calls = Array.from({ length: 60 }, () =>
    askWebAuthn('generateRegistrationOptions', options),
  )
  const settled = await Promise.allSettled(calls)
  const refused = settled.filter(({ status }) => status === 'rejected')
  t.equal(refused.length, 10)
})
