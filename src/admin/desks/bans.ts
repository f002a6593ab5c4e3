// Networks that guessed too often.

import type { AdminContext } from '../context.ts'
import type { BansDesk } from './types.ts'

export function createBansDesk({ bans }: Pick<AdminContext, 'bans'>): BansDesk {
  return {
    list: () => bans.list().toSorted((a, b) => a.until - b.until),
    lift: bans.lift,
  }
}
