// What programs come in with: all tokens, a new one, and an end to them.

import type { TokenRecord } from '../../auth/token-store.ts'
import type { AdminContext } from '../context.ts'
import type { TokensDesk, TokenView } from './people-types.ts'

export function createTokensDesk({
  tokens,
  isRouted,
}: Pick<AdminContext, 'tokens' | 'isRouted'>): TokensDesk {
  const byId = (id: string) => tokens.byId(id)?.record ?? null
  return {
    list: (user) => tokens.list(user ?? undefined).map(({ record }) => viewOf(record)),
    byId(id) {
      const record = byId(id)
      return record === null ? null : viewOf(record)
    },
    isRouted,
    async add(input) {
      const { record, text } = await tokens.create(input)
      return { token: viewOf(record), text }
    },
    async revoke(id) {
      const record = byId(id)
      if (record === null) return null
      await tokens.remove([id], 'revoked')
      return viewOf(record)
    },
    revokeUser: (user) =>
      tokens.remove(
        tokens.list(user).map(({ record }) => record.id),
        'revoked',
      ),
  }
}

/** Without the hash. */
function viewOf(record: TokenRecord): TokenView {
  const { id, user, label, hosts, methods, paths, wake, scopes } = record
  const { createdAt, expiresAt, lastUsedAt, lastAddress } = record
  return {
    ...{ id, user, label, hosts, methods, paths, wake, scopes },
    ...{ createdAt, expiresAt, lastUsedAt, lastAddress },
  }
}
