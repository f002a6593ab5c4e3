// The last steps after a provider has said who it is: whose account that is here, and what happens with it.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { noteChange } from './account-change.ts'
import type { AppContext } from './context.ts'
import { finishSignIn } from './finish-sign-in.ts'
import { goOn } from './layout.ts'
import type { Provider, ProviderAccount } from './provider.ts'
import type { Entry, ProviderAccounts } from './provider-accounts.ts'
import { type ProviderFault, refuseProvider } from './provider-pages.ts'
import type { ProviderFlow } from './providers.ts'
import { readReturnTo } from './return-to.ts'
import { keyOfAccount, type Suspension } from './suspension.ts'

interface Done {
  readonly context: AppContext
  readonly accounts: ProviderAccounts
  readonly suspension: Suspension
  readonly provider: Provider
  readonly account: ProviderAccount
}

type Purpose<K extends ProviderFlow['purpose']['kind']> = Extract<
  ProviderFlow['purpose'],
  { kind: K }
>

/** Signs in whoever the account belongs to; creates or links where the table says so. */
export async function finishProviderSignIn(
  request: FastifyRequest,
  reply: FastifyReply,
  done: Done & { readonly purpose: Purpose<'sign-in'> },
): Promise<FastifyReply> {
  const { context, accounts, suspension, provider, account, purpose } = done
  const entry = await orRevoke(done, accounts.enter(provider.name, account))
  clearUp(provider, account, entry)
  if (entry.kind === 'nobody') return refuseAttempt(reply, done, entry.reason)
  await writeDown(request, done, entry)
  // Looked up and allowed this moment: a membership that had ended is there again.
  const user = (await suspension.restore(entry.link)) ?? entry.user
  if (entry.kind === 'created') context.sessions.userChanged(user)
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

/** Links the account to the person who began this, if that person is still the one at the browser. */
export async function finishProviderLink(
  request: FastifyRequest,
  reply: FastifyReply,
  done: Done & { readonly purpose: Purpose<'link'> },
): Promise<FastifyReply> {
  const { accounts, provider, account, purpose } = done
  const { session } = request.visit
  const { user, ref } = session?.record ?? {}
  if (user !== purpose.user || ref !== purpose.session) {
    if (account.token !== null) void provider.revoke(account.token)
    return refuseAttempt(reply, done, 'session-changed')
  }
  const entry = await orRevoke(done, accounts.link(provider.name, account, purpose.user))
  clearUp(provider, account, entry)
  if (entry.kind === 'nobody') return refuseAttempt(reply, done, entry.reason)
  await writeDown(request, done, entry)
  return goOn(reply, '/account')
}

/** A token that is not kept anywhere is given back. */
async function orRevoke(done: Done, work: Promise<Entry>): Promise<Entry> {
  try {
    return await work
  } catch (error) {
    if (done.account.token !== null) void done.provider.revoke(done.account.token)
    throw error
  }
}

function clearUp(provider: Provider, account: ProviderAccount, entry: Entry): void {
  const spare =
    entry.kind === 'nobody' ? account.token : entry.kind === 'known' ? entry.spare : null
  // Nobody waits for that.
  if (spare !== null) void provider.revoke(spare)
}

async function writeDown(
  request: FastifyRequest,
  { context, provider, account }: Done,
  entry: Exclude<Entry, { kind: 'nobody' }>,
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
    await noteChange(context, request, {
      user: user.id,
      event: 'user-added',
      details: { ...details, groups },
    })
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

/** Refuses an attempt, and writes down that and why. */
export function refuseAttempt(
  reply: FastifyReply,
  attempt: Pick<Done, 'context' | 'provider'> & {
    readonly purpose: ProviderFlow['purpose']
    /** `null`: not known, or not believed. */
    readonly account: Pick<ProviderAccount, 'subject'> | null
  },
  fault: ProviderFault,
): FastifyReply {
  const { context, provider, purpose, account } = attempt
  const { from } = reply.request.visit
  const isLink = purpose.kind === 'link'
  const by = isLink ? purpose.user : null
  const { name, label } = provider
  context.audit.write({
    at: context.now(),
    event: isLink ? 'credential-refused' : 'sign-in-failed',
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
  const wishes = isLink
    ? { rd: null, reason: null }
    : { rd: purpose.returnTo, reason: purpose.reason }
  return refuseProvider(reply, { fault, label, purpose: purpose.kind, ...wishes })
}
