// `login:` as LoginSettings: how long sessions live, whose the passkeys are, and which providers there are.

import type { Host, LoginSettings, SessionLimits } from '../model.ts'
import { readGithub } from './github.ts'
import { readName } from './host-pattern.ts'
import type { Path, Reporter } from './problem.ts'
import { quote } from './quote.ts'
import type { RawLogin } from './schema-login.ts'
import { readSpan } from './span.ts'
import { durationWords } from './units.ts'

export interface LoginDeps {
  readonly domain: Host
  readonly loginHost: Host
  readonly reporter: Reporter
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** What holds when the file says nothing. */
const builtInSessions: SessionLimits = {
  idleMs: 24 * hourMs,
  absoluteMs: 7 * dayMs,
  rememberIdleMs: 30 * dayMs,
  rememberAbsoluteMs: 90 * dayMs,
}
const builtInRecentMs = 10 * minuteMs

/** Browsers keep a cookie for 400 days at most (RFC 6265bis §5.5). */
const longestSessionMs = 400 * dayMs

/** Reads the section; what is wrong is reported. */
export function readLogin(raw: RawLogin | undefined, deps: LoginDeps): LoginSettings {
  const { reporter } = deps
  const at: Path = ['login']
  return {
    sessions: readSessions(raw, [...at, 'sessions'], reporter),
    recentMs: readSpan(raw?.recent, builtInRecentMs, {
      at: [...at, 'recent'],
      least: minuteMs,
      most: dayMs,
      reporter,
    }),
    relyingParty: readRelyingParty(raw, [...at, 'passkeys', 'relyingParty'], deps),
    dangerouslyAbandonPasskeys: raw?.passkeys?.dangerouslyAbandonOthers ?? false,
    github: raw?.github === undefined ? null : readGithub(raw.github, [...at, 'github'], reporter),
  }
}

function readSessions(raw: RawLogin | undefined, at: Path, reporter: Reporter): SessionLimits {
  const written = raw?.sessions
  const read = (key: keyof NonNullable<RawLogin['sessions']>, otherwise: number): number =>
    readSpan(written?.[key], otherwise, {
      at: [...at, key],
      least: 5 * minuteMs,
      most: longestSessionMs,
      reporter,
    })
  const limits: SessionLimits = {
    idleMs: read('idle', builtInSessions.idleMs),
    absoluteMs: read('absolute', builtInSessions.absoluteMs),
    rememberIdleMs: read('rememberIdle', builtInSessions.rememberIdleMs),
    rememberAbsoluteMs: read('rememberAbsolute', builtInSessions.rememberAbsoluteMs),
  }
  const pairs = [
    ['idle', limits.idleMs, 'absolute', limits.absoluteMs],
    ['rememberIdle', limits.rememberIdleMs, 'rememberAbsolute', limits.rememberAbsoluteMs],
  ] as const
  for (const [idle, idleMs, absolute, absoluteMs] of pairs) {
    if (idleMs <= absoluteMs) continue
    const key = written?.[idle] === undefined ? absolute : idle
    reporter.error([...at, key], {
      code: 'out-of-range',
      what: `${idle} (${durationWords(idleMs)}) is longer than ${absolute} (${durationWords(absoluteMs)}), which ends every session first`,
      remedy: `write a shorter ${idle}, or a longer ${absolute}`,
    })
  }
  return limits
}

/** The login host or a parent of it (WebAuthn §5.1.2); a parent above the domain would be somebody else's too. */
function readRelyingParty(raw: RawLogin | undefined, at: Path, deps: LoginDeps): Host {
  const { domain, loginHost, reporter } = deps
  const text = raw?.passkeys?.relyingParty
  if (text === undefined) return loginHost
  const name = text === '@' ? domain : readName(text, domain)
  const above = (inner: Host, outer: Host) => inner === outer || inner.endsWith(`.${outer}`)
  if (name !== null && above(loginHost, name) && above(name, domain)) return name
  reporter.error(at, {
    code: 'relying-party',
    what: `${quote(text)} is neither the login host ${loginHost} nor a parent of it under ${domain}`,
    remedy: `write ${loginHost}, or ${domain}`,
  })
  return loginHost
}
