// `login.github:` as GithubSettings: the application at GitHub, and who may enter by it.

import { isIP } from 'node:net'
import { parseHost } from '../host.ts'
import type { GithubSettings } from '../model.ts'
import { readGroups, readUser } from './names.ts'
import type { Fault, Path, Reporter } from './problem.ts'
import { quote } from './quote.ts'
import { readPath } from './route-path.ts'
import type { RawGithub } from './schema-login.ts'
import { readSpan } from './span.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

const builtIn = {
  clientSecret: 'GITHUB_CLIENT_SECRET',
  url: 'https://github.com',
  callbackPath: '/provider/github/callback',
  recheckMs: hourMs,
} as const

/** First segments of the login host's own pages: a callback there would hide one of them. */
const ownSegments: ReadonlySet<string> = new Set([
  '',
  '.well-known',
  'account',
  'approve',
  'assets',
  'enrol',
  'passkey',
  'password',
  'provider',
  'recovery',
  'second-factor',
  'security-key',
  'sign-out',
  'sign-out-everywhere',
])

/** Reads the section; what is wrong is reported. */
export function readGithub(raw: RawGithub, at: Path, reporter: Reporter): GithubSettings {
  const url = readAddress(raw.url ?? builtIn.url, 'url', { at: [...at, 'url'], reporter })
  const settings: GithubSettings = {
    clientId: raw.clientId,
    clientSecret: raw.clientSecret?.secret ?? builtIn.clientSecret,
    organisationToken: raw.organisationToken?.secret ?? null,
    url,
    apiUrl:
      raw.api === undefined
        ? apiOf(url)
        : readAddress(raw.api, 'api', { at: [...at, 'api'], reporter }),
    callbackPath: readCallback(raw.callbackPath, [...at, 'callbackPath'], reporter),
    users: readAccounts(raw, [...at, 'users'], reporter),
    organisations: readNames(raw.organisations, [...at, 'organisations'], {
      form: /^[a-z0-9][a-z0-9_-]{0,63}$/,
      kind: 'organisation',
      reporter,
    }),
    teams: readNames(raw.teams, [...at, 'teams'], {
      form: /^[a-z0-9][a-z0-9_-]{0,63}\/[a-z0-9][a-z0-9._-]{0,99}$/,
      kind: 'team',
      reporter,
    }),
    groups: readGroups(raw.groups ?? [], [...at, 'groups'], reporter),
    recheckMs: readSpan(raw.recheck, builtIn.recheckMs, {
      at: [...at, 'recheck'],
      least: 5 * minuteMs,
      // Who left loses the session within a day, whatever is written here.
      most: 24 * hourMs,
      reporter,
    }),
  }
  if (!/^[\x21-\x7e]+$/.test(raw.clientId)) {
    reporter.error([...at, 'clientId'], {
      code: 'github',
      what: `${quote(raw.clientId)} is no client id`,
      remedy: 'copy it from the OAuth application at GitHub',
    })
  }
  const { users = [], organisations = [], teams = [] } = raw
  if (users.length + organisations.length + teams.length === 0) {
    reporter.error([...at, 'users'], {
      code: 'github-nobody',
      what: 'names nobody, and neither do organisations and teams: nobody could enter by GitHub',
      remedy: 'name users, organisations or teams, or remove github',
    })
  }
  return settings
}

/** `https://host[:port]`, of the API with a path; in plain HTTP only to this machine, for tests. */
function readAddress(
  text: string,
  kind: 'url' | 'api',
  context: { readonly at: Path; readonly reporter: Reporter },
): string {
  const fault = addressFault(text, kind)
  if (fault !== null) context.reporter.error(context.at, fault)
  return text.endsWith('/') ? text.slice(0, -1) : text
}

function addressFault(text: string, kind: 'url' | 'api'): Fault | null {
  const form = /^(https?):\/\/(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?(\/[\w./-]*)?$/i.exec(text)
  const example =
    kind === 'url' ? 'https://github.example.com' : 'https://github.example.com/api/v3'
  const host = (form?.[2] ?? '').replace(/^\[|\]$/g, '').toLowerCase()
  const path = (form?.[3] ?? '').replace(/\/$/, '')
  if (form === null || !URL.canParse(text) || (isIP(host) === 0 && parseHost(host) === null)) {
    return {
      code: 'github',
      what: `${quote(text)} is no address`,
      remedy: `write it as ${example}`,
    }
  }
  if (kind === 'url' && path !== '') {
    return { code: 'github', what: `${quote(text)} has a path`, remedy: `write it as ${example}` }
  }
  if (form[1]?.toLowerCase() === 'http' && !isLoopback(host)) {
    return {
      code: 'github',
      what: 'is plain HTTP: the client secret and whoever signs in could be read and changed on the way',
      remedy: 'write https://',
    }
  }
  return null
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** github.com and its data residency have a host for the API, an Enterprise Server a path. */
function apiOf(url: string): string {
  const host = url.replace(/^https?:\/\//i, '').toLowerCase()
  if (host === 'github.com' || /^[a-z0-9-]+\.ghe\.com$/.test(host)) return `https://api.${host}`
  return `${url}/api/v3`
}

function readCallback(text: string | undefined, at: Path, reporter: Reporter): string {
  if (text === undefined || text === builtIn.callbackPath) return builtIn.callbackPath
  const read = readPath(text)
  if (!('path' in read)) {
    reporter.error(at, read)
    return builtIn.callbackPath
  }
  if (ownSegments.has((read.path.split('/')[1] ?? '').toLowerCase())) {
    reporter.error(at, {
      code: 'github-callback',
      what: `${read.path} is one of the login page's own paths`,
      remedy: `write ${builtIn.callbackPath}, or a path of its own such as /oauth2/callback`,
    })
  }
  return read.path
}

function readAccounts(raw: RawGithub, at: Path, reporter: Reporter): GithubSettings['users'] {
  const seen = new Set<string>()
  return (raw.users ?? []).flatMap((entry, index): GithubSettings['users'][number][] => {
    const written = typeof entry === 'object' ? entry.account : entry
    const place = typeof entry === 'object' ? [...at, index, 'account'] : [...at, index]
    const account = String(written).toLowerCase()
    const as = typeof entry === 'object' ? entry.as : undefined
    const user = as === undefined ? null : readUser(as, [...at, index, 'as'], reporter)
    // Names of managed users end in `_shortcode`; what is all digits is the account's number.
    if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(account)) {
      reporter.error(place, {
        code: 'github',
        what: `${quote(String(written))} is no account of GitHub`,
        remedy: "write a login name without @, or the account's number",
      })
      return []
    }
    if (seen.has(account)) {
      reporter.error(place, {
        code: 'duplicate-key',
        what: `${account} is in the list twice`,
        remedy: 'remove one of the two',
      })
    }
    seen.add(account)
    return [{ account, as: user }]
  })
}

function readNames(
  raw: readonly string[] | undefined,
  at: Path,
  context: { readonly form: RegExp; readonly kind: string; readonly reporter: Reporter },
): readonly string[] {
  const { form, kind, reporter } = context
  const names: string[] = []
  for (const [index, text] of (raw ?? []).entries()) {
    const lower = text.toLowerCase()
    if (form.test(lower)) names.push(lower)
    else {
      const article = kind === 'team' ? 'no team' : 'no organisation'
      reporter.error([...at, index], {
        code: 'github',
        what: `${quote(text)} is ${article} of GitHub`,
        remedy:
          kind === 'team'
            ? 'write organisation/team, as in the address of its page'
            : 'write the name as in the address of its page',
      })
    }
  }
  return [...new Set(names)]
}
