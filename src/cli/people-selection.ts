// Which sessions and tokens a command is about: one, all of a person, or all.

import type { ConfigProblem } from '../config.ts'
import type { UserId } from '../model.ts'
import type { Store } from '../store/sqlite-store.ts'
import { type PeopleContext, personNamed } from './people-store.ts'

export interface Selection {
  readonly what: 'one' | 'user' | 'all'
  /** Whose; `null`: not chosen by person. */
  readonly user: UserId | null
  /** @param name reference or id. */
  fits(owner: UserId, name: string): boolean
}

/** @returns `null`: exactly one of the three was written. */
export function wrongSelection(context: PeopleContext, operand: string): ConfigProblem | null {
  const { operands, flags } = context
  const given = operands.length + (flags.has('user') ? 1 : 0) + (flags.has('all') ? 1 : 0)
  if (given === 1) return null
  return {
    severity: 'error',
    where: given === 0 ? `<${operand}>` : 'what to end',
    what: given === 0 ? 'is missing' : 'is said more than once',
    remedy: `write <${operand}>, --user <name> or --all`,
  }
}

/** Call it after `wrongSelection`. @throws GatehouseError `user-absent`. */
export async function selected(store: Store, context: PeopleContext): Promise<Selection> {
  const [one] = context.operands
  if (one !== undefined) {
    return { what: 'one', user: null, fits: (_owner, name) => name === one }
  }
  const named = context.flags.get('user') ?? null
  if (named === null) return { what: 'all', user: null, fits: () => true }
  const { id } = await personNamed(store, named)
  return { what: 'user', user: id, fits: (owner) => owner === id }
}

/** Whose a list is to be; `null`: everybody's. @throws GatehouseError `user-absent`. */
export async function personWanted(store: Store, context: PeopleContext): Promise<UserId | null> {
  const name = context.flags.get('user') ?? null
  return name === null ? null : (await personNamed(store, name)).id
}
