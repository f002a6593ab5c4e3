// Records as the contract suites need them: complete, plain, and different wherever a mix-up could hide.

import type { LinkedAccount, Passkey, Totp, User } from '../../src/auth/people.ts'
import type { SessionRecord } from '../../src/auth/session-store.ts'
import type { TokenRecord } from '../../src/auth/token-store.ts'
import type { SessionRef, UserId } from '../../src/model.ts'

export const userId = (name: string) => name as UserId
export const sessionRef = (name: string) => name as SessionRef

export function aUser(id: string, more: Partial<User> = {}): User {
  return {
    id: userId(id),
    displayName: `${id} the first`,
    email: `${id}@example.com`,
    groups: ['family', `${id}s`],
    disabled: false,
    handle: `handle-of-${id}`,
    createdAt: 1_700_000_000_000,
    lastSignInAt: null,
    ...more,
  }
}

export function aPasskey(user: string, id: string, more: Partial<Passkey> = {}): Passkey {
  return {
    id,
    user: userId(user),
    kind: 'passkey',
    publicKey: Uint8Array.of(0xa5, 0x01, 0x02, 0x00, 0xff),
    counter: 7,
    transports: ['internal', 'hybrid'],
    deviceType: 'multiDevice',
    backedUp: true,
    aaguid: '00000000-0000-0000-0000-000000000001',
    relyingParty: 'auth.example.com',
    label: `passkey ${id}`,
    createdAt: 1_700_000_001_000,
    lastUsedAt: null,
    ...more,
  }
}

export function aTotp(user: string, id: string, more: Partial<Totp> = {}): Totp {
  return {
    id,
    user: userId(user),
    secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
    label: `app ${id}`,
    lastStep: null,
    createdAt: 1_700_000_002_000,
    lastUsedAt: null,
    ...more,
  }
}

export function anAccount(user: string, subject: string, more: Partial<LinkedAccount> = {}) {
  const account: LinkedAccount = {
    provider: 'github',
    subject,
    user: userId(user),
    login: `login-${subject}`,
    token: `gho_${subject}`,
    checkedAt: 1_700_000_003_000,
    createdAt: 1_700_000_003_000,
    lastUsedAt: null,
    ...more,
  }
  return account
}

export function aSession(user: string, ref: string, more: Partial<SessionRecord> = {}) {
  const record: SessionRecord = {
    hash: `hash-of-${ref}`,
    ref: sessionRef(ref),
    user: userId(user),
    accountHash: `account-hash-of-${ref}`,
    account: null,
    methods: ['password', 'totp'],
    passkey: false,
    secondFactor: true,
    remember: false,
    createdAt: 1_700_000_004_000,
    authenticatedAt: 1_700_000_004_001,
    lastSeenAt: 1_700_000_004_002,
    firstAddress: '192.0.2.1',
    lastAddress: '2001:db8::1',
    userAgent: 'Mozilla/5.0 "quoted" é',
    ...more,
  }
  return record
}

export function aToken(user: string, id: string, more: Partial<TokenRecord> = {}): TokenRecord {
  return {
    id,
    hash: `hash-of-${id}`,
    user: userId(user),
    label: `token ${id}`,
    hosts: ['cal.example.com'],
    methods: ['GET', 'PROPFIND'],
    paths: ['/dav/**'],
    wake: { hours: { from: 1320, to: 360 }, perDay: 3 },
    scopes: ['vm:wake'],
    createdAt: 1_700_000_005_000,
    expiresAt: 1_800_000_000_000,
    lastUsedAt: null,
    lastAddress: null,
    ...more,
  }
}
