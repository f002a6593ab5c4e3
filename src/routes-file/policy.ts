// `access:` of a route as a Policy.

import { patternFault } from '../auth/path-pattern.ts'
import type { AccessRule, Policy, Requirement, SimplePolicy } from '../model.ts'
import { readGroups, readUsers } from './names.ts'
import type { Path, Reporter } from './problem.ts'
import { quote } from './quote.ts'
import type { RawAccess, RawRule, RawSimpleAccess } from './schema-access.ts'
import { parseDuration } from './units.ts'

/** How long ago credentials may have been shown: below a minute nobody gets through, above it a session's limits say it. */
const leastWithinMs = 60_000
const mostWithinMs = 400 * 86_400_000

/** Comparing two tables takes the square of it. */
const mostPatterns = 40

const noRequirement: Requirement = { proof: 'any', withinMs: null }

/** Reads who may pass. What is wrong is reported, and lets nobody in. */
export function readPolicy(raw: RawAccess | undefined, at: Path, reporter: Reporter): Policy {
  if (!Array.isArray(raw)) return readSimple(raw, at, reporter)
  const rules = raw.map((rule, index) => readRule(rule, [...at, index], reporter))
  const patterns = raw.reduce((sum, { paths }) => sum + (paths?.length ?? 0), 0)
  if (patterns > mostPatterns) {
    reporter.error(at, {
      code: 'out-of-range',
      what: `has ${patterns} paths, more than anybody can keep in mind`,
      remedy: `write at most ${mostPatterns}, or give parts of it routes of their own`,
    })
  }
  return { kind: 'rules', rules }
}

function readRule(raw: RawRule, at: Path, reporter: Reporter): AccessRule {
  const methods = raw.methods?.map((text, index) => {
    // Tokens (RFC 9110 §5.6.2), and case-sensitive (§9.1): `get` is a method that nobody sends.
    if (!/^[!#$%&'*+.^_`|~0-9A-Z-]{1,40}$/.test(text)) {
      const upper = text.toUpperCase()
      reporter.error([...at, 'methods', index], {
        code: 'access-method',
        what: `${quote(text)} is no method`,
        remedy: /^[A-Z-]+$/.test(upper) ? `write ${upper}` : 'write a method such as GET',
      })
    }
    return text
  })
  for (const [index, text] of (raw.paths ?? []).entries()) {
    const fault = patternFault(text)
    if (fault === null) continue
    const what = `${quote(text)} ${fault.what}`
    reporter.error([...at, 'paths', index], { code: 'access-path', what, remedy: fault.remedy })
  }
  return {
    methods: methods === undefined ? null : [...new Set(methods)],
    paths: raw.paths === undefined ? null : [...new Set(raw.paths)],
    policy: readSimple(raw.access, [...at, 'access'], reporter),
  }
}

function readSimple(raw: RawSimpleAccess | undefined, at: Path, reporter: Reporter): SimplePolicy {
  // Nothing written means login: what somebody forgot to say stays closed.
  if (raw === undefined || raw === 'login') return { kind: 'signed-in', requires: noRequirement }
  if (raw === 'public' || raw === 'nobody') return { kind: raw }
  const requires: Requirement = {
    proof: raw.with ?? 'any',
    withinMs: raw.within === undefined ? null : readWithin(raw.within, at, reporter),
  }
  const named = raw.users !== undefined || raw.groups !== undefined
  if (!named && (raw.with !== undefined || raw.within !== undefined)) {
    return { kind: 'signed-in', requires }
  }
  if ((raw.users ?? []).length + (raw.groups ?? []).length === 0) {
    reporter.error(at, {
      code: 'access-nobody',
      what: 'names nobody',
      remedy: 'name a user or a group, or write login for everyone signed in, or nobody',
    })
  }
  const users = readUsers(raw.users ?? [], [...at, 'users'], reporter)
  const groups = readGroups(raw.groups ?? [], [...at, 'groups'], reporter)
  return { kind: 'members', users, groups, requires }
}

function readWithin(text: string, at: Path, reporter: Reporter): number {
  const ms = parseDuration(text) ?? 0
  if (ms < leastWithinMs || ms > mostWithinMs) {
    reporter.error([...at, 'within'], {
      code: 'out-of-range',
      what: `${text} is ${ms < leastWithinMs ? 'shorter than a minute' : 'longer than 400 days'}`,
      remedy: 'write a duration such as 15m or 12h',
    })
  }
  return ms
}
