// Who may pass, in words and in order: which of two policies lets in more.

import type { AccessRule, Policy, Requirement, SimplePolicy } from '../model.ts'
import { durationWords } from './units.ts'

/** A policy as the file writes it, on one line. */
export function wordsFor(policy: Policy): string {
  switch (policy.kind) {
    case 'public':
    case 'nobody':
      return policy.kind
    case 'signed-in':
      return `login${requirementWords(policy.requires)}`
    case 'members': {
      const users = policy.users.toSorted().join(' ')
      const groups = policy.groups.toSorted().join(' ')
      const parts = [users && `users ${users}`, groups && `groups ${groups}`]
      return parts.filter((part) => part !== '').join(', ') + requirementWords(policy.requires)
    }
    case 'rules': {
      const rules = policy.rules.map(ruleWords)
      return (isComplete(policy.rules) ? rules : [...rules, 'else nobody']).join('; ')
    }
    default:
      return policy satisfies never
  }
}

/** `GET /share/*: public`; `else login` for a rule that takes all that is left. */
export function ruleWords({ methods, paths, policy }: AccessRule): string {
  const parts = [...(methods === null ? [] : [methods.join('|')]), ...(paths ?? [])]
  return parts.length === 0 ? `else ${wordsFor(policy)}` : `${parts.join(' ')}: ${wordsFor(policy)}`
}

/** Whether some rule takes whatever comes. */
export function isComplete(rules: readonly AccessRule[]): boolean {
  return rules.some(({ methods, paths }) => methods === null && paths === null)
}

/** Whether `is` may let somebody in, or somebody in some state, whom `was` did not. */
export function admitsMore(was: SimplePolicy, is: SimplePolicy): boolean {
  if (is.kind === 'nobody' || was.kind === 'public') return false
  if (is.kind === 'public' || was.kind === 'nobody') return true
  if (asksLess(was.requires, is.requires)) return true
  if (was.kind === 'signed-in') return false
  if (is.kind === 'signed-in') return true
  return (
    is.users.some((user) => !was.users.includes(user)) ||
    is.groups.some((group) => !was.groups.includes(group))
  )
}

/** 0 everyone, 1 signed in, 2 members, 3 nobody. */
export function levelOf(policy: SimplePolicy): number {
  return ['public', 'signed-in', 'members', 'nobody'].indexOf(policy.kind)
}

const strength = ['any', 'second-factor', 'passkey'] as const

function asksLess(was: Requirement, is: Requirement): boolean {
  if (strength.indexOf(is.proof) < strength.indexOf(was.proof)) return true
  return was.withinMs !== null && (is.withinMs === null || is.withinMs > was.withinMs)
}

function requirementWords({ proof, withinMs }: Requirement): string {
  const how = proof === 'any' ? '' : ` with ${proof}`
  return withinMs === null ? how : `${how} within ${durationWords(withinMs)}`
}
