// The shape of routes.yaml: which keys exist and what kind of value each takes. What the values mean is
// not decided here. The descriptions are the remedies in messages and the help texts in editors.

import * as z from 'zod'
import { access } from './schema-access.ts'
import { login } from './schema-login.ts'
import { alerts, vm } from './schema-vm.ts'
import { durationPattern, isOwnSecret, secretName, sizePattern } from './units.ts'

const duration = z.string().regex(durationPattern)
const positiveDuration = duration.describe('write a duration such as 5s, 30s or 10m')

const headerValue = z
  .union([
    z.string(),
    z.strictObject({
      secret: z
        .string()
        .regex(secretName)
        .refine((name) => !isOwnSecret(name))
        .describe('name a secret, API_KEY'),
    }),
  ])
  .describe('write text in quotes, or { secret: NAME } for GATEHOUSE_SECRET_NAME')

const headerEdits = z
  .strictObject({
    set: z
      .record(z.string(), headerValue)
      .optional()
      .describe('headers to add or replace, such as { X-Script-Name: /radicale }'),
    remove: z
      .array(z.string().describe('write a header name, such as Server'))
      .optional()
      .describe('names of headers to take away, such as [Server]'),
  })
  .describe('write { set: { Name: value }, remove: [Name] }')

const count = (description: string) => z.number().positive().max(1_000_000).describe(description)

const bucket = z
  .strictObject({
    perSecond: count('requests per second, such as 100; 0.5 is one every two seconds'),
    burst: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .describe('how many requests may come at once, a whole number such as 50'),
  })
  .describe('write { perSecond: 100, burst: 50 }')

const rateLimit = z
  .union([z.string(), bucket])
  .describe('name a class (general, login, api) or write { perSecond: 100, burst: 50 }')

const cidr = z
  .string()
  .describe('write an address or a network, such as 10.0.0.0/8 or 2001:db8::/32')
const cidrs = z.array(cidr).describe('write a list of networks, such as [10.0.0.0/8]')

const clients = z
  .strictObject({ allow: cidrs.optional(), deny: cidrs.optional() })
  .describe('write { allow: [10.0.0.0/8] } or { deny: [...] }; deny is looked at first')

const timeouts = z
  .strictObject({
    connect: positiveDuration.optional(),
    headers: positiveDuration.optional(),
    idle: z
      .union([z.literal('never'), duration])
      .optional()
      .describe('write a duration such as 10m, or never'),
  })
  .describe('write { connect: 5s, headers: 60s, idle: 10m }')

const upstreamHost = z
  .union([
    z.literal('keep'),
    z.literal('target'),
    z.strictObject({ fixed: z.string().describe('write a host name') }),
  ])
  .describe("write keep (the visitor's Host), target (the target's own name) or { fixed: name }")

const maxBody = z
  .union([z.literal('unlimited'), z.string().regex(sizePattern)])
  .describe('write a size such as 512KB, 100MB or 2GB, or unlimited')

const flag = (description: string) => z.boolean().describe(`write true or false: ${description}`)

const headerOrNot = (value: string) =>
  z.union([z.string(), z.literal(false)]).describe(`write a header's name for ${value}, or false`)

const identityHeaders = z
  .union([
    z.literal('authelia'),
    z.literal('oauth2-proxy'),
    z.literal(false),
    z.strictObject({
      user: headerOrNot('the user name').optional(),
      name: headerOrNot('the display name').optional(),
      email: headerOrNot('the e-mail address').optional(),
      groups: headerOrNot('the groups').optional(),
      assertion: headerOrNot('the signed assertion').optional(),
    }),
  ])
  .describe(
    'write { user: X-Remote-User, name: false, ... }, authelia (Remote-User, ...), oauth2-proxy (X-Forwarded-User, ...) or false',
  )

const networks = z
  .array(
    z
      .strictObject({
        cidr: z.string().describe('write a network or an address, such as 10.8.0.0/24'),
        as: z.string().describe('write the user that this network counts as'),
        wake: flag('may it start a sleeping machine').optional(),
      })
      .describe('write { cidr: 10.8.0.0/24, as: diego }'),
  )
  .describe('write a list such as [{ cidr: 10.8.0.0/24, as: diego, wake: true }]')

/** What a route and `defaults` may both say. `access` is not among them: who may enter is said at the door. */
const common = {
  upstreamHost: upstreamHost.optional(),
  requestHeaders: headerEdits.optional(),
  responseHeaders: headerEdits.optional(),
  timeouts: timeouts.optional(),
  maxBody: maxBody.optional(),
  clients: clients.optional(),
  rateLimit: rateLimit.optional(),
  webSocket: flag('may clients open WebSockets here').optional(),
  encodedSlashes: flag('pass %2F in a path on instead of refusing it').optional(),
  cloudflareOnly: flag('refuse whoever did not come through Cloudflare').optional(),
  allowedOrigins: z
    .array(z.string().describe('write an origin, such as https://app.example.com'))
    .optional()
    .describe('further origins that may send unsafe requests and open WebSockets here'),
  networks: networks.optional(),
  identityHeaders: identityHeaders.optional(),
  parentCookies: flag('may the backend set cookies for the parent domain').optional(),
  wake: z
    .enum(['navigation', 'any', 'known-client', 'manual', 'never'])
    .optional()
    .describe(
      'write navigation, any, known-client, manual or never: which requests start a sleeping machine',
    ),
  countsAsUse: z
    .enum(['auto', 'always', 'never'])
    .optional()
    .describe('write auto, always or never: do requests here keep the machine awake'),
}

const upstreamUrl = z
  .string()
  .describe('write vm:port, http://host:port or https://host:port (host may be a VM)')

const upstream = z.strictObject({
  url: upstreamUrl,
  serverName: z
    .string()
    .optional()
    .describe("write the name the backend's certificate carries; default: the host in url"),
  ca: z.string().optional().describe('write the path of a PEM file with the CA to trust'),
  clientCertificate: z
    .strictObject({
      cert: z.string().describe('write the path of a PEM file'),
      key: z.string().describe('write the path of a PEM file'),
    })
    .optional()
    .describe('write { cert: file.pem, key: file.pem }'),
  insecureSkipUpstreamTlsVerify: flag(
    'accept any certificate; whoever sits between can read all',
  ).optional(),
})

const redirect = z.strictObject({
  redirect: z.string().describe('write where to: https://host/path, or /path on the same host'),
  status: z
    .union([z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)])
    .optional()
    .describe('write 301, 302, 303, 307 or 308; default: 302'),
  keepPath: flag('append the rest of the path and the query').optional(),
})

const fixedStatus = z.strictObject({
  status: z.number().int().min(200).max(599).describe('write a status from 200 to 599'),
  message: z.string().optional().describe('write a sentence for the visitor'),
})

const landing = z.strictObject({
  landing: z.string().describe('write the path to go on to after signing in, such as /photoprism'),
})

const target = z
  .union([z.string(), landing, redirect, fixedStatus, upstream])
  .describe(
    'write vm:port, http(s)://host:port, landing, login, admin, { landing: /path }, { redirect: url }, { status: 404 } or { url: https://host:port, ... }',
  )

const route = z
  .strictObject({
    service: z.string().min(1).max(80).optional().describe('write the display name of the service'),
    host: z
      .string()
      .describe(
        "write a name under the domain (photos), '@' for the domain itself, '*' or '*.x' for all names, or a full name (www.example.org)",
      ),
    path: z.string().optional().describe('write a path that begins with /; default: /'),
    to: target,
    access: access.optional(),
    prefix: flag(
      'match all paths below, not this one alone; default: false for public routes',
    ).optional(),
    sharesUpstreamWith: z
      .array(z.string().describe('write a route as host/path, such as vault/vaultwarden'))
      .optional()
      .describe('private routes whose ip:port this public prefix is known to open as well'),
    prefixRewrite: z
      .union([
        z.literal('keep'),
        z.literal('strip'),
        z.strictObject({ replace: z.string().describe('write a path that begins with /') }),
      ])
      .optional()
      .describe("write keep, strip or { replace: /path }: what becomes of the route's path"),
    maintenance: z
      .union([z.boolean(), z.string().min(1).max(500)])
      .optional()
      .describe('write true, or a sentence to show with 503 instead of the service'),
    disabled: flag('is the route switched off').optional(),
    ...common,
  })
  .describe('write { host: name, to: target, ... }')

/** The whole file. */
export const fileSchema = z
  .strictObject({
    version: z.literal(1).describe('write version: 1'),
    domain: z.string().describe('write the domain of your services, such as example.com'),
    login: login.optional(),
    trustedProxies: z
      .union([z.literal('none'), z.literal('cloudflare'), cidrs])
      .optional()
      .describe('write none, cloudflare, or a list of networks whose word on the client counts'),
    originPull: z
      .strictObject({
        ca: z.string().describe("write the path of the PEM file with Cloudflare's client CA"),
      })
      .optional()
      .describe('write { ca: file.pem } for Authenticated Origin Pulls'),
    onWeakerAccess: z
      .enum(['apply', 'alert', 'hold'])
      .optional()
      .describe('write apply, alert or hold: what to do with an edit that lets more people in'),
    limits: z
      .strictObject({
        flood: bucket.optional(),
        signedInFactor: z
          .number()
          .min(1)
          .max(1000)
          .optional()
          .describe('write how many times the limit a signed-in session gets, such as 10'),
        classes: z
          .record(z.string(), bucket)
          .optional()
          .describe('write { general: { perSecond: 100, burst: 50 } }'),
      })
      .optional()
      .describe('write { flood: ..., signedInFactor: 10, classes: ... }'),
    securityHeaders: z
      .record(z.string(), z.union([z.string(), z.literal(false)]))
      .optional()
      .describe(
        'write { Name: value } to change a security header, { Name: false } to leave it out',
      ),
    defaults: z
      .strictObject(common)
      .optional()
      .describe('what every route gets that does not say otherwise'),
    vms: z.record(z.string(), vm).optional().describe('write name: { address: 203.0.113.7 }'),
    alerts: alerts.optional(),
    fallback: z
      .union([z.string(), upstream])
      .optional()
      .describe('write http(s)://host:port of the old proxy that gets everything unknown'),
    acmeFallback: z
      .union([z.string(), upstream])
      .optional()
      .describe(
        "write http://host:port of the old proxy's plain port: it goes on answering certificate challenges",
      ),
    routes: z.array(route).describe('write a list of routes'),
  })
  .describe('write version, domain and routes')

/** The file as written, its shape checked. */
export type RawFile = z.infer<typeof fileSchema>
export type RawRoute = z.infer<typeof route>
export type RawDefaults = NonNullable<RawFile['defaults']>
export type RawTarget = z.infer<typeof target>
export type RawUpstream = z.infer<typeof upstream>
export type RawNetworks = NonNullable<RawDefaults['networks']>
export type RawIdentityHeaders = NonNullable<RawDefaults['identityHeaders']>
export type RawHeaderEdits = z.infer<typeof headerEdits>
