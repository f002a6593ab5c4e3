// The last steps after a provider has said who it is: whose account that is here, and what happens with it.

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { User } from '../people.ts'
import { noteChange } from './account-change.ts'
import type { AppContext } from './context.ts'
import { finishEnrolment } from './enrolment.ts'
import { finishSignIn } from './finish-sign-in.ts'
import { goOn } from './layout.ts'
import type { Provider, ProviderAccount } from './provider.ts'
import type { Entry, NobodyReason, ProviderAccounts } from './provider-accounts.ts'
import type { ProviderPurpose } from './provider-flow.ts'
import { type ProviderFault, refuseProvider } from './provider-pages.ts'
import { readReturnTo } from './return-to.ts'
import { keyOfAccount, type Suspension } from './suspension.ts'

export interface FinishParts {
  readonly context: AppContext
  readonly accounts: ProviderAccounts
  readonly suspension: Suspension
}

interface Done extends FinishParts {
  readonly provider: Provider
  readonly account: ProviderAccount
}

type Purpose<K extends ProviderPurpose['kind']> = Extract<ProviderPurpose, { kind: K }>

/** Signs in, links or enrols, as was begun; or says why not. */
export async function finishAttempt(
  request: FastifyRequest,
  reply: FastifyReply,
  done: Done & { readonly purpose: ProviderPurpose },
): Promise<FastifyReply> {
  const { purpose } = done
  try {
    switch (purpose.kind) {
      case 'sign-in':
        return await signIn(request, reply, { ...done, purpose })
      case 'link':
        return await link(request, reply, { ...done, purpose })
      case 'enrol':
        return await enrol(request, reply, { ...done, purpose })
      default:
        throw new TypeError('unknown purpose', { cause: purpose satisfies never })
    }
  } catch (error) {
    if (error instanceof Nobody) return refuseAttempt(reply, done, error.reason)
    throw error
  }
}

/** Whoever the account belongs to; creates or links where the table says so. */
async function signIn(
  request: FastifyRequest,
  reply: FastifyReply,
  done: Done & { readonly purpose: Purpose<'sign-in'> },
): Promise<FastifyReply> {
  const { context, accounts, suspension, provider, account, purpose } = done
  const entry = await somebody(done, accounts.enter(provider.name, account))
  await writeDown(request, done, entry)
  // Looked up and allowed this moment: a membership that had ended is there again.
  const user = (await suspension.restore(entry.link)) ?? entry.user
  return finishSignIn(request, reply, {
    user,
    methods: ['provider'],
    passkey: false,
    secondFactor: account.secondFactor,
    remember: purpose.remember,
    account: keyOfAccount(entry.link),
    // Read again: the table may have changed meanwhile.
    returnTo: readReturnTo(purpose.returnTo, context),
    reason: purpose.reason,
  })
}

/** To the person who began it, if that person is still the one at the browser. */
async function link(
  request: FastifyRequest,
  reply: FastifyReply,
  done: Done & { readonly purpose: Purpose<'link'> },
): Promise<FastifyReply> {
  const { accounts, provider, account, purpose } = done
  const { session } = request.visit
  if (session?.record.user !== purpose.user || session.record.ref !== purpose.session) {
    giveBack(provider, account.token)
    throw new Nobody('session-changed')
  }
  const entry = await somebody(done, accounts.link(provider.name, account, purpose.user))
  await writeDown(request, done, entry)
  return goOn(reply, '/account')
}

/** As somebody's first credential. The one-time link is as good as before when it cannot be. */
async function enrol(
  request: FastifyRequest,
  reply: FastifyReply,
  done: Done & { readonly purpose: Purpose<'enrol'> },
): Promise<FastifyReply> {
  const { accounts, provider, account, purpose } = done
  const { name, label } = provider
  let isStored = false
  const answer = await finishEnrolment(request, reply, {
    flow: purpose.enrolment,
    credential: {
      what: `the ${label} account “${account.login}”`,
      methods: ['provider'],
      passkey: false,
      secondFactor: account.secondFactor,
      account: keyOfAccount({ provider: name, subject: account.subject }),
      async store(user: User) {
        isStored = true
        await somebody(done, accounts.link(name, account, user.id))
      },
    },
  })
  if (!isStored) giveBack(provider, account.token)
  return answer
}

/** Refuses an attempt, and writes down that and why. */
export function refuseAttempt(
  reply: FastifyReply,
  attempt: Pick<Done, 'context' | 'provider'> & {
    readonly purpose: ProviderPurpose
    /** `null`: not known, or not believed. */
    readonly account: Pick<ProviderAccount, 'subject'> | null
  },
  fault: ProviderFault,
): FastifyReply {
  const { context, provider, purpose, account } = attempt
  const { from } = reply.request.visit
  const by = purpose.kind === 'sign-in' ? null : purpose.user
  const { name, label } = provider
  context.audit.write({
    at: context.now(),
    event: purpose.kind === 'sign-in' ? 'sign-in-failed' : 'credential-refused',
    actor: by,
    user: by,
    client: from.client,
    request: from.id,
    details: {
      method: 'provider',
      provider: name,
      account: account === null ? null : keyOfAccount({ provider: name, subject: account.subject }),
      reason: fault,
    },
  })
  return refuseProvider(reply, { fault, label, purpose })
}

/** An account that may enter, and is nobody's here whom we could sign in. */
class Nobody extends Error {
  readonly reason: NobodyReason | 'session-changed'

  constructor(reason: NobodyReason | 'session-changed') {
    super(reason)
    this.name = 'Nobody'
    this.reason = reason
  }
}

type Somebody = Exclude<Entry, { kind: 'nobody' }>

/** @throws Nobody; and whatever the store says. Then the new token is kept nowhere. */
async function somebody(done: Done, work: Promise<Entry>): Promise<Somebody> {
  const { provider, account } = done
  let entry: Entry
  try {
    entry = await work
  } catch (error) {
    giveBack(provider, account.token)
    throw error
  }
  if (entry.kind === 'nobody') {
    giveBack(provider, account.token)
    throw new Nobody(entry.reason)
  }
  if (entry.kind === 'known') giveBack(provider, entry.spare)
  return entry
}

/** Nobody waits for that. */
function giveBack(provider: Provider, token: string | null): void {
  if (token !== null) void provider.revoke(token)
}

async function writeDown(
  request: FastifyRequest,
  { context, provider, account }: Done,
  entry: Somebody,
): Promise<void> {
  if (entry.kind === 'known') return
  const { user } = entry
  const details = {
    kind: 'account',
    provider: provider.name,
    account: keyOfAccount(entry.link),
    login: account.login,
  }
  if (entry.kind === 'created') {
    const groups = user.groups.join(',')
    const event = 'user-added'
    await noteChange(context, request, { user: user.id, event, details: { ...details, groups } })
    return
  }
  const text = `The ${provider.label} account ${account.login} was linked: it can sign in as you.`
  await noteChange(context, request, {
    user: user.id,
    event: 'credential-added',
    details,
    notice: { kind: 'credential-added', text },
  })
}
