// People as the API shows them.

import * as z from 'zod'
import type { Person } from '../desks/people-types.ts'
import { time, timeOrNull, timeText } from './schemas.ts'

const credential = z.strictObject({
  id: z.string(),
  label: z.string(),
  createdAt: time,
  lastUsedAt: time.nullable(),
})

/** A person as the API shows him. */
export const person = z.strictObject({
  id: z.string(),
  displayName: z.string(),
  email: z.string().nullable(),
  groups: z.array(z.string()),
  disabled: z.boolean(),
  administers: z.boolean().meta({ description: 'may open the admin' }),
  createdAt: time,
  lastSignInAt: time.nullable(),
  sessions: z.int(),
  tokens: z.int(),
  credentials: z.strictObject({
    passkeys: z.array(credential),
    securityKeys: z.array(credential),
    password: z.strictObject({ createdAt: time, lastUsedAt: time.nullable() }).nullable(),
    authenticatorApps: z.array(credential),
    accounts: z.array(
      z.strictObject({
        provider: z.string(),
        subject: z.string(),
        login: z.string(),
        lastUsedAt: time.nullable(),
      }),
    ),
    recoveryCodes: z.int(),
  }),
})

export function personReply({ user, credentials, sessions, tokens, administers }: Person) {
  return {
    id: user.id,
    displayName: user.displayName,
    email: user.email,
    groups: [...user.groups],
    disabled: user.disabled,
    administers,
    createdAt: timeText(user.createdAt),
    lastSignInAt: timeOrNull(user.lastSignInAt),
    sessions,
    tokens,
    credentials: {
      passkeys: credentials.passkeys.map(credentialReply),
      securityKeys: credentials.securityKeys.map(credentialReply),
      password:
        credentials.password === null
          ? null
          : {
              createdAt: timeText(credentials.password.createdAt),
              lastUsedAt: timeOrNull(credentials.password.lastUsedAt),
            },
      authenticatorApps: credentials.authenticatorApps.map(credentialReply),
      accounts: credentials.accounts.map((each) => ({
        ...each,
        lastUsedAt: timeOrNull(each.lastUsedAt),
      })),
      recoveryCodes: credentials.recoveryCodes,
    },
  }
}

function credentialReply(each: Person['credentials']['passkeys'][number]) {
  return {
    id: each.id,
    label: each.label,
    createdAt: timeText(each.createdAt),
    lastUsedAt: timeOrNull(each.lastUsedAt),
  }
}
