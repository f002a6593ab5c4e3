// The house: health, metrics, certificates, bans, lockdown, and who is asking.

import * as z from 'zod'
import { operation } from '../operation.ts'
import { refused } from '../problem.ts'
import {
  anyId,
  keyOf,
  listOf,
  nameOf,
  pageOf,
  pageQuery,
  time,
  timeOrNull,
  timeText,
} from './schemas.ts'

export const getHealth = operation({
  id: 'getHealth',
  method: 'GET',
  path: '/api/v1/health',
  summary: 'How the gateway is',
  scope: null,
  reply: z.strictObject({
    status: z.enum(['ok', 'degraded', 'draining']),
    version: z.string(),
    uptimeSeconds: z.int(),
    checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string() })),
  }),
  errors: [],
  audit: null,
  async run({ house }) {
    const { status, version, uptimeSeconds, checks } = house.health()
    return { kind: 'done', reply: { status, version, uptimeSeconds, checks: [...checks] } }
  },
})

export const getMetrics = operation({
  id: 'getMetrics',
  method: 'GET',
  path: '/api/v1/metrics',
  summary: 'The numbers of the gateway, in Prometheus’ text format',
  scope: 'admin:read',
  reply: z.string(),
  media: 'text/plain; version=0.0.4; charset=utf-8',
  errors: [],
  audit: null,
  async run({ house }) {
    return { kind: 'done', reply: await house.metrics() }
  },
})

export const getHouse = operation({
  id: 'getHouse',
  method: 'GET',
  path: '/api/v1/house',
  summary: 'Version, uptime, memory, disk, clock, limits, what is configured wrong, alerts sent',
  scope: 'admin:read',
  reply: z.strictObject({
    version: z.string(),
    node: z.string(),
    startedAt: time,
    now: time,
    memory: z.strictObject({ residentBytes: z.number(), heapUsedBytes: z.number() }),
    disk: z.strictObject({ freeBytes: z.number(), totalBytes: z.number() }).nullable(),
    clockOffMs: z.number().nullable(),
    problems: z.array(z.string()),
    limits: z.array(z.strictObject({ name: z.string(), words: z.string() })),
    alerts: z.array(
      z.strictObject({
        at: time,
        words: z.string(),
        target: z.string(),
        error: z.string().nullable(),
      }),
    ),
  }),
  errors: [],
  audit: null,
  async run({ house }) {
    const { version, node, startedAt, now, memory, disk, clockOffMs, ...lists } =
      await house.report()
    return {
      kind: 'done',
      reply: {
        ...{ version, node, clockOffMs },
        startedAt: timeText(startedAt),
        now: timeText(now),
        memory: { residentBytes: memory.residentBytes, heapUsedBytes: memory.heapUsedBytes },
        disk: disk === null ? null : { freeBytes: disk.freeBytes, totalBytes: disk.totalBytes },
        problems: [...lists.problems],
        limits: lists.limits.map(({ name, words }) => ({ name, words })),
        alerts: lists.alerts.map(({ at, words, target, error }) => ({
          ...{ at: timeText(at), words, target, error },
        })),
      },
    }
  },
})

export const listCertificates = operation({
  id: 'listCertificates',
  method: 'GET',
  path: '/api/v1/certificates',
  summary: 'Certificates in use, those that end first first, and what is wrong with files',
  scope: 'admin:read',
  reply: z.strictObject({
    items: z.array(
      z.strictObject({
        file: z.string(),
        names: z.array(z.string()),
        issuer: z.string(),
        keyType: z.enum(['ecdsa', 'rsa', 'other']),
        notBefore: time,
        notAfter: time,
        daysLeft: z.int(),
        fingerprint: z.string().nullable(),
        problem: z.string().nullable(),
      }),
    ),
    next: z.null(),
    problems: z.array(
      z.strictObject({
        severity: z.enum(['error', 'warning']),
        code: z.string(),
        file: z.string(),
        what: z.string(),
        remedy: z.string(),
      }),
    ),
    lastReloadAt: time.nullable(),
  }),
  errors: [],
  audit: null,
  async run({ certificates }) {
    const items = certificates.list().map((each) => ({
      file: each.file,
      names: [...each.names],
      issuer: each.issuer,
      keyType: each.keyType,
      notBefore: timeText(each.notBefore),
      notAfter: timeText(each.notAfter),
      daysLeft: each.daysLeft,
      fingerprint: each.fingerprint,
      problem: each.problem,
    }))
    const problems = certificates.problems().map(({ severity, code, file, what, remedy }) => ({
      ...{ severity, code, file, what, remedy },
    }))
    const lastReloadAt = timeOrNull(certificates.lastReloadAt())
    return { kind: 'done', reply: { items, next: null, problems, lastReloadAt } }
  },
})

export const reloadCertificates = operation({
  id: 'reloadCertificates',
  method: 'POST',
  path: '/api/v1/certificates/reload',
  summary: 'Reads the folder of certificates again',
  scope: 'admin:write',
  reply: z.strictObject({ certificates: z.int(), problems: z.int() }),
  errors: [],
  audit: 'certificates-reloaded',
  async run({ certificates }) {
    await certificates.reload()
    const reply = {
      certificates: certificates.list().length,
      problems: certificates.problems().length,
    }
    return { kind: 'done', reply, changed: { details: reply } }
  },
})

export const listBans = operation({
  id: 'listBans',
  method: 'GET',
  path: '/api/v1/bans',
  summary: 'Networks that guessed too often, and until when they may not sign in',
  scope: 'people:read',
  query: pageQuery,
  reply: listOf(
    z.strictObject({
      network: z.string(),
      key: z.string().meta({ description: 'the network as it stands in paths of this API' }),
      until: time,
      why: z.string().nullable(),
    }),
  ),
  errors: [],
  audit: null,
  async run({ bans }, { query }) {
    const page = pageOf(bans.list(), query, ({ network }) => network)
    if (page.kind === 'refused') return page
    const items = page.items.map(({ network, until, why }) => ({
      ...{ network, key: keyOf(network), until: timeText(until), why },
    }))
    return { kind: 'done', reply: { items, next: page.next } }
  },
})

export const liftBan = operation({
  id: 'liftBan',
  method: 'DELETE',
  path: '/api/v1/bans/{key}',
  summary: 'Lets a banned network try again',
  scope: 'people:write',
  params: z.strictObject({
    key: anyId.meta({ description: 'the network; `/` is written `~1`: `2001:db8::~164`' }),
  }),
  reply: z.null(),
  errors: ['not-found'],
  audit: 'ban-lifted',
  async run({ bans }, { path }) {
    const network = nameOf(path.key)
    const ban = bans.list().find((each) => each.network === network)
    if (ban === undefined || !bans.lift(network)) return refused('not-found')
    const before = { network, until: timeText(ban.until) }
    return { kind: 'done', reply: null, changed: { before, details: { network } } }
  },
})

const lockdown = z.strictObject({
  on: z.boolean(),
  since: time.nullable(),
  by: z.string().nullable(),
})

export const getLockdown = operation({
  id: 'getLockdown',
  method: 'GET',
  path: '/api/v1/lockdown',
  summary: 'Whether only known people and networks are let in',
  scope: 'admin:read',
  reply: lockdown,
  errors: [],
  audit: null,
  async run({ house }) {
    const { on, since, by } = house.lockdown()
    return { kind: 'done', reply: { on, since: timeOrNull(since), by } }
  },
})

export const setLockdown = operation({
  id: 'setLockdown',
  method: 'PUT',
  path: '/api/v1/lockdown',
  summary:
    'Lets in only people who are signed in, and networks that somebody signed in from; or everybody again',
  scope: 'admin:write',
  body: z.strictObject({ on: z.boolean() }),
  reply: lockdown,
  errors: [],
  audit: 'lockdown',
  async run({ house }, { body }, actor) {
    const before = house.lockdown()
    if (before.on === body.on) {
      const reply = { on: before.on, since: timeOrNull(before.since), by: before.by }
      return { kind: 'done', reply, changed: null }
    }
    const after = await house.setLockdown(body.on, actor.user)
    return {
      kind: 'done',
      reply: { on: after.on, since: timeOrNull(after.since), by: after.by },
      changed: { before: { on: before.on }, after: { on: after.on } },
    }
  },
})

export const getAuth = operation({
  id: 'getAuth',
  method: 'GET',
  path: '/api/v1/auth',
  summary: 'Who asks, how it is known, and what it may do',
  scope: null,
  reply: z.strictObject({
    user: z.string(),
    name: z.string(),
    via: z.enum(['session', 'token']),
    ref: z.string(),
    scopes: z.array(z.string()).nullable().meta({ description: '`null`: everything' }),
    recentUntil: time.nullable().meta({
      description: 'until when it may change something without signing in again; `null`: a token',
    }),
  }),
  errors: [],
  audit: null,
  async run(_desks, _input, actor) {
    const { user, name, via, ref, scopes, recentUntil } = actor
    return {
      kind: 'done',
      reply: {
        ...{ user, name, via, ref },
        scopes: scopes === null ? null : [...scopes],
        recentUntil: timeOrNull(recentUntil),
      },
    }
  },
})

export const houseOperations = [
  getHealth,
  getMetrics,
  getHouse,
  listCertificates,
  reloadCertificates,
  listBans,
  liftBan,
  getLockdown,
  setLockdown,
  getAuth,
]
