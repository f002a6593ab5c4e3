// `identityHeaders:`, the names under which a backend is told who asks.

import type { IdentityHeaderNames } from '../model.ts'
import { identityNameFault } from './header-edits.ts'
import type { Path, Reporter } from './problem.ts'
import type { RawIdentityHeaders } from './schema.ts'

/** What Authelia says, and what most self-hosted programs can be told to believe; with our assertion. */
export const autheliaHeaders: IdentityHeaderNames = {
  user: 'remote-user',
  name: 'remote-name',
  email: 'remote-email',
  groups: 'remote-groups',
  assertion: 'x-gatehouse-assertion',
}

/**
 * What OAuth2-Proxy says. Not the display name as `X-Forwarded-Preferred-Username`: people choose it themselves, and
 * programs take that header for an account.
 */
const oauth2ProxyHeaders: IdentityHeaderNames = {
  user: 'x-forwarded-user',
  name: null,
  email: 'x-forwarded-email',
  groups: 'x-forwarded-groups',
  assertion: 'x-gatehouse-assertion',
}

const noHeaders: IdentityHeaderNames = {
  user: null,
  name: null,
  email: null,
  groups: null,
  assertion: null,
}

/** Reads the names; a map is laid over `base`, a word replaces it. */
export function readIdentityHeaders(
  raw: RawIdentityHeaders | undefined,
  base: IdentityHeaderNames,
  context: { readonly at: Path; readonly reporter: Reporter },
): IdentityHeaderNames {
  if (raw === undefined) return base
  if (raw === false) return noHeaders
  if (raw === 'authelia') return autheliaHeaders
  if (raw === 'oauth2-proxy') return oauth2ProxyHeaders
  const { at, reporter } = context
  const read = (key: keyof IdentityHeaderNames): string | null => {
    const value = raw[key]
    if (value === undefined) return base[key]
    if (value === false) return null
    const fault = identityNameFault(value)
    if (fault !== null) reporter.error([...at, key], fault)
    return value.toLowerCase()
  }
  const names: IdentityHeaderNames = {
    user: read('user'),
    name: read('name'),
    email: read('email'),
    groups: read('groups'),
    assertion: read('assertion'),
  }
  const seen = new Set<string>()
  for (const [key, name] of Object.entries(names)) {
    if (name !== null && seen.has(name)) {
      reporter.error([...at, key], {
        code: 'duplicate-key',
        what: `${name} would say two things at once`,
        remedy: 'give each value a header of its own, or write false',
      })
    }
    if (name !== null) seen.add(name)
  }
  return names
}
