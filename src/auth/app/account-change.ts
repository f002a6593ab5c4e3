// A change of an account is written down twice: for whoever runs the gateway, and for the person himself.

import type { FastifyRequest } from 'fastify'
import type { UserId } from '../../model.ts'
import type { AuditEntry } from '../audit.ts'
import type { Notice } from '../people.ts'
import { describeDevice } from './account-device.ts'
import type { AppContext } from './context.ts'

export interface AccountChange {
  readonly user: UserId
  /** `credential-added`, `session-ended`, … for the audit log. */
  readonly event: string
  readonly details?: AuditEntry['details']
  /** A sentence for the person, plain text, without device and address; `null`: not worth a notice. */
  readonly notice?: { readonly kind: Notice['kind']; readonly text: string } | null
}

/** Writes it down. Never rejects: the change has happened, and a notice that cannot be kept does not undo it. */
export async function noteChange(
  context: AppContext,
  request: FastifyRequest,
  change: AccountChange,
): Promise<void> {
  const { user, event, details = {}, notice = null } = change
  const { from } = request.visit
  const at = context.now()
  const { client } = from
  context.audit.write({ at, event, actor: user, user, client, request: from.id, details })
  if (notice === null) return
  const device = describeDevice(from.headers['user-agent'] ?? '')
  const text = `${notice.text} By ${device}, from ${client}.`
  try {
    await context.users.addNotice({ user, at, kind: notice.kind, text })
  } catch {
    context.log.warn('notice-not-kept', { request: from.id, reason: 'store-unavailable' })
  }
}
