// From a one-time link to a first credential and a session: what the link, the flow and the store each do.
//
// A link is used up when the first credential is stored, not when it is opened: who leaves half way, or whose browser
// crashes, opens it again. Until then it is only looked at; two people who hold the same one get what one of them stored.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { originOf } from '../../sign-in-url.ts'
import type { User } from '../people.ts'
import { newRecoveryCodes, recoveryCodeHash } from '../recovery-code.ts'
import { noteChange } from './account-change.ts'
import type { AppContext } from './context.ts'
import { finishSignIn, type SignIn } from './finish-sign-in.ts'
import { html } from './html.ts'
import { refuse } from './layout.ts'

declare module './flows.ts' {
  interface FlowData {
    /** Somebody opened a link and pressed its button; no credential is stored yet. */
    enrolment: { readonly link: string; readonly user: User['id'] }
    /** Codes that were just made, for the one page that shows them. */
    'recovery-codes': { readonly user: User['id']; readonly codes: readonly string[] }
  }
}

/** How long an enrolment may take, milliseconds: finding a phone, installing an app. */
export const enrolmentMs = 1_800_000

/** A credential that is ready to be stored, and what having it shows. */
export interface FirstCredential
  extends Pick<SignIn, 'methods' | 'passkey' | 'secondFactor' | 'account'> {
  /** As the notice calls it: `passkey “Phone”`. */
  readonly what: string
  /** Stores it. May reject: the link is good again then. */
  store(user: User): Promise<void>
}

/** Whose enrolment a form belongs to; `null`: it has ended, or is another browser's. */
export async function enrolledUser(
  context: AppContext,
  request: FastifyRequest,
  flowId: string,
): Promise<User | null> {
  const flow = context.flows.find('enrolment', flowId, request.visit.browser)
  const link = flow === null ? null : await context.users.link(flow.data.link, context.now())
  const user = link === null ? null : await context.users.user(link.user)
  return user === null || user.disabled ? null : user
}

/** Uses the link up, stores the credential, makes recovery codes for who has none, signs in and goes on to them. */
export async function finishEnrolment(
  request: FastifyRequest,
  reply: FastifyReply,
  input: { readonly flow: string; readonly credential: FirstCredential },
): Promise<FastifyReply> {
  const context = reply.server.login
  const { credential } = input
  const user = await enrolledUser(context, request, input.flow)
  const flow = context.flows.spend('enrolment', input.flow, request.visit.browser)
  if (user === null || flow === null) return refuseLink(reply)
  const link = await context.users.spendLink(flow.data.link, context.now())
  if (link === null) return refuseLink(reply)
  try {
    await credential.store(user)
  } catch (error) {
    // As good as it was: it is unused, whatever the store has against the credential.
    await context.users.addLink(link).catch(() => {
      context.log.warn('enrolment-link-lost', { user: user.id, request: request.visit.from.id })
    })
    throw error
  }
  await noteChange(context, request, {
    user: user.id,
    event: 'enrolled',
    details: { methods: credential.methods.join(' ') },
    notice: { kind: 'credential-added', text: `Enrolled with ${credential.what}.` },
  })
  const codes = await firstRecoveryCodes(context, request, user)
  const { methods, passkey, secondFactor, account } = credential
  return finishSignIn(request, reply, {
    user,
    methods,
    passkey,
    secondFactor,
    account,
    remember: false,
    returnTo: codes,
    reason: null,
  })
}

/** Makes new recovery codes; the old ones are void. @returns where they are shown, a few minutes long. */
export async function makeRecoveryCodes(
  context: AppContext,
  request: FastifyRequest,
  user: User,
): Promise<string> {
  const codes = newRecoveryCodes(context.randomBytes)
  const hashes = codes.flatMap((code) => recoveryCodeHash(code) ?? [])
  await context.users.setRecoveryCodes(user.id, hashes, context.now())
  const { browser, from } = request.visit
  const owner = { browser, network: from.network }
  const flow = context.flows.begin('recovery-codes', { user: user.id, codes }, owner)
  const origin = originOf(context.loginHost(), context.publicPort())
  return `${origin}/account/recovery-codes?shown=${flow.id}`
}

/** The link is unknown, used up or too old, or the enrolment took too long. */
export function refuseLink(reply: FastifyReply): FastifyReply {
  return refuse(reply, {
    status: 410,
    code: 'link-expired',
    title: 'This link is not good any more',
    lead: 'It was used already, or it is too old. Ask whoever sent it for a new one; if that is you, the command is “gatehouse user link”.',
    body: html`<p><a class="button quiet" href="/">Sign in</a></p>`,
  })
}

/** Who has unused codes keeps them: he has them on paper. @returns where to go on. */
async function firstRecoveryCodes(
  context: AppContext,
  request: FastifyRequest,
  user: User,
): Promise<string | null> {
  try {
    const { recoveryCodes } = await context.users.credentials(user.id)
    return recoveryCodes > 0 ? null : await makeRecoveryCodes(context, request, user)
  } catch {
    // He is enrolled; the account page offers codes as long as there are none.
    context.log.warn('recovery-codes-not-made', { reason: 'store-unavailable' })
    return null
  }
}
