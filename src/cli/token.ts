// `gatehouse token list | add | revoke`: what programs come in with.

import { patternFault } from '../auth/path-pattern.ts'
import { isTokenScope, tokenScopeNames } from '../auth/token-scopes.ts'
import type { TokenRecord, TokenWake } from '../auth/token-store.ts'
import { makeToken } from '../auth/tokens.ts'
import type { Config } from '../config.ts'
import { GatehouseError } from '../errors.ts'
import { parseHost } from '../host.ts'
import { nearest } from '../nearest.ts'
import { loadGoodTable } from './load-table.ts'
import { done, mistaken, type Outcome } from './outcome.ts'
import { createFlagReader, type FlagReader } from './people-flags.ts'
import { personWanted, selected, wrongSelection } from './people-selection.ts'
import {
  audited,
  changePeople,
  type PeopleContext,
  personNamed,
  readPeople,
} from './people-store.ts'
import { unroutedHosts } from './table-hosts.ts'
import {
  agoText,
  counted,
  dateText,
  harmless,
  jsonText,
  table,
  timeOrNull,
} from './terminal-text.ts'

const dayMs = 86_400_000
const defaultLifeMs = 365 * dayMs
const maxLifeMs = 3650 * dayMs
/** Starts a day. */
const maxWake = 100
const maxParts = 50

export function listTokens(context: PeopleContext): Promise<Outcome> {
  return readPeople(context, async (store) => {
    const user = await personWanted(store, context)
    const all = (await store.tokens.all())
      .filter((token) => user === null || token.user === user)
      .toSorted((a, b) => a.user.localeCompare(b.user) || a.createdAt - b.createdAt)
    if (context.flags.has('json')) return done(jsonText(all.map(plain)))
    if (all.length === 0) return done('There are no tokens.\n')
    const now = context.now()
    return done(
      table(
        ['ID', 'USER', 'LABEL', 'GOOD FOR', 'EXPIRES', 'LAST USED', 'FROM'],
        all.map((token) => [
          token.id,
          token.user,
          harmless(token.label, 30),
          harmless(scopeWords(token), 60),
          expiryWords(token.expiresAt, now),
          agoText(token.lastUsedAt, now),
          harmless(token.lastAddress ?? '', 45),
        ]),
      ),
    )
  })
}

export async function addToken(context: PeopleContext): Promise<Outcome> {
  const flags = createFlagReader(context.flags)
  const scope = readScope(flags)
  if (flags.problems.length > 0) return mistaken(...flags.problems)
  return changePeople(context, async (store) => {
    const { id: user, disabled } = await personNamed(store, flags.text('user') ?? '')
    const at = context.now()
    const had = (await store.tokens.all()).filter((token) => token.user === user).length
    const expiresAt = scope.lifeMs === null ? null : at + scope.lifeMs
    const { record, text } = makeToken(
      { ...scope, user, expiresAt },
      { had, now: at, randomBytes: context.randomBytes },
    )
    await store.tokens.add(record)
    const details = { id: record.id, label: record.label, good: scopeWords(record) }
    audited(store, 'token-added', { user, at, details })
    const notes = disabled
      ? [`${user} is disabled: the token opens nothing before "gatehouse user enable ${user}"`]
      : []
    const unrouted = await unroutedIn(context.config, scope.hosts ?? [])
    if (unrouted.length > 0) notes.push(`no route of the table has the host ${unrouted.join(', ')}`)
    const error = notes.map((note) => `gatehouse: note: ${note}\n`).join('')
    if (flags.has('json')) return done(jsonText({ ...plain(record), token: text }), { error })
    const lines = [
      `Token ${record.id} of ${user} for ${harmless(scopeWords(record))}, ${expiryWords(record.expiresAt, at)}.`,
      'It is shown this once:',
      '',
      `  ${text}`,
      '',
    ]
    return done(lines.join('\n'), { error })
  })
}

export async function revokeTokens(context: PeopleContext): Promise<Outcome> {
  const wrong = wrongSelection(context, 'id')
  if (wrong !== null) return mistaken(wrong)
  return changePeople(context, async (store) => {
    const { what, user, fits } = await selected(store, context)
    const chosen = (await store.tokens.all()).filter((token) => fits(token.user, token.id))
    if (what === 'one' && chosen.length === 0) {
      const id = harmless(JSON.stringify(context.operands[0]))
      throw new GatehouseError('token-absent', `there is no token ${id}`, {
        remedy: '"gatehouse token list" shows all, by their ids',
      })
    }
    const ended = await store.tokens.remove(chosen.map(({ id }) => id))
    const [one] = what === 'one' ? chosen : []
    const details = { what, count: ended, id: one?.id ?? null, label: one?.label ?? null }
    const owner = user ?? one?.user ?? null
    audited(store, 'token-revoked', { user: owner, at: context.now(), details })
    return done(`Revoked ${counted(ended, 'token')}.\n`)
  })
}

/** Nothing to say while the table cannot be read: the token is as good as its hosts will be. */
async function unroutedIn(config: Config, hosts: readonly string[]): Promise<readonly string[]> {
  if (hosts.length === 0) return []
  const definition = await loadGoodTable(config).catch(() => null)
  return definition === null ? [] : unroutedHosts(definition, hosts)
}

type Scope = Pick<TokenRecord, 'label' | 'hosts' | 'methods' | 'paths' | 'wake' | 'scopes'>

function readScope(flags: FlagReader): Scope & { readonly lifeMs: number | null } {
  const label = flags.label('label')
  for (const name of ['user', 'label']) {
    if (!flags.has(name)) flags.fail(`--${name}`, 'is missing', `write --${name} <…>`)
  }
  const hosts = readParts(flags, 'hosts', (text) => {
    const host = parseHost(text)
    if (host?.includes('.')) return host
    const whole = /^[\w-]{1,63}$/.test(text)
      ? `the whole name, such as ${text}`
      : 'names such as git'
    flags.fail('--hosts', `${harmless(text)} is no host`, `write ${whole}.example.com`)
    return null
  })
  const methods = readParts(flags, 'methods', (text) => {
    const method = text.toUpperCase()
    if (/^[A-Z][A-Z-]{0,31}$/.test(method)) return method
    flags.fail('--methods', `${harmless(text)} is no method`, 'write methods such as GET,PUT')
    return null
  })
  const paths = readParts(flags, 'paths', (text) => {
    const fault = patternFault(text)
    if (fault === null) return text
    flags.fail('--paths', `${harmless(text)} ${fault.what}`, fault.remedy)
    return null
  })
  const scopes = readParts(flags, 'scopes', (text) => {
    if (isTokenScope(text)) return text
    const near = nearest(text, tokenScopeNames)
    const remedy = near === null ? `write some of ${tokenScopeNames.join(', ')}` : `write ${near}`
    flags.fail('--scopes', `${harmless(text)} is no right of the admin`, remedy)
    return null
  })
  return {
    label: label ?? '',
    hosts,
    methods,
    paths,
    wake: readWake(flags),
    scopes: scopes ?? [],
    lifeMs: readLife(flags),
  }
}

/** @returns `null`: not given. Faults go to `flags`. */
function readParts(
  flags: FlagReader,
  name: string,
  read: (text: string) => string | null,
): readonly string[] | null {
  const list = flags.list(name)
  if (list === null) return null
  if (list.length === 0) flags.fail(`--${name}`, 'names nothing', 'leave it out for all')
  if (list.length > maxParts) flags.fail(`--${name}`, 'names too many', `at most ${maxParts}`)
  return list.flatMap((text) => read(text) ?? [])
}

/** @returns milliseconds; `null`: for ever. */
function readLife(flags: FlagReader): number | null {
  if (flags.text('expires') === 'never') return null
  return flags.span('expires', { defaultMs: defaultLifeMs, maxMs: maxLifeMs })
}

function readWake(flags: FlagReader): TokenWake | null {
  const perDay = flags.count('wake', { min: 0, max: maxWake }) ?? 0
  const text = flags.text('wake-hours')
  if (text === null) return perDay === 0 ? null : { hours: null, perDay }
  if (perDay === 0) flags.fail('--wake-hours', 'is of no use without --wake', 'write --wake 3')
  const match = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(text)
  const [fromHour = 99, fromMinute = 99, toHour = 99, toMinute = 99] = (match ?? [])
    .slice(1)
    .map(Number)
  const from = fromHour * 60 + fromMinute
  const to = toHour * 60 + toMinute
  if (fromHour > 23 || toHour > 23 || fromMinute > 59 || toMinute > 59 || from === to) {
    flags.fail('--wake-hours', `${harmless(text)} is no time of day`, 'write 08:00-22:00, in UTC')
  }
  return { hours: { from, to }, perDay }
}

/** `git.example.com, GET, /dav/**, 3 starts a day`. */
function scopeWords({ hosts, methods, paths, wake, scopes }: Scope): string {
  const words = [
    hosts?.join(' ') ?? 'all hosts',
    ...(methods === null ? [] : [methods.join(' ')]),
    ...(paths === null ? [] : [paths.join(' ')]),
    ...(wake === null ? [] : [`${counted(wake.perDay, 'start')} a day`]),
    ...scopes,
  ]
  return words.join(', ')
}

function expiryWords(expiresAt: number | null, now: number): string {
  if (expiresAt === null) return 'for ever'
  return expiresAt <= now ? 'EXPIRED' : `until ${dateText(expiresAt).slice(0, 10)}`
}

function plain(token: TokenRecord) {
  const { id, user, label, hosts, methods, paths, wake, scopes, lastAddress } = token
  return {
    id,
    user,
    label,
    hosts,
    methods,
    paths,
    wake,
    scopes,
    createdAt: timeOrNull(token.createdAt),
    expiresAt: timeOrNull(token.expiresAt),
    lastUsedAt: timeOrNull(token.lastUsedAt),
    lastAddress,
  }
}
