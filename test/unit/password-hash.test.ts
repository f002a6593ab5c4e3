// Passwords: hashes of our own, those of other programs, the queue, and answers that take the same time.

import { pbkdf2Sync, randomBytes, scryptSync } from 'node:crypto'
import t from 'tap'
import { matchesPassword, readPasswordHash } from '../../src/auth/password-formats.ts'
import { createPasswordHashing } from '../../src/auth/password-hash.ts'

function start(options: { steady?: () => number } = {}) {
  const waits: number[] = []
  const warnings: string[] = []
  const silent = () => {}
  const hashing = createPasswordHashing({
    randomBytes,
    steady: options.steady ?? (() => 0),
    wait: async (ms) => void waits.push(ms),
    log: { debug: silent, info: silent, warn: (event) => warnings.push(event), error: silent },
  })
  return { ...hashing, waits, warnings }
}

const salt = Buffer.from('saltsaltsaltsalt')
const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
const passlib = (bytes: Buffer) => base64(bytes).replaceAll('+', '.')

/** Made by other programs, or by their published examples; each with its password. */
const elsewhere: readonly (readonly [what: string, hash: string, password: string])[] = [
  [
    'argon2id, of the reference implementation',
    '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    'password',
  ],
  [
    'argon2i, of the reference implementation',
    '$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA',
    'password',
  ],
  [
    'bcrypt, of crypt_blowfish',
    '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    'U*U',
  ],
  [
    'bcrypt, as htpasswd marks it',
    '$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    'U*U',
  ],
  [
    'pbkdf2-sha256, of passlib',
    '$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ',
    'password',
  ],
  [
    'pbkdf2-sha512, as Authelia writes it',
    `$pbkdf2-sha512$2000$${passlib(salt)}$${passlib(pbkdf2Sync('pw', salt, 2000, 64, 'sha512'))}`,
    'pw',
  ],
  [
    'pbkdf2 with SHA-1',
    `$pbkdf2$2000$${passlib(salt)}$${passlib(pbkdf2Sync('pw', salt, 2000, 20, 'sha1'))}`,
    'pw',
  ],
  [
    'pbkdf2 as a PHC string',
    `$pbkdf2-sha256$i=2000,l=32$${base64(salt)}$${base64(pbkdf2Sync('pw', salt, 2000, 32, 'sha256'))}`,
    'pw',
  ],
  [
    'scrypt',
    `$scrypt$ln=14,r=8,p=1$${base64(salt)}$${base64(scryptSync('pw', salt, 32, { N: 16_384 }))}`,
    'pw',
  ],
]

t.test('what other programs stored is verified: the right password and no other', async (t) => {
  const { verify, warnings } = start()
  for (const [what, hash, password] of elsewhere) {
    t.equal(await verify(password, hash), 'right', what)
    t.equal(await verify(`${password}x`, hash), 'wrong', what)
  }
  t.strictSame(warnings, [])
})

t.test('a password of ours is verified, and its hash says how it was made', async (t) => {
  const { hash, verify } = start()
  const stored = (await hash('pässword 🗝')) ?? ''
  t.match(stored, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  t.equal(await verify('pässword 🗝', stored), 'right')
  t.equal(await verify('passwort', stored), 'wrong')
  t.not(await hash('pässword 🗝'), stored, 'a salt of its own')
})

t.test('what is weaker than today’s is to be hashed anew, what is stronger is not', async (t) => {
  const { needsRehash, hash } = start()
  t.notOk(needsRehash((await hash('x')) ?? ''))
  t.notOk(needsRehash('$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q'))
  t.ok(needsRehash('$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q'))
  for (const [what, stored] of elsewhere.filter(([name]) => !name.startsWith('argon2id'))) {
    t.ok(needsRehash(stored), what)
  }
})

t.test('what cannot be verified is wrong, takes its time, and is told to the owner', async (t) => {
  const { verify, waits, warnings } = start()
  const unknown = [
    '$y$j9T$salt$hash',
    '$6$salt$hash',
    '$apr1$salt$hash',
    '{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=',
    'plain text',
    '',
    '$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q',
    '$argon2id$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q',
    '$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q',
    '$argon2id$v=19$m=65536,t=2,t=9,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q',
    '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$',
    '$scrypt$ln=30,r=8,p=1$c2FsdHNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    '$pbkdf2-sha512$99999999999$c2FsdHNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    '$pbkdf2-md5$1000$c2FsdHNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    '$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    `$argon2id$v=19$m=65536,t=2,p=1$${'A'.repeat(1000)}$CTFh`,
  ]
  for (const stored of unknown.slice(0, 6)) t.equal(await verify('x', stored), 'wrong', stored)
  for (const stored of unknown) t.equal(readPasswordHash(stored), null, stored)
  t.equal(warnings.length, 6)
  t.strictSame(waits, Array(6).fill(500))
})

t.test('an empty stored tag is never equal to anything', async (t) => {
  const known = readPasswordHash('$pbkdf2-sha256$1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA')
  t.not(known, null)
  if (known !== null) t.notOk(await matchesPassword('', known))
})

t.test('nobody’s password is wrong after the same work', async (t) => {
  const { verify, waits } = start()
  t.equal(await verify('anything', null), 'wrong')
  t.strictSame(waits, [500])
})

t.test('a password that is endless is wrong without being read', async (t) => {
  const { hash, verify } = start()
  const stored = await hash('x'.repeat(1024))
  t.equal(await verify('x'.repeat(1024), stored), 'right')
  t.equal(await verify('x'.repeat(1025), stored), 'wrong')
  t.equal(await verify('x'.repeat(5_000_000), stored), 'wrong')
})

t.test('a wrong answer waits for a full half second, a right one does not', async (t) => {
  let now = 0
  const { hash, verify, waits } = start({
    steady: () => {
      now += 130
      return now
    },
  })
  const stored = await hash('right')
  t.equal(await verify('right', stored), 'right')
  t.strictSame(waits, [])
  t.equal(await verify('wrong', stored), 'wrong')
  t.strictSame(waits, [370], '130 ms had passed')
})

t.test('one at a time: who comes when twenty wait is told so at once', async (t) => {
  const { verify } = start()
  const results = await Promise.all(Array.from({ length: 40 }, () => verify('x', null)))
  t.equal(results.filter((result) => result === 'wrong').length, 21)
  t.equal(results.filter((result) => result === 'busy').length, 19)
})

t.test(
  'no more hashes are computed than the machine shall pay for, and then some every second',
  async (t) => {
    let now = 0
    const { verify } = start({ steady: () => now })
    const looked = async () => {
      let count = 0
      while (
        count < 100 &&
        (await verify('x', '$pbkdf2-sha256$1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA')) !== 'busy'
      )
        count += 1
      return count
    }
    t.equal(await looked(), 30)
    now += 1000
    t.equal(await looked(), 4)
    now += 3_600_000
    t.equal(await looked(), 30)
  },
)
