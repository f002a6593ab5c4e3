// Making a passkey or registering a security key, for whoever may: somebody at the account page, or one who enrols.

import type { FastifyRequest } from 'fastify'
import type { Passkey, User } from '../people.ts'
import { describeDevice } from './account-device.ts'
import type { AppContext } from './context.ts'
import { authenticatorName } from './key-names.ts'
import { readLabel } from './label.ts'
import {
  type CreationOptions,
  type CredentialKind,
  creationOptions,
  loginParty,
  verifyCreation,
} from './webauthn.ts'

declare module './flows.ts' {
  interface FlowData {
    'key-set-up': {
      readonly user: User['id']
      readonly kind: CredentialKind
      readonly challenge: string
    }
  }
}

/** Begins it: what the browser needs, and the id of the flow that knows the challenge. */
export async function beginKeySetUp(
  context: AppContext,
  request: FastifyRequest,
  input: { readonly user: User; readonly kind: CredentialKind },
): Promise<{ readonly flow: string; readonly options: CreationOptions }> {
  const { user, kind } = input
  const { browser, from } = request.visit
  const party = loginParty(context)
  const { passkeys } = await context.users.credentials(user.id)
  const existing = passkeys.filter((key) => key.relyingParty === party.id)
  const options = await creationOptions({ party, user, kind, existing })
  const data = { user: user.id, kind, challenge: options.challenge }
  const flow = context.flows.begin('key-set-up', data, { browser, network: from.network })
  return { flow: flow.id, options }
}

export type KeySetUp =
  | { readonly kind: 'made'; readonly key: Passkey }
  /** The flow is used, too old or somebody else's. */
  | { readonly kind: 'expired' }
  | { readonly kind: 'refused' }

/** Checks what the browser made of it. The key is ready to be stored, and is not stored yet. */
export async function finishKeySetUp(
  context: AppContext,
  request: FastifyRequest,
  input: {
    readonly user: User
    readonly flow: string
    /** Untrusted, from the browser. */
    readonly response: unknown
    /** As typed; empty: a name is found for it. */
    readonly label: string
  },
): Promise<KeySetUp> {
  const { user } = input
  const flow = context.flows.spend('key-set-up', input.flow, request.visit.browser)
  if (flow === null || flow.data.user !== user.id) return { kind: 'expired' }
  const { kind, challenge } = flow.data
  const party = loginParty(context)
  const made = await verifyCreation({ party, kind, challenge, response: input.response })
  if (made === null) return { kind: 'refused' }
  const label =
    readLabel(input.label) ?? authenticatorName(made.aaguid) ?? defaultLabel(request, kind)
  const key: Passkey = {
    ...made,
    user: user.id,
    kind,
    relyingParty: party.id,
    label,
    createdAt: context.now(),
    lastUsedAt: null,
  }
  return { kind: 'made', key }
}

/** Where it was made says most about a key that does not say what it is. */
function defaultLabel(request: FastifyRequest, kind: CredentialKind): string {
  if (kind === 'security-key') return 'Security key'
  return describeDevice(request.visit.from.headers['user-agent'] ?? '')
}
