// May this request pass? Pure: policy, identity and a few facts in, one Decision out. Hot path.

import type { AccessRule, Decision, Identity, Policy, Requirement, SimplePolicy } from '../model.ts'
import { foldPath } from '../path-case.ts'
import {
  compilePathPatterns,
  compilePathPatternsIgnoringCase,
  type PathTest,
} from './path-pattern.ts'

/** What a decision depends on beside who is asking. */
export interface RequestFacts {
  readonly method: string
  /** Canonical; what rules by path are looked up with. */
  readonly path: string
  readonly webSocket: boolean
  /** `Origin` (RFC 6454 §7), or `null`. */
  readonly origin: string | null
  /** `Sec-Fetch-Site` (W3C Fetch Metadata), or `null`. */
  readonly fetchSite: string | null
  /** The origin this host has for a browser: `https://name`, with the port when it is not 443. */
  readonly ownOrigin: string
  readonly allowedOrigins: readonly string[]
  /** Wall clock, milliseconds. */
  readonly now: number
}

const toEveryone: Decision = { kind: 'allow', to: 'everyone' }
const toPerson: Decision = { kind: 'allow', to: 'person' }
const signIn: Decision = { kind: 'sign-in', reason: 'no-session' }
const withPasskey: Decision = { kind: 'sign-in', reason: 'passkey' }
const withSecondFactor: Decision = { kind: 'sign-in', reason: 'second-factor' }
const again: Decision = { kind: 'sign-in', reason: 'not-recent' }
const notAMember: Decision = { kind: 'deny', reason: 'not-a-member' }
const crossOrigin: Decision = { kind: 'deny', reason: 'cross-origin' }
const closed: Decision = { kind: 'deny', reason: 'nobody' }

const nobody: SimplePolicy = { kind: 'nobody' }

/** A clock that was set back must not make a sign-in recent for as long as it was set back. */
const clockSlackMs = 60_000

/** Decides. Everything that is not allowed by name is refused. */
export function decide(policy: Policy, identity: Identity | null, facts: RequestFacts): Decision {
  const simple = policy.kind === 'rules' ? policyAt(policy, facts.method, facts.path) : policy
  switch (simple.kind) {
    case 'public':
      return toEveryone
    case 'nobody':
      return closed
    case 'signed-in':
      if (identity === null) return signIn
      return lacking(simple.requires, identity, facts.now) ?? fromHere(facts)
    case 'members':
      if (identity === null) return signIn
      if (!isMember(simple, identity)) return notAMember
      return lacking(simple.requires, identity, facts.now) ?? fromHere(facts)
    default:
      // Only a snapshot that somebody wrote by hand can say this: it ends as 500, never as allowed.
      throw new TypeError('unknown policy', { cause: simple satisfies never })
  }
}

/** What holds for a method and a canonical path: of rules the first that fits; when none does, nobody may. */
export function policyAt(policy: Policy, method: string, path: string): SimplePolicy {
  if (policy.kind !== 'rules') return policy
  const index = ruleAt(policy, method, path)
  return policy.rules[index ?? -1]?.policy ?? nobody
}

/** Position of the rule that decides; `null`: no rule does, or the policy has none. */
export function ruleAt(policy: Policy, method: string, path: string): number | null {
  if (policy.kind !== 'rules') return null
  const index = choose(compiledOf(policy), method, (rule) => rule.fits === null || rule.fits(path))
  return index === -1 ? null : index
}

/**
 * Whether every reading of a path leads to the same access: the alternatives a backend may see in the same bytes, and
 * for each the reading without regard to case. When it is false the request is refused before anything is decided
 * (`bad-target`): no spelling of a path may confuse what is open and what is closed. Free when no rule asks for a path.
 */
export function sameAccess(
  policy: Policy,
  method: string,
  path: string,
  alternatives: readonly string[],
): boolean {
  if (policy.kind !== 'rules') return true
  const compiled = compiledOf(policy)
  if (!compiled.byPath) return true
  const expected = accessOf(compiled, method, path, false)
  if (accessOf(compiled, method, foldPath(path), true) !== expected) return false
  for (const reading of alternatives) {
    if (accessOf(compiled, method, reading, false) !== expected) return false
    if (accessOf(compiled, method, foldPath(reading), true) !== expected) return false
  }
  return true
}

interface CompiledRule {
  /** `null`: every method. */
  readonly methods: ReadonlySet<string> | null
  /** `null`: every path. */
  readonly fits: PathTest | null
  readonly fitsFolded: PathTest | null
  /** Rules of the same access have the same number. */
  readonly access: number
}

interface CompiledRules {
  readonly rules: readonly CompiledRule[]
  readonly byPath: boolean
}

/** Made at a route's first request; a policy is never changed, and is forgotten with its table. */
const compiledRules = new WeakMap<Extract<Policy, { kind: 'rules' }>, CompiledRules>()

function compiledOf(policy: Extract<Policy, { kind: 'rules' }>): CompiledRules {
  let compiled = compiledRules.get(policy)
  if (compiled === undefined) {
    compiled = compileRules(policy.rules)
    compiledRules.set(policy, compiled)
  }
  return compiled
}

/** What no rule fits is the same as a rule that says nobody. */
const nobodyAccess = 0

function compileRules(rules: readonly AccessRule[]): CompiledRules {
  const kinds = new Map<string, number>([[accessKey(nobody), nobodyAccess]])
  return {
    byPath: rules.some(({ paths }) => paths !== null),
    rules: rules.map(({ methods, paths, policy }) => {
      const key = accessKey(policy)
      const access = kinds.get(key) ?? kinds.size
      kinds.set(key, access)
      return {
        methods: methods === null ? null : methodSet(methods),
        fits: paths === null ? null : compilePathPatterns(paths),
        fitsFolded: paths === null ? null : compilePathPatternsIgnoringCase(paths),
        access,
      }
    }),
  }
}

/** HEAD is GET without the content (RFC 9110 §9.3.2): what holds for one holds for the other. */
function methodSet(methods: readonly string[]): ReadonlySet<string> {
  return new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods)
}

/** Equal for policies that let the same people in. No name has a blank. */
function accessKey(policy: SimplePolicy): string {
  if (policy.kind === 'public' || policy.kind === 'nobody') return policy.kind
  const { proof, withinMs } = policy.requires
  const required = `${policy.kind} ${proof} ${withinMs}`
  if (policy.kind === 'signed-in') return required
  return `${required} ${policy.users.toSorted().join()} ${policy.groups.toSorted().join()}`
}

function accessOf(compiled: CompiledRules, method: string, path: string, folded: boolean): number {
  const index = choose(compiled, method, (rule) => {
    const test = folded ? rule.fitsFolded : rule.fits
    return test === null || test(path)
  })
  return compiled.rules[index]?.access ?? nobodyAccess
}

/** @returns -1 when no rule fits. */
function choose(
  { rules }: CompiledRules,
  method: string,
  fitsPath: (rule: CompiledRule) => boolean,
): number {
  // Methods are case-sensitive (RFC 9110 §9.1), but frameworks such as Django read `post` as POST.
  const upper = method.toUpperCase()
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i]
    if (rule === undefined || (rule.methods !== null && !rule.methods.has(upper))) continue
    if (fitsPath(rule)) return i
  }
  return -1
}

/** What is missing in how somebody showed who he is; `null`: nothing. */
function lacking(required: Requirement, identity: Identity, now: number): Decision | null {
  const { proof, withinMs } = required
  if (proof === 'any' && withinMs === null) return null
  // A program cannot sign in more strongly. A person at a known address can, and is asked to.
  if (identity.via === 'token') return notAMember
  const isSession = identity.via === 'session'
  if (proof === 'passkey' && !(isSession && identity.passkey)) return withPasskey
  if (proof === 'second-factor' && !(isSession && identity.secondFactor)) return withSecondFactor
  if (withinMs === null) return null
  const at = isSession ? identity.authenticatedAt : null
  const ageMs = at === null ? Number.POSITIVE_INFINITY : now - at
  // Written so that NaN is not recent.
  return ageMs <= withinMs && ageMs >= -clockSlackMs ? null : again
}

/**
 * The parent-domain cookie is sent with requests that any sibling host's page makes. So on a private route,
 * what changes something (or opens a WebSocket) must come from the host's own pages or a listed origin:
 * `same-site` is exactly the attack. A program sends neither header and is let through.
 */
function fromHere(facts: RequestFacts): Decision {
  if (!facts.webSocket && isSafe(facts.method)) return toPerson
  const { origin } = facts
  if (origin !== null) {
    if (origin === facts.ownOrigin || facts.allowedOrigins.includes(origin)) return toPerson
    return crossOrigin
  }
  const site = facts.fetchSite
  return site === null || site === 'same-origin' || site === 'none' ? toPerson : crossOrigin
}

/** RFC 9110 §9.2.1, and WebDAV's reading methods (RFC 4918 §9.1, RFC 3253 §3.6). */
function isSafe(method: string): boolean {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'OPTIONS':
    case 'PROPFIND':
    case 'REPORT':
      return true
    default:
      return false
  }
}

function isMember(
  policy: { readonly users: readonly string[]; readonly groups: readonly string[] },
  identity: Identity,
): boolean {
  if (policy.users.includes(identity.user)) return true
  for (const group of policy.groups) if (identity.groups.includes(group)) return true
  return false
}
