// The login page, and the one end of every way to sign in.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { User } from '../people.ts'
import type { SignInMethod } from '../session-store.ts'
import type { AppContext } from './context.ts'
import { goOn } from './layout.ts'

/** What was shown, by whom, and where to go from here. */
export interface SignIn {
  readonly user: User
  readonly methods: readonly SignInMethod[]
  readonly passkey: boolean
  readonly secondFactor: boolean
  readonly remember: boolean
  /** The provider account it came from, `github:583231`; `null`: none. */
  readonly account: string | null
  /** As `readReturnTo` gave it; `null`: the login host's own page. */
  readonly returnTo: string | null
  /** Why a signed-in person was asked again, as the query said; `null`: an ordinary sign-in. */
  readonly reason: string | null
}

export async function finishSignIn(
  _request: FastifyRequest,
  reply: FastifyReply,
  signIn: SignIn,
): Promise<FastifyReply> {
  return goOn(reply, signIn.returnTo ?? '/')
}

export function registerLogin(_app: FastifyInstance, _context: AppContext): void {}
