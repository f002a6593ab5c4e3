// Codes of authenticator apps, by the examples of RFC 6238.

import t from 'tap'
import { newTotpSecret, readTotpCode, totpStep, totpUri } from '../../src/auth/totp.ts'

/** `12345678901234567890`, the secret of RFC 6238, appendix B. */
const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
/** Time in seconds and the last six digits of the code. */
const examples = [
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
] as const

t.test('the examples of RFC 6238', async (t) => {
  for (const [seconds, code] of examples) {
    t.equal(await totpStep(secret, code, seconds * 1000), Math.floor(seconds / 30), code)
  }
})

t.test('the step before and the one after are good, and say which step they are', async (t) => {
  const [seconds, code] = examples[4]
  const step = Math.floor(seconds / 30)
  for (const [shift, good] of [
    [-60, false],
    [-30, true],
    [0, true],
    [30, true],
    [60, false],
  ] as const) {
    t.equal(
      await totpStep(secret, code, (seconds + shift) * 1000),
      good ? step : null,
      `${shift} s`,
    )
  }
})

t.test('a wrong code, and a secret that is none, fit nothing', async (t) => {
  t.equal(await totpStep(secret, '000000', 59_000), null)
  for (const broken of ['', 'A', '!!!!', 'ÄÖÜ', 'GEZDGNBV'])
    t.equal(await totpStep(broken, '287082', 59_000), null, broken)
})

t.test('a shorter secret of another program is good too', async (t) => {
  const { generateSync } = await import('otplib')
  const short = 'JBSWY3DPEHPK3PXP'
  const { createGuardrails } = await import('otplib')
  const guardrails = createGuardrails({ MIN_SECRET_BYTES: 10 })
  const code = generateSync({ secret: short, epoch: 1_000_000, guardrails })
  t.equal(await totpStep(short, code, 1_000_000_000), 33_333)
})

t.test('a code is read however it is typed', async (t) => {
  for (const typed of ['287082', ' 287082 ', '287 082', '287-082', '2 8 7 0 8 2'])
    t.equal(readTotpCode(typed), '287082', typed)
  for (const typed of ['', '28708', '2870822', 'abcdef', '28708a', '２８７０８２', '-28708.2'])
    t.equal(readTotpCode(typed), null, typed)
})

t.test('a new secret has 160 bits, and an app reads where it is from', async (t) => {
  const made = await newTotpSecret()
  t.match(made, /^[A-Z2-7]{32}$/)
  t.not(await newTotpSecret(), made)
  const uri = new URL(await totpUri({ issuer: 'example.org', account: 'ada', secret: made }))
  t.equal(uri.protocol, 'otpauth:')
  t.equal(uri.searchParams.get('secret'), made)
  t.equal(uri.searchParams.get('issuer'), 'example.org')
})
