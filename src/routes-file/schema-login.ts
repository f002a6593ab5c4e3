// The shape of `login:` in routes.yaml: where and how people sign in, and for how long.

import * as z from 'zod'
import { durationPattern, isOwnSecret } from './units.ts'

const span = (description: string) => z.string().regex(durationPattern).describe(description)

/** As `secretName`, and not what GitHub's own secrets look like: a message may say a name. */
const nameOfSecret = /^(?!gh[a-z]_|github_pat|[0-9a-f]{20})[A-Za-z][A-Za-z0-9_]*$/

/** Never the secret itself: the file is read by more eyes than the environment. */
const secret = (name: string) =>
  z
    .strictObject({
      secret: z
        .string()
        .regex(nameOfSecret)
        .refine((name) => !isOwnSecret(name))
        .describe(`name a secret, ${name}`),
    })
    .describe(`write { secret: ${name} } and keep the value in GATEHOUSE_SECRET_${name}`)

const sessions = z
  .strictObject({
    idle: span('write how long a session lives without a request, such as 24h').optional(),
    absolute: span('write how long a session lives at most, such as 7d').optional(),
    rememberIdle: span('write idle for sessions that are remembered, such as 30d').optional(),
    rememberAbsolute: span(
      'write absolute for sessions that are remembered, such as 90d',
    ).optional(),
  })
  .describe('write { idle: 24h, absolute: 7d, rememberIdle: 30d, rememberAbsolute: 90d }')

const passkeys = z
  .strictObject({
    relyingParty: z
      .string()
      .optional()
      .describe("write the login host, or '@' or another parent of it under the domain"),
    dangerouslyAbandonOthers: z
      .boolean()
      .optional()
      .describe('write true to give up the passkeys that were made for another relying party'),
  })
  .describe('write { relyingParty: auth }')

const account = z
  .union([
    z.string(),
    z.number().int().positive(),
    z.strictObject({
      account: z
        .union([z.string(), z.number().int().positive()])
        .describe("write a login name, or the account's number, which never changes"),
      as: z.string().optional().describe('write the local user it is; default: of the same name'),
    }),
  ])
  .describe('write a login name, a number, or { account: name, as: diego }')

const github = z
  .strictObject({
    clientId: z.string().min(1).max(200).describe('write the client id of the OAuth application'),
    clientSecret: secret('GITHUB_CLIENT_SECRET').optional(),
    users: z.array(account).optional().describe('write a list of accounts, such as [octocat]'),
    organisations: z
      .array(z.string().describe('write the name of an organisation'))
      .optional()
      .describe('write a list of organisations, such as [octo-org]'),
    teams: z
      .array(z.string().describe('write organisation/team'))
      .optional()
      .describe('write a list of teams, such as [octo-org/admins]'),
    groups: z
      .array(z.string().describe('write a group name'))
      .optional()
      .describe('write the groups of users that a first sign-in creates, such as [family]'),
    url: z
      .string()
      .optional()
      .describe('write https://host of a GitHub Enterprise Server; default: https://github.com'),
    api: z
      .string()
      .optional()
      .describe("write the address of its API, such as https://host/api/v3; default: url's own"),
    callbackPath: z
      .string()
      .optional()
      .describe('write the path GitHub sends people back to, such as /oauth2/callback'),
    recheck: span('write how often memberships are looked at again, such as 1h').optional(),
    organisationToken: secret('GITHUB_ORGANISATION_TOKEN').optional(),
  })
  .describe('write { clientId: ..., users: [octocat] }')

/** `login:` of the file. */
export const login = z
  .strictObject({
    host: z.string().optional().describe('write the host of the login page'),
    sessions: sessions.optional(),
    recent: span(
      'write how lately credentials must have been shown to change an account, such as 10m',
    ).optional(),
    passkeys: passkeys.optional(),
    github: github.optional(),
  })
  .describe('write { host: auth }')

export type RawLogin = z.infer<typeof login>
export type RawGithub = z.infer<typeof github>
